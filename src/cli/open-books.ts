/**
 * The books of one import: finds the run that a command belongs to (or begins one), takes its lock, and opens what is kept of it: its folder, the
 * trails of its sources, the copies of those that cannot be read twice, the marks of its project.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, openSync, readSync, closeSync, rmSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { AppError, usageError } from '../errors.js';
import type { Observe } from '../events.js';
import { missingFromLedger } from '../ledger/database.js';
import { Ledger } from '../ledger/ledger.js';
import { Marks } from '../ledger/marks.js';
import { RunLock, type Holder } from '../ledger/run-lock.js';
import type { SpoolState, StoredRun, TypedCommand } from '../ledger/runs.js';
import type { ContentTap, RejectionStage, Source } from '../model.js';
import { RemoteError, type BatchSummary, type RemoteApi } from '../remote/api.js';
import { closeRun, giveUpRun } from '../run/give-up.js';
import type { ImportDeps } from '../run/import-run.js';
import {
  decideRun,
  isSameWork,
  matchSources,
  runKey,
  storedSource,
  touchedOf,
  type RunRequest,
} from '../run/open-run.js';
import { settleEarlier } from '../run/settle-batches.js';
import { writeReasons } from '../run/reject-reasons.js';
import { Spool, spoolTap } from '../run/spool.js';
import { createContentTrails, discoverSources, renumber, type ContentTrail } from '../sources/index.js';
import type { Inputs } from './inputs.js';
import { agrees, type Io } from './io.js';
import type { Job } from './last-words.js';
import { REPORTS, type RowsToMend } from './next-command.js';
import type { Values } from './options.js';
import type { RewindableInput } from './rewindable-input.js';
import type { Session } from './session.js';
import { settled } from './overruled.js';
import { isSorted, removeLeftSorts } from './sorting.js';
import { makeFolder, stateDir } from './state-dir.js';

export interface OpenBooks {
  readonly ledger: Ledger;
  readonly run: string;
  readonly folder: string;
  readonly sourceFingerprint: string;
  /** An earlier try is gone on with. */
  readonly isResumed: boolean;
  /** A source is a stream. */
  readonly readsStream: boolean;
  /** What the import needs of them. */
  readonly deps: Omit<ImportDeps, 'mapper' | 'api' | 'clock' | 'observe'>;
  /** Writes down why rows were rejected; the paths of that and of the rows themselves are in `rejectPaths` then. */
  writeReasons(): Promise<void>;
  rejectPaths(): readonly string[];
  /** The files of rejected rows that can be mended and imported: none where it is the documents themselves that cannot be read. */
  rowsToMend(): RowsToMend;
  close(): Promise<void>;
}

