/**
 * What an item is sorted by: its time, to the last digit that is sent. An item without one stays right behind the item of its destination that
 * stood before it in the input, so it takes that one's time over; before the first dated one of its destination it comes first. A destination
 * is what shares one order at the service: a graph, the graph of a user, a thread whose owner is not named. Memory: 40 bytes a destination.
 */
import { KeyIndex, NumberColumn } from '../../lanes/key-index.js';
import type { Item } from '../../model.js';

const USER = 1;
const GRAPH = 2;
const THREAD = 3;
const MILLISECOND_DIGITS = 3;
/** Digits of a second behind the milliseconds. */
const MORE_DIGITS = 9;

export class TimeKeys {
  /** The key of the item that was asked for last. */
  ms = 0;
  /** The part of a millisecond, as a whole number of 10^-12 s. */
  rest = 0;
  /** The number of its destination. */
  destination = 0;
  readonly #destinations = new KeyIndex();
  readonly #ms = new NumberColumn();
  readonly #rest = new NumberColumn();

  /** Call it once for every item, in input order. */
  take(item: Item): void {
    const [seed, id] = destinationOf(item);
    const at = this.#destinations.add(id, seed);
    this.destination = at;
    if (item.time.ms === undefined) {
      const before = this.#ms.get(at);
      this.ms = Number.isNaN(before) ? Number.NEGATIVE_INFINITY : before;
      this.rest = Number.isNaN(before) ? 0 : this.#rest.get(at);
      return;
    }
    this.ms = item.time.ms;
    this.rest = restOf(item.wire.created_at);
    this.#ms.set(at, this.ms);
    this.#rest.set(at, this.rest);
  }
}

function destinationOf({ wire, owner }: Item): readonly [number, string] {
  if (wire.type === 'thread_message') return owner === undefined ? [THREAD, wire.thread_id] : [USER, owner];
  return wire.graph_id === undefined ? [USER, wire.user_id ?? ''] : [GRAPH, wire.graph_id];
}

/** What a time says beyond its milliseconds: they are cut, not rounded, so this only ever adds to them. */
export function restOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const point = text.indexOf('.');
  if (point < 0) return 0;
  let rest = 0;
  let digits = 0;
  // The digits end where the offset begins, which may be before those of the milliseconds are over.
  for (let at = point + 1; digits < MILLISECOND_DIGITS + MORE_DIGITS; digits += 1, at += 1) {
    const digit = at < text.length ? text.charCodeAt(at) - 48 : -1;
    if (digit < 0 || digit > 9) break;
    if (digits >= MILLISECOND_DIGITS) rest = rest * 10 + digit;
  }
  return rest * 10 ** (MILLISECOND_DIGITS + MORE_DIGITS - Math.max(digits, MILLISECOND_DIGITS));
}
