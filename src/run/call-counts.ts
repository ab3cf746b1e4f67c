/**
 * The calls and batches of an import, foretold by filling lanes, chunks and batches as a run does, with numbers only. How many lanes `auto` will
 * add is the service's budget to decide, so there are two answers then: with none, and with as many as there may be.
 */
import type { CheckReport } from '../check-report.js';
import { LaneAssignment } from '../lanes/assignment.js';
import { destinationKey, SLOTS, slotOf } from '../lanes/destination.js';
import type { Item } from '../model.js';
import { MAX_AUTO_LANES } from './uploader.js';

export interface FillOptions {
  readonly chunkSize: number;
  readonly maxChunkBytes: number;
  readonly batchSize: number;
  readonly lanes: number | 'auto';
}

/** Chunks and batches of one lane, filled by counting. */
class LaneCount {
  #itemsInChunk = 0;
  #bytesInChunk = 0;
  #itemsInBatch = 0;
  adds = 0;
  batches = 0;

  /** True when a batch is full with this item. */
  add(bytes: number, options: FillOptions): boolean {
    if (this.#itemsInBatch === 0) this.batches += 1;
    if (this.#itemsInChunk > 0 && this.#bytesInChunk + bytes > options.maxChunkBytes) this.#itemsInChunk = 0;
    if (this.#itemsInChunk === 0) {
      this.adds += 1;
      this.#bytesInChunk = 0;
    }
    this.#itemsInChunk += 1;
    this.#bytesInChunk += bytes;
    if (this.#itemsInChunk >= options.chunkSize) this.#itemsInChunk = 0;
    this.#itemsInBatch += 1;
    if (this.#itemsInBatch < options.batchSize) return false;
    this.#itemsInBatch = 0;
    this.#itemsInChunk = 0;
    return true;
  }
}

class LanesCount {
  readonly #options: FillOptions;
  readonly #assignment: LaneAssignment;
  readonly #lanes: LaneCount[];
  #mayGrowTo: number;

  constructor(lanes: number, mayGrowTo: number, options: FillOptions) {
    this.#options = options;
    this.#assignment = new LaneAssignment(lanes);
    this.#lanes = Array.from({ length: lanes }, () => new LaneCount());
    this.#mayGrowTo = mayGrowTo;
  }

  /** As a run does by its first items. */
  balance(slots: readonly number[]): void {
    if (this.#lanes.length > 1) this.#assignment.balance(slots);
  }

  add(slot: number, bytes: number): void {
    const lane = this.#assignment.place(slot);
    if (this.#lanes[lane]?.add(bytes, this.#options) !== true || this.#lanes.length >= this.#mayGrowTo) return;
    this.#assignment.spread(lane, this.#mayGrowTo);
    while (this.#lanes.length < this.#mayGrowTo) this.#lanes.push(new LaneCount());
  }

  get batches(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.batches, 0);
  }

  get adds(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.adds, 0);
  }
}

/** Finding out which project it is, and which drafts it has. */
const CALLS_AT_FIRST = 2;
/** Calls that each batch takes beside the adds: create, verify, process, and at least one to follow it. */
const CALLS_OF_A_BATCH = 4;

export class CallCounts {
  readonly #fewest: LanesCount;
  readonly #most: LanesCount | undefined;
  /** Items of the first block, by which the lanes are dealt out before any item has one. */
  #first: { readonly slot: number; readonly bytes: number }[] | undefined = [];

  constructor(options: FillOptions) {
    const lanes = options.lanes === 'auto' ? 1 : Math.min(SLOTS, options.lanes);
    this.#fewest = new LanesCount(lanes, lanes, options);
    this.#most = options.lanes === 'auto' ? new LanesCount(1, MAX_AUTO_LANES, options) : undefined;
  }

  add({ wire, owner }: Item, bytes: number): void {
    const isUnowned = wire.type === 'thread_message' && owner === undefined;
    const slot = slotOf(isUnowned ? `t:${wire.thread_id}` : destinationKey(wire, owner));
    if (this.#first === undefined) this.#count(slot, bytes);
    else this.#first.push({ slot, bytes });
  }

  /** Call it behind the items of each block. */
  endBlock(): void {
    const first = this.#first;
    if (first === undefined || first.length === 0) return;
    this.#first = undefined;
    this.#fewest.balance(first.map(({ slot }) => slot));
    for (const { slot, bytes } of first) this.#count(slot, bytes);
  }

  #count(slot: number, bytes: number): void {
    this.#fewest.add(slot, bytes);
    this.#most?.add(slot, bytes);
  }

  result(setup: CheckReport['calls']['setup']): Pick<CheckReport, 'calls' | 'batches' | 'batchesMost'> {
    const { batches, adds } = this.#fewest;
    const most = this.#most ?? this.#fewest;
    const before = CALLS_AT_FIRST + setup.users + setup.graphs + setup.threads + setup.threadOwners;
    return {
      calls: {
        setup,
        project: CALLS_AT_FIRST,
        create: batches,
        add: adds,
        verify: batches,
        process: batches,
        follow: batches,
        total: before + adds + batches * CALLS_OF_A_BATCH,
        most: before + most.adds + most.batches * CALLS_OF_A_BATCH,
      },
      batches,
      batchesMost: most.batches,
    };
  }
}
