/**
 * What every reader gets and gives. A reader is an async generator of blocks over a window; it never opens, unpacks or decodes anything.
 */
import { AppError } from '../errors.js';
import type { ReadFrom, RecordBlock, SourceInfo } from '../model.js';
import type { EncodingEvidence } from './encoding.js';
import type { CsvDialect } from './options.js';
import type { Window } from './window.js';

export interface ReaderContext {
  readonly info: SourceInfo;
  readonly window: Window;
  readonly maxRecordBytes: number;
  readonly signal: AbortSignal;
  /** Only when the input can seek. */
  readonly from: ReadFrom | undefined;
  readonly path: string | undefined;
  readonly csv: CsvDialect;
  /** What says how the text is encoded: where a name would change nothing, or was given, there is no point in advising to give one. */
  readonly encodingBy: EncodingEvidence;
  /** The byte order mark, when rows of this source need it before them to be read again. */
  readonly mark: string | undefined;
}

export type Reader = (context: ReaderContext) => AsyncGenerator<RecordBlock, void, undefined>;

/** Sentences shared by the readers. */
export function tooLongMessage(maxRecordBytes: number): string {
  return `this record is longer than ${maxRecordBytes.toLocaleString('en-US')} bytes; --max-record-bytes raises the limit`;
}

export function notUtf8Message(context: ReaderContext): string {
  if (context.encodingBy === 'name') return 'this record holds bytes that have no meaning in the given encoding';
  return context.encodingBy === 'mark'
    ? 'this record holds bytes that have no meaning in the encoding that the byte order mark of the file tells'
    : 'this record is not valid UTF-8; if the file is in another encoding, name it (encoding: windows-1252)';
}

/** Content is not what it was. Unlike a break, it leaves nothing before it that guesses or verdicts could be made on. */
export function isSourceChanged(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'source-changed';
}
