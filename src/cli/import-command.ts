/**
 * From flags to a finished import: opens the inputs, the service and the ledger, shows the progress, runs, and says the last words. Shared by `run`
 * and `demo`.
 */
import { createHash, randomBytes } from 'node:crypto';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../clock.js';
import type { InheritedSetting, Observe } from '../events.js';
import { Ledger } from '../ledger/ledger.js';
import type { Source } from '../model.js';
import { createRenderer } from '../progress/index.js';
import { DEFAULT_MAX_CHUNK_BYTES, runImport, type ImportOptions } from '../run/import-run.js';
import { RejectsLog } from '../run/rejects-log.js';
import { Spool } from '../run/spool.js';
import { describeFailure, Told } from './failure.js';
import { openInputs, whenOpened, type Inputs } from './inputs.js';
import type { Io } from './io.js';
import { lastWords, reasonOf, type ImportSettings, type Job } from './last-words.js';
import type { Values } from './options.js';
import { openSession, type Session } from './session.js';
import { stopsOf } from './signals.js';
import { makeFolder, stateDir } from './state-dir.js';

export async function importSources(
  args: readonly string[],
  values: Values,
  io: Io,
  settings: ImportSettings,
): Promise<void> {
  const renderer = await createRenderer({
    mode: values.progress,
    stream: io.stderr,
    env: io.env,
    quiet: values.quiet === true,
    verbose: values.verbose === true,
    color: values.color ? undefined : false,
    clock: systemClock,
    summary: values.output === 'json' && values.progress !== 'none',
  });
  const stops = stopsOf(io, values.maxDuration, (hard) => tellStop(renderer.observe, hard));
  try {
    await importOnce({ args, values, io, settings, renderer, stops });
  } catch (error) {
    const { code, message, hint, exitCode } = describeFailure(error);
    renderer.observe({ type: 'exit-error', code, message, hint, exitCode });
    throw new Told(error);
  } finally {
    stops.release();
    renderer.close();
  }
}

function tellStop(observe: Observe, hard: boolean): void {
  observe({
    type: 'notice',
    level: 'warning',
    code: hard ? 'stopping-now' : 'stopping',
    message: hard ? 'stopping at once' : 'stopping: what is in flight is finished; once more to stop at once',
  });
}

async function importOnce(job: Job): Promise<void> {
  const { args, values, io } = job;
  const id = runId();
  const folder = join(makeFolder(stateDir(values.stateDir, io.env)), 'runs', id);
  const fromStdin = args.includes('-');
  const spool = fromStdin ? new Spool(io.stdin, join(makeFolder(folder), 'stdin.gz')) : undefined;
  try {
    await importInto(job, id, folder, spool);
  } finally {
    await spool?.remove();
    // Left over empty when the run could not start.
    await rmdir(folder).catch(() => undefined);
  }
}

async function importInto(job: Job, id: string, folder: string, spool: Spool | undefined): Promise<void> {
  const { args, values, io, settings, renderer, stops } = job;
  const { observe } = renderer;
  const state = stateDir(values.stateDir, io.env);
  const { commandNames } = await import('./command-names.js');
  const notice = (code: string, message: string, hint?: string): void =>
    observe({ type: 'notice', level: 'warning', code, message, hint });
  const opening = openInputs(args, values, commandNames, spool?.stream ?? io.stdin, notice);
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
  const rejects = new RejectsLog(join(makeFolder(folder), 'rejected.jsonl'), (error) =>
    notice('rejects-unwritable', `the list of rejected rows cannot be written: ${reasonOf(error)}`),
  );
  try {
    const ledger = await Ledger.open(join(state, 'ledger.db'));
    try {
      const outcome = await runImport(
        {
          sources: inputs.sources,
          openAgain: opener(inputs, spool),
          mapper: inputs.mapper,
          api: session.api,
          ledger,
          clock: systemClock,
          observe,
          recordRejection: (rejection) => rejects.add(rejection),
          randomId: () => randomBytes(8).toString('hex'),
        },
        optionsOf(id, values, inputs, session, settings),
        stops,
      );
      rejects.close();
      await lastWords(outcome, { ...job, folder, ledger, rejects });
    } finally {
      ledger.close();
    }
  } finally {
    rejects.close();
    await session.close().catch((error: unknown) => notice('close-failed', reasonOf(error)));
  }
}

function runId(): string {
  return `${new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${randomBytes(3).toString('hex')}`;
}

function fingerprintOf(sources: readonly Source[]): string {
  const facts = sources.map(({ info }) => [info.id, info.bytes ?? null]);
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32);
}

function opener(inputs: Inputs, spool: Spool | undefined) {
  return async (index: number): Promise<Source> => {
    const original = inputs.sources[index];
    if (original === undefined) throw new RangeError(`no source ${index}`);
    if (original.info.bytes !== undefined || spool === undefined) return original;
    await spool.flushed();
    const { discoverSources } = await import('../sources/index.js');
    const format = original.info.format;
    const [copy] = await discoverSources([spool.path], {
      ...inputs.sourceOptions,
      ...(format === 'document' ? {} : { format }),
      as: { id: original.info.id, index },
    });
    if (copy === undefined) throw new RangeError('the spool is gone');
    return copy;
  };
}

function optionsOf(
  id: string,
  values: Values,
  inputs: Inputs,
  session: Session,
  settings: ImportSettings,
): ImportOptions {
  const batch = inputs.mapping?.batch;
  return {
    run: id,
    project: session.project,
    projectName: session.projectName,
    settings: inherited(values),
    host: session.host,
    keyOrigin: session.keyOrigin,
    command: settings.command,
    mappingFingerprint: inputs.mapping?.fingerprint ?? 'none',
    sourceFingerprint: fingerprintOf(inputs.sources),
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
  };
}

/** Values that change what is imported and were not typed: a forgotten variable must not go unseen. */
export function inherited(values: Values): readonly InheritedSetting[] {
  return (['limit', 'skip', 'yes'] as const)
    .filter((name) => values.fromEnvironment.has(name))
    .map((name) => ({ name, value: String(values[name]), origin: `ZEP_IMPORT_${name.toUpperCase()}` }));
}
