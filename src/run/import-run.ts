/**
 * One import from the first row to the last word: read, map, place, chunk, send, process, follow. The stages know nothing of each other;
 * what they do together is said here, and the books are kept here.
 */
import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock.js';
import { AppError } from '../errors.js';
import type { InheritedSetting, Observe, RunStatus, RunSummary } from '../events.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Item, Position, Rejection, Source } from '../model.js';
import { RemoteError, type RemoteApi } from '../remote/api.js';
import { LIMITS, type CreateBatchRequest } from '../wire.js';
import { Books, tooManyErrors, type MaxErrors } from './books.js';
import { Destinations, type CreatableKind, type Misplaced } from './destinations.js';
import { Drafts, type Draft } from './drafts.js';
import { Handover } from './handover.js';
import { readAgainFrom, type OpenAgain } from './read-again.js';
import { readItems, type ItemBlock, type RecordMapper } from './read-items.js';
import { Uploader } from './uploader.js';

export interface ImportOptions {
  readonly run: string;
  /** What the books belong to: the project's uuid. */
  readonly project: string;
  readonly projectName: string;
  readonly host: string;
  readonly keyOrigin: string;
  readonly command: 'run' | 'demo';
  /** Settings that were not typed, told in the first line. */
  readonly settings: readonly InheritedSetting[];
  readonly mappingFingerprint: string;
  /** Tells this input apart from others in the metadata of its batches. */
  readonly sourceFingerprint: string;
  readonly batch: Omit<CreateBatchRequest, 'metadata'> & { readonly metadata: Readonly<Record<string, unknown>> };
  readonly skip: number;
  readonly limit: number;
  readonly chunkSize: number;
  readonly maxChunkBytes: number;
  readonly batchSize: number;
  readonly lanes: number | 'auto';
  readonly order: 'strict' | 'relaxed';
  readonly create: ReadonlySet<CreatableKind>;
  readonly maxErrors: MaxErrors;
  readonly wait: boolean;
  /** Milliseconds after the upload; undefined = for ever. */
  readonly waitTimeoutMs: number | undefined;
  readonly settleWindowMs: number;
  /** The first wait before a started batch is looked at. */
  readonly pollMs: number;
}

export interface ImportDeps {
  readonly sources: readonly Source[];
  readonly openAgain: OpenAgain;
  readonly mapper: RecordMapper;
  readonly api: RemoteApi;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly observe: Observe;
  /** Writes a rejected row down, durably enough to be read after the run. */
  readonly recordRejection: (rejection: Rejection) => void;
  readonly randomId: () => string;
}

export interface Stops {
  /** Aborted for a soft stop: finish what is in flight. Its reason says why (StopReason). */
  readonly soft: AbortSignal;
  /** Aborted to leave at once. */
  readonly hard: AbortSignal;
}

export type StopReason = 'interrupt' | 'terminate' | 'max-duration';

/** How a run ended: the summary without what only the command line knows (exit code, paths, next command). */
export interface ImportOutcome {
  readonly status: RunStatus;
  readonly summary: Omit<RunSummary, 'exitCode' | 'files' | 'next' | 'status'>;
  /** What stopped the run, when something did. */
  readonly error: unknown;
  /** Drafts that the run leaves at the service: complete or not, none of them processed. */
  readonly draftsLeft: readonly string[];
  /** By how many items the batches that were handed over differ from what was accepted from us. */
  readonly drift: number;
}

const AHEAD_BLOCKS = 4;
/** How many look-ups and creations of users, graphs and threads are under way at once. */
export const DESTINATION_CONCURRENCY = 16;

export async function runImport(deps: ImportDeps, options: ImportOptions, stops: Stops): Promise<ImportOutcome> {
  const run = new ImportRun(deps, options, stops);
  return run.go();
}

class ImportRun {
  readonly #deps: ImportDeps;
  readonly #options: ImportOptions;
  readonly #stops: Stops;
  readonly #books: Books;
  readonly #destinations: Destinations;
  readonly #drafts: Drafts;
  readonly #handover: Handover;
  readonly #uploader: Uploader;
  /** Aborted with the first thing that goes wrong, wherever that is. */
  readonly #failed = new AbortController();
  /** Aborted when the patience for the service's work is over. */
  readonly #leave = new AbortController();
  /** What is in flight is finished, nothing new begins. */
  readonly #stop: AbortSignal;
  readonly #startedAt: number;
  /** All input was read and is in complete batches. */
  #uploaded = false;
  #placed = 0;
  #misplaced = 0;
  readonly #missing = new Set<CreatableKind>();
  readonly #missingNames = new Set<string>();

