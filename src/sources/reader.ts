/**
 * What every reader gets and gives. A reader is an async generator of blocks over a window; it never opens, unpacks or decodes anything.
 */
import type { RecordBlock, SourceInfo } from '../model.js';
import type { CsvDialect } from './options.js';
import type { Window } from './window.js';

/** A record to begin with: `byteStart`, `line` and `ordinal` of a position this source gave earlier. */
export interface ReadFrom {
  readonly byteStart: number;
  readonly line: number;
  readonly ordinal: number;
}

export interface ReaderContext {
  readonly info: SourceInfo;
  readonly window: Window;
  readonly maxRecordBytes: number;
  readonly signal: AbortSignal;
  /** Only when the input can seek. */
  readonly from: ReadFrom | undefined;
  readonly path: string | undefined;
  readonly csv: CsvDialect;
  /** A person named the encoding: then there is no point in advising to. */
  readonly encodingNamed: boolean;
}

export type Reader = (context: ReaderContext) => AsyncGenerator<RecordBlock, void, undefined>;

/** Sentences shared by the readers. */
export function tooLongMessage(maxRecordBytes: number): string {
  return `this record is longer than ${maxRecordBytes.toLocaleString('en-US')} bytes; --max-record-bytes raises the limit`;
}

export function notUtf8Message(context: ReaderContext): string {
  return context.encodingNamed
    ? 'this record holds bytes that have no meaning in the given encoding'
    : 'this record is not valid UTF-8; if the file is in another encoding, name it (encoding: windows-1252)';
}
