/**
 * From flags to a finished import: opens the inputs, the service and the ledger, finds out whether a run is to go on, shows the progress, runs, and
 * says the last words. Shared by all commands that import.
 */
import { join } from 'node:path';
import { systemClock } from '../clock.js';
import { AppError } from '../errors.js';
import type { InheritedSetting, Observe } from '../events.js';
import { createRenderer, type Renderer } from '../progress/index.js';
import { DEFAULT_MAX_CHUNK_BYTES, runImport, type ImportOptions, type ImportOutcome } from '../run/import-run.js';
import { FULL_PROTOCOL } from '../run/protocol.js';
import { originText } from './credentials.js';
import { openBooks, type OpenBooks } from './open-books.js';
import { NO_REPORTS } from './ci-reports.js';
import { exitErrorOf, Told } from './failure.js';
import { openInputs, whenOpened, type Inputs } from './inputs.js';
import type { Io } from './io.js';
import { lastWords, prepareLastWords, reasonOf, type ImportSettings, type Job } from './last-words.js';
import type { Values } from './options.js';
import { RewindableInput } from './rewindable-input.js';
import { RunLog } from './run-log.js';
import { openSession, type Session } from './session.js';
import { stopsOf } from './signals.js';
import { sortOfRun } from './sorting.js';

export async function importSources(
  args: readonly string[],
  values: Values,
  io: Io,
  settings: ImportSettings,
): Promise<void> {
  const reports = settings.reports ?? NO_REPORTS;
  const screen = await createRenderer({
    mode: values.progress,
    stream: io.stderr,
    env: io.env,
    quiet: values.quiet === true,
    verbose: values.verbose === true,
    color: values.color ? undefined : false,
    clock: systemClock,
    summary: values.output === 'json' && values.progress !== 'none' && values.quiet !== true,
  });
  const renderer: Renderer = {
    ...screen,
    observe: (event) => {
      screen.observe(event);
      reports.observe(event);
    },
  };
  const stops = stopsOf(io, values.maxDuration, (hard) => tellStop(renderer.observe, hard));
  const stdin = args.includes('-') ? new RewindableInput(io.stdin) : undefined;
  try {
    const job: Job = { args, values, io, settings, renderer, stops };
    let again = await importOnce(job, stdin);
    // A stream that turns out to be another one than last time: the old run was closed, and this one begins at its beginning.
    while (again && stdin !== undefined) {
      stdin.rewind();
      again = await importOnce(job, stdin);
    }
  } catch (error) {
    renderer.observe(exitErrorOf(error));
    throw new Told(error);
  } finally {
    renderer.close();
    await reports.end(screen.observe, whatStops(stops));
    stops.release();
    await stdin?.close();
  }
}

/** A signal that comes once the run is over ends what is left; the second of one that was stopped by a first. */
function whatStops({ soft, hard }: Job['stops']): AbortSignal {
  return soft.aborted ? hard : AbortSignal.any([soft, hard]);
}

function tellStop(observe: Observe, hard: boolean): void {
  observe({
    type: 'notice',
    level: 'warning',
    code: hard ? 'stopping-now' : 'stopping',
    message: hard ? 'stopping at once' : 'stopping: what is in flight is finished; once more to stop at once',
  });
}

/** True when the input is to be imported from its beginning, by a new run. */
async function importOnce(job: Job, stdin: RewindableInput | undefined): Promise<boolean> {
  const { args, values, io, settings, renderer, stops } = job;
  const { observe } = renderer;
  const { commandNames } = await import('./command-names.js');
  const notice = (code: string, message: string, hint?: string): void =>
    observe({ type: 'notice', level: 'warning', code, message, hint });
  const opening = settings.inputs?.() ?? openInputs(args, values, commandNames, stdin?.stream() ?? io.stdin, notice);
  const inputs = await whenOpened(opening, io, observe, stops.soft);
  // Before the first phase nothing is drawn: a service that does not answer is told in lines.
  let isOpen = false;
  const session = await openSession(values, io, {
    ...settings.session,
    stop: stops.soft,
    onWait: (reason, ms, detail) => {
      if (isOpen) observe({ type: 'waiting', reason, ms, ...(detail === undefined ? {} : { detail }) });
      else if (detail !== undefined) notice('opening', `trying again: ${detail}`);
    },
  });
  isOpen = true;
  try {
    const books = await openBooks(job, inputs, session, stdin);
    const logged = await withLog(job, books);
    try {
      const deps = depsOf(logged, inputs, session, books);
      const outcome = inRetry(await runImport(deps, optionsOf(job, inputs, session, books), stops), settings);
      if (isAnotherStream(outcome, books)) {
        await closeAtLastRow(logged, inputs, session, books);
        return true;
      }
      tellOfTexts(inputs, logged.renderer.observe);
      await books.writeReasons();
      await lastWords(outcome, { ...logged, books });
      return false;
    } finally {
      logged.closeLog();
      await books.close();
    }
  } finally {
    await session.close().catch((error: unknown) => notice('close-failed', reasonOf(error)));
  }
}

/** What the mapping did to texts, for which no row stands. */
function tellOfTexts({ mapper }: Inputs, observe: Observe): void {
  for (const { level, code, message, hint } of mapper.notices()) {
    if (code === 'redacted' || code === 'truncated') observe({ type: 'notice', level, code, message, hint });
  }
}

