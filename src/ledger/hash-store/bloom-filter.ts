/**
 * Says of most keys that are not in a segment that they are not, without reading it; never says so of one that is. Each key has its bits
 * in one block of 64 bytes, so that a question costs about one cache miss. Twelve bits a key and six bits set: of 1000 absent keys some
 * four or five have to be looked for in vain.
 *
 * The last word of a key chooses the block, the second and third the bits: hashes need no more hashing.
 */
const BLOCK_WORDS = 16;
const BLOCK_BITS = BLOCK_WORDS * 32;
const BITS_PER_KEY = 12;

/** How many words the filter of so many keys has. */
export function filterWords(keys: number): number {
  return Math.max(1, Math.ceil((keys * BITS_PER_KEY) / BLOCK_BITS)) * BLOCK_WORDS;
}

export class BloomFilter {
  readonly words: Uint32Array;
  readonly #blocksPerKeyWord: number;

  /** `words` are those of a filter written earlier, or as many zeros as `filterWords` says. */
  constructor(words: Uint32Array) {
    this.words = words;
    this.#blocksPerKeyWord = words.length / BLOCK_WORDS / 2 ** 32;
  }

  add(keys: Uint32Array, at: number): void {
    const block = this.#block(keys, at);
    for (let word = 1; word <= 2; word++) {
      const bits = keys[at + word] ?? 0;
      for (let shift = 0; shift < 27; shift += 9) {
        const place = block + ((bits >>> (shift + 5)) & 15);
        this.words[place] = (this.words[place] ?? 0) | (1 << ((bits >>> shift) & 31));
      }
    }
  }

  /** False: the key was certainly not added. */
  mayHold(keys: Uint32Array, at: number): boolean {
    const block = this.#block(keys, at);
    return this.#holds(block, keys[at + 1] ?? 0) && this.#holds(block, keys[at + 2] ?? 0);
  }

  /** Three bits of the block, each named by nine bits of a word of the key: four for the word, five for the bit in it. */
  #holds(block: number, bits: number): boolean {
    const { words } = this;
    return (
      (((words[block + ((bits >>> 5) & 15)] ?? 0) >>> (bits & 31)) & 1) === 1 &&
      (((words[block + ((bits >>> 14) & 15)] ?? 0) >>> ((bits >>> 9) & 31)) & 1) === 1 &&
      (((words[block + ((bits >>> 23) & 15)] ?? 0) >>> ((bits >>> 18) & 31)) & 1) === 1
    );
  }

  #block(keys: Uint32Array, at: number): number {
    return Math.floor((keys[at + 3] ?? 0) * this.#blocksPerKeyWord) * BLOCK_WORDS;
  }
}
