/**
 * From placed items to accepted chunks: lanes, each with one open batch and one add call in flight, so that order inside a graph is the order
 * of the input and a lost answer can be settled by counting. More speed comes from more lanes. The producer waits where a lane has enough
 * ready chunks: nothing queues without a bound.
 */
import type { Observe } from '../events.js';
import { LaneAssignment } from '../lanes/assignment.js';
import { Chunker, type Chunk, type ChunkLimits } from '../lanes/chunker.js';
import type { Item } from '../model.js';
import type { Draft, Drafts } from './drafts.js';

/** Chunks that wait, ready, behind the one in flight: the next is there when the answer arrives. */
const READY_CHUNKS = 2;
/** Ready chunks of all lanes together may hold this much; then each lane keeps only one. */
const READY_BYTES = 48 * 1024 * 1024;
/** A part-filled chunk is sent when the reader is so many records ahead of its first item. */
const STALE_RECORDS = 50_000;
const MAX_AUTO_LANES = 8;

export interface UploaderOptions {
  readonly lanes: number | 'auto';
  readonly chunk: ChunkLimits;
  readonly batchSize: number;
  readonly observe: Observe;
  /** How many calls may usefully be in flight, asked when lanes could be added. */
  readonly concurrencyHint: () => number;
  /** A batch is complete: it may be processed. */
  readonly onComplete: (draft: Draft) => void;
}

