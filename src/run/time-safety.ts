/**
 * Counts the event times that would corrupt a timeline: the service dates the facts of an undated item at import time, for good, and it
 * processes a graph's items in the order sent. Memory: 24 bytes a destination.
 */
import type { TimeSafety } from '../events.js';
import { KeyIndex, NumberColumn } from '../lanes/key-index.js';
import { describePosition, TIME_DST, TIME_NAIVE, type Item } from '../model.js';

const YEAR_1990 = Date.UTC(1990, 0, 1);
/** Seconds taken for milliseconds land here: any second of 1970–2106 read as milliseconds is before this. */
const EPOCH_END = Date.UTC(1970, 1, 20);
const DESTINATIONS_NAMED = 10;
/** Clocks differ: a time up to a day ahead is not called future. */
const AHEAD_MS = 24 * 3_600_000;

export class TimeCounter {
  readonly #nowMs: number;
  readonly #isSorted: boolean;
  readonly #destinations = new KeyIndex();
  readonly #latest = new NumberColumn();
  readonly #outOfOrder = new Map<string, number>();
  #dated: number;
  #undated: number;
  #naive: number;
  #dst: number;
  #future: number;
  #before1990: number;
  #epoch1970: number;
  #outOfOrderItems: number;
  readonly #first: Record<string, string> = {};
  #earliestMs: number | undefined;
  #latestMs: number | undefined;

  /**
   * `nowMs`: the wall clock, against which a time is called future. `totals`: what an earlier try of the run has counted. `isSorted`: items are
   * counted in the order of the input, and sent in that of their time.
   */
  constructor(nowMs: number, totals: Readonly<Record<string, number>> = {}, isSorted = false) {
    this.#nowMs = nowMs;
    this.#isSorted = isSorted;
    this.#dated = totals['dated'] ?? 0;
    this.#undated = totals['undated'] ?? 0;
    this.#naive = totals['naive'] ?? 0;
    this.#dst = totals['dst'] ?? 0;
    this.#future = totals['future'] ?? 0;
    this.#before1990 = totals['before1990'] ?? 0;
    this.#epoch1970 = totals['epoch1970'] ?? 0;
    this.#outOfOrderItems = totals['outOfOrder'] ?? 0;
  }

  /** The counts so far; names of destinations are not among them. */
  totals(): Record<string, number> {
    return {
      dated: this.#dated,
      undated: this.#undated,
      naive: this.#naive,
      dst: this.#dst,
      future: this.#future,
      before1990: this.#before1990,
      epoch1970: this.#epoch1970,
      outOfOrder: this.#outOfOrderItems,
    };
  }

  count(item: Item): void {
    const { ms, flags } = item.time;
    if (ms === undefined) {
      this.#undated += 1;
      this.#see('undated', item);
      return;
    }
    this.#dated += 1;
    if (this.#earliestMs === undefined || ms < this.#earliestMs) this.#earliestMs = ms;
    if (this.#latestMs === undefined || ms > this.#latestMs) this.#latestMs = ms;
    if ((flags & TIME_NAIVE) !== 0) {
      this.#naive += 1;
      this.#see('naive', item);
    }
    if ((flags & TIME_DST) !== 0) {
      this.#dst += 1;
      this.#see('dst', item);
    }
    if (ms > this.#nowMs + AHEAD_MS) {
      this.#future += 1;
      this.#see('future', item);
    } else if (ms >= 0 && ms < EPOCH_END) {
      this.#epoch1970 += 1;
      this.#see('epoch1970', item);
    } else if (ms < YEAR_1990) {
      this.#before1990 += 1;
      this.#see('before1990', item);
    }
    if (!this.#isSorted) this.#countOrder(item, ms);
  }

  #see(kind: string, { position }: Item): void {
    this.#first[kind] ??= describePosition(position);
  }

  #countOrder(item: Item, ms: number): void {
    const { wire } = item;
    const [seed, id] =
      wire.type === 'thread_message'
        ? item.owner === undefined
          ? [3, wire.thread_id]
          : [1, item.owner]
        : wire.graph_id === undefined
          ? [1, wire.user_id ?? '']
          : [2, wire.graph_id];
    const index = this.#destinations.add(id, seed);
    const latest = this.#latest.get(index);
    if (ms < latest) {
      this.#outOfOrderItems += 1;
      this.#see('outOfOrder', item);
      const name = `${seed === 1 ? 'user' : seed === 2 ? 'graph' : 'thread'} ${id}`;
      const seen = this.#outOfOrder.get(name);
      if (seen !== undefined || this.#outOfOrder.size < DESTINATIONS_NAMED) this.#outOfOrder.set(name, (seen ?? 0) + 1);
    } else {
      this.#latest.set(index, ms);
    }
  }

  result(): TimeSafety {
    const {
      dated = 0,
      undated = 0,
      naive = 0,
      dst = 0,
      future = 0,
      before1990 = 0,
      epoch1970 = 0,
      outOfOrder = 0,
    } = this.totals();
    return {
      dated,
      undated,
      naive,
      dst,
      future,
      before1990,
      epoch1970,
      outOfOrder,
      outOfOrderDestinations: [...this.#outOfOrder].map(([destination, items]) => ({ destination, items })),
      first: { ...this.#first },
      earliestMs: this.#earliestMs,
      latestMs: this.#latestMs,
    };
  }
}
