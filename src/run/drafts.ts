/**
 * Our drafts at the service: made, filled, checked, made anew. A draft is the transaction of this program: until it is processed it costs
 * nothing, does nothing and can be deleted, so whatever may have gone wrong in it is put right here and nowhere else.
 *
 * The rule of every write: intend durably, send once, believe only an answer that names exactly the items sent at exactly the places expected;
 * whatever else comes back (or nothing) is an unknown, and an unknown is settled by asking: by counting, or by making the draft anew.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../clock.js';
import { AppError } from '../errors.js';
import type { Observe } from '../events.js';
import type { Chunk, ItemRef } from '../lanes/chunker.js';
import { itemAt, sliceBody } from '../lanes/chunker.js';
import { SlotSet } from '../lanes/destination.js';
import { partsAfterRefusal, rangesOf, type Range } from '../lanes/refusal-ladder.js';
import type { Ledger, StoredChunk, StoredPosition } from '../ledger/ledger.js';
import type { BatchId, Rejection } from '../model.js';
import { RemoteError, type BatchApi, type BatchItem, type BatchSummary } from '../remote/api.js';
import type { BatchStatus, CreateBatchRequest, WireItem } from '../wire.js';

/** One open batch of ours. Its identity at the service changes when it is made anew; lane and number stay. */
export interface Draft {
  readonly lane: number;
  readonly number: number;
  readonly slots: SlotSet;
  row: number;
  id: BatchId;
  /** Items of ours that the service certainly holds. */
  accepted: number;
  /** True once an add to it was in doubt: then it is looked at again, after a wait, before it is processed. */
  inDoubt: boolean;
  /** True when somebody else processed it: nothing can be added any more. */
  taken: boolean;
  rebuilds: number;
  /** False between the deletion of a draft and its making anew. */
  exists: boolean;
}

/** A chunk read again, and which of its items have nowhere to go any more. */
export interface ChunkAgain {
  readonly chunk: Chunk;
  readonly misplaced: ReadonlyMap<number, { readonly code: string; readonly message: string }>;
}

/** The sources, readable again: what makes a draft something that can be thrown away. */
export interface ReadAgain {
  /** The items of stored chunks, chunk for chunk, in the same order and with the same bytes. Throws AppError `source-changed` when they are not. */
  read(chunks: Iterable<StoredChunk>, lane: number, signal: AbortSignal | undefined): AsyncIterable<ChunkAgain>;
  /** Whether that takes less time than waiting out the settle window. */
  isCheap(first: StoredPosition): boolean;
}

export interface DraftOptions {
  readonly run: string;
  readonly project: string;
  readonly batch: Omit<CreateBatchRequest, 'metadata'> & { readonly metadata: Readonly<Record<string, unknown>> };
  /** Further metadata of every batch, by which its import is known. */
  readonly marks: Readonly<Record<string, string>>;
  /** Waits this long (ms) before an unanswered add is held to be over. */
  readonly settleWindowMs: number;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly onRefused: (rejection: Rejection) => void;
  readonly readAgain: ReadAgain;
  readonly randomId: () => string;
}

/** A draft smaller than this is made anew at once instead of waiting out the settle window: a late add then meets a deleted batch. */
const REBUILD_BELOW = 5_000;
const REBUILDS_AT_ONCE = 2;
const MAX_REBUILDS = 8;
const MAX_CREATES = 5;
/** So often one add call is made again after it was found not to have been applied. */
const MAX_ATTEMPTS = 10;
const EQUAL_READS = 3;
/** A count that is another one every time is not waited for for ever. */
const MAX_READS = 100;
/** Between two of them; a tenth of the settle window when that is shorter. */
const READ_INTERVAL_MS = 1_000;
/** What a batch of ours says when somebody else processed it. A word that nobody has heard of says nothing. */
const TAKEN: ReadonlySet<string> = new Set<BatchStatus>([
  'queued',
  'processing',
  'succeeded',
  'partial',
  'failed',
  'canceled',
]);
/** So many single items refused in the same words, with nothing accepted, mean that the service will take none of them. */
const SAME_REFUSALS = 20;

type Attempt =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'not-applied' }
  | { readonly kind: 'prefix'; readonly items: number }
  | { readonly kind: 'refused'; readonly error: RemoteError };

