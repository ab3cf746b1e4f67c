/** `demo`: the main job on samples from inside this package, against the local server, with state that is gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE_ROOT } from '../../package-root.js';
import { FLAGS, size } from '../flags.js';
import { importSources } from '../import-command.js';
import { print, type Io } from '../io.js';
import type { Values } from '../options.js';

/** Items a second: slow enough to see the service at work. */
const PROCESSING_RATE = 700;

export async function demo(_args: readonly string[], values: Values, io: Io): Promise<void> {
  const samples = fileURLToPath(new URL('fixtures/demo/', PACKAGE_ROOT));
  const folder = mkdtempSync(join(tmpdir(), 'zep-import-demo-'));
  if (values.quiet !== true) {
    await print(
      io.stderr,
      'Importing 400 support conversations into the local server (no account, nothing leaves this machine):\n' +
        '  zep-import tickets.jsonl.gz -m tickets.yaml --local\n\n',
    );
  }
  const settled: Values = {
    ...values,
    mapping: join(samples, 'tickets.yaml'),
    format: 'auto',
    skip: 0,
    maxRecordBytes: size(FLAGS.maxRecordBytes.default),
    maxDocumentBytes: size(FLAGS.maxDocumentBytes.default),
    maxDocumentSeconds: FLAGS.maxDocumentSeconds.default,
    local: true,
    chunkSize: 100,
    batchSize: 1_000,
    concurrency: 1,
    order: 'strict',
    settleWindow: 1_000,
    maxErrors: { kind: 'count', value: 100 },
    wait: true,
    given: [],
    configured: [],
    origins: new Map(),
    stateDir: folder,
    dedupe: true,
    spool: true,
    items: 0,
  };
  try {
    await importSources([join(samples, 'tickets.jsonl.gz')], settled, io, {
      command: 'demo',
      session: { localData: join(folder, 'local.db'), processingRate: PROCESSING_RATE },
      isTemporary: true,
      next: 'zep-import preview YOUR-FILE -m YOUR-MAPPING.yaml   (a mapping to start from: fixtures/demo/tickets.yaml)',
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
