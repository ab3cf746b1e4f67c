/**
 * Where an item ends: its graph. A thread's messages end in the graph of the user who owns the thread and share that graph's order, so
 * the key of a message is its owner's. A key decides the slot, the slot decides the lane: one graph, one lane, one order.
 */
import type { WireItem } from '../wire.js';

/** `g:<graph id>` or `u:<user id>`. `owner` is the owner of a message's thread. */
export function destinationKey(wire: WireItem, owner: string | undefined): string {
  if (wire.type === 'thread_message') return `u:${owner ?? ''}`;
  return wire.graph_id !== undefined ? `g:${wire.graph_id}` : `u:${wire.user_id ?? ''}`;
}

/** Two independent 32-bit hashes of a text (cyrb53's mixing), written to `out[0]` and `out[1]`. `seed` tells kinds of text apart. */
export function hashText(text: string, out: Uint32Array, seed = 0): void {
  let h1 = 0xdeadbeef ^ seed;
  let h2 = 0x41c6ce57 ^ seed;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    h1 = Math.imul(h1 ^ unit, 2654435761);
    h2 = Math.imul(h2 ^ unit, 1597334677);
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909);
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909);
  out[0] = h1 >>> 0;
  out[1] = h2 >>> 0;
}

export const SLOTS = 64;

const scratch = new Uint32Array(2);

/** The fixed slot (0..63) of a destination key. Part of what the service's batch metadata records: never change the hash. */
export function slotOf(key: string): number {
  hashText(key, scratch);
  return (scratch[0] ?? 0) & (SLOTS - 1);
}

/** A set of slots as 16 hexadecimal digits: how a batch tells which graphs it may hold. */
export class SlotSet {
  #low = 0;
  #high = 0;

  add(slot: number): void {
    if (slot < 32) this.#low |= 1 << slot;
    else this.#high |= 1 << (slot - 32);
  }

  overlaps(other: SlotSet): boolean {
    return (this.#low & other.#low) !== 0 || (this.#high & other.#high) !== 0;
  }

  /** Whether all of the other's slots are in this set. */
  includes(other: SlotSet): boolean {
    return (other.#low & ~this.#low) === 0 && (other.#high & ~this.#high) === 0;
  }

  toString(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0');
  }

  static parse(text: string): SlotSet {
    const set = new SlotSet();
    set.#high = Number.parseInt(text.slice(0, 8), 16) | 0;
    set.#low = Number.parseInt(text.slice(8, 16), 16) | 0;
    return set;
  }
}