  constructor(deps: ImportDeps, options: ImportOptions, stops: Stops) {
    const { api, ledger, clock, observe } = deps;
    this.#deps = deps;
    this.#options = options;
    this.#stops = stops;
    this.#startedAt = clock.now();
    this.#books = new Books({
      maxErrors: options.maxErrors,
      nowMs: clock.date(),
      observe,
      record: deps.recordRejection,
    });
    this.#destinations = new Destinations(api, {
      create: options.create,
      concurrency: DESTINATION_CONCURRENCY,
      observe,
    });
    this.#drafts = new Drafts(api, ledger, {
      run: options.run,
      project: options.project,
      batch: options.batch,
      marks: { zi_map: options.mappingFingerprint, zi_src: options.sourceFingerprint },
      settleWindowMs: options.settleWindowMs,
      clock,
      observe,
      onRefused: (rejection) => this.#books.rejectItem(rejection, true),
      readAgain: readAgainFrom(deps.openAgain, deps.mapper, this.#destinations),
      randomId: deps.randomId,
    });
    const stop = AbortSignal.any([stops.soft, stops.hard, this.#failed.signal, this.#leave.signal]);
    setMaxListeners(0, stop); // one a lane, a batch and a look-up under way
    this.#stop = stop;
    const onFailure = (error: unknown): void => this.#failed.abort(error);
    this.#handover = new Handover(
      api,
      ledger,
      this.#drafts,
      this.#destinations,
      {
        order: options.order,
        wait: options.wait,
        pollMs: options.pollMs,
        clock,
        observe,
        positionOf: (stored): Position | undefined => {
          const source = deps.sources[stored.source]?.info;
          return source === undefined ? undefined : { ...stored, source };
        },
        onFailedItem: (code, message, first) => this.#books.failedItem(code, message, first),
        onFailure,
      },
      stop,
      stops.hard,
    );
    this.#uploader = new Uploader(
      this.#drafts,
      {
        lanes: options.lanes,
        chunk: { items: options.chunkSize, bytes: options.maxChunkBytes },
        batchSize: options.batchSize,
        observe,
        concurrencyHint: () => api.concurrencyHint(),
        onComplete: (draft) => {
          this.#checkErrors();
          this.#handover.submit(draft);
        },
        onFailure,
      },
      stop,
      stops.hard,
    );
  }

  async go(): Promise<ImportOutcome> {
    const { observe } = this.#deps;
    let error: unknown;
    let status: RunStatus | undefined;
    try {
      this.#begin();
      observe({ type: 'phase', phase: 'uploading' });
      await this.#upload();
      observe({ type: 'phase', phase: this.#stops.soft.aborted ? 'stopping' : 'processing' });
      status = await this.#follow();
      if (!this.#stops.soft.aborted) await this.#deleteStrays();
    } catch (caught) {
      this.#failed.abort(caught);
      error = this.#failed.signal.reason;
      observe({ type: 'phase', phase: 'stopping' });
      // Lanes and batches finish what is in flight; what they say now no longer matters.
      await Promise.allSettled([this.#uploader.finish(false), this.#handover.finish()]);
    }
    return this.#outcome(error, status);
  }

  #begin(): void {
    const { sources, ledger, clock, observe } = this.#deps;
    const { run, project, projectName, host, keyOrigin, command, mappingFingerprint, settings } = this.#options;
    ledger.beginRun(
      { id: run, project, host, sources: sources.map((source) => source.info.id), mapping: mappingFingerprint },
      new Date(clock.date()).toISOString(),
    );
    const sizes = sources.map((source) => source.info.bytes);
    observe({
      type: 'started',
      run,
      command,
      project: projectName,
      host,
      keyOrigin,
      settings,
      sources: sources.length,
      totalBytes: sizes.every((size) => size !== undefined) ? sizes.reduce((sum, size) => sum + size, 0) : undefined,
    });
  }

  // --- upload ---------------------------------------------------------------------------------------------------------------------

  async #upload(): Promise<void> {
    try {
      await this.#readAndPut();
    } catch (error) {
      if (!this.#stop.aborted || error !== this.#stop.reason) throw error;
    }
    this.#stops.hard.throwIfAborted();
    this.#failed.signal.throwIfAborted();
    this.#checkDestinations(true);
    const complete = !this.#stop.aborted;
    await this.#uploader.finish(complete);
    this.#uploaded = complete && !this.#stop.aborted;
  }

  async #readAndPut(): Promise<void> {
    const { sources, mapper, observe } = this.#deps;
    const stop = this.#stop;
    const ahead: { readonly block: ItemBlock; readonly known: Promise<void> | undefined }[] = [];
    for await (const block of readItems(sources, mapper, this.#books, this.#options, observe, stop)) {
      const known = this.#destinations.ensure(block.items, stop);
      known?.catch(() => undefined); // told when its block's turn comes
      ahead.push({ block, known });
      while (ahead.length > AHEAD_BLOCKS || ahead[0]?.known === undefined) {
        const next = ahead.shift();
        if (next === undefined) break;
        await next.known;
        await this.#put(next.block);
      }
      this.#checkErrors();
      if (stop.aborted) return;
    }
    for (const next of ahead) {
      if (stop.aborted) return;
      await next.known;
      await this.#put(next.block);
      this.#checkErrors();
    }
  }

  async #put(block: ItemBlock): Promise<void> {
    const slots: number[] = new Array<number>(block.items.length);
    for (const [index, item] of block.items.entries()) {
      const place = this.#destinations.place(item);
      if (typeof place === 'number') {
        this.#placed += 1;
        slots[index] = place;
      } else {
        slots[index] = -1;
        this.#misplace(item, place);
      }
    }
    this.#checkDestinations(false);
    this.#handover.rethrow();
    await this.#uploader.put(block.items, slots, block.records);
  }

  #misplace(item: Item, { code, message, missing }: Misplaced): void {
    this.#misplaced += 1;
    if (missing !== undefined) this.#missing.add(missing);
    if (this.#missingNames.size < 3) this.#missingNames.add(message);
    this.#books.rejectItem(
      { kind: 'rejected', stage: 'remote', code, message, position: item.position, item: item.index },
      true,
    );
  }

  /** If not one destination of the first chunk exists, the run is aimed at the wrong place: stop before the first add. */
  #checkDestinations(inputOver: boolean): void {
    if (this.#placed > 0 || this.#misplaced === 0) return;
    if (!inputOver && this.#misplaced < this.#options.chunkSize && !this.#books.tooManyErrors) return;
    const flag = [...new Set([...this.#options.create, ...this.#missing])].join(',');
    throw new AppError(
      `nothing that the first ${this.#misplaced} items point at exists: ${[...this.#missingNames].join('; ')}`,
      {
        code: 'destinations-missing',
        disposition: 'not-found',
        hint:
          this.#missing.size === 0 ? 'check the ids in the mapping' : `to have them created: --create-missing ${flag}`,
      },
    );
  }

  #checkErrors(): void {
    if (this.#books.tooManyErrors) throw tooManyErrors(this.#books);
  }

  // --- follow ---------------------------------------------------------------------------------------------------------------------

  async #follow(): Promise<RunStatus | undefined> {
    const { clock } = this.#deps;
    const { waitTimeoutMs, wait } = this.#options;
    const finished = this.#handover.finish();
    if (!wait || waitTimeoutMs === undefined) {
      await finished;
      return undefined;
    }
    const over = new AbortController();
    const timeout = clock.sleep(waitTimeoutMs, over.signal).then(
      () => 'timeout' as const,
      () => 'over' as const,
    );
    try {
      const first = await Promise.race([finished.then(() => 'finished' as const), timeout]);
      if (first !== 'timeout') return undefined;
    } finally {
      over.abort(new Error('over'));
    }
    this.#leave.abort(new Error('--wait-timeout'));
    await finished;
    return 'wait-timeout';
  }

  async #deleteStrays(): Promise<void> {
    const used = new Set(this.#uploader.drafts.map((draft) => draft.id as string));
    let deleted: number;
    try {
      deleted = await this.#drafts.deleteStrays(used, this.#stops.hard);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      this.#deps.observe({
        type: 'notice',
        level: 'warning',
        code: 'strays-left',
        message: `a draft of this run that it does not use may be left at the service: ${error.message}`,
        hint: 'zep-import batches list',
      });
      return;
    }
    if (deleted === 0) return;
    this.#deps.observe({
      type: 'notice',
      level: 'info',
      code: 'strays-deleted',
      message: `deleted ${deleted} ${deleted === 1 ? 'draft' : 'drafts'} of this run that it does not use`,
    });
  }

  // --- the last word --------------------------------------------------------------------------------------------------------------

  #outcome(error: unknown, followed: RunStatus | undefined): ImportOutcome {
    const { api, clock } = this.#deps;
    const books = this.#books;
    const totals = this.#handover.totals;
    const drafts = this.#uploader.drafts;
    const accepted = drafts.reduce((sum, draft) => sum + draft.accepted, 0);
    const handled = new Set(this.#handover.handedOver);
    const left = drafts.filter((draft) => !handled.has(draft) && draft.exists);
    const { succeeded, failed, skipped, canceled } = totals;
    const stats = api.stats();
    return {
      status: this.#status(error, followed, left),
      error,
      draftsLeft: left.map((draft) => draft.id),
      drift: totals.drift,
      summary: {
        run: this.#options.run,
        records: {
          read: books.read,
          mapped: books.mapped,
          skipped: books.skipped,
          rejected: books.rejectedRecords,
          partlyRejected: books.partlyRejected,
        },
        items: {
          produced: books.produced,
          accepted,
          known: 0,
          rejected: books.rejectedItems,
          succeeded,
          failed,
          skipped,
          canceled,
          open: accepted - succeeded - failed - skipped - canceled,
        },
        created: this.#destinations.created,
        calls: { total: stats.total, add: stats.add, repeated: stats.repeated, rateLimited: stats.rateLimited },
        bytes: { read: books.bytesRead, sent: stats.bytesSent },
        batches: this.#batches(left),
        time: books.time,
        inexactNumbers: books.inexactNumbers,
        errors: books.errors,
        durationMs: clock.now() - this.#startedAt,
        notes: [
          ...notesOn(left, this.#handover, error !== undefined || this.#stops.soft.aborted),
          ...(this.#drafts.mayLeaveStrays ? [STRAYS] : []),
        ],
      },
    };
  }

  #batches(left: readonly Draft[]): RunSummary['batches'] {
    const handled = this.#handover.results;
    const known = new Set(handled.map((result) => result.batch));
    const open = left
      .filter((draft) => !known.has(draft.id))
      .map((draft) => ({
        batch: draft.id,
        lane: draft.lane,
        number: draft.number,
        status: 'draft',
        items: draft.accepted,
        counts: undefined,
      }));
    return [...handled, ...open];
  }

  #status(error: unknown, followed: RunStatus | undefined, left: readonly Draft[]): RunStatus {
    const { soft } = this.#stops;
    const isOver = this.#uploaded && left.length === 0 && this.#handover.totals.unfinished === 0 && error === undefined;
    if (soft.aborted && !isOver) return (soft.reason as StopReason) === 'max-duration' ? 'max-duration' : 'interrupted';
    if (error instanceof AppError && error.disposition === 'too-many-rejects') return 'too-many-rejects';
    if (error !== undefined) return 'failed';
    if (left.length > 0) return 'staged';
    if (followed !== undefined) return followed;
    const { failed, canceled, drift, unaccounted, unfinished } = this.#handover.totals;
    const wrong = this.#books.rejections + failed + canceled + drift + unaccounted;
    if (wrong > 0) return 'completed-with-errors';
    return unfinished > 0 ? 'accepted' : 'completed';
  }
}

