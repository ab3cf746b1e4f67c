/**
 * A set of texts in constant, small memory: each distinct text gets a dense number 0, 1, 2, …, under which callers keep what they know in typed
 * arrays. Only 64 bits of hash are kept of a text (a million texts: 16 MB and a chance of 1 in 37 million that two of them meet), because the
 * ids of millions of threads as strings would not fit the memory a run may use.
 */
import { hashText } from './destination.js';

const EMPTY = 0xffffffff;

export class KeyIndex {
  #h1 = new Uint32Array(1024);
  #h2 = new Uint32Array(1024);
  #slots = new Uint32Array(1024).fill(EMPTY);
  #size = 0;
  readonly #hash = new Uint32Array(2);

  get size(): number {
    return this.#size;
  }

  /** The number of a text, or -1. */
  find(text: string, seed = 0): number {
    hashText(text, this.#hash, seed);
    const slot = this.#slots[this.#locate(this.#hash[0] ?? 0, this.#hash[1] ?? 0)] ?? EMPTY;
    return slot === EMPTY ? -1 : slot;
  }

  /** The number of a text, a new one when it was not there. */
  add(text: string, seed = 0): number {
    hashText(text, this.#hash, seed);
    const h1 = this.#hash[0] ?? 0;
    const h2 = this.#hash[1] ?? 0;
    let at = this.#locate(h1, h2);
    const known = this.#slots[at] ?? EMPTY;
    if (known !== EMPTY) return known;
    if (this.#size * 3 >= this.#slots.length * 2) {
      this.#grow();
      at = this.#locate(h1, h2);
    }
    this.#h1[at] = h1;
    this.#h2[at] = h2;
    this.#slots[at] = this.#size;
    return this.#size++;
  }

  #locate(h1: number, h2: number): number {
    const mask = this.#slots.length - 1;
    let at = (h1 ^ (h2 >>> 7)) & mask;
    while (this.#slots[at] !== EMPTY && (this.#h1[at] !== h1 || this.#h2[at] !== h2)) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const { length } = this.#slots;
    const old = { h1: this.#h1, h2: this.#h2, slots: this.#slots };
    this.#h1 = new Uint32Array(length * 2);
    this.#h2 = new Uint32Array(length * 2);
    this.#slots = new Uint32Array(length * 2).fill(EMPTY);
    for (let i = 0; i < length; i++) {
      const slot = old.slots[i] ?? EMPTY;
      if (slot === EMPTY) continue;
      const h1 = old.h1[i] ?? 0;
      const h2 = old.h2[i] ?? 0;
      const at = this.#locate(h1, h2);
      this.#h1[at] = h1;
      this.#h2[at] = h2;
      this.#slots[at] = slot;
    }
  }
}

/** A growing Float64Array beside a KeyIndex; what was never set reads as NaN. */
export class NumberColumn {
  #values = new Float64Array(256).fill(Number.NaN);

  get(index: number): number {
    return this.#values[index] ?? Number.NaN;
  }

  set(index: number, value: number): void {
    if (index >= this.#values.length) {
      const larger = new Float64Array(Math.max(this.#values.length * 2, index + 1)).fill(Number.NaN);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[index] = value;
  }
}
