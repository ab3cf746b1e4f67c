/** The entries of a segment in the order of their keys, read in runs of blocks past the cache, in constant memory. */
import { ENTRY_WORDS } from './entry.js';
import type { Segment } from './segment.js';
import { BLOCK_BYTES, BLOCK_WORDS, bytesOf } from './segment-file.js';

const RUN_BLOCKS = 16;

export class SegmentCursor {
  /** The current entry is the five words from `at` on; both are good until the next `advance`. */
  readonly words = new Uint32Array(RUN_BLOCKS * BLOCK_WORDS);
  at = 0;
  readonly #segment: Segment;
  #nextBlock = 0;
  /** The current entry and those after it. */
  #left: number;

  /** Stands on the first entry, if there is one. Reading throws as `Segment.read` does. */
  constructor(segment: Segment) {
    this.#segment = segment;
    this.#left = segment.entries;
    if (this.#left > 0) this.#readRun();
  }

  get ended(): boolean {
    return this.#left === 0;
  }

  advance(): void {
    this.at += ENTRY_WORDS;
    if (--this.#left === 0 || this.at % BLOCK_WORDS <= BLOCK_WORDS - ENTRY_WORDS) return;
    this.at += BLOCK_WORDS - (this.at % BLOCK_WORDS);
    if (this.at === this.words.length) this.#readRun();
  }

  #readRun(): void {
    const blocks = Math.min(RUN_BLOCKS, this.#segment.blocks - this.#nextBlock);
    this.#segment.read(this.#nextBlock, bytesOf(this.words).subarray(0, blocks * BLOCK_BYTES));
    this.#nextBlock += blocks;
    this.at = 0;
  }
}