interface Ready {
  readonly chunk: Chunk;
  readonly completesBatch: boolean;
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
    const lanes = options.lanes === 'auto' ? 1 : options.lanes;
    this.#assignment = new LaneAssignment(lanes);
    this.#addLanes(lanes);
  }

  /** Every draft that was opened and may still exist, in the order of opening. */
  get drafts(): readonly Draft[] {
    return this.#lanes.flatMap((lane) => lane.drafts);
  }

  /** Takes items in input order, each with its slot; resolves when there is room for more. Throws what stopped a lane. */
  async put(items: readonly Item[], slots: readonly number[], records: number): Promise<void> {
    for (const [index, item] of items.entries()) {
      const slot = slots[index] ?? -1;
      if (slot < 0) continue;
      const lane = this.#lanes[this.#assignment.place(slot)];
      if (lane === undefined) throw new RangeError(`no lane for slot ${slot}`);
      if (lane.collect(item, slot, records)) this.#atBorder(lane);
      if (lane.isFull) await lane.room();
      this.#rethrow();
    }
    for (const lane of this.#lanes) lane.flushStale(records - STALE_RECORDS);
  }

  /** The input is over: sends what is left and waits for it. `complete`: the last batches are complete too. */
  async finish(complete: boolean): Promise<void> {
    for (const lane of this.#lanes) lane.end(complete);
    await Promise.allSettled(this.#lanes.map((lane) => lane.done));
    this.#rethrow();
  }

  /** A first batch has overflowed: there is enough to do for more lanes, as many as the request budget can feed. */
  #atBorder(lane: Lane): void {
    if (this.#options.lanes !== 'auto' || this.#lanes.length > 1) return;
    const lanes = Math.max(1, Math.min(MAX_AUTO_LANES, Math.floor(this.#options.concurrencyHint())));
    if (lanes === 1) return;
    this.#assignment.spread(lane.id, lanes);
    this.#addLanes(lanes - 1, lane.firstBatchOver);
  }

  #addLanes(count: number, startAfter?: Promise<void>): void {
    for (let i = 0; i < count; i++) {
      const lane = new Lane(
        this.#lanes.length,
        this.#drafts,
        this.#options,
        this.#budget,
        this.#stop,
        this.#signal,
        startAfter,
      );
      lane.done.catch((error: unknown) => {
        this.#failure ??= { error };
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
  /** Resolves when the first batch of this lane was handed over, or the lane ended. */
  readonly firstBatchOver: Promise<void>;
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
  #number = 0;
  #draft: Draft | undefined;
  #ended: { readonly complete: boolean } | undefined;
  #wakeSender: () => void = () => undefined;
  #wakeProducer: () => void = () => undefined;
  #tellFirstBatchOver: () => void = () => undefined;
  #dead = false;

  /** `startAfter`: nothing is sent before; slots that came from another lane keep their order that way. */
  constructor(
    id: number,
    sender: Drafts,
    options: UploaderOptions,
    budget: { bytes: number },
    stop: AbortSignal,
    signal: AbortSignal,
    startAfter: Promise<void> | undefined,
  ) {
    this.id = id;
    this.#sender = sender;
    this.#options = options;
    this.#budget = budget;
    this.#stop = stop;
    this.#signal = signal;
    this.#chunker = new Chunker(id, options.chunk);
    stop.addEventListener('abort', () => this.#wakeSender(), { once: true });
    this.firstBatchOver = new Promise((resolve) => (this.#tellFirstBatchOver = resolve));
    this.done = this.#run(startAfter);
  }

  /** Returns true when the batch is complete with this item. */
  collect(item: Item, slot: number, records: number): boolean {
    if (this.#chunker.items === 0) this.#firstRecord = records;
    const full = this.#chunker.add(item, slot);
    this.#itemsInBatch += 1;
    const border = this.#itemsInBatch >= this.#options.batchSize;
    if (border) this.#itemsInBatch = 0;
    const rest = border ? this.#chunker.take() : undefined;
    if (full !== undefined) this.#push(full, border && rest === undefined);
    if (rest !== undefined) this.#push(rest, true);
    if (full !== undefined && this.#chunker.items > 0) this.#firstRecord = records;
    return border;
  }

  flushStale(beforeRecord: number): void {
    if (this.#chunker.items > 0 && this.#firstRecord < beforeRecord) this.#flush();
  }

  #flush(): void {
    const chunk = this.#chunker.take();
    if (chunk !== undefined) this.#push(chunk, false);
  }

  #push(chunk: Chunk, completesBatch: boolean): void {
    this.#ready.push({ chunk, completesBatch });
    this.#budget.bytes += chunk.body.length;
    this.#wakeSender();
  }

  get isFull(): boolean {
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

  async #run(startAfter: Promise<void> | undefined): Promise<void> {
    try {
      await startAfter;
      for (;;) {
        const next = await this.#next();
        if (next === undefined) break;
        await this.#send(next.chunk);
        if (next.completesBatch) await this.#complete();
      }
      if (this.#draft?.accepted === 0 && !this.#draft.taken) await this.#complete();
      else if (this.#ended?.complete === true && !this.#stop.aborted) await this.#complete();
    } finally {
      this.#dead = true;
      this.#tellFirstBatchOver();
      this.#wakeProducer();
    }
  }

  async #next(): Promise<Ready | undefined> {
    for (;;) {
      if (this.#stop.aborted) return undefined;
      const ready = this.#ready.shift();
      if (ready !== undefined) {
        this.#budget.bytes -= ready.chunk.body.length;
        this.#wakeProducer();
        return ready;
      }
      if (this.#ended !== undefined) return undefined;
      await new Promise<void>((resolve) => (this.#wakeSender = resolve));
    }
  }

  async #send(chunk: Chunk): Promise<void> {
    let from = 0;
    while (from < chunk.refs.length && !this.#stop.aborted) {
      const draft = this.#draft ?? (await this.#open(chunk, from));
      from = await this.#sender.add(draft, chunk, from, this.#signal);
      if (draft.taken) await this.#complete();
    }
  }

  async #open(chunk: Chunk, from: number): Promise<Draft> {
    const first = chunk.refs[from];
    if (first === undefined) throw new RangeError('an empty chunk opens no batch');
    this.#number += 1;
    const draft = await this.#sender.open(this.id, this.#number, first, this.#signal);
    this.drafts.push(draft);
    this.#draft = draft;
    return draft;
  }

  /** Hands the batch over; an empty draft is deleted, since the service may refuse to process nothing. */
  async #complete(): Promise<void> {
    const draft = this.#draft;
    if (draft === undefined) return;
    this.#draft = undefined;
    if (draft.accepted > 0 || draft.taken) {
      this.#options.onComplete(draft);
      this.#tellFirstBatchOver();
      return;
    }
    this.drafts.splice(this.drafts.indexOf(draft), 1);
    await this.#sender.discard(draft, this.#signal);
    this.#tellFirstBatchOver();
  }
}
