/** `run`: an import. `--dry-run` is `check`. */
import type { Protocol } from '../../run/protocol.js';
import { withReports } from '../ci-reports.js';
import type { Io } from '../io.js';
import { importSources } from '../import-command.js';
import type { Values } from '../options.js';

export async function run(args: readonly string[], values: Values, io: Io, protocol: Protocol): Promise<void> {
  if (values.dryRun === true) {
    const { check } = await import('./check.js');
    await check(args, values, io);
    return;
  }
  await withReports('run', values, io, (reports) =>
    importSources(args, values, io, { command: 'run', protocol, reports }),
  );
}
