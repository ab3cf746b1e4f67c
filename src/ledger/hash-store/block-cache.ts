/**
 * The blocks read last, of all segments of a store together: a fixed number of pages, however large the store. Memory of a block that
 * has to go is used for the one that comes.
 */
import { BLOCK_WORDS, bytesOf } from './segment-file.js';

const DEFAULT_BLOCKS = 64;
/** More than the blocks of any segment: its entries are counted in 32 bits. */
const OWNER_STEP = 2 ** 25;

export interface CachedBlock {
  readonly words: Uint32Array;
  /** The same memory, byte by byte. */
  readonly bytes: Uint8Array;
}

export class BlockCache {
  readonly #most: number;
  /** In the order of their last use: a Map keeps the order of insertion. */
  readonly #blocks = new Map<number, CachedBlock>();
  #owners = 0;

  constructor(blocks = DEFAULT_BLOCKS) {
    this.#most = blocks;
  }

  /** What a segment adds to the numbers of its blocks to name them here. Never given twice, so blocks of a closed segment just age. */
  ownerBase(): number {
    return OWNER_STEP * this.#owners++;
  }

  find(name: number): CachedBlock | undefined {
    const block = this.#blocks.get(name);
    if (block === undefined) return undefined;
    this.#blocks.delete(name);
    this.#blocks.set(name, block);
    return block;
  }

  /** Memory for a block to come. Until it is kept it answers for nothing, so a failed reading leaves nothing behind. */
  spare(): CachedBlock {
    if (this.#blocks.size >= this.#most) {
      for (const [name, block] of this.#blocks) {
        this.#blocks.delete(name);
        return block;
      }
    }
    const words = new Uint32Array(BLOCK_WORDS);
    return { words, bytes: bytesOf(words) };
  }

  keep(name: number, block: CachedBlock): void {
    this.#blocks.set(name, block);
  }
}
