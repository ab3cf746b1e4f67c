/**
 * One import from the first row to the last word: read, map, place, chunk, send, process, follow. The stages know nothing of each other;
 * what they do together is said here, and the books are kept here.
 */
import { setMaxListeners } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.js';
import { AppError } from '../errors.js';
import type { InheritedSetting, Observe, RunEvent, RunStatus, RunSummary } from '../events.js';
import { EncodedBlock } from '../lanes/encoded-block.js';
import { Identities } from '../lanes/identity.js';
import { CountedItems } from '../ledger/counted-items.js';
import { missingFromLedger } from '../ledger/database.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Marks } from '../ledger/marks.js';
import type { SpoolStates, StoredRun, TrailPiece } from '../ledger/runs.js';
import type { ContentTap, Item, Position, RecordBlock, Source } from '../model.js';
import { RemoteError, type RemoteApi } from '../remote/api.js';
import { step } from '../steps.js';
import { LIMITS, type CreateBatchRequest } from '../wire.js';
import { Books, tooManyErrors, type MaxErrors } from './books.js';
import { Destinations, type CreatableKind, type Misplaced } from './destinations.js';
import { Drafts, type Draft } from './drafts.js';
import { FrontierQueue } from './frontier.js';
import { closeRun } from './give-up.js';
import { Handover } from './handover.js';
import { SpillingTable } from '../ledger/hash-store/spilling-table.js';
import { KnownItems, type Met, type OnChanged, type Recalled } from './known-items.js';
import type { Protocol } from './protocol.js';
import { readAgainFrom, type OpenAgain } from './read-again.js';
import { readItems, type ItemBlock, type RecordMapper } from './read-items.js';
import { RejectBook, type RedactRow } from './reject-book.js';
import { resumeDrafts } from './resume-drafts.js';
import { SettledItems } from './settled-items.js';
import type { SettledPlace, SortedItem } from './sort/item-record.js';
import { LateItems } from './sort/late-items.js';
import { megabytes, roomNotice } from './sort/room.js';
import { SettledInOrder } from './sort/settled-in-order.js';
import { TimeOrder, type SortSettings } from './sort/time-order.js';
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
  /** Nothing is processed: drafts wait for a word of their own. */
  readonly stageOnly: boolean;
  /** Nothing is read: what the ledger knows to be accepted is handed over. */
  readonly handOverOnly: boolean;
  readonly onChanged: OnChanged;
  readonly protocol: Protocol;
  /** Items are sent in the order of their time; undefined: in that of the input. */
  readonly sort?: SortSettings | undefined;
}

export interface ImportDeps {
  /** By the index that positions carry. */
  readonly sources: readonly (Source | undefined)[];
  readonly openAgain: OpenAgain;
  readonly mapper: RecordMapper;
  readonly api: RemoteApi;
  /** Knows the run already: it was begun, or is to go on. */
  readonly ledger: Ledger;
  /** What the project holds; undefined when nobody asks and nobody remembers. */
  readonly marks: Marks | undefined;
  /** The run's folder; undefined keeps no rows. */
  readonly folder: string | undefined;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly randomId: () => string;
  /** Set when personal data is taken out of rows that are written down. */
  readonly redactRow?: RedactRow | undefined;
  /** Sees the content of a source while it is read. */
  readonly tapOf?: (index: number) => ContentTap | undefined;
  /** What came to the trail of a source since the last call. */
  readonly trailNews?: (index: number) => TrailPiece | undefined;
  /** The copies of sources that cannot be read again; undefined when there is none. */
  readonly spools?: { flushed(): Promise<unknown>; readonly written: SpoolStates } | undefined;
  /** Whether a living process works on a run. */
  readonly isAlive?: (run: string) => Promise<boolean>;
  /** Everything was handed over: what follows is only watching. */
  readonly onDelivered?: () => void;
  /** There is something to do again after all. Rejects with AppError `locked` when another process has begun to do it. */
  readonly onReopen?: () => Promise<void>;
  /** Set when items are sent again: what each was known by. They are met out of their turn, and not counted. */
  readonly recalled?: ((item: Item) => Recalled) | undefined;
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
  /** Everything was handed over. */
  readonly delivered: boolean;
  /** The run whose drafts must be handed over first. */
  readonly waitsFor: string | undefined;
}

