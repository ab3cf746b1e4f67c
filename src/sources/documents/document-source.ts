/**
 * A document as a source: the whole file is one record, or as many as it has pages or turns. It is read to its end before anything is made of
 * it, so that all of it is known to the tap; a document that cannot be taken is one rejection, and the sources behind it go on.
 */
import type { ContentTap, Position, ReadFrom, RecordBlock, Source, SourceInfo } from '../../model.js';
import type { ByteInput } from '../byte-input.js';
import { contentOf, dropBefore } from '../open-source.js';
import type { SourceOptions } from '../options.js';
import { TappedInput } from '../tapped-input.js';
import { BLOCK_PARTS, DocumentBlock, entryOf, factsOfFile } from './document-block.js';
import type { DocumentParser } from './document-parser.js';
import type { DocumentKind } from '../../model.js';
import { readMbox } from './mbox-reader.js';
import { DocumentError, type DocumentFields, type ParsedDocument } from './parsed.js';

export const DEFAULT_MAX_DOCUMENT_BYTES = 32 * 1024 * 1024;
export const DEFAULT_MAX_DOCUMENT_MS = 60_000;
/** Characters of text, as a share of what a document may have: texts take two bytes each, and become items. */
const TEXT_SHARE = 1 / 2;
/** What an archive may unpack to, as a multiple of what a document may have. */
const UNPACKED_SHARE = 2;
const FIRST_BYTES = 64 * 1024;

export interface DocumentSettings {
  readonly info: SourceInfo;
  readonly kind: DocumentKind;
  readonly parser: DocumentParser;
  readonly maxBytes: number;
  readonly encoding: string | undefined;
}

/** `open` gives the bytes as they lie on disk from the beginning. */
export function openDocument(
  info: SourceInfo,
  kind: DocumentKind,
  parser: DocumentParser,
  options: SourceOptions,
  open: () => ByteInput,
): Source {
  const maxBytes = options.maxDocumentBytes ?? DEFAULT_MAX_DOCUMENT_BYTES;
  const settings = { info, kind, parser, maxBytes, encoding: options.encoding };
  return {
    info,
    read: (signal, from, tap) =>
      kind === 'mbox'
        ? readMailbox(settings, open(), signal, from, tap)
        : readDocument(settings, open(), signal, from, tap),
  };
}

async function* readDocument(
  settings: DocumentSettings,
  disk: ByteInput,
  signal: AbortSignal,
  from: ReadFrom | undefined,
  tap: ContentTap | undefined,
): AsyncGenerator<RecordBlock, void, undefined> {
  const { info } = settings;
  const content = contentOf(disk, info, signal);
  const input = tap === undefined ? content : new TappedInput(content, tap, undefined);
  try {
    signal.throwIfAborted();
    const facts = factsOfFile(info, settings.kind);
    let size = 0;
    let document: ParsedDocument | DocumentError;
    try {
      const bytes = await readWhole(input, settings, signal);
      size = bytes.length;
      document = await parsed(settings, bytes, signal);
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      document = error;
    }
    yield* dropBefore(blocksOf(settings, document, { facts, size, bytesRead: disk.taken }), from?.ordinal ?? 0);
  } finally {
    await input.close();
    await disk.close();
  }
}

async function parsed(settings: DocumentSettings, bytes: Buffer, signal: AbortSignal): Promise<ParsedDocument> {
  const { kind, encoding, maxBytes, parser } = settings;
  const document = await parser.parse({ kind, bytes, encoding, maxBytes: maxBytes * UNPACKED_SHARE }, signal);
  const most = maxBytes * TEXT_SHARE;
  const characters = document.parts.reduce((sum, { text }) => sum + text.length, 0);
  if (characters <= most) return document;
  throw new DocumentError(
    'document-too-large',
    `this document holds more than ${most.toLocaleString('en-US')} characters of text: split it, or raise --max-document-bytes`,
  );
}

interface Whole {
  readonly facts: DocumentFields;
  readonly size: number;
  readonly bytesRead: number;
}

async function* blocksOf(
  { info }: DocumentSettings,
  document: ParsedDocument | DocumentError,
  { facts, size, bytesRead }: Whole,
): AsyncGenerator<RecordBlock, void, undefined> {
  const positionOf = (ordinal: number, line: number): Position => ({
    source: info,
    ordinal,
    line,
    byteStart: 0,
    byteEnd: Math.max(size, info.compression === 'none' ? (info.bytes ?? 0) : 0),
  });
  if (document instanceof DocumentError) {
    const { code, message } = document;
    const position = positionOf(0, 1);
    yield new DocumentBlock(info, [{ kind: 'rejected', stage: 'read', code, message, position }], bytesRead, facts);
    return;
  }
  const fields = { ...document.fields, ...facts };
  const { parts } = document;
  for (let from = 0; from < parts.length; from += BLOCK_PARTS) {
    const entries = parts
      .slice(from, from + BLOCK_PARTS)
      .map((part, i) => entryOf(part, fields, positionOf(from + i, part.line)));
    const share = from + BLOCK_PARTS >= parts.length ? bytesRead : 0;
    yield new DocumentBlock(info, entries, share, { ...facts, page: undefined });
  }
}

/** Throws DocumentError when it is larger than a document may be: then the rest is not read. */
async function readWhole(input: ByteInput, { info, maxBytes }: DocumentSettings, signal: AbortSignal): Promise<Buffer> {
  const known = info.compression === 'none' ? (info.bytes ?? 0) : 0;
  if (known > maxBytes) throw tooLarge(maxBytes);
  let bytes = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, known + 1));
  let end = 0;
  for (;;) {
    if (end === bytes.length) {
      if (end > maxBytes) throw tooLarge(maxBytes);
      const next = Buffer.allocUnsafeSlow(Math.min(end * 2, maxBytes + 1));
      bytes.copy(next, 0, 0, end);
      bytes = next;
    }
    const count = await input.read(bytes, end, bytes.length - end, signal);
    if (count === 0) break;
    end += count;
  }
  if (end > maxBytes) throw tooLarge(maxBytes);
  return bytes.subarray(0, end);
}

export function tooLarge(maxBytes: number): DocumentError {
  return new DocumentError(
    'document-too-large',
    `this document is larger than ${maxBytes.toLocaleString('en-US')} bytes: split it, or raise --max-document-bytes`,
  );
}

async function* readMailbox(
  settings: DocumentSettings,
  disk: ByteInput,
  signal: AbortSignal,
  from: ReadFrom | undefined,
  tap: ContentTap | undefined,
): AsyncGenerator<RecordBlock, void, undefined> {
  const content = contentOf(disk, settings.info, signal);
  const enterAt = content.seek !== undefined && tap?.fromStart !== true ? from : undefined;
  const input = tap === undefined ? content : new TappedInput(content, tap, enterAt);
  try {
    signal.throwIfAborted();
    const blocks = readMbox(settings, input, signal, enterAt);
    yield* enterAt === undefined ? dropBefore(blocks, from?.ordinal ?? 0) : blocks;
  } finally {
    await input.close();
    await disk.close();
  }
}
