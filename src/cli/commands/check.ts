/** `check`: reads and maps everything, sends nothing, and says what an import would do. */
import { systemClock } from '../../clock.js';
import type { CheckReport } from '../../check-report.js';
import { usageError } from '../../errors.js';
import type { Observe } from '../../events.js';
import { loadMapping } from '../../mapping/index.js';
import { jsonLine } from '../../progress/escape.js';
import { createRenderer } from '../../progress/index.js';
import { runCheck, type CheckFindings } from '../../run/check-run.js';
import type { MappedColumns } from '../../run/coverage.js';
import { DEFAULT_MAX_CHUNK_BYTES } from '../../run/import-run.js';
import { runMappingTests, type TestResults } from '../../run/mapping-tests.js';
import { withReports, type Reports } from '../ci-reports.js';
import { commandNames } from '../command-names.js';
import { EXIT } from '../exit-codes.js';
import { exitErrorOf, Told } from '../failure.js';
import { inherited } from '../import-command.js';
import { mapperOf, openInputs, whenOpened, type Inputs } from '../inputs.js';
import { print, type Io } from '../io.js';
import { sameInput } from '../next-command.js';
import type { Values } from '../options.js';
import { makeFolder, stateDir } from '../state-dir.js';
import { wantsLocal } from '../session.js';
import { StoppedEarly, stopsOf } from '../signals.js';
import { scratchOfProcess, sortOfCheck } from '../sorting.js';

export async function check(args: readonly string[], values: Values, io: Io): Promise<void> {
  await withReports('check', values, io, (reports) => checkSources(args, values, io, reports));
}

async function checkSources(args: readonly string[], values: Values, io: Io, reports: Reports): Promise<void> {
  const renderer = await createRenderer({
    mode: values.progress,
    stream: io.stderr,
    env: io.env,
    quiet: values.quiet === true,
    verbose: values.verbose === true,
    color: values.color ? undefined : false,
    clock: systemClock,
  });
  const observe: Observe = (event) => {
    renderer.observe(event);
    reports.observe(event);
  };
  const stops = stopsOf(io, values.maxDuration, () => undefined);
  try {
    if (values.explain !== undefined) {
      const { explain } = await import('./check-explain.js');
      await explain(args, values, io, observe, stops.soft);
      return;
    }
    const report =
      values.testsOnly === true
        ? await testsReport(values)
        : await sourcesReport(args, values, io, observe, stops.soft);
    reports.checked(report);
    renderer.close();
    await print(io.stdout, await textOf(report, values, io));
    io.exitCode = report.exitCode;
  } catch (error) {
    const told = stops.soft.aborted && !(error instanceof StoppedEarly) ? new StoppedEarly(stops.reason()) : error;
    observe(exitErrorOf(told));
    throw new Told(told);
  } finally {
    renderer.close();
    await reports.end(renderer.observe);
    stops.release();
  }
}

async function sourcesReport(
  args: readonly string[],
  values: Values,
  io: Io,
  observe: Observe,
  stop: AbortSignal,
): Promise<CheckReport> {
  const opening = openInputs(args, values, commandNames, io.stdin, (code, message, hint) =>
    observe({ type: 'notice', level: 'warning', code, message, hint }),
  );
  const inputs = await whenOpened(opening, io, observe, stop);
  const sizes = inputs.sources.map((source) => source.info.bytes);
  observe({
    type: 'started',
    run: 'check',
    command: 'check',
    project: '',
    host: '',
    keyOrigin: '',
    settings: inherited(values),
    sources: sizes.length,
    totalBytes: sizes.every((size) => size !== undefined) ? sizes.reduce((sum, size) => sum + size, 0) : undefined,
  });
  const tests = testsOf(inputs, values);
  const findings = await findingsOf(inputs, values, io, observe, stop);
  const exitCode = exitCodeOf(findings, tests);
  return {
    ...findings,
    notices: [...(tests?.notices ?? []), ...findings.notices],
    ...(tests === undefined ? {} : { tests: { passed: tests.passed, failed: tests.failed } }),
    exitCode,
    next: findings.items.total === 0 ? undefined : sameInput('run', args, values),
  };
}

