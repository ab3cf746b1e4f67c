/**
 * JSON lines: one value a line. Lines end at the byte 0x0A and nowhere else (U+2028 inside a string is data); a carriage return before
 * it belongs to the line end. Blank lines are no records. A line beyond the limit is rejected while its bytes pass by unkept.
 */
import { isUtf8 } from 'node:buffer';
import type { RecordBlock } from '../model.js';
import { BlockBuilder, cutText } from './block.js';
import { addJson } from './json-records.js';
import { tooLongMessage, type ReaderContext } from './reader.js';

const LF = 0x0a;
const CR = 0x0d;

export async function* readJsonLines(context: ReaderContext): AsyncGenerator<RecordBlock, void, undefined> {
  const { window, signal, from } = context;
  if (from !== undefined) window.seek(from.byteStart);
  const builder = new BlockBuilder(context);
  const lines = new LineScanner(context, builder, from?.line ?? 1);
  for (;;) {
    while (lines.scan()) yield* builder.take(window.start);
    yield* builder.take(window.start);
    if (!(await window.fill(signal))) break;
  }
  lines.finish();
  yield* builder.take(window.bytes.length);
}

/** A line of which the beginning is already gone. */
interface LongLine {
  readonly start: number;
  readonly line: number;
  readonly text: string;
}

class LineScanner {
  readonly #context: ReaderContext;
  readonly #builder: BlockBuilder;
  #line: number;
  #long: LongLine | undefined;

  constructor(context: ReaderContext, builder: BlockBuilder, line: number) {
    this.#context = context;
    this.#builder = builder;
    this.#line = line;
  }

  /** Takes whole lines from the window until the block is full (true) or the window has no more of them (false). */
  scan(): boolean {
    const { window } = this.#context;
    const { bytes } = window;
    const builder = this.#builder;
    const utf8 = isUtf8(bytes.subarray(window.start, bytes.lastIndexOf(LF) + 1));
    let at = window.start;
    let end = bytes.indexOf(LF, at);
    for (; end >= 0 && !builder.full; end = bytes.indexOf(LF, at)) {
      this.#addLine(at, end, utf8);
      at = end + 1;
    }
    window.start = at;
    if (builder.full) return true;
    if (bytes.length - at > this.#context.maxRecordBytes + 1 || this.#long !== undefined) this.#skipAhead();
    return false;
  }

  /** Takes the last line, which nothing ends. */
  finish(): void {
    const { window } = this.#context;
    if (window.start < window.bytes.length || this.#long !== undefined) {
      this.#addLine(window.start, window.bytes.length, false);
    }
    window.start = window.bytes.length;
  }

  #addLine(start: number, lineEnd: number, utf8: boolean): void {
    const { bytes } = this.#context.window;
    const end = lineEnd > start && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
    const line = this.#line++;
    if (this.#long !== undefined) this.#endLong(this.#long, end);
    else if (end - start > this.#context.maxRecordBytes) {
      this.#long = {
        start: this.#context.window.original(start),
        line,
        text: cutText(bytes, start, this.#context.maxRecordBytes),
      };
      this.#endLong(this.#long, end);
    } else if (!isBlank(bytes, start, end)) {
      addJson(this.#context, this.#builder, start, end, line, utf8);
    }
  }

  #endLong(long: LongLine, end: number): void {
    this.#builder.rejectedFrom('record-too-long', tooLongMessage(this.#context.maxRecordBytes), {
      start: long.start,
      end: this.#context.window.original(end),
      line: long.line,
      text: long.text,
    });
    this.#long = undefined;
  }

  /** Lets go of what is known to be part of a line that will be rejected; the last byte stays, it may be the CR of its end. */
  #skipAhead(): void {
    const { window } = this.#context;
    const { start, bytes } = window;
    this.#long ??= {
      start: window.original(start),
      line: this.#line,
      text: cutText(bytes, start, this.#context.maxRecordBytes),
    };
    window.start = Math.max(start, bytes.length - 1);
  }
}

function isBlank(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte !== 0x20 && byte !== 0x09 && byte !== CR) return false;
  }
  return true;
}
