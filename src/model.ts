/**
 * The nouns of the program: what travels from a source to the service. This file imports only wire types, so that every stage can
 * import it. A stage turns one noun into the next: bytes -> SourceRecord -> Item -> chunk -> batch.
 */
import type { WireItem } from './wire.js';

export type Brand<T, B extends string> = T & { readonly __brand: B };
export type BatchId = Brand<string, 'BatchId'>;

export type SourceFormat = 'jsonl' | 'json' | 'csv' | 'tsv' | 'document';
export const DOCUMENT_KINDS = ['txt', 'md', 'html', 'pdf', 'docx', 'eml', 'mbox', 'vtt', 'srt'] as const;
export const PRESETS = ['slack', 'chatgpt', 'openai-chat', 'locomo'] as const;
export type PresetName = (typeof PRESETS)[number];
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

/** One opened input. `id` is unique in a run and is what a person sees: the path as typed or found, or `stdin`. */
export interface SourceInfo {
  readonly id: string;
  /** 0-based place of this source in the run's order. */
  readonly index: number;
  readonly format: SourceFormat;
  /** Size on disk in bytes (compressed size for a compressed file); undefined for stdin and pipes. */
  readonly bytes: number | undefined;
  readonly compression: 'none' | 'gzip' | 'brotli' | 'zstd';
  /** Only for a regular file: what tells whether it was touched since. */
  readonly file?: SourceFile;
}

export interface SourceFile {
  /** Absolute. Of a file in an archive: that of the archive, `!/`, and its name there. */
  readonly path: string;
  /** Absolute path of the archive it lies in. */
  readonly container?: string;
  /** Milliseconds since the epoch, with the fraction the file system keeps. */
  readonly modifiedMs: number;
  readonly inode: number;
}

/**
 * Where a record stands in its source. `line` is 1-based and the line on which the record begins; `ordinal` is the 0-based number of
 * the record in its source (empty lines do not count, bad records do); bytes are offsets into the decompressed, original (not
 * transcoded) content, end exclusive.
 */
export interface Position {
  readonly source: SourceInfo;
  readonly ordinal: number;
  readonly line: number;
  readonly byteStart: number;
  readonly byteEnd: number;
}

/** `value` is any JSON value; for CSV an object by column name. A number a double cannot hold exactly arrives as its text. */
export interface SourceRecord {
  readonly kind: 'record';
  readonly value: unknown;
  readonly position: Position;
}

export type RejectionStage = 'read' | 'map' | 'limit' | 'remote';

/** A bad row is a value, never an exception. `message` is a sentence a user can act on; `code` is stable (kebab-case). */
export interface Rejection {
  readonly kind: 'rejected';
  readonly stage: RejectionStage;
  readonly code: string;
  readonly message: string;
  readonly position: Position;
  /** 0-based index of the item within its record, when one item of several was rejected. */
  readonly item?: number;
  /** The offending field or column, when there is one. */
  readonly field?: string;
}

export type ReadEntry = SourceRecord | Rejection;

/** Records travel in blocks: one promise per block, not per row. */
export interface RecordBlock {
  readonly source: SourceInfo;
  readonly entries: readonly ReadEntry[];
  /** Bytes of the source as it lies on disk (compressed, if it is) that were consumed up to the end of this block: a running total. */
  readonly bytesRead: number;
  /** How many numbers in this block were kept as text because a double cannot hold them. */
  readonly inexactNumbers: number;
  /**
   * What must stand, as UTF-8, before rows of this source that are written down to be read again; undefined when nothing must. In this
   * order: a byte order mark, when the source has one or is not UTF-8; the line that names the delimiter of a table, when the source has
   * it or the row of column names leaves the delimiter open; the row of column names, when it was read from the source. Each with its
   * line end.
   */
  readonly head: string | undefined;
  /**
   * The record as it stands in the source (decoded to text, without its line end), to be written to a rejects file: behind `head` and
   * among other such rows it is read again as the same record, or rejected again. Empty when what was rejected is damage between records
   * or the early end of a document. Bytes that could not be decoded are kept (raw-text.ts). A record too long to be kept is cut. A row of
   * a table that would run on into the next one ends in a mark that keeps it from being read until it is mended; so does one with another
   * number of cells where the first row alone tells how many there are. Valid only until the next block is asked for.
   */
  raw(position: Position): string;
}

