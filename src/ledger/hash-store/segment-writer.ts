/**
 * Writes a segment from entries that come in the order of their keys. In memory are its filter and index and the blocks about to be
 * written.
 */
import { crc32 } from 'node:zlib';
import { BloomFilter, filterWords } from './bloom-filter.js';
import { ENTRY_WORDS, KEY_WORDS } from './entry.js';
import type { HashTable } from './hash-table.js';
import { sortedOrder } from './key-order.js';
import { writingError } from './problems.js';
import {
  BLOCK_BYTES,
  BLOCK_ENTRIES,
  BLOCK_WORDS,
  blockAt,
  bytesOf,
  factsOf,
  headerOf,
  layoutOf,
  type SegmentFacts,
  type SegmentFrame,
} from './segment-file.js';
import { UnfinishedFile } from './unfinished-file.js';

/** How many blocks are written at once. */
const RUN_BLOCKS = 64;
/** How much of filter and index is written at once: a millisecond or so. */
const PIECE_BYTES = 512 * 1024;

/**
 * Writes all entries of a table, tombstones included, to a new segment at `path`; durable when it returns. The table stays as it is.
 * Throws AppError `disk-full` or `ledger-write`; what was written until then is removed.
 */
export function writeSegment(path: string, table: HashTable): SegmentFacts {
  const { entries } = table;
  const writer = new SegmentWriter(path, table.size);
  try {
    for (const entry of sortedOrder(entries)) writer.add(entries, entry * ENTRY_WORDS);
    const steps = writer.complete();
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    writer.file.publish();
    return factsOf(step.value);
  } catch (error) {
    writer.file.discard();
    throw writingError(path, error);
  }
}

/** In this order: `add` each entry, `complete`, publish `file`; or at any time discard it. */
export class SegmentWriter {
  readonly file: UnfinishedFile;
  readonly #filter: BloomFilter;
  readonly #index: Uint32Array;
  readonly #run = new Uint32Array(RUN_BLOCKS * BLOCK_WORDS);
  /** The place of the next entry in `run`. */
  #at = 0;
  #entries = 0;
  #writtenBlocks = 0;

  /** The filter is made for `mostEntries`; more must not be added. Throws AppError `disk-full` or `ledger-write`. */
  constructor(path: string, mostEntries: number) {
    this.#filter = new BloomFilter(new Uint32Array(filterWords(mostEntries)));
    this.#index = new Uint32Array(Math.ceil(mostEntries / BLOCK_ENTRIES) * ENTRY_WORDS);
    try {
      this.file = new UnfinishedFile(path);
    } catch (error) {
      throw writingError(path, error);
    }
  }

  /** Adds the entry whose five words begin at `entries[from]`. Its key must be above that of the entry before. */
  add(entries: Uint32Array, from: number): void {
    const run = this.#run;
    let at = this.#at;
    for (let word = 0; word < ENTRY_WORDS; word++) run[at + word] = entries[from + word] ?? 0;
    this.#filter.add(run, at);
    this.#entries++;
    at += ENTRY_WORDS;
    this.#at = at;
    if (at % BLOCK_WORDS > BLOCK_WORDS - ENTRY_WORDS) {
      this.#at = at + BLOCK_WORDS - (at % BLOCK_WORDS);
      if (this.#at === run.length) this.#writeRun();
    }
  }

  /** Writes the rest of the entries and everything around them, in steps that a caller may do other things between. */
  *complete(): Generator<undefined, SegmentFrame> {
    this.#run.fill(0, this.#at);
    this.#writeRun();
    const layout = layoutOf(this.#entries, this.#filter.words.length);
    const header = headerOf(layout);
    const filter = this.#filter.words;
    const index = this.#index.subarray(0, layout.blocks * ENTRY_WORDS);
    let checksum = crc32(bytesOf(header));
    let position = layout.filterAt;
    for (const bytes of [bytesOf(filter), bytesOf(index)]) {
      for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
        const piece = bytes.subarray(from, from + PIECE_BYTES);
        checksum = crc32(piece, checksum);
        this.file.write(piece, position);
        position += piece.length;
        yield;
      }
    }
    this.file.write(bytesOf(Uint32Array.of(checksum)), position);
    this.file.write(bytesOf(header), 0);
    return { layout, filter, index, checksum };
  }

  /** Writes the blocks of `run` up to the last one begun. */
  #writeRun(): void {
    const blocks = Math.ceil(this.#at / BLOCK_WORDS);
    const bytes = bytesOf(this.#run).subarray(0, blocks * BLOCK_BYTES);
    for (let block = 0; block < blocks; block++) {
      const entry = (this.#writtenBlocks + block) * ENTRY_WORDS;
      const first = block * BLOCK_WORDS;
      this.#index.set(this.#run.subarray(first, first + KEY_WORDS), entry);
      this.#index[entry + KEY_WORDS] = crc32(bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES));
    }
    this.file.write(bytes, blockAt(this.#writtenBlocks));
    this.#writtenBlocks += blocks;
    this.#at = 0;
  }
}
