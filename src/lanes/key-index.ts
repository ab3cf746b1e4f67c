/**
 * A set of texts in constant, small memory: each distinct text gets a dense number 0, 1, 2, …, under which callers keep what they know in typed
 * arrays. Only 64 bits of hash are kept of a text (a million texts: 16 MB in all, and a chance of 1 in 37 million that two of them meet), because the
 * ids of millions of threads as strings would not fit the memory a run may use.
 */
import { hashText } from './destination.js';

const EMPTY = 0xffffffff;
const FIRST_SLOTS = 1024;

export class KeyIndex {
  /** The number of a text, or EMPTY; a power of two of them, at most two thirds in use. */
  #slots = new Uint32Array(FIRST_SLOTS).fill(EMPTY);
  /** The hashes of the texts by their number: beside the slots they would stand for empty ones too. */
  #h1 = new Uint32Array(FIRST_SLOTS);
  #h2 = new Uint32Array(FIRST_SLOTS);
  #size = 0;
  readonly #hash = new Uint32Array(2);

  get size(): number {
    return this.#size;
  }

  /** The number of a text, or -1. */
  find(text: string, seed = 0): number {
    hashText(text, this.#hash, seed);
    const known = this.#slots[this.#locate(this.#hash[0] ?? 0, this.#hash[1] ?? 0)] ?? EMPTY;
    return known === EMPTY ? -1 : known;
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
      this.#spread();
      at = this.#locate(h1, h2);
    }
    if (this.#size === this.#h1.length) {
      this.#h1 = longer(this.#h1);
      this.#h2 = longer(this.#h2);
    }
    this.#h1[this.#size] = h1;
    this.#h2[this.#size] = h2;
    this.#slots[at] = this.#size;
    return this.#size++;
  }

  #locate(h1: number, h2: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = first(h1, h2) & mask;
    for (;;) {
      const number = slots[at] ?? EMPTY;
      if (number === EMPTY || (this.#h1[number] === h1 && this.#h2[number] === h2)) return at;
      at = (at + 1) & mask;
    }
  }

  #spread(): void {
    const slots = new Uint32Array(this.#slots.length * 2).fill(EMPTY);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#size; number++) {
      let at = first(this.#h1[number] ?? 0, this.#h2[number] ?? 0) & mask;
      while (slots[at] !== EMPTY) at = (at + 1) & mask;
      slots[at] = number;
    }
    this.#slots = slots;
  }
}

function first(h1: number, h2: number): number {
  return h1 ^ (h2 >>> 7);
}

function longer(values: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.ceil(values.length * 1.5));
  larger.set(values);
  return larger;
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
