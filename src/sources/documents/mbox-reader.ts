/**
 * A mailbox (mbox): mail after mail, each behind a line `From ` that follows a blank line. Read as a stream: only the mail that is being read
 * is in memory, and one that is larger than a document may be is rejected while its bytes pass by.
 */
import type { Position, ReadEntry, ReadFrom, RecordBlock } from '../../model.js';
import type { ByteInput } from '../byte-input.js';
import { DEFAULT_BLOCK_BYTES } from '../options.js';
import { Window } from '../window.js';
import { DocumentBlock, documentId, entryOf, factsOfFile } from './document-block.js';
import { tooLarge, type DocumentSettings } from './document-source.js';
import { DocumentError } from './parsed.js';

const LF = 0x0a;
const SEPARATOR = Buffer.from('\nFrom ');
/** A separator tells when the mail came: `From ana@example.org Tue May  6 11:05:00 2025`. A line of text that begins so does not. */
const SEPARATOR_LINE = /^From .*\d\d?:\d\d/;
const LINE_LOOK = 256;
const BLOCK_MAILS = 50;
const BLOCK_MAIL_BYTES = 1024 * 1024;

export async function* readMbox(
  settings: DocumentSettings,
  input: ByteInput,
  signal: AbortSignal,
  from: ReadFrom | undefined,
): AsyncGenerator<RecordBlock, void, undefined> {
  const { info, maxBytes } = settings;
  const window = new Window(input, {
    blockBytes: DEFAULT_BLOCK_BYTES,
    maxRecordBytes: maxBytes,
    base: 0,
    widths: undefined,
  });
  if (from !== undefined) window.seek(from.byteStart);
  const facts = factsOfFile(info, 'mbox');
  const mails = new MailScanner(window, maxBytes, from?.line ?? 1);
  let ordinal = from?.ordinal ?? 0;
  let entries: ReadEntry[] = [];
  let bytes = 0;
  for (;;) {
    const mail = await mails.next(signal);
    if (mail === undefined) break;
    const position = { source: info, ordinal, line: mail.line, byteStart: mail.start, byteEnd: mail.end };
    entries.push(await entryFor(settings, mail.bytes, position, signal));
    ordinal += 1;
    bytes += mail.end - mail.start;
    if (entries.length < BLOCK_MAILS && bytes < BLOCK_MAIL_BYTES) continue;
    yield new DocumentBlock(info, entries, window.diskBytes(window.start), facts);
    entries = [];
    bytes = 0;
  }
  if (entries.length > 0 || from === undefined) {
    yield new DocumentBlock(info, entries, window.diskBytes(window.bytes.length), facts);
  }
}

async function entryFor(
  { info, parser, maxBytes }: DocumentSettings,
  bytes: Buffer | undefined,
  position: Position,
  signal: AbortSignal,
): Promise<ReadEntry> {
  try {
    if (bytes === undefined) throw tooLarge(maxBytes);
    const { fields, parts } = await parser.parse({ kind: 'mbox', bytes, encoding: undefined, maxBytes }, signal);
    const id = typeof fields['message_id'] === 'string' ? fields['message_id'] : String(position.ordinal + 1);
    const own = { ...fields, ...factsOfFile(info, 'mbox'), document_id: documentId(`${info.id}#${id}`) };
    return entryOf(parts[0] ?? { text: '', line: position.line, fields: {} }, own, position);
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    return { kind: 'rejected', stage: 'read', code: error.code, message: error.message, position };
  }
}

interface Mail {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  /** Undefined for one that is too large. */
  readonly bytes: Buffer | undefined;
}

class MailScanner {
  readonly #window: Window;
  readonly #maxBytes: number;
  #line: number;
  /** Absolute: separators before this were looked for. */
  #seen = 0;
  #long: { readonly start: number; readonly line: number } | undefined;

  constructor(window: Window, maxBytes: number, line: number) {
    this.#window = window;
    this.#maxBytes = maxBytes;
    this.#line = line;
  }

  async next(signal: AbortSignal): Promise<Mail | undefined> {
    const window = this.#window;
    for (;;) {
      const end = this.#separator();
      if (end !== undefined) return this.#take(end);
      if (this.#long !== undefined || window.bytes.length - window.start > this.#maxBytes + LINE_LOOK) this.#skip();
      if (await window.fill(signal)) continue;
      // Near the end a line may be shorter than what is waited for elsewhere.
      const last = this.#separator();
      if (last !== undefined) return this.#take(last);
      const rest = window.bytes.subarray(window.start);
      return this.#long === undefined && isBlank(rest) ? undefined : this.#take(window.bytes.length);
    }
  }

  /** Index behind the mail that begins at the start of the window; undefined when its end is not in the window yet. */
  #separator(): number | undefined {
    const { bytes, base, start, ended } = this.#window;
    let at = Math.max(start, this.#seen - base);
    for (;;) {
      const found = bytes.indexOf(SEPARATOR, at);
      if (found < 0 || (!ended && found + LINE_LOOK > bytes.length)) {
        this.#seen = base + (found < 0 ? Math.max(at, bytes.length - SEPARATOR.length) : found);
        return undefined;
      }
      const isAfterBlank =
        found === 0 || bytes[found - 1] === LF || (bytes[found - 1] === 13 && bytes[found - 2] === LF);
      if (
        isAfterBlank &&
        SEPARATOR_LINE.test(bytes.toString('latin1', found + 1, found + LINE_LOOK).split('\n', 1)[0] ?? '')
      ) {
        this.#seen = base + found + 1;
        return found + 1;
      }
      at = found + 1;
    }
  }

  #take(end: number): Mail {
    const window = this.#window;
    const long = this.#long;
    const start = long?.start ?? window.base + window.start;
    const line = long?.line ?? this.#line;
    const content = window.bytes.subarray(window.start, end);
    const isLong = long !== undefined || content.length > this.#maxBytes;
    const mail = { line, start, end: window.base + end, bytes: isLong ? undefined : mailOf(content) };
    this.#line += lineEnds(content);
    this.#long = undefined;
    window.start = end;
    return mail;
  }

  /** Lets go of what is known to be part of a mail that will be rejected. */
  #skip(): void {
    const window = this.#window;
    this.#long ??= { start: window.base + window.start, line: this.#line };
    const next = Math.max(window.start, window.bytes.length - LINE_LOOK - SEPARATOR.length);
    this.#line += lineEnds(window.bytes.subarray(window.start, next));
    window.start = next;
  }
}

/** Without the line that separates it, and without the marks that kept its lines from being taken for one. */
function mailOf(content: Buffer): Buffer {
  const isSeparated = content.toString('latin1', 0, 5) === 'From ';
  const body = content.subarray(isSeparated ? content.indexOf(LF) + 1 : 0);
  if (!body.includes('\n>From ') && !body.includes('\n>>From ')) return body;
  return Buffer.from(body.toString('latin1').replace(/^>(>*From )/gm, '$1'), 'latin1');
}

function lineEnds(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) count += 1;
  return count;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === LF || byte === 13 || byte === 32 || byte === 9);
}