/** The same job, whose progress is also written to the log of the run. */
async function withLog(job: Job, books: OpenBooks): Promise<Job & { closeLog(): void }> {
  const { renderer } = job;
  const file = new RunLog(join(books.folder, 'run.log'));
  const log = await createRenderer({
    mode: 'plain',
    stream: file,
    env: {},
    quiet: false,
    verbose: false,
    color: false,
    clock: systemClock,
    summary: true,
  });
  let isPrepared = false;
  const observe: Observe = (event) => {
    renderer.observe(event);
    log.observe(event);
    // Not before the first call is answered, which everything waits for.
    if (isPrepared || (event.type !== 'chunk' && event.type !== 'known')) return;
    isPrepared = true;
    prepareLastWords();
  };
  return {
    ...job,
    renderer: { ...renderer, observe },
    closeLog() {
      log.close();
      file.closeFile();
    },
  };
}

/** How to begin an import anew is no advice for a retry, which reads the rows of another run where they stood. */
function inRetry(outcome: ImportOutcome, { parent }: ImportSettings): ImportOutcome {
  const { error } = outcome;
  if (parent === undefined || !(error instanceof AppError) || error.code !== 'source-changed') return outcome;
  const { message, code, disposition, cause } = error;
  const hint =
    'import it again, which sends what is new or mended; then take the old rows off the list with zep-import retry --forget';
  return { ...outcome, error: new AppError(message, { code, disposition, hint, cause }) };
}

/** A stream that was to go on is not the one that it was: nothing of it was sent. */
function isAnotherStream({ error }: ImportOutcome, books: OpenBooks): boolean {
  return error instanceof AppError && error.code === 'source-changed' && books.isResumed && books.readsStream;
}

/** What the old run has in drafts is a true prefix of what it was given: that is handed over, and the run is over. */
async function closeAtLastRow(job: Job, inputs: Inputs, session: Session, books: OpenBooks): Promise<void> {
  const { observe } = job.renderer;
  observe({
    type: 'notice',
    level: 'warning',
    code: 'stream-differs',
    message: `standard input is not what it was when run ${books.run} was interrupted: that run is closed at its last accepted row, and a new one begins`,
  });
  const deps = depsOf(job, inputs, session, books);
  const options = { ...optionsOf(job, inputs, session, books), handOverOnly: true, wait: true, stageOnly: false };
  const { error } = await runImport(deps, options, job.stops);
  if (error instanceof Error) throw error;
  await books.writeReasons();
  books.ledger.runs.setState(books.run, 'delivered');
}

function depsOf(
  { renderer, settings }: Job,
  inputs: Inputs,
  { api }: Session,
  books: OpenBooks,
): Parameters<typeof runImport>[0] {
  return {
    ...books.deps,
    recalled: settings.recalled,
    redactRow: inputs.mapping?.redactRow,
    mapper: inputs.mapper,
    api,
    clock: systemClock,
    observe: renderer.observe,
  };
}

function optionsOf({ values, settings }: Job, inputs: Inputs, session: Session, books: OpenBooks): ImportOptions {
  const batch = inputs.mapping?.batch;
  return {
    run: books.run,
    project: session.project,
    projectName: session.projectName,
    settings: inherited(values),
    host: session.host,
    keyOrigin: session.keyOrigin,
    command: settings.command,
    mappingFingerprint: inputs.mapping?.fingerprint ?? 'none',
    sourceFingerprint: books.sourceFingerprint,
    batch: {
      metadata: batch?.metadata ?? {},
      ...(batch?.ignore_roles === undefined ? {} : { ignore_roles: batch.ignore_roles }),
      ...(batch?.strict_ontology === undefined ? {} : { strict_ontology: batch.strict_ontology }),
    },
    skip: values.skip,
    limit: values.limit ?? Number.POSITIVE_INFINITY,
    chunkSize: values.chunkSize,
    maxChunkBytes: DEFAULT_MAX_CHUNK_BYTES,
    batchSize: values.batchSize,
    lanes: values.concurrency,
    order: values.order,
    create:
      values.createMissing ??
      new Set(session.isLocal ? (['users', 'graphs', 'threads'] as const) : (['threads'] as const)),
    maxErrors: values.maxErrors,
    wait: values.wait,
    waitTimeoutMs: values.waitTimeout,
    settleWindowMs: values.settleWindow,
    pollMs: 1_000,
    stageOnly: values.stageOnly === true,
    handOverOnly: settings.handOverOnly === true,
    onChanged: values.onChanged ?? 'send',
    protocol: settings.protocol ?? FULL_PROTOCOL,
    sort: sortOfRun(values, inputs.mapping, books.folder),
  };
}

/** Values that change what is imported and were not typed: a forgotten variable, or a line in a file, must not go unseen. */
export function inherited(values: Values): readonly InheritedSetting[] {
  return (['limit', 'skip', 'restart', 'yes'] as const).flatMap((name) => {
    const origin = values.origins.get(name);
    if (origin === undefined || origin.kind === 'flag') return [];
    return [{ name, value: String(values[name]), origin: originText(origin, `--${name}`) }];
  });
}