/** A draft that goes wrong while it is being made anew: start again, the old chunks are still the plan. */
class Restart extends Error {}

export class Drafts {
  readonly #api: BatchApi;
  readonly #ledger: Ledger;
  readonly #options: DraftOptions;
  #maxItems: number | undefined;
  #maxBytes: number | undefined;
  #limitTold = false;
  #refusals: { readonly words: string; count: number } | undefined;
  #everAccepted = false;
  #strays = false;
  /** Drafts that are being made anew, each with what was rejected on the way: told when it is done, since the way may begin again. */
  readonly #rebuilding = new Map<Draft, Rejection[]>();

  constructor(api: BatchApi, ledger: Ledger, options: DraftOptions) {
    this.#api = api;
    this.#ledger = ledger;
    this.#options = options;
    const learned = ledger.learnedLimits(options.project);
    this.#maxItems = learned.maxItems;
    this.#maxBytes = learned.maxBytes;
  }

  async open(lane: number, number: number, first: ItemRef, signal?: AbortSignal): Promise<Draft> {
    const { row, id } = await this.#create(lane, number, describeFirst(first), signal);
    const draft: Draft = {
      lane,
      number,
      slots: new SlotSet(),
      row,
      id,
      accepted: 0,
      inDoubt: false,
      taken: false,
      rebuilds: 0,
      exists: true,
    };
    this.#tell(draft, 'draft');
    return draft;
  }

  /**
   * Brings all items of a chunk into the draft; items that the service refuses for good are told as rejected. Returns the index of the first
   * item that is not settled when the draft was taken by somebody else, else the chunk's length.
   */
  async add(draft: Draft, chunk: Chunk, from: number, signal?: AbortSignal): Promise<number> {
    return this.#addRange(draft, chunk, { from, to: chunk.refs.length }, signal);
  }

