/**
 * One source from bytes on disk to blocks of records: opens it, unpacks it, finds out its encoding, and hands a window over the text to
 * the reader of its format. Whatever cannot be read becomes an AppError `unreadable-source` that says where it broke; everything opened
 * is closed again, also when the consumer stops early.
 */
import { AppError, usageError } from '../errors.js';
import type { ContentTap, ReadFrom, RecordBlock, Source, SourceInfo } from '../model.js';
import { BYTE_ORDER_MARK } from '../raw-text.js';
import { ExplainingInput, PrefixedInput, readHead, StreamInput, type ByteInput } from './byte-input.js';
import { unpack } from './compression.js';
import { detectEncoding, type EncodingEvidence } from './encoding.js';
import { readerOf } from './formats.js';
import {
  csvDialect,
  DEFAULT_BLOCK_BYTES,
  DEFAULT_MAX_RECORD_BYTES,
  type CsvDialect,
  type SourceOptions,
} from './options.js';
import { isSourceChanged, type Reader } from './reader.js';
import { TappedInput } from './tapped-input.js';
import { originalWidths, TranscodingInput } from './transcode.js';
import { Window } from './window.js';

/** How much is looked at to find out encoding, format and compression. */
export const HEAD_BYTES = 64 * 1024;

/** Everything about a source that does not change from one reading to the next. */
interface Settled {
  readonly info: SourceInfo;
  readonly options: SourceOptions;
  readonly csv: CsvDialect;
  readonly reader: Reader;
}

/** `open` gives the bytes as they lie on disk from the beginning; a pipe can be opened once. */
export function openSource(info: SourceInfo, options: SourceOptions, open: () => ByteInput): Source {
  const reader = readerOf(info.format);
  if (reader === undefined) throw usageError('unknown-format', `${info.id}: format ${info.format} cannot be read here`);
  const csv = csvDialect(options.csv ?? {}, info.format === 'tsv' ? '\t' : undefined);
  const settled = { info, options, csv, reader };
  return { info, read: (signal, from, tap) => readSource(settled, open(), signal, from, tap) };
}

async function* readSource(
  { info, options, csv, reader }: Settled,
  disk: ByteInput,
  signal: AbortSignal,
  from: ReadFrom | undefined,
  tap: ContentTap | undefined,
): AsyncGenerator<RecordBlock, void, undefined> {
  let opened: ByteInput | undefined;
  try {
    signal.throwIfAborted();
    const content = contentOf(disk, info, signal);
    const canEnter = content.seek !== undefined && tap?.fromStart !== true;
    const enterAt = canEnter ? from : undefined;
    opened = tap === undefined ? content : new TappedInput(content, tap, enterAt);
    const text = await openText(opened, options.encoding, signal);
    opened = text.input;
    const maxRecordBytes = options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES;
    const window = new Window(text.input, {
      blockBytes: options.blockBytes ?? blockBytesOf(info),
      maxRecordBytes,
      base: text.markBytes,
      widths: text.widths,
    });
    const blocks = reader({
      info,
      window,
      maxRecordBytes,
      signal,
      from: text.input.seek === undefined ? undefined : enterAt,
      path: options.path,
      csv,
      encodingBy: text.encodingBy,
      mark: text.markBytes > 0 || text.widths !== undefined ? BYTE_ORDER_MARK : undefined,
    });
    const entered = enterAt !== undefined && text.input.seek !== undefined;
    yield* from === undefined || entered ? blocks : dropBefore(blocks, from.ordinal);
  } finally {
    await opened?.close();
    await disk.close();
  }
}

/** Thousands of small files need no large buffer each. */
function blockBytesOf({ bytes, compression }: SourceInfo): number {
  if (bytes === undefined || compression !== 'none') return DEFAULT_BLOCK_BYTES;
  return Math.min(DEFAULT_BLOCK_BYTES, Math.max(SMALL_BLOCK_BYTES, bytes + 1));
}

const SMALL_BLOCK_BYTES = 4096;

interface Text {
  readonly input: ByteInput;
  readonly encodingBy: EncodingEvidence;
  readonly markBytes: number;
  readonly widths: Uint8Array | undefined;
}

/** The text of a source as UTF-8, without a byte order mark. */
async function openText(content: ByteInput, encoding: string | undefined, signal: AbortSignal): Promise<Text> {
  const head = await readHead(content, HEAD_BYTES, signal);
  if (isSourceChanged(head.failure)) throw head.failure;
  const detected = detectEncoding(head.bytes, encoding);
  const { markBytes, by: encodingBy } = detected;
  let input = content;
  // What came before a failure is read all the same; a failed input cannot be entered anew.
  if (content.seek === undefined || head.failure !== undefined) input = new PrefixedInput(head, markBytes, content);
  else content.seek(markBytes);
  if (detected.encoding.kind === 'utf-8') return { input, encodingBy, markBytes, widths: undefined };
  return {
    input: new TranscodingInput(input, detected.encoding),
    encodingBy,
    markBytes,
    widths: originalWidths(detected.encoding),
  };
}

/** The content of a source, unpacked if need be; what goes wrong below becomes an AppError. */
export function contentOf(disk: ByteInput, info: SourceInfo, signal: AbortSignal): ByteInput {
  const content =
    info.compression === 'none'
      ? disk
      : new StreamInput(unpack(disk, info.compression, signal), { onDisk: () => disk.taken });
  const explain = (error: unknown): Error =>
    error instanceof Error && (signal.aborted || error instanceof AppError) ? error : unreadable(info, disk, error);
  return new ExplainingInput(content, explain);
}

/** Where the input cannot be entered in the middle, the records before the wanted one are read and let go. */
export async function* dropBefore(
  blocks: AsyncGenerator<RecordBlock, void, undefined>,
  ordinal: number,
): AsyncGenerator<RecordBlock, void, undefined> {
  for await (const block of blocks) {
    const first = block.entries.findIndex((entry) => entry.position.ordinal >= ordinal);
    if (first === 0 || (block.entries.length === 0 && block.bytesRead > 0)) yield block;
    else if (first > 0) {
      yield {
        source: block.source,
        entries: block.entries.slice(first),
        bytesRead: block.bytesRead,
        inexactNumbers: block.inexactNumbers,
        head: block.head,
        raw: (position) => block.raw(position),
      };
    }
  }
}

function unreadable(info: SourceInfo, disk: ByteInput, error: unknown): AppError {
  const { code, message } = error as NodeJS.ErrnoException;
  const packed = info.compression !== 'none' && !SYSTEM_ERRORS.has(code ?? '');
  const why = packed
    ? `the ${info.compression} data is damaged or cut short (${message}), near byte ${disk.taken}`
    : `${message}, at byte ${disk.taken}`;
  return new AppError(`cannot read ${info.id}: ${why}`, {
    code: 'unreadable-source',
    disposition: 'usage',
    hint: packed ? 'Make or fetch the file again; what came before the damage was read.' : undefined,
    cause: error,
  });
}

const SYSTEM_ERRORS = new Set([
  'EIO',
  'EACCES',
  'EPERM',
  'ENOENT',
  'EISDIR',
  'EMFILE',
  'ENFILE',
  'EBADF',
  'ESTALE',
  'ECONNRESET',
]);