export async function openBooks(
  job: Job,
  inputs: Inputs,
  session: Session,
  stdin: RewindableInput | undefined,
): Promise<OpenBooks> {
  const { values, io, renderer } = job;
  const state = makeFolder(stateDir(values.stateDir, io.env));
  const ledger = await Ledger.open(join(state, 'ledger.db'));
  try {
    const request = requestOf(job, inputs, session);
    const lock = await RunLock.acquire(join(state, 'locks'), request.key, holderOf(io));
    try {
      const marks = values.dedupe ? new Marks(ledger.db, session.project, ledger.folder) : undefined;
      const run = await chooseRun({ ledger, request, session, job, marks });
      await removeLeftSorts(state, ledger, run.id);
      const folder = makeFolder(join(state, 'runs', run.id));
      job.settings.onRun?.(ledger, run.id);
      return await booksOf({
        ...{ ledger, lock, marks, run, folder, state, inputs, values, stdin, request, io },
        observe: renderer.observe,
        onDelivered: job.settings.onDelivered,
      });
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    ledger.close();
    throw error;
  }
}

function holderOf({ pid }: Pick<Io, 'pid'>): Holder {
  return { pid: pid ?? 0, host: hostname(), since: new Date().toISOString() };
}

// --- which run --------------------------------------------------------------------------------------------------------------------

function requestOf(job: Job, inputs: Inputs, session: Session): RunRequest {
  const { args, values, settings } = job;
  const command = typedCommand(args, settled(values, inputs.mapping));
  const mappingPath = values.mapping === undefined ? undefined : resolve(values.mapping);
  const identity = values.name === undefined ? { sources: command.sources, mappingPath } : { name: values.name };
  return {
    key: settings.key ?? runKey(session.project, identity),
    name: values.name,
    parent: settings.parent,
    project: session.project,
    host: session.host,
    mapping: inputs.mapping?.fingerprint ?? 'none',
    mappingPath,
    keyed: inputs.mapping?.hasKey ?? false,
    target: targetOf(values, inputs.mapping),
    command,
    sourceFingerprint: fingerprintOf(inputs.sources),
    staged: values.stageOnly === true,
    restart: values.restart === true,
    dedupe: values.dedupe && settings.parent === undefined,
    onChangedGiven: values.onChanged !== undefined,
  };
}

/** Flags that are of one try only, or that nobody may find in a file. */
const NOT_KEPT: ReadonlySet<string> = new Set(['apiKey', 'restart', 'yes', 'dryRun', ...REPORTS]);
const PATHS: ReadonlySet<string> = new Set(['mapping', 'apiKeyFile', 'stateDir', 'config']);
/** How things are shown is asked of config files anew each time. */
const OF_A_LOOK: ReadonlySet<string> = new Set(['progress', 'output', 'quiet', 'verbose', 'noColor']);

/** With absolute paths, so that it means the same from anywhere. */
export function typedCommand(args: readonly string[], values: Values): TypedCommand {
  return {
    cwd: resolve('.'),
    sources: args.map((arg) => (arg === '-' ? arg : resolve(arg))),
    flags: [...values.configured.filter(({ name }) => !OF_A_LOOK.has(name)), ...values.given]
      .filter(({ name }) => !NOT_KEPT.has(name))
      .map(({ name, words: [flag = '', value] }) => ({
        name,
        words: value === undefined ? [flag] : [flag, PATHS.has(name) ? resolve(value) : value],
      })),
  };
}

/** What else decides which items come of a row, where they go, and in what order. */
function targetOf(given: Values, mapping: Inputs['mapping']): Record<string, string> {
  const values = settled(given, mapping);
  const target: Record<string, string> = {};
  if (values.includeDms === true) target['include-dms'] = 'true';
  for (const name of ['graph', 'user', 'thread', 'encoding', 'preset'] as const) {
    const value = values[name];
    if (value !== undefined) target[name] = value;
  }
  if (values.format !== 'auto') target['format'] = values.format;
  if (values.skip > 0) target['skip'] = String(values.skip);
  if (isSorted(values, mapping)) target['sort'] = 'created_at';
  return target;
}

interface Choice {
  readonly ledger: Ledger;
  readonly request: RunRequest;
  readonly session: Session;
  readonly job: Job;
  readonly marks: Marks | undefined;
}

async function chooseRun(choice: Choice): Promise<StoredRun> {
  const { ledger, request, job, session, marks } = choice;
  const { observe } = job.renderer;
  await settleEarlier({ ledger, api: session.api, marks, observe }, session.project, job.stops.hard);
  const latest = latestRun(ledger, request);
  const holds = latest !== undefined && ledger.batches.accepted(latest.id) + (latest.totals?.['known'] ?? 0) > 0;
  const opening = decideRun(latest, request, holds);
  if (opening.kind === 'resume') {
    await refuseOlderLedger(choice, opening.run.id);
    ledger.runs.again(opening.run.id, request.command, request.staged);
    return ledger.runs.byId(opening.run.id) ?? opening.run;
  }
  if (job.settings.handOverOnly === true) {
    throw new AppError('this run is not open: it has no drafts to hand over', {
      code: 'not-open',
      disposition: 'not-found',
      hint: 'zep-import runs',
    });
  }
  if (opening.kind === 'restart') await giveUp(choice, opening.run);
  await lookAtDrafts(choice);
  const id = newRunId();
  ledger.runs.begin({ ...request, id }, new Date().toISOString());
  const begun = ledger.runs.byId(id);
  if (begun === undefined) throw missingFromLedger(ledger.db.sql.path, `run ${id}`);
  return begun;
}

/** The run that the command may belong to. One that has nothing at the service does not stand in the way of a mended mapping. */
function latestRun(ledger: Ledger, request: RunRequest): StoredRun | undefined {
  const latest = ledger.runs.latest(request.key);
  if (latest?.state !== 'open' || isSameWork(latest, request)) return latest;
  if (ledger.batches.of(latest.id).some(({ state }) => !NOTHING.has(state))) return latest;
  closeRun(ledger, latest.id);
  return ledger.runs.latest(request.key);
}

/** States of a batch of which nothing is at the service, but perhaps a draft that nobody knows. */
const NOTHING: ReadonlySet<string> = new Set(['intended', 'deleted', 'lost']);

function newRunId(): string {
  return `${new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${randomBytes(3).toString('hex')}`;
}

async function giveUp({ ledger, session, job, marks }: Choice, run: StoredRun): Promise<void> {
  const { values, io, renderer, stops, settings } = job;
  const handedOver = ledger.batches
    .of(run.id)
    .filter(({ state }) => state === 'started' || state === 'terminal')
    .reduce((sum, { items }) => sum + items, 0);
  if (handedOver > 0 && values.yes !== true) {
    const question = `${handedOver} items of run ${run.id} were processed already: they stay, and are not sent again where they can be told. Begin anew?`;
    if (!(await agrees(question, io))) {
      throw usageError(
        'needs-yes',
        `${handedOver} items of run ${run.id} were processed already`,
        'to begin anew all the same, say so with --yes',
      );
    }
  }
  const withdrawn = settings.protocol?.markWithdrawal === false ? undefined : marks;
  const deps = { api: session.api, ledger, marks: withdrawn, observe: renderer.observe };
  const { deleted } = await giveUpRun(deps, run, stops.hard);
  renderer.observe({
    type: 'notice',
    level: 'info',
    code: 'restarted',
    message: `run ${run.id} is given up: ${deleted} items in drafts were deleted`,
  });
}

/** So many of the newest batches are looked at. */
const NEWEST = 200;

/**
 * A ledger that was put back from a copy does not know what was sent after it was made, and would have it sent again. The service does: batches
 * of the run that were processed and are not in the books.
 */
async function refuseOlderLedger({ ledger, session, job }: Choice, run: string): Promise<void> {
  for await (const batch of session.api.listBatches({ limit: NEWEST }, job.stops.hard)) {
    const isOurs = batch.metadata['zi_run'] === run && (batch.itemCount ?? 1) > 0;
    if (!isOurs || NOT_PROCESSED.has(batch.status) || isAccountedFor(ledger, batch)) continue;
    throw new AppError(
      `batch ${batch.batchId} of run ${run} was processed with items that this ledger does not know: the ledger is older than what was sent`,
      {
        code: 'ledger-older',
        disposition: 'ledger',
        hint: 'bring the newest copy of the state folder back; what is at the service: zep-import batches list',
      },
    );
  }
}

/** The books know the batch, and all that may be in it: what was accepted, and what was being added. */
function isAccountedFor(ledger: Ledger, { batchId, itemCount }: BatchSummary): boolean {
  const batch = ledger.batches.byId(batchId);
  if (batch === undefined) return false;
  const adding = ledger.batches.intendedChunks(batch.row).reduce((sum, { items }) => sum + items, 0);
  const isFilling = batch.state === 'open' || batch.state === 'closed' || batch.state === 'rebuilding';
  return !isFilling || (itemCount ?? 0) <= batch.items + adding;
}

const NOT_PROCESSED: ReadonlySet<string> = new Set(['draft', 'invalid', '']);

/**
 * One look at the drafts of the project. Those that an ended run of this ledger made and does not know (its create call was not heard) are
 * deleted. Those of the same sources by a run that is not in this ledger are refused: another machine may be importing them, and nothing here
 * knows what it has sent.
 */
async function lookAtDrafts({ ledger, request, session, job }: Choice): Promise<void> {
  const strays: BatchSummary[] = [];
  for await (const batch of session.api.listBatches({ status: 'draft' }, job.stops.hard)) {
    const { zi_src: source, zi_run: name } = batch.metadata;
    const run = typeof name === 'string' ? ledger.runs.byId(name) : undefined;
    if (run !== undefined && run.state !== 'open' && !isInUse(ledger, batch.batchId)) strays.push(batch);
    const isForeign = run === undefined && typeof name === 'string' && source === request.sourceFingerprint;
    if (isForeign && source !== '' && job.values.yes !== true) throw foreignDraft(batch.batchId, name);
  }
  for (const { batchId } of strays) await deleteStray(session.api, batchId, job.stops.hard);
}

function isInUse(ledger: Ledger, batchId: string): boolean {
  const batch = ledger.batches.byId(batchId);
  return batch !== undefined && batch.state !== 'deleted' && batch.state !== 'lost';
}

/** Somebody else may be quicker, or may have processed it: then it is no stray any more. */
async function deleteStray(api: RemoteApi, batch: BatchSummary['batchId'], signal: AbortSignal): Promise<void> {
  try {
    await api.deleteBatch(batch, signal);
  } catch (error) {
    if (!(error instanceof RemoteError) || error.status !== 409) throw error;
  }
}

function foreignDraft(batch: string, run: string): AppError {
  return new AppError(
    `batch ${batch} is a draft of the same sources by run ${run}, which is not in this ledger: another machine may be importing them`,
    {
      code: 'foreign-drafts',
      disposition: 'ledger',
      hint: 'go on there, or delete its drafts (zep-import batches delete); to import here all the same: --yes',
    },
  );
}

const FINGERPRINT_SOURCES = 16;
const FINGERPRINT_BYTES = 4096;

/** By the beginnings of the sources, whatever they are called: the same on another machine. Empty when there is no file among them. */
function fingerprintOf(sources: readonly Source[]): string {
  const hash = createHash('sha256');
  let files = 0;
  for (const { info } of sources) {
    if (info.file === undefined) continue;
    if (++files > FINGERPRINT_SOURCES) break;
    const file = openSync(info.file.container ?? info.file.path, 'r');
    try {
      const head = Buffer.alloc(FINGERPRINT_BYTES);
      hash.update(head.subarray(0, readSync(file, head, 0, FINGERPRINT_BYTES, 0)));
    } finally {
      closeSync(file);
    }
  }
  return files === 0 ? '' : hash.digest('hex').slice(0, 32);
}

// --- what is kept of it -----------------------------------------------------------------------------------------------------------

interface Parts {
  readonly ledger: Ledger;
  readonly lock: RunLock;
  readonly marks: Marks | undefined;
  readonly run: StoredRun;
  readonly folder: string;
  readonly state: string;
  readonly inputs: Inputs;
  readonly values: Values;
  readonly stdin: RewindableInput | undefined;
  readonly observe: Observe;
  readonly request: RunRequest;
  readonly io: Io;
  readonly onDelivered: ((ledger: Ledger, run: string) => void) | undefined;
}

async function booksOf(parts: Parts): Promise<OpenBooks> {
  const { ledger, lock, marks, run, folder, state, inputs, stdin, request, onDelivered } = parts;
  const isResumed = run.tries > 1;
  const { sources, touched } = placeSources(parts, isResumed);
  const streams = sources.filter((source) => source !== undefined && source.info.file === undefined);
  if (!isResumed) stdin?.forget();
  const trails = await trailsOf(parts, sources, touched);
  const spools = await spoolsOf(parts, streams);
  const taps = new Map<number, ContentTap>();
  for (const [index, trail] of trails) {
    const spool = spools?.byIndex.get(index);
    const tap = spool === undefined ? trail : spoolTap(spool, trail);
    taps.set(
      index,
      isResumed && stdin !== undefined && streams.some((each) => each?.info.index === index)
        ? forgetting(tap, stdin)
        : tap,
    );
  }
  const reasons = join(folder, 'reject-reasons.jsonl');
  let held = lock;
  let reject: readonly string[] = [];
  let mendable: readonly string[] = [];
  return {
    ledger,
    run: run.id,
    folder,
    sourceFingerprint: request.sourceFingerprint,
    isResumed,
    readsStream: streams.length > 0,
    deps: {
      sources,
      openAgain: opener(sources, inputs, spools),
      ledger,
      marks,
      folder,
      randomId: () => randomBytes(8).toString('hex'),
      tapOf: (index) => taps.get(index),
      trailNews: (index) => (run.parent === undefined ? trails.get(index)?.news() : undefined),
      spools,
      isAlive: async (id) => {
        const key = ledger.runs.byId(id)?.key;
        // A lock of our own says nothing of an earlier run of the same command.
        return key !== undefined && key !== '' && key !== run.key && (await RunLock.isHeld(join(state, 'locks'), key));
      },
      onDelivered: () => {
        // Whoever sends something again later must know the content again.
        for (const source of sources) if (source !== undefined) ledger.runs.compactTrail(run.id, source.info.index);
        onDelivered?.(ledger, run.id);
        held.release();
      },
      onReopen: async () => {
        held = await RunLock.acquire(join(state, 'locks'), run.key, holderOf(parts.io));
      },
    },
    async writeReasons() {
      const { records, items } = ledger.rejects.counts(run.id);
      if (records + items === 0) {
        rmSync(reasons, { force: true });
        return;
      }
      const names = new Map(ledger.runs.sources(run.id).map(({ index, id }) => [index, id]));
      writeReasons(reasons, storedRejections(ledger, run.id, names));
      const rows = (ledger.runs.byId(run.id)?.rejectFiles ?? []).map(({ name }) => join(folder, name));
      reject = [...rows, reasons].filter((path) => existsSync(path));
      const areDocuments = inputs.sources.every(({ info }) => info.format === 'document');
      mendable = areDocuments && unreadAlone(ledger, run.id) ? [] : reject.filter((path) => path !== reasons);
    },
    rejectPaths: () => reject,
    rowsToMend: () => ({ files: mendable, format: inputs.sourceOptions.format }),
    async close() {
      const now = ledger.runs.byId(run.id);
      await spools?.close();
      const isOver = now?.state !== 'open' && ledger.batches.of(run.id).every(({ state: each }) => OVER.has(each));
      // Items that failed may be sent again, from the copy.
      if (isOver && ledger.rejects.failuresOf(run.id).every(({ state: each }) => each !== 'open')) spools?.remove();
      await marks?.close();
      held.release();
      ledger.close();
      // Left over empty when the run could not start.
      await rmdir(folder).catch(() => undefined);
    },
  };
}

function unreadAlone(ledger: Ledger, run: string): boolean {
  for (const { stage } of ledger.rejects.of(run)) if (stage !== 'read') return false;
  return true;
}

function* storedRejections(
  ledger: Ledger,
  run: string,
  names: ReadonlyMap<number, string>,
): Generator<Parameters<typeof writeReasons>[1] extends Iterable<infer T> ? T : never> {
  for (const { source, ordinal, line, byteStart, byteEnd, item, ...rest } of ledger.rejects.of(run)) {
    const { stage, code, message, field, occurrence } = rest;
    yield {
      stage: stage as RejectionStage,
      code,
      message,
      position: { source: { id: names.get(source) ?? '?' }, ordinal, line, byteStart, byteEnd },
      ...(item < 0 ? {} : { item }),
      ...(field === undefined ? {} : { field }),
      occurrence,
    };
  }
}

const OVER: ReadonlySet<string> = new Set(['terminal', 'deleted', 'lost']);

function placeSources(
  { ledger, run, inputs }: Parts,
  isResumed: boolean,
): { readonly sources: readonly (Source | undefined)[]; readonly touched: ReadonlySet<number> } {
  if (run.parent !== undefined) {
    const known = ledger.runs.sources(run.parent);
    for (const source of inputs.sources) ledger.runs.putSource(run.id, storedSource(source, source.info.index));
    const placed: (Source | undefined)[] = [];
    for (const source of inputs.sources) placed[source.info.index] = source;
    return { sources: placed, touched: touchedOf(known, inputs.sources) };
  }
  if (isResumed) return matchSources(ledger, run, inputs.sources, renumber);
  ledger.db.durable(() => {
    for (const source of inputs.sources) ledger.runs.putSource(run.id, storedSource(source, source.info.index));
  });
  return { sources: inputs.sources, touched: new Set() };
}

async function trailsOf(
  { ledger, run }: Parts,
  sources: readonly (Source | undefined)[],
  touched: ReadonlySet<number>,
): Promise<ReadonlyMap<number, ContentTrail>> {
  const begin = await createContentTrails();
  const trails = new Map<number, ContentTrail>();
  for (const source of sources) {
    if (source === undefined) continue;
    const { index, id } = source.info;
    const kept = ledger.runs.trail(run.parent ?? run.id, index);
    // Rows that are sent again are found by place: where nothing has changed, there is nothing to check.
    if (run.parent === undefined || touched.has(index)) trails.set(index, begin(id, kept, touched.has(index)));
  }
  return trails;
}

/** What was read before a stream proved to be the same is not wanted any more once it gives something new. */
function forgetting(tap: ContentTap, stdin: RewindableInput): ContentTap {
  return {
    knownTo: tap.knownTo,
    ...(tap.fromStart === undefined ? {} : { fromStart: tap.fromStart }),
    stretch: (at) => tap.stretch(at),
    begin: (at, line) => tap.begin?.(at, line),
    check: (bytes, at) => tap.check(bytes, at),
    take(bytes, at) {
      stdin.forget();
      return tap.take(bytes, at);
    },
    end: (at) => tap.end(at),
  };
}

interface Spools {
  readonly byIndex: ReadonlyMap<number, Spool>;
  readonly written: Readonly<Record<number, SpoolState>>;
  flushed(): Promise<void>;
  close(): Promise<void>;
  remove(): void;
}

/** Copies of streams; undefined when nothing is a stream, or nobody wants them. */
async function spoolsOf(
  { run, folder, values, inputs, observe }: Parts,
  streams: readonly (Source | undefined)[],
): Promise<Spools | undefined> {
  if (streams.length === 0) return undefined;
  const redacts = inputs.mapping?.redactRow !== undefined;
  if (!values.spool || redacts) {
    const why = redacts ? ', because the mapping redacts it' : '';
    observe({
      type: 'notice',
      level: 'warning',
      code: 'no-spool',
      message: `no copy of the input is kept${why}: a draft that goes wrong cannot be made anew`,
      ...(redacts ? { hint: 'import from a file to be on the safe side' } : {}),
    });
    return undefined;
  }
  const byIndex = new Map<number, Spool>();
  for (const source of streams) {
    const index = source?.info.index ?? 0;
    byIndex.set(index, await Spool.open(spoolPath(folder, index), run.spools[index]));
  }
  return {
    byIndex,
    get written() {
      return Object.fromEntries([...byIndex].map(([index, spool]) => [index, spool.written]));
    },
    async flushed() {
      for (const spool of byIndex.values()) await spool.flushed();
    },
    async close() {
      for (const spool of byIndex.values()) await spool.close().catch(() => undefined);
    },
    remove() {
      for (const index of byIndex.keys()) rmSync(spoolPath(folder, index), { force: true });
    },
  };
}

function spoolPath(folder: string, index: number): string {
  return join(folder, index === 0 ? 'stdin.gz' : `stream-${index}.gz`);
}

function opener(
  sources: readonly (Source | undefined)[],
  inputs: Inputs,
  spools: Spools | undefined,
): (index: number) => Promise<Source> {
  return async (index) => {
    const original = sources[index];
    if (original === undefined) {
      throw new AppError('a source of this run is not there any more, and a draft must be made anew from it', {
        code: 'source-changed',
        disposition: 'ledger',
        hint: 'bring it back, and the same command goes on',
      });
    }
    if (original.info.file !== undefined) return original;
    const spool = spools?.byIndex.get(index);
    if (spool === undefined) {
      throw new AppError(
        `a draft must be made anew from ${original.info.id}, and no copy of it was kept (--no-spool)`,
        {
          code: 'source-changed',
          disposition: 'ledger',
          hint: 'the drafts of this run can be deleted: zep-import discard; then import again',
        },
      );
    }
    await spool.flushed();
    const { format } = original.info;
    const [copy] = await discoverSources([spool.path], {
      ...inputs.sourceOptions,
      format,
      as: { id: original.info.id, index },
    });
    if (copy === undefined) throw new RangeError('the spool is gone');
    return { info: copy.info, read: (...how) => whileWhole(copy.read(...how), spool.path) };
  };
}

/** A copy that cannot be read is a damaged state of ours, not a bad input. */
async function* whileWhole<T>(blocks: AsyncIterable<T>, path: string): AsyncGenerator<T> {
  try {
    yield* blocks;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unreadable-source') throw error;
    throw new AppError(`the copy of the input ${path} is damaged, and a draft must be made anew from it`, {
      code: 'spool-damaged',
      disposition: 'ledger',
      hint: 'zep-import discard gives the run up; then import again',
      cause: error,
    });
  }
}
