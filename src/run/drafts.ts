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
import type { StoredBatch, StoredChunk } from '../ledger/batches.js';
import type { Ledger, StoredPosition } from '../ledger/ledger.js';
import { bytesOf } from '../ledger/marks.js';
import type { BatchId, Rejection } from '../model.js';
import { RemoteError, type BatchApi, type BatchItem, type BatchSummary } from '../remote/api.js';
import { step } from '../steps.js';
import type { BatchStatus, CreateBatchRequest } from '../wire.js';
import {
  describeFirst,
  goesWhere,
  isExactly,
  lastOf,
  marksOf,
  remoteRejection,
  sliceBytes,
  splitByBytes,
  storedPositions,
} from './chunk-parts.js';
import { taken, unanswered, unsettled } from './draft-errors.js';
import type { Protocol } from './protocol.js';

/** One open batch of ours. Its identity at the service changes when it is made anew; lane and number stay. */
export interface Draft {
  readonly lane: number;
  readonly number: number;
  readonly slots: SlotSet;
  /** Its place in the order of all batches. */
  readonly seq: number;
  row: number;
  id: BatchId;
  /** Items of ours that the service certainly holds. */
  accepted: number;
  /** True once an add to it was in doubt: then it is looked at again, after a wait, before it is processed. */
  inDoubt: boolean;
  /** Told when an add has left. */
  onSent?: () => void;
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
  /** An item is settled without having got in: it was refused, or has nowhere to go any more. Called inside a transaction. */
  readonly onRefused: (rejection: Rejection, part: number) => void;
  /** The items with these marks did not get in after all. */
  readonly onDropped: (marks: Uint32Array) => void;
  readonly readAgain: ReadAgain;
  readonly randomId: () => string;
  /** The slots of a lane, for the metadata of its batches. */
  readonly slotsOf: (lane: number) => string;
  /** Waited for before an intent: what a draft is made anew from must be safe first. */
  readonly ready: () => Promise<void> | undefined;
  /** Written in the same transaction as an intent, and as what was rejected: where the run stands. */
  readonly alongside: () => void;
  readonly protocol: Protocol;
  /** Drafts of earlier tries may be left at the service without being in the books. */
  readonly mayLeaveStrays: boolean;
}

/** A draft smaller than this is made anew at once instead of waiting out the settle window: a late add then meets a deleted batch. */
const REBUILD_BELOW = 5_000;
const REBUILDS_AT_ONCE = 2;
const MAX_REBUILDS = 8;
const MAX_CREATES = 5;
/** So often one add call is made again after it was found not to have been applied. */
const MAX_ATTEMPTS = 10;
const EQUAL_READS = 3;
const STRAY_LOOKS = 3;
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

/** An item that is settled without having got in. */
interface Dropped {
  readonly rejection: Rejection;
  readonly part: number;
  readonly marks: Uint32Array | undefined;
}

export class Drafts {
  readonly #api: BatchApi;
  readonly #ledger: Ledger;
  readonly #options: DraftOptions;
  #maxItems: number | undefined;
  #maxBytes: number | undefined;
  #limitTold = false;
  #refusals: { readonly words: string; count: number } | undefined;
  #everAccepted = false;
  #strays: boolean;
  /** Drafts that are being made anew, each with what was rejected on the way: told when it is done, since the way may begin again. */
  readonly #rebuilding = new Map<Draft, Dropped[]>();

  constructor(api: BatchApi, ledger: Ledger, options: DraftOptions) {
    this.#api = api;
    this.#ledger = ledger;
    this.#options = options;
    const learned = ledger.learnedLimits(options.project);
    this.#maxItems = learned.maxItems;
    this.#maxBytes = learned.maxBytes;
    this.#strays = options.mayLeaveStrays;
  }