/**
 * Sees the content of a source on its way to the reader: unpacked, but not transcoded; offset 0 is its first byte, a byte order mark
 * included. Bytes it is given are only lent: they are valid until the call returns, or until the promise it returned is settled.
 */
export interface ContentTap {
  /** Content before this offset was read by an earlier try: it is handed on only after `check` has accepted the stretch it lies in. */
  readonly knownTo: number;
  /** Read from the first byte on, also where it would be possible to seek: all that is known is checked. */
  readonly fromStart?: boolean;
  /** The stretch (checked in one piece) that contains `at`, which lies before `knownTo`; so does the whole stretch. */
  stretch(at: number): { readonly from: number; readonly to: number };
  /** Reading begins in the middle: `line` is the 1-based line at `at`, for error messages. */
  begin?(at: number, line: number): void;
  /**
   * The bytes of one whole known stretch; fewer at the end of the input. Throws AppError `source-changed`. A stretch that is read again
   * is checked again. The last known stretch is always checked before anything is taken.
   */
  check(bytes: Uint8Array, at: number): void | Promise<void>;
  /** Further bytes, in order, exactly once, from `knownTo` on. A promise is waited for before more is read. */
  take(bytes: Uint8Array, at: number): void | Promise<void>;
  /** The content ends at this offset; may be told more than once. Throws AppError `source-changed` when that is before `knownTo`. */
  end(at: number): void;
}

/** The place of a record to begin with: part of a position the source gave earlier. */
export type ReadFrom = Pick<Position, 'byteStart' | 'line' | 'ordinal'>;

/**
 * One input, read as a stream. Yields blocks in file order; a damaged row is a Rejection inside a block; only a source that cannot be
 * read at all throws (AppError, code `unreadable-source`). Memory is bounded by the block size and `maxRecordBytes`.
 */
export interface Source {
  readonly info: SourceInfo;
  /**
   * `from` is the position of a record this source gave earlier: reading begins with that record, by seeking where that is possible.
   * `tap` sees the content; what it throws ends the reading, and no record gets past it that holds bytes it did not accept.
   */
  read(signal: AbortSignal, from?: ReadFrom, tap?: ContentTap): AsyncIterable<RecordBlock>;
}

/** Facts about an item's event time, gathered while mapping: bit flags of `ItemTime.flags`. */
export const TIME_NAIVE = 1; // the text had no zone of its own; the mapping's `zone` supplied it
export const TIME_DST = 2; // the local time is skipped or doubled by daylight saving; the earlier offset was taken
export interface ItemTime {
  /** Milliseconds since the epoch, or undefined when the item carries no created_at. */
  readonly ms: number | undefined;
  readonly flags: number;
}

/** One item exactly as it will be sent (`wire`), and what we must remember about it. */
export interface Item {
  readonly wire: WireItem;
  /** The user who owns the thread of a message, when the mapping names one: creates the thread and keeps the order; never sent. */
  readonly owner: string | undefined;
  readonly position: Position;
  /** 0-based index of this item among all items its record produced. */
  readonly index: number;
  readonly part?: { readonly index: number; readonly of: number };
  /** 0-based place of the template this item was made from in the mapping's `items`; parts of one item share it, as they share `index`. */
  readonly template?: number;
  /** Identity across runs, when the mapping has a `key`. */
  readonly key?: string;
  readonly time: ItemTime;
}

/** What became of a record: rejected = it gave no item and at least one rejection; skipped = the mapping said so. */
export type RecordFate = 'mapped' | 'skipped' | 'rejected';

export interface MapOutput {
  readonly items: Item[];
  readonly rejections: Rejection[];
}

/** Where a record came from, for people: `tickets.csv:812`. */
export function describePosition(position: Position): string {
  return `${position.source.id}:${position.line}`;
}