/** The items of a block that must be sent. */
interface SiftedBlock extends Pick<ItemBlock, 'records' | 'bytes' | 'start'>, Sifted {
  /** How many repeats had been found to be known when it was read. */
  readonly repeatsBefore: number;
}

interface Sifted {
  readonly items: EncodedBlock;
  /** By their index: marks of items that repeat one before them which may be rejected yet. They are sent if it is. */
  readonly repeated: ReadonlyMap<number, Uint32Array>;
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
  readonly #stored: StoredRun;
  readonly #books: Books;
  readonly #rejects: RejectBook;
  readonly #counted: CountedItems | undefined;
  readonly #destinations: Destinations;
  readonly #drafts: Drafts;
  readonly #handover: Handover;
  readonly #uploader: Uploader;
  readonly #frontier: FrontierQueue;
  #known: KnownItems | undefined;
  /** Aborted with the first thing that goes wrong, wherever that is. */
  readonly #failed = new AbortController();
  /** Aborted when the patience for the service's work is over. */
  readonly #leave = new AbortController();
  /** What is in flight is finished, nothing new begins. */
  readonly #stop: AbortSignal;
  readonly #startedAt: number;
  /** Memory of blocks that were handed on. */
  readonly #spare: EncodedBlock[] = [];
  /** Blocks that wait for their turn. */
  /** Keys that were decided on in the order of time. */
  readonly #decided: SpillingTable | undefined;
  readonly #waiting = new Set<EncodedBlock>();
  /** All input was read and is in complete batches. */
  #uploaded = false;
  #delivered = false;
  /** What earlier tries left at the service is in hand. */
  #isTakenUp = false;
  #isBalanced = false;
  #placed = 0;
  #misplaced = 0;
  #othersOwn = false;
  /** Items that repeat one of their try which had yet to be placed, and was. */
  #repeats = 0;
  readonly #missing = new Set<CreatableKind>();
  readonly #missingNames = new Set<string>();

