/**
 * From placed items to accepted chunks: lanes, each with one open batch and one add call in flight, so that order inside a graph is the order
 * of the input and a lost answer can be settled by counting. More speed comes from more lanes. The producer waits where a lane has enough
 * ready chunks: nothing queues without a bound.
 */
import type { Observe } from '../events.js';
import { LaneAssignment } from '../lanes/assignment.js';
import { Chunker, type Chunk, type ChunkLimits, type ItemRef } from '../lanes/chunker.js';
import { SlotSet } from '../lanes/destination.js';
import type { EncodedBlock } from '../lanes/encoded-block.js';
import type { StoredLanes } from '../ledger/runs.js';
import type { Draft, Drafts } from './drafts.js';
import { isBefore, type Place } from './frontier.js';

/** Chunks that wait, ready, behind the one in flight: the next is there when the answer arrives. */
const READY_CHUNKS = 2;
/** Ready chunks of all lanes together may hold this much; then each lane keeps only one. */
const READY_BYTES = 48 * 1024 * 1024;
/** A part-filled chunk is sent when the reader is so many records or bytes ahead of its first item: it holds up where a next try begins. */
const STALE_RECORDS = 50_000;
const STALE_BYTES = 64 * 1024 * 1024;
export const MAX_AUTO_LANES = 8;

export interface UploaderOptions {
  readonly lanes: number | 'auto';
  readonly chunk: ChunkLimits;
  readonly batchSize: number;
  readonly observe: Observe;
  /** How many calls may usefully be in flight, asked when lanes could be added. */
  readonly concurrencyHint: () => number;
  /** A batch is complete: it may be processed. */
  readonly onComplete: (draft: Draft) => void;
  /** How the lanes were when an earlier try ended, when as many are wanted again. */
  readonly stored?: StoredLanes | undefined;
  /** Which lane a slot belongs to has changed. */
  readonly onAssignment: (lanes: StoredLanes) => void;
  /** A lane failed: the others are stopped by it, and so is whoever feeds them. */
  readonly onFailure: (error: unknown) => void;
}

interface Ready {
  readonly chunk: Chunk;
  /** Called when the batch that is complete with this chunk was handed over. */
  readonly border: (() => void) | undefined;
}

export class Uploader {
  readonly #drafts: Drafts;
  readonly #options: UploaderOptions;
  readonly #assignment: LaneAssignment;
  readonly #lanes: Lane[] = [];
  readonly #signal: AbortSignal;
  /** Aborted at a soft stop or a failure: what is in flight is finished, nothing new is sent. */
  readonly #stop: AbortSignal;
  readonly #budget = { bytes: 0 };
  #failure: { readonly error: unknown } | undefined;

  /** `signal` ends calls in flight; `stop` only keeps new ones from being made. */
  constructor(drafts: Drafts, options: UploaderOptions, stop: AbortSignal, signal: AbortSignal) {
    this.#drafts = drafts;
    this.#options = options;
    this.#stop = stop;
    this.#signal = signal;
    const { stored } = options;
    const lanes = stored?.lanes ?? (options.lanes === 'auto' ? 1 : options.lanes);
    this.#assignment = stored === undefined ? new LaneAssignment(lanes) : LaneAssignment.parse(stored);
    this.#addLanes(lanes);
  }

