/**
 * How a segment lies in its file: a header page, the entries sorted by key in blocks of one page, then the filter, the index and a
 * checksum. All of it is 32-bit words in the order of bytes of the machine that wrote it; on a machine with the other order the magic
 * word does not match and the file is refused.
 *
 * Two layers of checksums, so that opening need not read the entries: the last word of the file covers header, filter and index, and the
 * index holds the checksum of each block. Together they cover every byte, hence the last word also tells one segment from another.
 *
 * header  magic, version, entries, words of the filter; zeros up to a page
 * block   204 entries of 5 words; zeros up to a page
 * index   an entry a block: its first key, and as the value its checksum
 */
import { ENTRY_WORDS } from './entry.js';

/** A page, so that reading a block touches one page of the system's cache. */
export const BLOCK_BYTES = 4096;
export const BLOCK_WORDS = BLOCK_BYTES / 4;
export const BLOCK_ENTRIES = Math.floor(BLOCK_WORDS / ENTRY_WORDS);
/** "ZILS". */
const MAGIC = 0x5a494c53;
const VERSION = 1;

/** What the ledger may note of a segment, to be sure later that it opens the same one. */
export interface SegmentFacts {
  readonly entries: number;
  readonly bytes: number;
  /** Differs with the content of any byte of the file. */
  readonly checksum: number;
}

/** Where things lie, in bytes from the start of the file; the filter begins where `blocks` end. */
export interface SegmentLayout {
  readonly entries: number;
  readonly blocks: number;
  readonly filterWords: number;
  readonly filterAt: number;
  readonly checksumAt: number;
  readonly bytes: number;
}

/** What of a segment is in memory while it is open. */
export interface SegmentFrame {
  readonly layout: SegmentLayout;
  readonly filter: Uint32Array;
  readonly index: Uint32Array;
  readonly checksum: number;
}

export function factsOf({ layout, checksum }: SegmentFrame): SegmentFacts {
  return { entries: layout.entries, bytes: layout.bytes, checksum };
}

export function layoutOf(entries: number, filterWords: number): SegmentLayout {
  const blocks = Math.ceil(entries / BLOCK_ENTRIES);
  const filterAt = blockAt(blocks);
  const checksumAt = filterAt + (filterWords + blocks * ENTRY_WORDS) * 4;
  return { entries, blocks, filterWords, filterAt, checksumAt, bytes: checksumAt + 4 };
}

export function blockAt(block: number): number {
  return BLOCK_BYTES * (1 + block);
}

export function headerOf(layout: SegmentLayout): Uint32Array {
  const header = new Uint32Array(BLOCK_WORDS);
  header.set([MAGIC, VERSION, layout.entries, layout.filterWords]);
  return header;
}

/** The layout that a header tells, or in words why it is not one. Nothing told is checked here against the size or the checksum. */
export function readHeader(header: Uint32Array): SegmentLayout | string {
  const [magic = 0, version = 0, entries = 0, filterWords = 0] = header;
  if (magic !== MAGIC) return 'it does not begin like a segment';
  if (version !== VERSION) return `it has version ${version}, this zep-import knows ${VERSION}`;
  return layoutOf(entries, filterWords);
}

export function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