  constructor(deps: ImportDeps, options: ImportOptions, stops: Stops) {
    const { api, ledger, clock, observe } = deps;
    this.#deps = deps;
    this.#options = options;
    this.#stops = stops;
    this.#startedAt = clock.now();
    const stored = ledger.runs.byId(options.run);
    if (stored === undefined) throw missingFromLedger(ledger.db.sql.path, `run ${options.run}`);
    this.#stored = stored;
    const { frontier, totalsThere } = stored;
    // Where nothing is read, nothing is counted anew.
    const totals = options.handOverOnly ? stored.totals : totalsThere;
    this.#frontier = new FrontierQueue(
      frontier === undefined ? undefined : { place: frontier, totals: { ...totalsThere } },
    );
    this.#rejects = new RejectBook(
      ledger,
      options.run,
      deps.folder,
      options.handOverOnly ? NOTHING_READ : frontier,
      deps.redactRow,
    );
    const countsBefore = ledger.rejects.counts(options.run);
    this.#books = new Books({
      maxErrors: options.maxErrors,
      nowMs: clock.date(),
      observe,
      record: (rejection, facts) => this.#rejects.add(rejection, facts),
      totals,
      refused: countsBefore.refused,
      isSorted: options.sort !== undefined,
    });
    const { sort } = options;
    this.#decided = sort === undefined ? undefined : new SpillingTable(() => join(sort.folder, 'decided'), 'keys');
    this.#counted =
      deps.marks === undefined ? undefined : new CountedItems(ledger.db, options.run, deps.folder, frontier);
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
      onRefused: (rejection, part) => this.#books.rejectRefused(rejection, part),
      onDropped: (marks) => {
        if (options.protocol.markWithdrawal) deps.marks?.withdraw(marks);
      },
      readAgain: readAgainFrom(deps.openAgain, deps.mapper, this.#destinations, this.#readsAgainOutOfOrder()),
      randomId: deps.randomId,
      slotsOf: (lane) => this.#uploader.slotsOf(lane),
      ready: () => this.#spoolIsSafe(),
      alongside: () => this.#recordStand(),
      protocol: options.protocol,
      mayLeaveStrays: stored.tries > 1,
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
        project: options.project,
        run: options.run,
        isSameImport: (run) => ledger.runs.byId(run)?.key === stored.key,
        isAlive: deps.isAlive ?? (() => Promise.resolve(false)),
        stageOnly: options.stageOnly,
        marks: deps.marks,
        protocol: options.protocol,
        wait: options.wait,
        pollMs: options.pollMs,
        clock,
        observe,
        positionOf: (place): Position | undefined => {
          const source = deps.sources[place.source]?.info;
          return source === undefined ? undefined : { ...place, source };
        },
        onFailedItem: (code, message, first) => this.#books.failedItem(code, message, first),
        beforeReopening: async () => {
          if (this.#delivered) await deps.onReopen?.();
        },
        onDelivered: (delivered) => this.#setDelivered(delivered),
        onFailure,
      },
      stop,
      stops.hard,
    );
    const keepsLanes = stored.lanes !== undefined && (options.lanes === 'auto' || options.lanes === stored.lanes.lanes);
    this.#uploader = new Uploader(
      this.#drafts,
      {
        lanes: options.lanes,
        chunk: { items: options.chunkSize, bytes: options.maxChunkBytes },
        batchSize: options.batchSize,
        observe,
        concurrencyHint: () => api.concurrencyHint(),
        stored: keepsLanes ? stored.lanes : undefined,
        onAssignment: (lanes) => ledger.runs.setLanes(options.run, lanes),
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

  /** What a sorted run sent lies anywhere in its sources: reading it again is as dear as they are long. */
  #readsAgainOutOfOrder(): { readonly bytes: () => number } | undefined {
    if (this.#options.sort === undefined) return undefined;
    return { bytes: () => Math.max(this.#books.bytesRead, this.#stored.totals?.['bytesRead'] ?? 0) };
  }

  async go(): Promise<ImportOutcome> {
    const { observe } = this.#deps;
    const options = this.#options;
    let error: unknown;
    let status: RunStatus | undefined;
    try {
      this.#begin();
      await this.#resume();
      observe({ type: 'phase', phase: options.sort === undefined || options.handOverOnly ? 'uploading' : 'sorting' });
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
    error = await this.#closeBooks(error);
    return this.#outcome(error, status);
  }

  #begin(): void {
    const { sources, observe } = this.#deps;
    const { run, projectName, host, keyOrigin, command, settings } = this.#options;
    const present = sources.filter((source) => source !== undefined);
    const sizes = present.map((source) => source.info.bytes);
    step('run.begun');
    observe({
      type: 'started',
      run,
      command,
      project: projectName,
      host,
      keyOrigin,
      settings,
      sources: present.length,
      totalBytes: sizes.every((size) => size !== undefined) ? sizes.reduce((sum, size) => sum + size, 0) : undefined,
      ...(this.#stored.tries > 1 ? this.#settledEarlier() : {}),
    });
    this.#handover.tellEarlier(this.#stored.id);
  }

  #settledEarlier(): { resumed: { records: number; items: number }; skippedBytes: number } {
    const items = this.#deps.ledger.batches.accepted(this.#stored.id);
    return { resumed: { records: this.#books.read, items }, skippedBytes: this.#books.bytesRead };
  }

  /** Brings what earlier tries left at the service to where this one can go on. */
  async #resume(): Promise<void> {
    const { ledger, marks } = this.#deps;
    this.#handover.findForeign();
    if (this.#stored.tries > 1) {
      await resumeDrafts(ledger, this.#stored.id, {
        drafts: this.#drafts,
        handover: this.#handover,
        uploader: this.#uploader,
        continues: this.#uploader.continues && !this.#options.handOverOnly,
        batchSize: this.#options.batchSize,
        stop: this.#stop,
        signal: this.#stops.hard,
      });
    }
    // Only now do the lanes of earlier tries have no open drafts.
    this.#uploader.storeLanes();
    this.#isTakenUp = true;
    if (marks === undefined || this.#counted === undefined) return;
    const { recalled } = this.#deps;
    const identities = await Identities.create(recalled === undefined ? this.#counted : { next: () => 0 });
    this.#known = new KnownItems({
      identities,
      marks,
      counted: this.#counted,
      pathOf: (source) => source.file?.path,
      onChanged: this.#options.onChanged,
      observe: this.#deps.observe,
      nameOf: (source) => this.#deps.sources[source]?.info.id ?? '?',
      recalled,
      decided: this.#decided,
    });
  }

  // --- what is put on record with every add -------------------------------------------------------------------------------------

  #spoolIsSafe(): Promise<void> | undefined {
    return this.#deps.spools?.flushed().then(() => undefined);
  }

  /** Where the run stands: called inside a transaction, so that it holds for what else is recorded there. */
  #recordStand(): void {
    const { ledger, sources, trailNews, spools } = this.#deps;
    const { run } = this.#options;
    this.#rejects.commit();
    ledger.runs.setStand(run, {
      frontier: this.#frontier.settledTo(this.#uploader.pending),
      totals: this.#books.totals(),
      spools: spools?.written,
    });
    if (trailNews !== undefined) {
      for (const source of sources) {
        const news = source === undefined ? undefined : trailNews(source.info.index);
        if (news !== undefined && source !== undefined) ledger.runs.addTrail(run, source.info.index, news);
      }
    }
  }

  /** What has no add to go on record with: rejections, and how far a run that was stopped has come. */
  #commit(): void {
    this.#deps.ledger.db.durable(() => this.#recordStand());
  }

  #setDelivered(delivered: boolean): void {
    if (delivered === this.#delivered || (delivered && !this.#uploaded)) return;
    this.#delivered = delivered;
    this.#deps.ledger.runs.setState(this.#options.run, delivered ? 'delivered' : 'open');
    if (!delivered) return;
    step('run.delivered');
    this.#deps.onDelivered?.();
  }

  /** Returns what stops the run: what did so already, or what keeps the books from being closed. */
  async #closeBooks(error: unknown): Promise<unknown> {
    const { marks, openAgain } = this.#deps;
    try {
      this.#commit();
      if (error === undefined) marks?.flush(this.#uploader.pendingMarks());
      if (!this.#stops.hard.aborted) await this.#rejects.fetchRows(openAgain, this.#stops.hard);
    } catch (caught) {
      error ??= caught;
    }
    // Nothing was sent: the same command, with what was missing, begins anew. Rows that are not where they stood, a retry never finds.
    const isInVain = (code: string): boolean =>
      code === 'destinations-missing' || (code === 'source-changed' && this.#stored.parent !== undefined);
    if (error instanceof AppError && isInVain(error.code) && !this.#hasAccepted) {
      closeRun(this.#deps.ledger, this.#options.run);
    }
    this.#rejects.close();
    await this.#counted?.close();
    return error;
  }

  // --- upload ---------------------------------------------------------------------------------------------------------------------

  async #upload(): Promise<void> {
    if (!this.#options.handOverOnly) {
      try {
        await this.#readAndPut();
      } catch (error) {
        if (!this.#stop.aborted || error !== this.#stop.reason) throw error;
      }
    }
    this.#stops.hard.throwIfAborted();
    this.#failed.signal.throwIfAborted();
    this.#checkDestinations(true);
    const complete = !this.#stop.aborted;
    await this.#uploader.finish(complete);
    this.#uploaded = complete && !this.#stop.aborted;
    if (!this.#uploaded) return;
    this.#commit();
    this.#deps.ledger.runs.setComplete(this.#options.run);
    step('run.uploaded');
  }

  async #readAndPut(): Promise<void> {
    const { sources, mapper, observe, tapOf, ledger } = this.#deps;
    const { skip, limit, run, sort } = this.#options;
    const { frontier } = this.#stored;
    const counts = this.#known !== undefined && this.#deps.recalled === undefined;
    const reading = readItems(
      {
        sources,
        mapper,
        books: this.#books,
        observe,
        tapOf,
        onBlock: (block) => this.#beforeBlock(block),
        ...(counts ? { onPassed: (item: Item) => this.#known?.pass(item) } : {}),
      },
      { skip, limit, from: frontier, begin: counts ? this.#counted?.from : frontier },
      this.#stop,
    );
    if (sort !== undefined) await this.#putAll(this.#sorted(reading, sort));
    else await this.#putAll(this.#sifted(reading, new SettledItems(ledger, run, frontier)));
  }

  async *#sifted(reading: AsyncIterable<ItemBlock>, settled: SettledItems): AsyncGenerator<SiftedBlock> {
    for await (const block of reading) {
      this.#rejects.during(undefined);
      const { records, bytes, start } = block;
      yield { records, bytes, start, repeatsBefore: this.#repeats, ...this.#sift(block, settled) };
    }
  }

  /** The destinations of some blocks are asked for ahead of the one whose turn it is. */
  async #putAll(blocks: AsyncIterable<SiftedBlock>): Promise<void> {
    const stop = this.#stop;
    const ahead: { readonly block: SiftedBlock; readonly known: Promise<void> | undefined }[] = [];
    let most = 0; // the first block goes on its way before others are mapped
    for await (const block of blocks) {
      const known = this.#destinations.ensure(block.items.items, stop);
      known?.catch(() => undefined); // told when its block's turn comes
      ahead.push({ block, known });
      this.#waiting.add(block.items);
      if (this.#destinations.isBusy) most = Math.min(most, 1);
      while (ahead.length > most || ahead[0]?.known === undefined) {
        const next = ahead.shift();
        if (next === undefined) break;
        await next.known;
        await this.#put(next.block);
      }
      most = AHEAD_BLOCKS;
      this.#checkErrors();
      if (this.#rejects.isFull) this.#commit();
      if (stop.aborted) return;
    }
    for (const next of ahead) {
      if (stop.aborted) return;
      await next.known;
      await this.#put(next.block);
      this.#checkErrors();
    }
  }

  #beforeBlock(block: RecordBlock): void {
    this.#rejects.during(block);
    const first = block.entries[0]?.position;
    if (this.#counted?.isFull !== true || first === undefined) return;
    const { source, ordinal, line, byteStart } = first;
    const place = { source: source.index, ordinal, line, byteStart };
    // A sorted run is read from its beginning by every try: no place in it is gone on from.
    const settled = this.#options.sort === undefined ? this.#frontier.settledTo(this.#uploader.pending)?.place : place;
    this.#counted.flush(place, settled ?? { source: 0, ordinal: 0, line: 1, byteStart: 0 });
  }

  /** The items of a block that must be sent: not those that an earlier try has settled, nor those that the project holds. */
  #sift(block: ItemBlock, settled: SettledItems): Sifted {
    const encoded = this.#spare.pop() ?? new EncodedBlock();
    encoded.clear();
    const known = this.#known;
    const repeated = new Map<number, Uint32Array>();
    for (const item of block.items) {
      encoded.add(item);
      const isSettled = settled.take(item);
      if (known === undefined) {
        if (isSettled) encoded.drop();
      } else if (!known.wants(item, encoded, isSettled)) encoded.drop();
      else if (known.repeated !== undefined) repeated.set(encoded.items.length - 1, known.repeated);
    }
    this.#bookKnown(encoded);
    return { items: encoded, repeated };
  }

  #bookKnown(last: EncodedBlock): void {
    if (this.#known === undefined) return;
    const before = this.#books.known;
    this.#known.addTo(this.#books);
    const items = this.#books.known - before;
    if (items > 0) this.#deps.observe({ type: 'known', items });
    if (this.#deps.marks?.isFull === true) this.#deps.marks.flush(this.#pendingMarks(last));
  }

  // --- in the order of time -------------------------------------------------------------------------------------------------------

  /**
   * Reads and meets everything in the order of the input, then gives it in that of its time. Nothing is sent before all was read: a try that
   * ends meanwhile has sent nothing, and one that ends later begins with the same order, less what is settled.
   */
  async *#sorted(reading: AsyncIterable<ItemBlock>, sort: SortSettings): AsyncGenerator<SiftedBlock> {
    const { observe, sources } = this.#deps;
    const room = roomNotice(sort, sources);
    if (room !== undefined) observe(room);
    const order = new TimeOrder({
      ...sort,
      signal: this.#stop,
      onRunWritten: () => step('sort.written'),
      onMerged: () => step('sort.merged'),
    });
    try {
      await this.#meetAll(reading, order, sort);
      if (this.#stop.aborted) return;
      await order.finish();
      this.#commit();
      step('sort.done');
      if (order.mostOnDisk > 0) observe(sortedOnDisk(order.mostOnDisk));
      observe({ type: 'phase', phase: 'uploading' });
      const late = new LateItems();
      const items = order.sorted((index) => {
        const source = sources[index];
        if (source === undefined) throw new RangeError(`there is no source ${index}`);
        return source.info;
      });
      for await (const some of items) {
        await this.#decided?.tidy();
        yield { ...this.#siftSorted(some, late), start: undefined, records: 0, bytes: 0, repeatsBefore: 0 };
      }
    } finally {
      await order.close();
      this.#decided?.close();
      // What was sorted of earlier tries lay in there, and may have been all that did.
      await rm(sort.folder, { recursive: true, force: true });
    }
    step('sort.removed');
  }

  /** Every item is met and counted in the order of the input, so that equal ones are told apart as in any other run. */
  async #meetAll(reading: AsyncIterable<ItemBlock>, order: TimeOrder, sort: SortSettings): Promise<void> {
    const settled = await this.#settledBefore(sort);
    const scratch = new EncodedBlock();
    const known = this.#known?.recalls === true ? undefined : this.#known;
    try {
      for await (const block of reading) {
        this.#rejects.during(undefined);
        await settled?.reach(block.items.at(-1)?.position);
        for (const item of block.items) {
          scratch.clear();
          scratch.add(item);
          const isSettled = settled?.take(item);
          const met = known?.meet(item, scratch);
          if (isSettled === true && met !== undefined) known?.settled(met);
          const taking = order.add(item, scratch.bytes(0), isSettled, met);
          if (taking !== undefined) await taking;
        }
        await this.#decided?.tidy();
        this.#checkErrors();
        if (this.#rejects.isFull) this.#commit();
      }
    } finally {
      await settled?.close();
    }
  }

  async #settledBefore({ folder, memoryBytes }: SortSettings): Promise<SettledInOrder | undefined> {
    if (this.#stored.tries === 1) return undefined;
    return SettledInOrder.of(this.#deps.ledger, this.#options.run, {
      folder: join(folder, 'settled'),
      memoryBytes: Math.ceil(memoryBytes / 4),
      signal: this.#stop,
    });
  }

  /** As `#sift`, in the order of time, of items that were met. */
  #siftSorted(some: readonly (SortedItem | SettledPlace)[], late: LateItems): Sifted {
    const encoded = this.#spare.pop() ?? new EncodedBlock();
    encoded.clear();
    const repeated = new Map<number, Uint32Array>();
    for (const each of some) {
      if (!('item' in each)) {
        late.held(each.destination, each.ms);
        continue;
      }
      const { item, bytes, met, destination } = each;
      encoded.addWritten(item, bytes);
      if (met?.isHeld === true) late.held(destination, item.time.ms);
      if (!this.#wantsSorted(item, encoded, met)) encoded.drop();
      else if (this.#known?.repeated !== undefined) repeated.set(encoded.items.length - 1, this.#known.repeated);
      else late.sent(destination, item.time.ms);
    }
    this.#books.late = late.count;
    this.#bookKnown(encoded);
    return { items: encoded, repeated };
  }

  #wantsSorted(item: Item, encoded: EncodedBlock, met: Met | undefined): boolean {
    const known = this.#known;
    if (known === undefined) return true;
    return known.recalls ? known.wants(item, encoded, false) : known.wantsMet(item, encoded, met);
  }

  /** Marks of items that are not on record yet: in lanes, in blocks that wait, and in this one. */
  *#pendingMarks(last: EncodedBlock): Generator<ArrayLike<number>> {
    yield* this.#uploader.pendingMarks();
    for (const block of [...this.#waiting, last]) {
      for (let i = 0; i < block.items.length; i++) {
        const mark = block.mark(i);
        if (mark !== undefined) yield mark;
      }
    }
  }

  async #put(block: SiftedBlock): Promise<void> {
    const encoded = block.items;
    if (block.start !== undefined) {
      const { place, totals } = block.start;
      const known = (totals['known'] ?? 0) + this.#repeats - block.repeatsBefore;
      this.#frontier.enter({ place, totals: { ...totals, known, misplaced: this.#books.misplaced } });
    }
    const slots: number[] = new Array<number>(encoded.items.length);
    for (const [index, item] of encoded.items.entries()) {
      if (!this.#wantsRepeated(block, index)) {
        slots[index] = -1;
        continue;
      }
      const place = this.#destinations.place(item);
      if (typeof place === 'number') {
        this.#placed += 1;
        slots[index] = place;
      } else {
        slots[index] = -1;
        this.#misplace(item, place, encoded.mark(index));
      }
    }
    this.#checkDestinations(false);
    this.#handover.rethrow();
    this.#balance(slots.filter((slot) => slot >= 0));
    await this.#uploader.put(encoded, slots, block.records, block.bytes);
    this.#waiting.delete(encoded);
    this.#known?.placed(this.#waiting);
    this.#spare.push(encoded);
  }

  /** The lanes are dealt out by the first items that are sent. */
  #balance(slots: readonly number[]): void {
    if (this.#isBalanced || slots.length === 0) return;
    this.#isBalanced = true;
    this.#uploader.balance(slots);
  }

  /** False, and counted, for an item that repeats one which found its place. */
  #wantsRepeated({ items, repeated }: Sifted, index: number): boolean {
    const mark = repeated.get(index);
    if (mark === undefined) return true;
    if (this.#known?.wantsRepeated(mark) === true) {
      items.setMark(index, mark);
      return true;
    }
    this.#repeats += 1;
    this.#books.known += 1;
    this.#deps.observe({ type: 'known', items: 1 });
    return false;
  }

  #misplace(item: Item, { code, message, missing }: Misplaced, mark: Uint32Array | undefined): void {
    this.#misplaced += 1;
    // What belongs to somebody else is there: it is the item that is wrong.
    if (code === 'thread-owner') this.#othersOwn = true;
    if (missing !== undefined) this.#missing.add(missing);
    if (this.#missingNames.size < 3) this.#missingNames.add(message);
    if (mark !== undefined) this.#deps.marks?.withdraw(mark);
    this.#books.rejectMisplaced(
      { kind: 'rejected', stage: 'remote', code, message, position: item.position, item: item.index },
      { part: item.part?.index, occurrence: this.#known?.occurrenceOf(item) },
    );
  }

  /** If not one destination of the first chunk exists, the run is aimed at the wrong place: stop before the first add. */
  #checkDestinations(inputOver: boolean): void {
    if (this.#placed + this.#books.known > 0 || this.#othersOwn || this.#misplaced === 0 || this.#hasAccepted) return;
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

  get #hasAccepted(): boolean {
    return this.#deps.ledger.batches.accepted(this.#options.run) > 0;
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
    const inBooks = this.#deps.ledger.batches.of(this.#options.run);
    const used = new Set(
      inBooks.flatMap(({ batchId, state }) => (batchId === undefined || state === 'deleted' ? [] : [batchId])),
    );
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
    const drafts = [...new Set([...this.#handover.drafts, ...this.#uploader.drafts])];
    // Stopped before the drafts of earlier tries were taken up: only the ledger knows of them.
    const accepted = this.#isTakenUp
      ? drafts.reduce((sum, draft) => sum + draft.accepted, 0)
      : this.#deps.ledger.batches.accepted(this.#options.run);
    const handled = new Set(this.#handover.handedOver);
    const left = drafts.filter((draft) => !handled.has(draft) && draft.exists);
    const { succeeded, failed, skipped, canceled } = totals;
    const stats = api.stats();
    const failedBefore = Math.max(books.failedBefore, this.#failedEarlier);
    return {
      status: this.#status(error, followed, left),
      // That somebody would not wait for the end of a soft stop is no failure.
      error: this.#stops.hard.aborted && error === this.#stops.hard.reason ? undefined : error,
      draftsLeft: left.map((draft) => draft.id),
      drift: totals.drift,
      delivered: this.#delivered,
      waitsFor: this.#handover.waitsFor,
      summary: {
        run: this.#options.run,
        records: {
          read: books.read,
          mapped: books.mapped,
          skipped: books.skipped,
          rejected: books.rejectedRecords,
          partlyRejected: this.#partlyRejected,
        },
        items: {
          produced: books.produced,
          accepted,
          known: books.known,
          updated: books.updated,
          failedBefore,
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
          ...notesOn(left, this.#handover),
          ...(this.#handover.waitsFor === undefined ? [] : [waitsForText(this.#handover.waitsFor)]),
          ...failedBeforeText(failedBefore),
          ...(this.#drafts.mayLeaveStrays ? [STRAYS] : []),
        ],
      },
    };
  }

  /** The items of one record may be rejected far from each other, at different stages: only the ledger knows which are of one. */
  get #partlyRejected(): number {
    return this.#deps.ledger.rejects.counts(this.#options.run).partly;
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

  /** Failed items of earlier runs of this import that nobody has dealt with. */
  get #failedEarlier(): number {
    if (this.#stored.parent !== undefined) return 0;
    return this.#deps.ledger.rejects.openFailuresOf(this.#stored.key, this.#stored.id);
  }

  #status(error: unknown, followed: RunStatus | undefined, left: readonly Draft[]): RunStatus {
    const { soft } = this.#stops;
    const isOver = this.#uploaded && left.length === 0 && this.#handover.totals.unfinished === 0 && error === undefined;
    if (soft.aborted && !isOver) return (soft.reason as StopReason) === 'max-duration' ? 'max-duration' : 'interrupted';
    if (error instanceof AppError && error.disposition === 'too-many-rejects') return 'too-many-rejects';
    if (error !== undefined) return 'failed';
    if (left.length > 0 || this.#handover.waitsFor !== undefined) return 'staged';
    if (followed !== undefined) return followed;
    const { failed, canceled, drift, unaccounted, unfinished } = this.#handover.totals;
    const earlier = this.#books.failedBefore + this.#failedEarlier;
    const wrong = this.#books.rejections + earlier + failed + canceled + drift + unaccounted;
    if (wrong > 0) return 'completed-with-errors';
    return unfinished > 0 ? 'accepted' : 'completed';
  }
}

/** Behind all input: what was rejected stays so where nothing is read. */
const NOTHING_READ = { source: Number.MAX_SAFE_INTEGER, ordinal: 0, line: 1, byteStart: 0 };

function sortedOnDisk(bytes: number): RunEvent {
  return {
    type: 'notice',
    level: 'info',
    code: 'sorted-on-disk',
    message: `everything is in the order of its time; ${megabytes(bytes)} MB were on disk for that at most`,
  };
}

const STRAYS = 'a draft of this run that it does not use may be left at the service: zep-import batches list';

function notesOn(left: readonly Draft[], { unsure }: Pick<Handover, 'unsure'>): readonly string[] {
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
  return notes;
}

function waitsForText(run: string): string {
  return `the earlier run ${run} must come to its end first: its drafts hold the same graphs, or a batch of it turned invalid (zep-import resume ${run}, or discard ${run})`;
}

function failedBeforeText(items: number): readonly string[] {
  if (items === 0) return [];
  return [
    `${items} ${items === 1 ? 'item' : 'items'} failed at the service in an earlier run and ${items === 1 ? 'was' : 'were'} not sent again: zep-import retry --only failed`,
  ];
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
