/**
 * A map from 128-bit keys to 32-bit values in two typed arrays: the entries one after another in the order in which they came, and an
 * open-addressing table of their numbers. Entries side by side make writing a segment a sort and a copy, and an empty slot costs four
 * bytes instead of twenty.
 */
import { ABSENT, compareKeys, ENTRY_WORDS, KEY_WORDS } from './entry.js';

const FIRST_CAPACITY = 512;

export class HashTable {
  #entries = new Uint32Array(FIRST_CAPACITY * ENTRY_WORDS);
  /** The number of an entry plus one, or 0. Twice as many slots as there may be entries: searches stay short. */
  #slots = new Uint32Array(FIRST_CAPACITY * 2);
  #size = 0;

  /** How many keys were set, removed ones included. */
  get size(): number {
    return this.#size;
  }

  /** All entries, five words each, in the order in which their keys were first set: a view, good until the next `set` or `clear`. */
  get entries(): Uint32Array {
    return this.#entries.subarray(0, this.#size * ENTRY_WORDS);
  }

  /** The value of the key in `keys[at]` to `keys[at + 3]`: ABSENT when it was never set, REMOVED when that was set last. */
  get(keys: Uint32Array, at = 0): number {
    const entry = this.#slots[this.#slotOf(keys, at)] ?? 0;
    return entry === 0 ? ABSENT : (this.#entries[entry * ENTRY_WORDS - 1] ?? 0);
  }

  /** `value` is a whole number from 0 to 2^32 - 2, or REMOVED. */
  set(keys: Uint32Array, at: number, value: number): void {
    let slot = this.#slotOf(keys, at);
    const known = this.#slots[slot] ?? 0;
    if (known !== 0) {
      this.#entries[known * ENTRY_WORDS - 1] = value;
      return;
    }
    if (this.#size * ENTRY_WORDS === this.#entries.length) {
      this.#grow();
      slot = this.#slotOf(keys, at);
    }
    const start = this.#size * ENTRY_WORDS;
    for (let word = 0; word < KEY_WORDS; word++) this.#entries[start + word] = keys[at + word] ?? 0;
    this.#entries[start + KEY_WORDS] = value;
    this.#slots[slot] = ++this.#size;
  }

  /** Forgets everything and keeps the memory, for the next entries. */
  clear(): void {
    this.#slots.fill(0);
    this.#size = 0;
  }

  /** The slot that holds the key, or the free one where it belongs. */
  #slotOf(keys: Uint32Array, at: number): number {
    const slots = this.#slots;
    const entries = this.#entries;
    const mask = slots.length - 1;
    let slot = spread(keys, at) & mask;
    for (;;) {
      const entry = slots[slot] ?? 0;
      if (entry === 0 || compareKeys(entries, (entry - 1) * ENTRY_WORDS, keys, at) === 0) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const entries = new Uint32Array(this.#entries.length * 2);
    entries.set(this.#entries);
    this.#entries = entries;
    this.#slots = new Uint32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (let entry = 0; entry < this.#size; entry++) {
      let slot = spread(entries, entry * ENTRY_WORDS) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = entry + 1;
    }
  }
}

/** Mixes all words of a key, so that keys which differ in one word only do not pile up in one place. */
function spread(keys: Uint32Array, at: number): number {
  const mixed =
    (keys[at] ?? 0) ^
    Math.imul(keys[at + 1] ?? 0, 0x9e3779b1) ^
    Math.imul(keys[at + 2] ?? 0, 0x85ebca6b) ^
    Math.imul(keys[at + 3] ?? 0, 0xc2b2ae35);
  return mixed ^ (mixed >>> 15);
}