  /**
   * Before `process`: the service must hold exactly our items. Puts the draft right when it does not. `stop` ends the wait for an add that may
   * still arrive (rejects with its reason), nothing else.
   */
  async verify(draft: Draft, stop: AbortSignal, signal?: AbortSignal): Promise<void> {
    for (;;) {
      const { row } = draft;
      if (draft.inDoubt && !draft.taken) await this.#wait(this.#options.settleWindowMs, 'settling', stop);
      let count = await this.#settledCount(draft, signal, draft.inDoubt ? EQUAL_READS : 1);
      // One read may come from a place that has not heard of the last add yet.
      if (count !== draft.accepted && !draft.taken) count = await this.#settledCount(draft, signal, EQUAL_READS);
      if (draft.taken || (count === draft.accepted && draft.row === row)) return;
      if (draft.row !== row) continue;
      this.#options.observe({
        type: 'notice',
        level: 'warning',
        code: 'batch-drift',
        message: `batch ${draft.id} holds ${count ?? 'no'} items where ${draft.accepted} were accepted: it is made anew`,
      });
      await this.rebuild(draft, signal);
    }
  }

  /**
   * Deletes the draft and makes it anew from the sources; items that have nowhere to go any more are told as rejected. Throws AppError
   * `batch-taken` when it cannot be deleted any more, `unsettled` when it does not come right.
   */
  async rebuild(draft: Draft, signal?: AbortSignal): Promise<void> {
    if (this.#rebuilding.has(draft)) throw new Restart();
    const rejected: Rejection[] = [];
    this.#rebuilding.set(draft, rejected);
    try {
      await this.#rebuild(draft, rejected, signal);
      for (const rejection of rejected) this.#options.onRefused(rejection);
    } finally {
      this.#rebuilding.delete(draft);
    }
  }

  async #rebuild(draft: Draft, rejected: Rejection[], signal?: AbortSignal): Promise<void> {
    const plan = draft.row;
    for (;;) {
      rejected.length = 0;
      draft.rebuilds += 1;
      if (draft.rebuilds > MAX_REBUILDS) throw unsettled(draft);
      await this.#remove(draft, draft.row === plan ? 'deleted' : 'lost', signal);
      try {
        await this.#refill(draft, plan, signal);
        this.#tell(draft, 'draft');
        return;
      } catch (error) {
        if (!(error instanceof Restart)) throw error;
      }
    }
  }

  /** Deletes a draft that holds nothing. */
  async discard(draft: Draft, signal?: AbortSignal): Promise<void> {
    await this.#remove(draft, 'deleted', signal);
  }

  /** Deletes drafts that carry this run's name but are not in its books (a create or delete whose answer was wrong). Returns how many. */
  async deleteStrays(used: ReadonlySet<string>, signal?: AbortSignal): Promise<number> {
    if (!this.#strays) return 0;
    let deleted = 0;
    for await (const batch of this.#api.listBatches({ status: 'draft' }, signal)) {
      if (batch.metadata['zi_run'] !== this.#options.run || used.has(batch.batchId)) continue;
      if (await this.#api.deleteBatch(batch.batchId, signal)) deleted += 1;
    }
    this.#strays = false;
    return deleted;
  }

  /** True while there may be drafts of this run at the service that are not in its books. */
  get mayLeaveStrays(): boolean {
    return this.#strays;
  }

  // --- making a draft -------------------------------------------------------------------------------------------------------------

  async #create(
    lane: number,
    number: number,
    first: string,
    signal?: AbortSignal,
  ): Promise<{ row: number; id: BatchId }> {
    const { run, batch, marks, randomId, settleWindowMs } = this.#options;
    for (let attempt = 1; attempt <= MAX_CREATES; attempt++) {
      const mark = randomId();
      const row = this.#ledger.intendBatch(run, lane, number, mark);
      const metadata = {
        ...batch.metadata,
        zi_run: run,
        zi_lane: String(lane),
        zi_no: String(number),
        zi_attempt: mark,
        zi_first: first,
        ...marks,
      };
      try {
        const summary = await this.#api.createBatch({ ...batch, metadata }, signal);
        this.#ledger.batchOpened(row, summary.batchId);
        return { row, id: summary.batchId };
      } catch (error) {
        if (!(error instanceof RemoteError) || error.effect === 'none') {
          if (error instanceof RemoteError) this.#ledger.setBatchState(row, 'deleted');
          throw error;
        }
        this.#strays = true;
      }
      // The answer was lost: look for the mark, twice, then make another one; a draft found later is deleted at the end.
      const found = (await this.#find(mark, signal)) ?? (await this.#findLater(mark, settleWindowMs, signal));
      if (found !== undefined) {
        this.#ledger.batchOpened(row, found);
        return { row, id: found };
      }
      this.#ledger.setBatchState(row, 'lost');
    }
    throw new AppError(`the service answered none of ${MAX_CREATES} attempts to create a batch`, {
      code: 'unsettled',
      disposition: 'timeout',
      hint: 'run the same command again when the service answers',
    });
  }

  async #findLater(mark: string, waitMs: number, signal?: AbortSignal): Promise<BatchId | undefined> {
    await this.#wait(waitMs, 'settling', signal);
    return this.#find(mark, signal);
  }

  async #find(mark: string, signal?: AbortSignal): Promise<BatchId | undefined> {
    for await (const batch of this.#api.listBatches({ status: 'draft' }, signal)) {
      if (batch.metadata['zi_attempt'] === mark) return batch.batchId;
    }
    return undefined;
  }

  async #remove(draft: Draft, state: 'deleted' | 'lost', signal?: AbortSignal): Promise<void> {
    try {
      // Whoever says that it is gone may be wrong: it is looked for at the end.
      if (!(await this.#api.deleteBatch(draft.id, signal))) this.#strays = true;
    } catch (error) {
      if (error instanceof RemoteError && error.status === 409) {
        throw taken(draft, error);
      }
      throw error;
    }
    draft.exists = false;
    this.#ledger.setBatchState(draft.row, state);
    this.#tell(draft, 'deleted');
    draft.accepted = 0;
  }

  #reject(draft: Draft, rejection: Rejection): void {
    const held = this.#rebuilding.get(draft);
    if (held === undefined) this.#options.onRefused(rejection);
    else held.push(rejection);
  }

  async #refill(draft: Draft, plan: number, signal?: AbortSignal): Promise<void> {
    const { row, id } = await this.#create(draft.lane, draft.number, 'rebuilt', signal);
    draft.row = row;
    draft.id = id;
    draft.exists = true;
    draft.inDoubt = false;
    for await (const { chunk, misplaced } of this.#options.readAgain.read(
      this.#ledger.chunks(plan),
      draft.lane,
      signal,
    )) {
      for (const range of this.#stretches(draft, chunk, misplaced)) {
        await this.#addRange(draft, chunk, range, signal);
        if (draft.taken) throw taken(draft);
      }
    }
  }

  /** The stretches of a chunk between its misplaced items, each of which is told as rejected. */
  #stretches(draft: Draft, chunk: Chunk, misplaced: ChunkAgain['misplaced']): readonly Range[] {
    const ranges: Range[] = [];
    let from = 0;
    for (const [index, { code, message }] of misplaced) {
      this.#reject(draft, remoteRejection(chunk, index, code, message));
      if (index > from) ranges.push({ from, to: index });
      from = index + 1;
    }
    if (from < chunk.refs.length) ranges.push({ from, to: chunk.refs.length });
    return ranges;
  }

  // --- adding ---------------------------------------------------------------------------------------------------------------------

  async #addRange(draft: Draft, chunk: Chunk, range: Range, signal?: AbortSignal): Promise<number> {
    for (const part of this.#withinLimits(chunk, range)) {
      let { from } = part;
      let attempts = 0;
      while (from < part.to) {
        if (++attempts > MAX_ATTEMPTS) throw unanswered(draft);
        const next = { from, to: part.to };
        const attempt = await this.#attempt(draft, chunk, next, signal);
        if (attempt.kind === 'accepted') from = part.to;
        else if (attempt.kind === 'prefix') {
          from += attempt.items;
          attempts = 0;
        } else if (attempt.kind === 'refused' && !draft.taken) {
          from = await this.#refused(draft, chunk, next, attempt.error, signal);
        }
        if (draft.taken) return from;
      }
    }
    return range.to;
  }

  #withinLimits(chunk: Chunk, range: Range): readonly Range[] {
    const size = Math.min(range.to - range.from, this.#maxItems ?? Number.POSITIVE_INFINITY);
    const maxBytes = this.#maxBytes;
    const parts = rangesOf(range.from, range.to, Math.max(1, size));
    if (maxBytes === undefined) return parts;
    return parts.flatMap((part) => splitByBytes(chunk, part, maxBytes));
  }

  /** One add call, and what came of it. */
  async #attempt(draft: Draft, chunk: Chunk, range: Range, signal?: AbortSignal): Promise<Attempt> {
    const n = range.to - range.from;
    const body = sliceBody(chunk, range.from, range.to);
    const intent = this.#ledger.intendChunk({
      batch: draft.row,
      first: draft.accepted,
      items: n,
      digest: createHash('sha256').update(body).digest('hex'),
      positions: storedPositions(chunk, range),
    });
    this.#tellChunk(draft, 'sent', n);
    let details: readonly BatchItem[] | undefined;
    try {
      details = await this.#api.addItems(draft.id, body, signal);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      if (error.effect === 'none') {
        this.#ledger.chunkWithdrawn(intent);
        return this.#notApplied(draft, error, signal);
      }
    }
    if (details !== undefined && isExactly(details, draft.accepted, n)) {
      this.#accept(draft, chunk, range, intent, details);
      return { kind: 'accepted' };
    }
    draft.inDoubt = true;
    this.#tellChunk(draft, 'in-doubt', n);
    return this.#settle(draft, chunk, range, intent, signal);
  }

  /** A refusal that certainly changed nothing: is it about the items, the batch, or us? */
  async #notApplied(draft: Draft, error: RemoteError, signal?: AbortSignal): Promise<Attempt> {
    if (error.status === 404) {
      await this.rebuild(draft, signal);
      return { kind: 'not-applied' };
    }
    if (error.status === 409) {
      const summary = await this.#ask(draft, signal);
      if (summary === undefined) await this.rebuild(draft, signal);
      else if (summary.status === 'draft' || summary.status === '') throw error;
      else this.#markTaken(draft, summary.itemCount);
      return { kind: 'not-applied' };
    }
    if (error.status === 400 || error.status === 413 || error.status === 422) return { kind: 'refused', error };
    throw error;
  }

  /** Undefined when there is no such batch. */
  async #ask(draft: Draft, signal?: AbortSignal): Promise<BatchSummary | undefined> {
    try {
      return await this.#api.getBatch(draft.id, signal);
    } catch (error) {
      if (!(error instanceof RemoteError) || error.status !== 404) throw error;
      return undefined;
    }
  }

  #markTaken(draft: Draft, count: number | undefined): void {
    draft.taken = true;
    this.#options.observe({
      type: 'notice',
      level: 'warning',
      code: 'batch-taken',
      message: `batch ${draft.id} was processed by somebody else after ${draft.accepted} items${
        count === undefined || count === draft.accepted ? '' : ` (it holds ${count})`
      }; the rest goes into a new batch`,
    });
  }

  #accept(draft: Draft, chunk: Chunk, range: Range, intent: number, details: readonly BatchItem[]): void {
    this.#ledger.chunkAccepted(
      intent,
      details.map((detail) => detail.episodeUuid),
    );
    draft.accepted += range.to - range.from;
    for (let i = range.from; i < range.to; i++) draft.slots.add(chunk.refs[i]?.slot ?? 0);
    this.#everAccepted = true;
    this.#refusals = undefined;
    this.#tellChunk(draft, 'accepted', range.to - range.from);
  }

  // --- the ladder of a refused add ------------------------------------------------------------------------------------------------

  /** Takes a refused range apart, left to right, each part an intent of its own. Returns how far it got. */
  async #refused(draft: Draft, chunk: Chunk, range: Range, error: RemoteError, signal?: AbortSignal): Promise<number> {
    let count = await this.#settledCount(draft, signal, 1);
    if (count !== draft.accepted && !draft.taken) count = await this.#settledCount(draft, signal, EQUAL_READS);
    if (draft.taken) return range.from;
    if (count !== draft.accepted) {
      // Refused in words, but something is there all the same: the draft is not what we think.
      await this.rebuild(draft, signal);
      return this.#addRange(draft, chunk, range, signal);
    }
    this.#tellChunk(draft, 'refused', range.to - range.from);
    const parts = partsAfterRefusal(range.from, range.to);
    if (parts.length === 0) {
      this.#refuseItem(draft, chunk, range.from, error);
      return range.to;
    }
    this.#tellChunk(draft, 'split', range.to - range.from);
    const before = draft.accepted;
    for (const part of parts) {
      const settled = await this.#addRange(draft, chunk, part, signal);
      if (draft.taken) return settled;
    }
    if (draft.accepted - before === range.to - range.from) this.#learn(chunk, range, parts, error.status);
    return range.to;
  }

  #refuseItem(draft: Draft, chunk: Chunk, index: number, error: RemoteError): void {
    const words = error.serverMessage ?? error.message;
    this.#reject(draft, remoteRejection(chunk, index, 'refused', `the service refused it: ${words}`));
    if (this.#refusals?.words === words) this.#refusals.count += 1;
    else this.#refusals = { words, count: 1 };
    if (!this.#everAccepted && this.#refusals.count >= SAME_REFUSALS) {
      throw new AppError(`the service refused the first ${SAME_REFUSALS} items, each with the same words: ${words}`, {
        code: 'all-refused',
        disposition: 'too-many-rejects',
        hint: 'mend the mapping: zep-import preview shows what is sent',
        cause: error,
      });
    }
  }

  /** All parts of a refused call were taken: the call was too large, not wrong. Remembered for the project, told once. */
  #learn(chunk: Chunk, range: Range, parts: readonly Range[], status: number | undefined): void {
    const largest = Math.max(...parts.map((part) => part.to - part.from));
    if (status === 413) {
      const bytes = Math.max(...parts.map((part) => sliceBytes(chunk, part)));
      this.#maxBytes = Math.min(this.#maxBytes ?? Number.POSITIVE_INFINITY, bytes);
    } else {
      this.#maxItems = Math.min(this.#maxItems ?? Number.POSITIVE_INFINITY, largest);
    }
    this.#ledger.learnLimits(this.#options.project, { maxItems: this.#maxItems, maxBytes: this.#maxBytes });
    if (this.#limitTold) return;
    this.#limitTold = true;
    this.#options.observe({
      type: 'notice',
      level: 'info',
      code: 'size-limit',
      message:
        status === 413
          ? `the service takes no add call of ${sliceBytes(chunk, range)} bytes; calls are kept under ${this.#maxBytes ?? 0} bytes from here on`
          : `the service takes no ${range.to - range.from} items in one call; ${largest} are sent at once from here on`,
    });
  }

  // --- settling an unknown --------------------------------------------------------------------------------------------------------

  async #settle(draft: Draft, chunk: Chunk, range: Range, intent: number, signal?: AbortSignal): Promise<Attempt> {
    if (this.#isCheapToRebuild(draft) && (await this.#rebuiltAtOnce(draft, signal))) {
      this.#ledger.chunkWithdrawn(intent);
      return { kind: 'not-applied' };
    }
    await this.#wait(this.#options.settleWindowMs, 'settling', signal);
    const count = await this.#settledCount(draft, signal, EQUAL_READS);
    const n = range.to - range.from;
    const landed = (count ?? -1) - draft.accepted;
    if (landed === 0) {
      this.#ledger.chunkWithdrawn(intent);
      return { kind: 'not-applied' };
    }
    const details =
      landed > 0 && landed <= n ? await this.#landed(draft, chunk, range.from, landed, signal) : undefined;
    if (details !== undefined && landed === n) {
      this.#accept(draft, chunk, range, intent, details);
      return { kind: 'accepted' };
    }
    this.#ledger.chunkWithdrawn(intent);
    if (details !== undefined) {
      const prefix = { from: range.from, to: range.from + landed };
      const part = this.#ledger.intendChunk({
        batch: draft.row,
        first: draft.accepted,
        items: landed,
        digest: createHash('sha256')
          .update(sliceBody(chunk, prefix.from, prefix.to))
          .digest('hex'),
        positions: storedPositions(chunk, prefix),
      });
      this.#accept(draft, chunk, prefix, part, details);
      return { kind: 'prefix', items: landed };
    }
    await this.rebuild(draft, signal);
    return { kind: 'not-applied' };
  }

  /** False when the service will not delete the draft, most likely because somebody else processed it: then it can only be counted. */
  async #rebuiltAtOnce(draft: Draft, signal?: AbortSignal): Promise<boolean> {
    const { row } = draft;
    try {
      await this.rebuild(draft, signal);
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code === 'batch-taken' && draft.row === row) return false;
      throw error;
    }
  }

  #isCheapToRebuild(draft: Draft): boolean {
    // A line that loses one answer in five would never get a whole draft across: after a few attempts, wait and count.
    if (draft.rebuilds >= REBUILDS_AT_ONCE || draft.accepted >= REBUILD_BELOW) return false;
    if (draft.accepted === 0) return true;
    for (const chunk of this.#ledger.chunks(draft.row)) {
      for (const first of chunk.positions()) return this.#options.readAgain.isCheap(first);
    }
    return false;
  }

  /** The details of the `n` items that came after ours, when they are exactly the first `n` of what was sent; else undefined. */
  async #landed(
    draft: Draft,
    chunk: Chunk,
    from: number,
    n: number,
    signal?: AbortSignal,
  ): Promise<readonly BatchItem[] | undefined> {
    const found = new Map<number, BatchItem>();
    let total = 0;
    for await (const item of this.#api.listItems(draft.id, {}, signal)) {
      total += 1;
      if (item.index !== undefined && item.index >= draft.accepted) found.set(item.index, item);
    }
    if (total !== draft.accepted + n || found.size !== n) return undefined;
    const details: BatchItem[] = [];
    for (let i = 0; i < n; i++) {
      const detail = found.get(draft.accepted + i);
      if (detail === undefined || !goesWhere(detail, itemAt(chunk, from + i))) return undefined;
      details.push(detail);
    }
    return details;
  }

  /**
   * The service's item count, read until `reads` answers in a row are equal. A draft that is gone is made anew; one that somebody else
   * processed is marked. Undefined when the service names no count.
   */
  async #settledCount(draft: Draft, signal: AbortSignal | undefined, reads: number): Promise<number | undefined> {
    let last: number | undefined;
    let equal = 0;
    for (let read = 1; read <= MAX_READS; read++) {
      const summary = await this.#ask(draft, signal);
      if (summary === undefined) {
        await this.rebuild(draft, signal);
        return draft.accepted;
      }
      if (TAKEN.has(summary.status) && !draft.taken) {
        this.#markTaken(draft, summary.itemCount);
      }
      equal = summary.itemCount === last ? equal + 1 : 1;
      last = summary.itemCount;
      if (equal >= reads) return last;
      await this.#options.clock.sleep(Math.min(READ_INTERVAL_MS, this.#options.settleWindowMs / 10), signal);
    }
    throw unsettled(draft);
  }

  async #wait(ms: number, reason: 'settling', signal?: AbortSignal): Promise<void> {
    if (ms <= 0) return;
    this.#options.observe({ type: 'waiting', reason, ms });
    await this.#options.clock.sleep(ms, signal);
  }

  #tell(draft: Draft, status: string): void {
    this.#options.observe({
      type: 'batch',
      batch: draft.id,
      lane: draft.lane,
      number: draft.number,
      status,
      items: draft.accepted,
      counts: undefined,
    });
  }

  #tellChunk(draft: Draft, phase: 'sent' | 'accepted' | 'refused' | 'in-doubt' | 'split', items: number): void {
    this.#options.observe({ type: 'chunk', phase, lane: draft.lane, batch: draft.id, items });
  }
}