  /** Puts on record which lane a slot belongs to. Before that, a next try begins with lanes of its own. */
  storeLanes(): void {
    if (this.#options.stored === undefined) this.#options.onAssignment(this.#assignment.stored());
  }

  /** Before the first item: lanes of a first try get as much to do as each other, judged by the slots of the first items. */
  balance(slots: readonly number[]): void {
    if (this.continues || this.#lanes.length === 1) return;
    if (this.#assignment.balance(slots)) this.storeLanes();
  }

  /** Whether a lane takes all that a draft may hold: only then is it the draft's lane still. */
  takesAllOf(lane: number, slots: SlotSet): boolean {
    return lane < this.#lanes.length && SlotSet.parse(this.slotsOf(lane)).includes(slots);
  }

  /** The lanes are those of an earlier try. */
  get continues(): boolean {
    return this.#options.stored !== undefined;
  }

  /** A lane goes on with a draft of an earlier try; call it before the first item. */
  adopt(draft: Draft): void {
    this.#lanes[draft.lane]?.adopt(draft);
  }

  /** The numbers of batches go on behind those of earlier tries. */
  numbersFrom(lane: number, number: number): void {
    this.#lanes[lane]?.numbersFrom(number);
  }

  /** Sixteen hexadecimal digits: the slots whose items a lane takes. */
  slotsOf(lane: number): string {
    const slots = new SlotSet();
    for (const slot of this.#assignment.slotsOf(lane)) slots.add(slot);
    return slots.toString();
  }

  /** The place of the first item that is on its way, over all lanes. */
  get pending(): Place | undefined {
    let first: Place | undefined;
    for (const { pending } of this.#lanes) {
      if (pending !== undefined && (first === undefined || isBefore(pending, first))) first = pending;
    }
    return first;
  }

  /** The marks of all items on their way. */
  *pendingMarks(): Generator<ArrayLike<number>> {
    for (const lane of this.#lanes) yield* lane.pendingMarks();
  }

  /** Every draft that was opened; those that hold nothing may have been deleted again. */
  get drafts(): readonly Draft[] {
    return this.#lanes.flatMap((lane) => lane.drafts);
  }

  /**
   * Takes the items of a block in input order, each with its slot (-1: not sent); resolves when there is room for more. `records` and `bytes` tell
   * how far the reader is. Throws what stopped a lane.
   */
  async put(block: EncodedBlock, slots: readonly number[], records: number, bytes: number): Promise<void> {
    for (const [index, slot] of slots.entries()) {
      if (this.#stop.aborted) break;
      if (slot < 0) continue;
      const lane = this.#lanes[this.#assignment.place(slot)];
      if (lane === undefined) throw new RangeError(`no lane for slot ${slot}`);
      const handedOver = lane.collect(block, index, slot, records, bytes);
      if (handedOver !== undefined) this.#atBorder(lane, handedOver);
      if (lane.isFull) await lane.room();
    }
    this.#rethrow();
    for (const lane of this.#lanes) lane.flushStale(records - STALE_RECORDS, bytes - STALE_BYTES);
  }

  /** The input is over: sends what is left and waits for it. `complete`: the last batches are complete too. */
  async finish(complete: boolean): Promise<void> {
    for (const lane of this.#lanes) lane.end(complete);
    await Promise.allSettled(this.#lanes.map((lane) => lane.done));
    this.#rethrow();
  }

  /**
   * A batch has overflowed: there is enough to do for more lanes, as many as the request budget can feed. They begin when it was handed
   * over, because slots of theirs have items in it.
   */
  #atBorder(lane: Lane, handedOver: Promise<boolean>): void {
    if (this.#options.lanes !== 'auto' || this.#lanes.length > 1) return;
    const lanes = Math.max(1, Math.min(MAX_AUTO_LANES, Math.floor(this.#options.concurrencyHint())));
    if (lanes === 1) return;
    this.#assignment.spread(lane.id, lanes);
    this.#addLanes(lanes - 1, handedOver);
    this.#options.onAssignment(this.#assignment.stored());
  }

  #addLanes(count: number, startAfter?: Promise<boolean>): void {
    for (let i = 0; i < count; i++) {
      const lane = new Lane(
        this.#lanes.length,
        this.#drafts,
        this.#options,
        this.#budget,
        this.#stop,
        this.#signal,
        startAfter,
        count === 1 && this.#lanes.length === 0,
      );
      lane.done.catch((error: unknown) => {
        this.#failure ??= { error };
        this.#options.onFailure(error);
      });
      this.#lanes.push(lane);
    }
    this.#options.observe({ type: 'lanes', lanes: this.#lanes.length });
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

class Lane {
  readonly id: number;
  readonly done: Promise<void>;
  readonly drafts: Draft[] = [];
  readonly #sender: Drafts;
  readonly #options: UploaderOptions;
  readonly #budget: { bytes: number };
  readonly #stop: AbortSignal;
  readonly #signal: AbortSignal;
  readonly #chunker: Chunker;
  readonly #ready: Ready[] = [];
  #itemsInBatch = 0;
  #firstRecord = 0;
  #firstByte = 0;
  #number = 0;
  /** The chunk in flight, and how far it is settled. */
  #sending: { readonly chunk: Chunk; from: number } | undefined;
  #draft: Draft | undefined;
  #ended: { readonly complete: boolean } | undefined;
  #wakeSender: () => void = () => undefined;
  #wakeProducer: () => void = () => undefined;
  /** Told at the end of the lane: borders that it did not reach will not be reached. */
  readonly #borders = new Set<(handedOver: boolean) => void>();
  /** Until its first add has left, one chunk is enough: mapping more of them would only hold that add up. */
  #isFirst: boolean;
  #dead = false;

  /** `startAfter`: nothing is sent before it gives true, and nothing at all if it gives false. `isAlone`: no other lane is fed meanwhile. */
  constructor(
    id: number,
    sender: Drafts,
    options: UploaderOptions,
    budget: { bytes: number },
    stop: AbortSignal,
    signal: AbortSignal,
    startAfter: Promise<boolean> | undefined,
    isAlone: boolean,
  ) {
    this.id = id;
    this.#isFirst = isAlone;
    this.#sender = sender;
    this.#options = options;
    this.#budget = budget;
    this.#stop = stop;
    this.#signal = signal;
    this.#chunker = new Chunker(id, options.chunk);
    stop.addEventListener('abort', () => this.#wakeSender(), { once: true });
    this.done = this.#run(startAfter);
  }

  /**
   * When the batch is complete with this item, returns a promise of its being handed over: true when it was, false when the lane ended
   * before.
   */
  collect(
    block: EncodedBlock,
    index: number,
    slot: number,
    records: number,
    bytes: number,
  ): Promise<boolean> | undefined {
    if (this.#chunker.items === 0) this.#begin(records, bytes);
    const full = this.#chunker.add(block, index, slot);
    this.#itemsInBatch += 1;
    if (this.#itemsInBatch >= this.#options.batchSize) return this.#closeBatch(full);
    if (full !== undefined) {
      this.#push(full);
      if (this.#chunker.items > 0) this.#begin(records, bytes);
    }
    return undefined;
  }

  #begin(records: number, bytes: number): void {
    this.#firstRecord = records;
    this.#firstByte = bytes;
  }

  adopt(draft: Draft): void {
    this.#take(draft);
    this.drafts.push(draft);
    this.#itemsInBatch = draft.accepted;
    this.numbersFrom(draft.number);
  }

  numbersFrom(number: number): void {
    this.#number = Math.max(this.#number, number);
  }

  get pending(): Place | undefined {
    const ref: ItemRef | undefined =
      this.#sending?.chunk.refs[this.#sending.from] ?? this.#ready[0]?.chunk.refs[0] ?? this.#chunker.refs[0];
    return ref === undefined ? undefined : { source: ref.position.source.index, ordinal: ref.position.ordinal };
  }

  *pendingMarks(): Generator<ArrayLike<number>> {
    if (this.#sending?.chunk.marks !== undefined) yield this.#sending.chunk.marks;
    for (const { chunk } of this.#ready) if (chunk.marks !== undefined) yield chunk.marks;
    if (this.#chunker.marks !== undefined) yield this.#chunker.marks;
  }

  #closeBatch(full: Chunk | undefined): Promise<boolean> {
    this.#itemsInBatch = 0;
    const rest = this.#chunker.take();
    return new Promise((resolve) => {
      if (this.#dead) {
        resolve(false);
        return;
      }
      this.#borders.add(resolve);
      const border = (): void => {
        this.#borders.delete(resolve);
        resolve(true);
      };
      if (full !== undefined) this.#push(full, rest === undefined ? border : undefined);
      if (rest !== undefined) this.#push(rest, border);
    });
  }

  flushStale(beforeRecord: number, beforeByte: number): void {
    if (this.#chunker.items === 0) return;
    if (this.#firstRecord < beforeRecord || this.#firstByte < beforeByte) this.#flush();
  }

  #flush(): void {
    const chunk = this.#chunker.take();
    if (chunk !== undefined) this.#push(chunk);
  }

  #push(chunk: Chunk, border?: () => void): void {
    this.#ready.push({ chunk, border });
    this.#budget.bytes += chunk.body.length;
    this.#wakeSender();
  }

  get isFull(): boolean {
    if (this.#isFirst && !this.#dead) return this.#sending !== undefined || this.#ready.length > 0;
    return !this.#dead && this.#ready.length > (this.#budget.bytes > READY_BYTES ? 0 : READY_CHUNKS - 1);
  }

  async room(): Promise<void> {
    while (this.isFull) await new Promise<void>((resolve) => (this.#wakeProducer = resolve));
  }

  end(complete: boolean): void {
    if (complete) this.#flush();
    this.#ended = { complete };
    this.#wakeSender();
  }

  async #run(startAfter: Promise<boolean> | undefined): Promise<void> {
    try {
      if ((await startAfter) === false) return;
      for (;;) {
        const next = await this.#next();
        if (next === undefined) break;
        await this.#send();
        if (next.border === undefined) continue;
        await this.#complete();
        next.border();
      }
      if (this.#draft?.accepted === 0 && !this.#draft.taken) await this.#complete();
      else if (this.#ended?.complete === true && !this.#stop.aborted) await this.#complete();
    } finally {
      this.#dead = true;
      for (const tell of this.#borders) tell(false);
      this.#wakeProducer();
    }
  }

  async #next(): Promise<Ready | undefined> {
    for (;;) {
      if (this.#stop.aborted) return undefined;
      const ready = this.#ready.shift();
      if (ready !== undefined) {
        this.#budget.bytes -= ready.chunk.body.length;
        // At once, so that there is no moment in which the chunk is nowhere.
        this.#sending = { chunk: ready.chunk, from: 0 };
        // Mapping the next rows takes some milliseconds in which nothing else happens here: with a chunk in hand, the add leaves first.
        if (this.#ready.length === 0) this.#wakeProducer();
        return ready;
      }
      if (this.#ended !== undefined) return undefined;
      await new Promise<void>((resolve) => (this.#wakeSender = resolve));
    }
  }

  async #send(): Promise<void> {
    const sending = this.#sending;
    if (sending === undefined) return;
    const { chunk } = sending;
    while (sending.from < chunk.refs.length && !this.#stop.aborted) {
      const draft = this.#draft ?? (await this.#open(chunk, sending.from));
      sending.from = await this.#sender.add(draft, chunk, sending.from, this.#signal);
      if (draft.taken) await this.#complete();
    }
    if (sending.from === chunk.refs.length) this.#sending = undefined;
    this.#wakeProducer();
  }

  async #open(chunk: Chunk, from: number): Promise<Draft> {
    const first = chunk.refs[from];
    if (first === undefined) throw new RangeError('an empty chunk opens no batch');
    this.#number += 1;
    const draft = await this.#sender.open(this.id, this.#number, first, this.#signal);
    this.drafts.push(draft);
    this.#take(draft);
    return draft;
  }

  #take(draft: Draft): void {
    draft.onSent = () => {
      this.#isFirst = false;
      setImmediate(() => setImmediate(() => this.#wakeProducer()));
    };
    this.#draft = draft;
  }

  /** Hands the batch over; an empty draft is deleted, since the service may refuse to process nothing. */
  async #complete(): Promise<void> {
    const draft = this.#draft;
    if (draft === undefined) return;
    this.#draft = undefined;
    if (draft.accepted > 0 || draft.taken) {
      this.#options.onComplete(draft);
    } else {
      await this.#sender.discard(draft, this.#signal);
    }
  }
}
