/**
 * One sorted file of entries, open for questions. In memory are its filter and index (some 13 bits an entry); the entries stay on disk,
 * and a question that passes the filter reads one page. Nothing is answered from bytes whose checksum was not compared.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { BlockCache } from './block-cache.js';
import { BloomFilter } from './bloom-filter.js';
import { ABSENT, compareKeys, ENTRY_WORDS, KEY_WORDS, lastNotAbove } from './entry.js';
import { damaged, readingError } from './problems.js';
import {
  BLOCK_BYTES,
  BLOCK_ENTRIES,
  BLOCK_WORDS,
  blockAt,
  bytesOf,
  factsOf,
  readHeader,
  type SegmentFacts,
  type SegmentFrame,
} from './segment-file.js';

const CLOSED = -1;

export class Segment {
  readonly path: string;
  readonly facts: SegmentFacts;
  readonly blocks: number;
  #file: number;
  readonly #filter: BloomFilter;
  readonly #index: Uint32Array;
  readonly #cache: BlockCache;
  readonly #cacheBase: number;

  private constructor(path: string, file: number, frame: SegmentFrame, cache: BlockCache) {
    this.path = path;
    this.facts = factsOf(frame);
    this.blocks = frame.layout.blocks;
    this.#file = file;
    this.#filter = new BloomFilter(frame.filter);
    this.#index = frame.index;
    this.#cache = cache;
    this.#cacheBase = cache.ownerBase();
  }

  /**
   * Opens the segment at `path` and compares it with what was noted of it. Throws AppError `ledger-damaged` when it is missing, cut
   * short, altered or another one, `ledger-read` when the system does not let it be read. `cache` is shared by the segments of a store.
   */
  static open(path: string, facts?: SegmentFacts, cache: BlockCache = new BlockCache()): Segment {
    let file = CLOSED;
    try {
      file = openSync(path, 'r');
      const frame = readFrame(path, file);
      const { entries, bytes, checksum } = factsOf(frame);
      if (facts && (facts.entries !== entries || facts.bytes !== bytes || facts.checksum !== checksum)) {
        throw damaged(path, 'it is not the file that the ledger wrote under this name');
      }
      return new Segment(path, file, frame, cache);
    } catch (error) {
      if (file !== CLOSED) closeSync(file);
      throw readingError(path, error);
    }
  }

  /** Opens the segment just written to `path`: what its writer still has in memory is not read again. */
  static written(path: string, frame: SegmentFrame, cache: BlockCache): Segment {
    try {
      return new Segment(path, openSync(path, 'r'), frame, cache);
    } catch (error) {
      throw readingError(path, error);
    }
  }

  /** Tombstones included. */
  get entries(): number {
    return this.facts.entries;
  }

  /** The value of the key in `keys[at]` to `keys[at + 3]`, REMOVED or ABSENT. Throws `ledger-damaged` and `ledger-read`. */
  get(keys: Uint32Array, at = 0): number {
    return this.#filter.mayHold(keys, at) ? this.#search(keys, at) : ABSENT;
  }

  /** Reads blocks from number `first` on into `pages`, whose size says how many, and compares their checksums. Throws as `get`. */
  read(first: number, pages: Uint8Array): void {
    if (this.#file === CLOSED) throw new Error(`the segment ${this.path} is closed`);
    try {
      if (readFully(this.#file, pages, blockAt(first)) < pages.length) throw damaged(this.path, 'it is cut short');
    } catch (error) {
      throw readingError(this.path, error);
    }
    for (let from = 0, block = first; from < pages.length; from += BLOCK_BYTES, block++) {
      const page = pages.length === BLOCK_BYTES ? pages : pages.subarray(from, from + BLOCK_BYTES);
      if (crc32(page) !== this.#index[block * ENTRY_WORDS + KEY_WORDS]) {
        throw damaged(this.path, `block ${block} does not match its checksum`);
      }
    }
  }

  close(): void {
    if (this.#file !== CLOSED) closeSync(this.#file);
    this.#file = CLOSED;
  }

  #search(keys: Uint32Array, at: number): number {
    const block = lastNotAbove(this.#index, this.blocks, keys, at);
    if (block < 0) return ABSENT;
    const words = this.#block(block);
    const count = Math.min(BLOCK_ENTRIES, this.entries - block * BLOCK_ENTRIES);
    const entry = lastNotAbove(words, count, keys, at) * ENTRY_WORDS;
    return entry >= 0 && compareKeys(words, entry, keys, at) === 0 ? (words[entry + KEY_WORDS] ?? 0) : ABSENT;
  }

  #block(block: number): Uint32Array {
    const name = this.#cacheBase + block;
    const cached = this.#cache.find(name);
    if (cached !== undefined) return cached.words;
    const fresh = this.#cache.spare();
    this.read(block, fresh.bytes);
    this.#cache.keep(name, fresh);
    return fresh.words;
  }
}

/** Everything but the blocks. Memory is asked for only when the size that the header tells is that of the file. */
function readFrame(path: string, file: number): SegmentFrame {
  const header = new Uint32Array(BLOCK_WORDS);
  if (readFully(file, bytesOf(header), 0) < BLOCK_BYTES) throw damaged(path, 'it is cut short');
  const layout = readHeader(header);
  if (typeof layout === 'string') throw damaged(path, layout);
  const { size } = fstatSync(file);
  if (size !== layout.bytes) throw damaged(path, `it has ${size} bytes and should have ${layout.bytes}`);

  const frame = new Uint32Array((layout.bytes - layout.filterAt) / 4);
  if (readFully(file, bytesOf(frame), layout.filterAt) < frame.byteLength) throw damaged(path, 'it is cut short');
  const checksum = frame.at(-1) ?? 0;
  if (crc32(bytesOf(frame.subarray(0, -1)), crc32(bytesOf(header))) !== checksum) {
    throw damaged(path, 'its filter or index was altered');
  }
  return {
    layout,
    filter: frame.subarray(0, layout.filterWords),
    index: frame.subarray(layout.filterWords, -1),
    checksum,
  };
}

/** How many bytes were there to be read: all that `bytes` holds, unless the file ends. */
function readFully(file: number, bytes: Uint8Array, position: number): number {
  let done = 0;
  while (done < bytes.length) {
    const read = readSync(file, bytes, done, bytes.length - done, position + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}
