/**
 * The nouns of the program: what travels from a source to the service. This file imports only wire types, so that every stage can
 * import it. A stage turns one noun into the next: bytes -> SourceRecord -> Item -> chunk -> batch.
 */
import type { WireItem } from './wire.js';

export type Brand<T, B extends string> = T & { readonly __brand: B };
export type BatchId = Brand<string, 'BatchId'>;

export type SourceFormat = 'jsonl' | 'json' | 'csv' | 'tsv' | 'document';

/** One opened input. `id` is unique in a run and is what a person sees: the path as typed or found, or `stdin`. */
export interface SourceInfo {
  readonly id: string;
  /** 0-based place of this source in the run's order. */
  readonly index: number;
  readonly format: SourceFormat;
  /** Size on disk in bytes (compressed size for a compressed file); undefined for stdin and pipes. */
  readonly bytes: number | undefined;
  readonly compression: 'none' | 'gzip' | 'brotli' | 'zstd';
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
   * The record as it stands in the source (decoded to text, without its line end), to be written to a rejects file.
   * Valid only until the next block is asked for.
   */
  raw(position: Position): string;
}

/**
 * One input, read as a stream. Yields blocks in file order; a damaged row is a Rejection inside a block; only a source that cannot be
 * read at all throws (AppError, code `unreadable-source`). Memory is bounded by the block size and `maxRecordBytes`.
 */
export interface Source {
  readonly info: SourceInfo;
  /** `from` is the position of a record this source gave earlier: reading begins with that record, by seeking where that is possible. */
  read(signal: AbortSignal, from?: Pick<Position, 'byteStart' | 'line' | 'ordinal'>): AsyncIterable<RecordBlock>;
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