// --- pure parts -------------------------------------------------------------------------------------------------------------------

/** True when the details are exactly `n` items with the indexes before … before + n - 1, in this order. */
export function isExactly(details: readonly BatchItem[], before: number, n: number): boolean {
  if (details.length !== n) return false;
  for (let i = 0; i < n; i++) if (details[i]?.index !== before + i) return false;
  return true;
}

/** Does a detail of the service name the same destination as the item we sent? */
function goesWhere(detail: BatchItem, item: WireItem): boolean {
  if (detail.kind !== undefined && detail.kind !== item.type) return false;
  if (item.type === 'thread_message') return detail.threadId === item.thread_id;
  return item.graph_id === undefined ? detail.userId === item.user_id : detail.graphId === item.graph_id;
}

function* storedPositions(chunk: Chunk, range: Range): Generator<StoredPosition> {
  for (let i = range.from; i < range.to; i++) {
    const ref = chunk.refs[i];
    if (ref === undefined) return;
    const { source, ordinal, line, byteStart, byteEnd } = ref.position;
    yield { source: source.index, ordinal, line, byteStart, byteEnd, item: ref.index, part: ref.part };
  }
}

function sliceBytes(chunk: Chunk, range: Range): number {
  return (chunk.offsets[range.to] ?? 0) - (chunk.offsets[range.from] ?? 0) + 12;
}