/** What is left at the service after an ending before the end, and what that means for running the input again. */
const STRAYS = 'a draft of this run that it does not use may be left at the service: zep-import batches list';

function notesOn(
  left: readonly Draft[],
  { handedOver, unsure }: Pick<Handover, 'handedOver' | 'unsure'>,
  unfinished: boolean,
): readonly string[] {
  const notes: string[] = [];
  const drafts = left.filter((draft) => !unsure.has(draft));
  const maybe = left.filter((draft) => unsure.has(draft));
  if (drafts.length > 0) {
    notes.push(
      `${drafts.length} ${drafts.length === 1 ? 'draft is' : 'drafts are'} left at the service with ${itemsOf(drafts)} items, not processed: ${namesOf(drafts)}`,
    );
  }
  if (maybe.length > 0) {
    notes.push(
      `whether the service took ${maybe.length === 1 ? 'a batch' : `${maybe.length} batches`} with ${itemsOf(maybe)} items is not known: ${namesOf(maybe)}`,
    );
  }
  if (!unfinished) return notes;
  const items = itemsOf(handedOver);
  if (items > 0)
    notes.push(`${items} items were handed over and stay: the whole input again would send them a second time`);
  else if (left.length > 0 && maybe.length === 0)
    notes.push('nothing was handed over: delete the drafts, and the same command starts afresh');
  return notes;
}

function itemsOf(drafts: readonly Draft[]): number {
  return drafts.reduce((sum, draft) => sum + draft.accepted, 0);
}

function namesOf(drafts: readonly Draft[]): string {
  const names = drafts.slice(0, 5).map((draft) => draft.id);
  return names.join(', ') + (drafts.length > names.length ? ` and ${drafts.length - names.length} more` : '');
}

export const DEFAULT_MAX_CHUNK_BYTES = 4_000_000;
export const DEFAULT_CHUNK_SIZE = LIMITS.itemsPerAdd;