  async open(lane: number, number: number, first: ItemRef, signal?: AbortSignal): Promise<Draft> {
    const { row, id } = await this.#create({ lane, number, first: describeFirst(first) }, signal);
    const draft: Draft = {
      lane,
      number,
      slots: new SlotSet(),
      seq: row,
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
      if (!this.#options.protocol.countCheck) return;
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
    const dropped: Dropped[] = [];
    this.#rebuilding.set(draft, dropped);
    try {
      await this.#rebuild(draft, dropped, signal);
    } finally {
      this.#rebuilding.delete(draft);
    }
  }

  async #rebuild(draft: Draft, dropped: Dropped[], signal?: AbortSignal): Promise<void> {
    const plan = draft.row;
    step('rebuild.intending');
    this.#ledger.batches.intendRebuild(plan);
    step('rebuild.intended');
    for (;;) {
      dropped.length = 0;
      draft.rebuilds += 1;
      if (draft.rebuilds > MAX_REBUILDS) throw unsettled(draft, MAX_REBUILDS);
      try {
        await this.#remove(draft, signal);
      } catch (error) {
        if (error instanceof AppError && error.code === 'batch-taken' && draft.row === plan) {
          this.#ledger.batches.cancelRebuild(plan);
        }
        throw error;
      }
      if (draft.row !== plan) this.#ledger.batches.forget(draft.row);
      step('rebuild.deleted');
      try {
        await this.#refill(draft, plan, signal);
        break;
      } catch (error) {
        if (!(error instanceof Restart)) throw error;
      }
    }
    step('rebuild.refilled');
    this.#ledger.db.durable(() => {
      this.#ledger.batches.rebuilt(plan, draft.row);
      this.#settleDropped(dropped);
    });
    step('rebuild.recorded');
    this.#tell(draft, 'draft');
  }

  #settleDropped(dropped: readonly Dropped[]): void {
    this.#ledger.db.record(() => {
      for (const { rejection, part, marks } of dropped) {
        this.#options.onRefused(rejection, part);
        if (marks !== undefined) this.#options.onDropped(marks);
      }
      this.#options.alongside();
    });
  }

  /** Deletes a draft that holds nothing. */
  async discard(draft: Draft, signal?: AbortSignal): Promise<void> {
    await this.#remove(draft, signal);
    this.#ledger.batches.forget(draft.row);
  }

  /**
   * A draft of an earlier try, as far as the books know it, with its last add settled and its making anew brought to an end. `stop` ends the
   * wait for an add that may still arrive (rejects with its reason).
   */
  async resume(stored: StoredBatch, stop: AbortSignal, signal?: AbortSignal): Promise<Draft> {
    const draft: Draft = {
      lane: stored.lane,
      number: stored.number,
      slots: stored.slots === '' ? new SlotSet() : SlotSet.parse(stored.slots),
      seq: stored.seq,
      row: stored.row,
      id: (stored.batchId ?? '') as BatchId,
      accepted: stored.items,
      inDoubt: stored.doubted,
      taken: false,
      rebuilds: 0,
      exists: true,
    };
    this.#tell(draft, 'draft');
    if (stored.state === 'rebuilding' && (await this.#rebuiltAtOnce(draft, signal))) return draft;
    draft.accepted = stored.items;
    draft.exists = true;
    for (const intended of this.#ledger.batches.intendedChunks(draft.row)) {
      await this.#settleStored(draft, intended, stop, signal);
    }
    return draft;
  }

  /** Deletes a draft that was begun in the place of another. */
  async abandon(stored: StoredBatch, signal?: AbortSignal): Promise<void> {
    if (stored.batchId !== undefined) await this.#api.deleteBatch(stored.batchId as BatchId, signal);
    this.#ledger.batches.forget(stored.row);
  }

  /** An add of an earlier try, of which nobody knows whether it was applied. */
  async #settleStored(draft: Draft, intended: StoredChunk, stop: AbortSignal, signal?: AbortSignal): Promise<void> {
    this.#doubt(draft);
    for await (const { chunk } of this.#options.readAgain.read([intended], draft.lane, signal)) {
      const range = { from: 0, to: chunk.refs.length };
      step('settle.asking');
      await this.#settle(draft, chunk, range, intended.row, signal, stop);
      step('settle.recorded');
    }
  }

  /** Deletes drafts that carry this run's name but are not in its books (a create or delete whose answer was wrong). Returns how many. */
  async deleteStrays(used: ReadonlySet<string>, signal?: AbortSignal): Promise<number> {
    if (!this.#strays) return 0;
    let deleted = 0;
    for (let look = 0; look < STRAY_LOOKS && this.#strays; look++) {
      let isSure = true;
      for await (const batch of this.#api.listBatches({ status: 'draft' }, signal)) {
        if (batch.metadata['zi_run'] !== this.#options.run || used.has(batch.batchId)) continue;
        // What was listed just now and is said to be gone is looked for once more.
        if (await this.#api.deleteBatch(batch.batchId, signal)) deleted += 1;
        else isSure = false;
      }
      if (isSure) this.#strays = false;
    }
    return deleted;
  }

  /** True while there may be drafts of this run at the service that are not in its books. */
  get mayLeaveStrays(): boolean {
    return this.#strays;
  }

  // --- making a draft -------------------------------------------------------------------------------------------------------------

  async #create(
    { lane, number, first, plan }: { lane: number; number: number; first: string; plan?: number },
    signal?: AbortSignal,
  ): Promise<{ row: number; id: BatchId }> {
    const { run, batch, marks, randomId, settleWindowMs, slotsOf } = this.#options;
    const { batches } = this.#ledger;
    for (let attempt = 1; attempt <= MAX_CREATES; attempt++) {
      const mark = randomId();
      step('create.intending');
      const row = batches.intend({ run, lane, number, attempt: mark, ...(plan === undefined ? {} : { plan }) });
      step('create.intended');
      const metadata = {
        ...batch.metadata,
        zi_run: run,
        zi_lane: String(lane),
        zi_no: String(number),
        zi_attempt: mark,
        zi_first: first,
        zi_slots: slotsOf(lane),
        ...marks,
      };
      try {
        const summary = await this.#api.createBatch({ ...batch, metadata }, signal);
        step('create.answered');
        batches.opened(row, summary.batchId);
        step('create.recorded');
        return { row, id: summary.batchId };
      } catch (error) {
        if (!(error instanceof RemoteError) || error.effect === 'none') {
          if (error instanceof RemoteError) batches.setState(row, 'deleted');
          throw error;
        }
        this.#strays = true;
      }
      // The answer was lost: look for the mark, twice, then make another one; a draft found later is deleted at the end.
      const found = (await this.#find(mark, signal)) ?? (await this.#findLater(mark, settleWindowMs, signal));
      if (found !== undefined) {
        batches.opened(row, found);
        return { row, id: found };
      }
      batches.setState(row, 'lost');
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

  /** Deletes the draft at the service; what the books say of it is the caller's business. */
  async #remove(draft: Draft, signal?: AbortSignal): Promise<void> {
    step('delete.intended');
    try {
      // Whoever says that it is gone may be wrong: it is looked for at the end.
      if (!(await this.#api.deleteBatch(draft.id, signal))) this.#strays = true;
    } catch (error) {
      if (error instanceof RemoteError && error.status === 409) {
        throw taken(draft, error);
      }
      throw error;
    }
    step('delete.answered');
    draft.exists = false;
    this.#tell(draft, 'deleted');
    draft.accepted = 0;
  }

  /** An item that is settled without having got in. In a draft that is being made anew that is only sure when it is done. */
  #drop(draft: Draft, chunk: Chunk, index: number, rejection: Rejection): void {
    const part = chunk.refs[index]?.part ?? 0;
    const dropped: Dropped = { rejection, part, marks: marksOf(chunk, { from: index, to: index + 1 })?.slice() };
    const held = this.#rebuilding.get(draft);
    if (held === undefined) this.#settleDropped([dropped]);
    else held.push(dropped);
  }

  #doubt(draft: Draft): void {
    draft.inDoubt = true;
    this.#ledger.batches.setDoubted(draft.row);
  }

  async #refill(draft: Draft, plan: number, signal?: AbortSignal): Promise<void> {
    const { lane, number } = draft;
    const { row, id } = await this.#create({ lane, number, first: 'rebuilt', plan }, signal);
    draft.row = row;
    draft.id = id;
    draft.exists = true;
    draft.inDoubt = false;
    for await (const { chunk, misplaced } of this.#options.readAgain.read(
      this.#ledger.batches.chunks(plan),
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
      this.#drop(draft, chunk, index, remoteRejection(chunk, index, code, message));
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
        if (++attempts > MAX_ATTEMPTS) throw unanswered(draft, MAX_ATTEMPTS);
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
    await this.#options.ready();
    step('add.intending');
    const intent = this.#intend(draft, chunk, range, body);
    await this.#ledger.db.synced();
    step('add.intended');
    this.#tellChunk(draft, 'sent', n);
    let details: readonly BatchItem[] | undefined;
    try {
      const answer = this.#api.addItems(draft.id, body, signal);
      draft.onSent?.();
      details = await answer;
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      if (error.effect === 'none') {
        this.#ledger.batches.chunkWithdrawn(intent);
        return this.#notApplied(draft, error, signal);
      }
    }
    step('add.answered');
    const { answerCheck } = this.#options.protocol;
    if (details !== undefined && (isExactly(details, draft.accepted, n) || !answerCheck)) {
      this.#accept(draft, chunk, range, intent, details);
      return { kind: 'accepted' };
    }
    this.#doubt(draft);
    this.#tellChunk(draft, 'in-doubt', n);
    return this.#settle(draft, chunk, range, intent, signal);
  }

  #intend(draft: Draft, chunk: Chunk, range: Range, body: Buffer): number {
    const marks = marksOf(chunk, range);
    return this.#ledger.batches.intendChunk(
      {
        batch: draft.row,
        first: draft.accepted,
        items: range.to - range.from,
        digest: createHash('sha256').update(body).digest('hex'),
        positions: storedPositions(chunk, range),
        last: lastOf(chunk, range),
        marks: marks === undefined ? undefined : bytesOf(marks),
      },
      this.#options.alongside,
    );
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
      else if (summary.status !== 'draft' && summary.status !== '') this.#markTaken(draft, summary.itemCount);
      // A draft that is said to be none: it was asked in two places that do not know of each other yet.
      else await this.#options.clock.sleep(this.#readIntervalMs, signal);
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
    const n = range.to - range.from;
    for (let i = range.from; i < range.to; i++) draft.slots.add(chunk.refs[i]?.slot ?? 0);
    const uuids = Array.from({ length: n }, (_, i) => details[i]?.episodeUuid);
    const slots = draft.slots.toString();
    this.#ledger.batches.chunkAccepted(intent, { uuids, slots });
    step('add.recorded');
    draft.accepted += n;
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
    this.#drop(draft, chunk, index, remoteRejection(chunk, index, 'refused', `the service refused it: ${words}`));
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

  async #settle(
    draft: Draft,
    chunk: Chunk,
    range: Range,
    intent: number,
    signal?: AbortSignal,
    stop = signal,
  ): Promise<Attempt> {
    if (this.#isCheapToRebuild(draft) && (await this.#rebuiltAtOnce(draft, signal))) {
      return { kind: 'not-applied' };
    }
    await this.#wait(this.#options.settleWindowMs, 'settling', stop);
    const count = await this.#settledCount(draft, signal, EQUAL_READS);
    const n = range.to - range.from;
    const landed = (count ?? -1) - draft.accepted;
    if (landed === 0) {
      this.#ledger.batches.chunkWithdrawn(intent);
      return { kind: 'not-applied' };
    }
    const details =
      landed > 0 && landed <= n ? await this.#landed(draft, chunk, range.from, landed, signal) : undefined;
    if (details !== undefined && landed === n) {
      this.#accept(draft, chunk, range, intent, details);
      return { kind: 'accepted' };
    }
    this.#ledger.batches.chunkWithdrawn(intent);
    if (details !== undefined) {
      const prefix = { from: range.from, to: range.from + landed };
      const part = this.#intend(draft, chunk, prefix, sliceBody(chunk, prefix.from, prefix.to));
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
    for (const chunk of this.#ledger.batches.chunks(draft.row)) {
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
      await this.#options.clock.sleep(this.#readIntervalMs, signal);
    }
    throw unsettled(draft, MAX_REBUILDS);
  }

  get #readIntervalMs(): number {
    return Math.min(READ_INTERVAL_MS, this.#options.settleWindowMs / 10);
  }

  async #wait(ms: number, reason: 'settling', signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || !this.#options.protocol.settleWait) return;
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