function splitByBytes(chunk: Chunk, range: Range, maxBytes: number): readonly Range[] {
  const parts: Range[] = [];
  let from = range.from;
  for (let i = range.from + 1; i <= range.to; i++) {
    if (i - from > 1 && sliceBytes(chunk, { from, to: i }) > maxBytes) {
      parts.push({ from, to: i - 1 });
      from = i - 1;
    }
  }
  if (from < range.to) parts.push({ from, to: range.to });
  return parts;
}

function remoteRejection(chunk: Chunk, index: number, code: string, message: string): Rejection {
  const ref = chunk.refs[index];
  if (ref === undefined) throw new RangeError('no such item in the chunk');
  return { kind: 'rejected', stage: 'remote', code, message, position: ref.position, item: ref.index };
}

function describeFirst(first: ItemRef): string {
  return `${first.position.source.index}:${first.position.ordinal}:${first.index}`;
}

function taken(draft: Draft, cause?: unknown): AppError {
  return new AppError(`batch ${draft.id} was processed by somebody else while it was not complete`, {
    code: 'batch-taken',
    disposition: 'timeout',
    hint: `compare it with the input: zep-import batches show ${draft.id}`,
    cause,
  });
}

function unanswered(draft: Draft): AppError {
  return new AppError(`the service answered none of ${MAX_ATTEMPTS} add calls to batch ${draft.id}, and applied none`, {
    code: 'unsettled',
    disposition: 'timeout',
    hint: 'run the same command again when the service answers',
  });
}

function unsettled(draft: Draft): AppError {
  return new AppError(`batch ${draft.number} of lane ${draft.lane} did not come right after ${MAX_REBUILDS} attempts`, {
    code: 'unsettled',
    disposition: 'timeout',
    hint: 'run the same command again when the service is steady',
  });
}
