/** `check`: reads and maps everything, sends nothing, and says what an import would do. */
import { systemClock } from '../../clock.js';
import type { CheckReport } from '../../check-report.js';
import { createRenderer } from '../../progress/index.js';
import { runCheck } from '../../run/check-run.js';
import { DEFAULT_MAX_CHUNK_BYTES } from '../../run/import-run.js';
import { commandNames } from '../command-names.js';
import { EXIT } from '../exit-codes.js';
import { describeFailure, Told } from '../failure.js';
import { openInputs } from '../inputs.js';
import { print, type Io } from '../io.js';
import type { Values } from '../options.js';
import { stopsOf } from '../signals.js';

export async function check(args: readonly string[], values: Values, io: Io): Promise<void> {
  const renderer = await createRenderer({
    mode: values.progress,
    stream: io.stderr,
    env: io.env,
    quiet: values.quiet === true,
    verbose: values.verbose === true,
    color: values.color ? undefined : false,
    clock: systemClock,
  });
  const { observe } = renderer;
  const stops = stopsOf(io, undefined, () => undefined);
  try {
    const inputs = await openInputs(args, values, commandNames, io.stdin, (code, message, hint) =>
      observe({ type: 'notice', level: 'warning', code, message, hint }),
    );
    const sizes = inputs.sources.map((source) => source.info.bytes);
    observe({
      type: 'started',
      run: 'check',
      command: 'check',
      project: '',
      host: '',
      keyOrigin: '',
      sources: sizes.length,
      totalBytes: sizes.every((size) => size !== undefined) ? sizes.reduce((sum, size) => sum + size, 0) : undefined,
    });
    const findings = await runCheck(
      {
        sources: inputs.sources,
        mapper: inputs.mapper,
        clock: systemClock,
        observe,
        recordRejection: () => undefined,
      },
      {
        skip: values.skip,
        limit: values.limit ?? Number.POSITIVE_INFINITY,
        chunkSize: values.chunkSize,
        maxChunkBytes: DEFAULT_MAX_CHUNK_BYTES,
        batchSize: values.batchSize,
        lanes: values.concurrency,
        create: values.createMissing ?? new Set(values.local === true ? ['users', 'graphs', 'threads'] : ['threads']),
        rateLimit: values.rateLimit,
      },
      stops.soft,
    );
    const rejected = findings.records.rejected + findings.items.rejected;
    const report: CheckReport = {
      ...findings,
      exitCode: rejected > 0 ? EXIT.finishedWithErrors : EXIT.ok,
      next: nextCommand(args, values, findings.items.total),
    };
    renderer.close();
    await print(io.stdout, await textOf(report, values, io));
    io.exitCode = report.exitCode;
  } catch (error) {
    if (stops.soft.aborted) {
      io.exitCode = stops.signal() === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
      return;
    }
    const { code, message, hint, exitCode } = describeFailure(error);
    observe({ type: 'exit-error', code, message, hint, exitCode });
    throw new Told(error);
  } finally {
    stops.release();
    renderer.close();
  }
}

async function textOf(report: CheckReport, values: Values, io: Io): Promise<string> {
  if (values.output === 'json') {
    const { checkJson } = await import('../../progress/check-json.js');
    return `${JSON.stringify(checkJson(report))}\n`;
  }
  const { checkText } = await import('../../progress/check-text.js');
  const { chooseColor, chooseColumns } = await import('../../progress/terminal.js');
  const color = chooseColor(values.color ? undefined : false, io.stdout, io.env);
  const text = checkText(report, { color, columns: chooseColumns(io.stdout, io.env) });
  return text.endsWith('\n') ? text : `${text}\n`;
}

function nextCommand(args: readonly string[], values: Values, items: number): string | undefined {
  if (items === 0) return undefined;
  const mapping = values.mapping === undefined ? '' : ` -m ${quoted(values.mapping)}`;
  return `zep-import run ${args.map(quoted).join(' ')}${mapping}`;
}

/** An argument as a POSIX shell takes it. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