function findingsOf(
  inputs: Inputs,
  values: Values,
  io: Io,
  observe: Observe,
  stop: AbortSignal,
): Promise<CheckFindings> {
  return runCheck(
    {
      sources: inputs.sources,
      mapper: inputs.mapper,
      clock: systemClock,
      observe,
      recordRejection: () => undefined,
      columns: columnsOf(inputs.mapping),
      scratch: () => scratchOfProcess(makeFolder(stateDir(values.stateDir, io.env)), io),
    },
    {
      skip: values.skip,
      limit: values.limit ?? Number.POSITIVE_INFINITY,
      chunkSize: values.chunkSize,
      maxChunkBytes: DEFAULT_MAX_CHUNK_BYTES,
      batchSize: values.batchSize,
      lanes: values.concurrency,
      create: values.createMissing ?? new Set(wantsLocal(values) ? ['users', 'graphs', 'threads'] : ['threads']),
      rateLimit: values.rateLimit,
      maxErrors: values.maxErrors,
      onChanged: values.dedupe ? (values.onChanged ?? 'send') : undefined,
      sort: sortOfCheck(values, inputs.mapping, io),
    },
    stop,
  );
}

/** Of rows inside of records nothing can be told. */
function columnsOf(mapping: Inputs['mapping']): MappedColumns | undefined {
  if (mapping === undefined) return undefined;
  return mapping.readsColumns ? { used: mapping.columnsUsed, isAll: true } : undefined;
}

/** With a mapper of their own, so that what they show is not told of the rows. Undefined when the mapping has no examples. */
function testsOf({ mapping }: Pick<Inputs, 'mapping'>, values: Values): TestResults | undefined {
  if (mapping === undefined || mapping.tests.length === 0) return undefined;
  return runMappingTests(mapping.tests, mapperOf(values, mapping));
}

async function testsReport(values: Values): Promise<CheckReport> {
  if (values.mapping === undefined) {
    throw usageError('no-mapping', 'there is no mapping whose tests could run', 'name one: -m map.yaml --tests-only');
  }
  const mapping = await loadMapping(values.mapping);
  const tests = testsOf({ mapping }, values);
  if (tests === undefined) {
    throw usageError(
      'no-tests',
      `${values.mapping} holds no tests`,
      'add examples: tests: [{ row: ..., expect: ... }]',
    );
  }
  const findings = await runCheck(
    {
      sources: [],
      mapper: mapperOf(values, mapping),
      clock: systemClock,
      observe: () => undefined,
      recordRejection: () => undefined,
    },
    {
      skip: 0,
      limit: 0,
      chunkSize: values.chunkSize,
      maxChunkBytes: DEFAULT_MAX_CHUNK_BYTES,
      batchSize: values.batchSize,
      lanes: 1,
      create: new Set(),
      rateLimit: undefined,
      maxErrors: values.maxErrors,
    },
    new AbortController().signal,
  );
  return {
    ...findings,
    notices: tests.notices,
    tests: { passed: tests.passed, failed: tests.failed },
    testsOnly: true,
    exitCode: exitCodeOf(findings, tests),
    next: undefined,
  };
}

/** A mapping that does not do what its own file expects is a mistake in the mapping, whatever the rows are. */
function exitCodeOf({ records, items }: CheckFindings, tests: TestResults | undefined): number {
  if (tests !== undefined && tests.failed > 0) return EXIT.usage;
  return records.rejected + items.rejected > 0 ? EXIT.finishedWithErrors : EXIT.ok;
}

async function textOf(report: CheckReport, values: Values, io: Io): Promise<string> {
  if (values.output === 'json') {
    const { checkJson } = await import('../../progress/check-json.js');
    return jsonLine(checkJson(report));
  }
  const { checkText } = await import('../../progress/check-text.js');
  const { chooseColor, chooseWidth } = await import('../../progress/terminal.js');
  const color = chooseColor(values.color ? undefined : false, io.stdout, io.env);
  return checkText(report, { color, columns: chooseWidth(io.stdout, io.env) });
}
