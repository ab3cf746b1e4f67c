/**
 * JSON documents: one array whose elements are the records, an array somewhere inside, or values one after another. The document is
 * never held whole; each element is cut out by counting brackets and parsed alone.
 *
 * Damage is told with its place. An element that is no valid JSON costs that element. Damage to the document itself (an early end, text
 * after the end, brackets that do not match) ends the reading there, unless the elements begin on lines of their own, all indented
 * alike: then reading goes on at the next such line.
 */
import type { RecordBlock } from '../model.js';
import { cutText } from './block.js';
import { HeldBuilder } from './held-builder.js';
import { JsonCursor } from './json-cursor.js';
import { findJsonFault, JsonGrammar } from './json-grammar.js';
import { parsePath, PathWalk } from './json-path.js';
import { addJson, describeFault } from './json-records.js';
import { BROKEN_TEXT, isJsonBlank, JsonScan, scalarEnd } from './json-scan.js';
import { isSourceChanged, tooLongMessage, type ReaderContext } from './reader.js';
import { RowMarker } from './row-marker.js';
import { usageError } from '../errors.js';

const COMMA = 0x2c;
const LF = 0x0a;
const CLOSE_ARRAY = 0x5d;
const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const QUOTE = 0x22;

/** The text of damage between records: there is nothing to write down. */
const NO_RECORD = '';

type Place =
  /** Before an element of the array; `afterComma` when one must come. */
  | { readonly kind: 'element'; readonly afterComma: boolean }
  /** Before a value at the top; `before` is the first byte of the value before it on the same line. */
  | { readonly kind: 'value'; readonly before: number | undefined }
  /** In a record too long to be kept, of which the beginning is gone. */
  | {
      readonly kind: 'long';
      readonly element: boolean;
      readonly start: number;
      readonly line: number;
      readonly text: string;
    }
  /** Behind the array, or behind the value at the end of the path. */
  | { readonly kind: 'tail' }
  | { readonly kind: 'end' };

export async function* readJsonDocument(context: ReaderContext): AsyncGenerator<RecordBlock, void, undefined> {
  yield* new JsonDocument(context).read();
}

class JsonDocument {
  readonly #context: ReaderContext;
  readonly #cursor: JsonCursor;
  readonly #builder: HeldBuilder;
  readonly #scan = new JsonScan();
  readonly #marker = new RowMarker();
  /** Knows what surrounds the rows, and so what may follow them. */
  #grammar = new JsonGrammar();
  #place: Place = { kind: 'value', before: undefined };

  constructor(context: ReaderContext) {
    this.#context = context;
    this.#cursor = new JsonCursor(context.window, context.signal);
    this.#builder = new HeldBuilder(context);
  }

  async *read(): AsyncGenerator<RecordBlock, void, undefined> {
    const cursor = this.#cursor;
    const builder = this.#builder;
    try {
      await this.#enter();
      while (this.#place.kind !== 'end') {
        const full = this.#advance();
        if (!builder.held) yield* builder.take(cursor.at);
        if (!full && !(await cursor.refill(builder.keepFrom(cursor.at)))) this.#endOfInput();
      }
    } catch (error) {
      if (isSourceChanged(error)) throw error;
      // The stream broke off: what came before stands under the same rule as before any other damage.
      builder.damaged = true;
      builder.release();
      yield* builder.take(cursor.at);
      throw error;
    }
    builder.release();
    yield* builder.take(cursor.at);
  }

  /** Goes to where the first record is expected, or to the one to begin with. */
  async #enter(): Promise<void> {
    const cursor = this.#cursor;
    const { info, from } = this.#context;
    const path = parsePath(this.#context.path);
    if ((await cursor.peek()) === undefined) return this.#damage('the document is empty');
    const walk = new PathWalk(cursor, info.id);
    const fault = await walk.to(path);
    this.#builder.hold(cursor.at);
    this.#grammar = walk.grammar;
    if (fault !== undefined) return this.#damage(fault.reason);
    const { byte } = cursor;
    if (byte === OPEN_ARRAY) {
      this.#grammar.step(OPEN_ARRAY);
      cursor.pass(cursor.at + 1, 0);
      this.#place = { kind: 'element', afterComma: false };
    } else if (path.length > 0 && byte !== OPEN_OBJECT) {
      throw usageError(
        'path-not-found',
        `${info.id}: what lies at ${path.join('.')} is neither an array nor an object`,
        'Set source.path to where the array of rows lies.',
      );
    }
    if (from !== undefined && (byte === OPEN_ARRAY || path.length === 0)) this.#beginAt(from);
  }

  #beginAt(from: { readonly byteStart: number; readonly line: number }): void {
    this.#context.window.seek(from.byteStart);
    this.#cursor.pass(0, from.line - this.#cursor.line);
    this.#builder.release();
    if (this.#place.kind === 'element') this.#place = { kind: 'element', afterComma: true };
  }

  /** Takes what is whole in the window: true when a block is full, false when more bytes are needed or the end is reached. */
  #advance(): boolean {
    const cursor = this.#cursor;
    for (;;) {
      if (this.#builder.due(cursor.at)) return true;
      const place = this.#place;
      if (place.kind === 'end') return true;
      if (place.kind === 'long') {
        if (!this.#passLong(place)) return false;
      } else if (!this.#skipBlanks()) return false;
      else if (place.kind === 'tail') this.#tail();
      else if (place.kind === 'element') {
        if (!this.#element(place.afterComma)) return false;
      } else if (!this.#value()) return false;
    }
  }

  #skipBlanks(): boolean {
    const cursor = this.#cursor;
    const { line } = cursor;
    const found = cursor.skipBlanks();
    if (this.#place.kind === 'value' && cursor.line !== line) this.#place = { kind: 'value', before: undefined };
    return found;
  }

  /** One element of the array and what ends it. False when it is not whole in the window. */
  #element(afterComma: boolean): boolean {
    const cursor = this.#cursor;
    const { bytes } = this.#context.window;
    const start = cursor.at;
    this.#scan.reset();
    const stop = this.#scan.elementEnd(bytes, start, this.#marker.known);
    if (stop === BROKEN_TEXT && this.#resync(start, bytes.length)) return true;
    if (stop < 0) return this.#isTooLong(start, bytes.length, true);
    if (this.#isTooLong(start, stop, true)) return true;
    const end = trimEnd(bytes, start, stop);
    const closes = bytes[stop] === CLOSE_ARRAY;
    if (!closes && bytes[stop] !== COMMA) return this.#strayBracket(start, stop);
    if (end > start) {
      if (!this.#add(start, end) && this.#resync(start, stop)) return true;
    } else if (!closes || afterComma) {
      const reason = closes ? "a ',' stands before ']'" : 'expected a value';
      this.#builder.damaged = true;
      this.#builder.rejected('invalid-json', `not valid JSON: ${reason}`, start, stop + 1, cursor.line, NO_RECORD);
    }
    cursor.pass(stop, this.#scan.lines);
    if (closes) this.#leaveArray();
    else {
      cursor.pass(stop + 1, 0);
      this.#place = { kind: 'element', afterComma: true };
    }
    return true;
  }

  /** A '}' that closes nothing: the element it follows is lost, and all the rest unless the next can be recognised. */
  #strayBracket(start: number, stop: number): boolean {
    const { window } = this.#context;
    if (this.#resync(start, window.bytes.length)) return true;
    if (this.#marker.known && this.#isTooLong(start, window.bytes.length, true)) return true;
    // The next element may still come.
    if (this.#marker.known && !window.ended) return false;
    this.#lose(start, stop + 1);
    return true;
  }

  #leaveArray(): void {
    this.#grammar.valueDone();
    this.#grammar.step(CLOSE_ARRAY);
    this.#cursor.pass(this.#cursor.at + 1, 0);
    this.#place = { kind: 'tail' };
  }

  /** One value of several at the top, or the one at the end of the path. False when it is not whole in the window. */
  #value(): boolean {
    const cursor = this.#cursor;
    const { bytes, ended } = this.#context.window;
    const start = cursor.at;
    const first = bytes[start];
    const before = this.#place.kind === 'value' ? this.#place.before : undefined;
    if (before !== undefined && !(before === OPEN_OBJECT && first === OPEN_OBJECT)) {
      this.#damage('there is more text after the end of the value');
      return true;
    }
    this.#scan.reset();
    const bracketed = first === OPEN_OBJECT || first === OPEN_ARRAY || first === QUOTE;
    const end = bracketed ? this.#scan.valueEnd(bytes, start) : scalarEnd(bytes, start);
    const whole = end >= 0 && (bracketed || ended || end < bytes.length);
    if (this.#isTooLong(start, whole ? end : bytes.length, false)) return true;
    if (!whole) return false;
    if (end === start) this.#damage('expected a value');
    else {
      this.#builder.values++;
      this.#add(start, end);
      cursor.pass(end, this.#scan.lines);
      this.#afterValue(first);
    }
    return true;
  }

  #afterValue(first: number | undefined): void {
    if (this.#grammar.depth === 0) {
      this.#place = { kind: 'value', before: first };
      return;
    }
    this.#grammar.valueDone();
    this.#place = { kind: 'tail' };
  }

  /** Checks what follows, which must be whole but holds no rows. */
  #tail(): void {
    const cursor = this.#cursor;
    const { bytes } = this.#context.window;
    const fault = this.#grammar.feed(bytes, cursor.at, bytes.length);
    const to = fault?.at ?? bytes.length;
    cursor.pass(to, countLines(bytes, cursor.at, to));
    if (fault === undefined) return;
    const whole = this.#grammar.depth === 0;
    this.#damage(
      whole ? 'text after the end of the array; if every line is a value of its own, use --format jsonl' : fault.reason,
    );
  }

  #endOfInput(): void {
    const cursor = this.#cursor;
    const { window } = this.#context;
    const place = this.#place;
    const start = cursor.at;
    const end = window.bytes.length;
    if (place.kind === 'long') {
      this.#endLong(place, end, '; the document ends inside it');
      this.#place = { kind: 'end' };
    } else if (place.kind === 'tail') {
      if (this.#grammar.complete) this.#place = { kind: 'end' };
      else this.#damage(this.#grammar.missing());
    } else if (start === end) {
      if (place.kind === 'element') this.#damage(this.#grammar.missing());
      else this.#place = { kind: 'end' };
    } else if (place.kind === 'value' && this.#value()) {
      // A number or word at the very end: whole, now that nothing can follow.
    } else if (!this.#resync(start, end)) {
      this.#lose(start, trimEnd(window.bytes, start, end));
    }
  }

  /** Rejects what stands in `[start, end)` and ends the reading. */
  #lose(start: number, end: number): void {
    const { bytes } = this.#context.window;
    const { line } = this.#cursor;
    const sound = findJsonFault(bytes, start, end) === undefined;
    const reason = sound ? `not valid JSON: ${this.#grammar.missing()}` : describeFault(bytes, start, end, line);
    this.#builder.rejected('invalid-json', reason, start, end, line);
    this.#builder.damaged = true;
    this.#place = { kind: 'end' };
  }

  /** Adds the JSON text of a record. False when it is damaged. */
  #add(start: number, end: number): boolean {
    const { bytes } = this.#context.window;
    const cursor = this.#cursor;
    const code = addJson(this.#context, this.#builder, start, end, cursor.line, false);
    if (code === undefined) this.#marker.learn(bytes, start, end, cursor.indent, this.#scan.lines > 0);
    if (code !== 'invalid-json') return true;
    this.#builder.damaged = true;
    return false;
  }

  /** Gives up the element at `start` and goes on with the next one that begins before `limit`, if one can be recognised. */
  #resync(start: number, limit: number): boolean {
    const cursor = this.#cursor;
    const { maxRecordBytes, window } = this.#context;
    const { bytes } = window;
    if (this.#place.kind !== 'element') return false;
    // Nothing beyond the limit of a record is looked at, so that it does not matter how much of the input is at hand.
    const next = this.#marker.find(bytes.subarray(0, Math.min(limit, start + maxRecordBytes)), start + 1);
    if (next < 0) return false;
    let end = trimEnd(bytes, start, next);
    if (bytes[end - 1] === COMMA) end = trimEnd(bytes, start, end - 1);
    this.#builder.undoRejection(start);
    this.#builder.rejected('invalid-json', describeFault(bytes, start, end, cursor.line), start, end, cursor.line);
    this.#builder.damaged = true;
    cursor.pass(next, countLines(bytes, start, next));
    cursor.indent = this.#marker.indent;
    this.#place = { kind: 'element', afterComma: true };
    return true;
  }

  /** Begins to let a record pass by that is too long to keep: true when it is. */
  #isTooLong(start: number, end: number, element: boolean): boolean {
    const { maxRecordBytes, window } = this.#context;
    if (end - start <= maxRecordBytes) return false;
    if (this.#resync(start, end)) return true;
    const text = cutText(window.bytes, start, maxRecordBytes);
    this.#place = { kind: 'long', element, start: window.original(start), line: this.#cursor.line, text };
    this.#builder.release();
    this.#scan.reset();
    return true;
  }

  #passLong(place: Extract<Place, { kind: 'long' }>): boolean {
    const cursor = this.#cursor;
    const { bytes } = this.#context.window;
    this.#scan.lines = 0;
    const stop = place.element ? this.#scan.elementEnd(bytes, cursor.at, false) : this.#scan.valueEnd(bytes, cursor.at);
    cursor.pass(stop < 0 ? bytes.length : stop, this.#scan.lines);
    if (stop < 0) return false;
    this.#endLong(place, stop, '');
    if (!place.element) this.#afterValue(OPEN_OBJECT);
    else if (bytes[stop] === CLOSE_ARRAY) this.#leaveArray();
    else if (bytes[stop] !== COMMA) this.#damage("expected ',' or ']'");
    else {
      cursor.pass(stop + 1, 0);
      this.#place = { kind: 'element', afterComma: true };
    }
    return true;
  }

  #endLong(place: Extract<Place, { kind: 'long' }>, at: number, more: string): void {
    const { maxRecordBytes, window, path } = this.#context;
    const advice =
      place.element || path !== undefined ? '' : '; rows in an array inside it are read one by one with source.path';
    const end = window.original(at);
    const message = tooLongMessage(maxRecordBytes) + advice + more;
    this.#builder.rejectedFrom('record-too-long', message, {
      start: place.start,
      end,
      line: place.line,
      text: place.text,
    });
  }

  /** Ends the reading at the cursor: from here on nothing can be trusted. */
  #damage(reason: string): void {
    const cursor = this.#cursor;
    const { bytes } = this.#context.window;
    const end = Math.min(cursor.at + 1, bytes.length);
    this.#builder.rejected('invalid-json', `not valid JSON: ${reason}`, cursor.at, end, cursor.line, NO_RECORD);
    this.#builder.damaged = true;
    this.#place = { kind: 'end' };
  }
}

function trimEnd(bytes: Buffer, start: number, end: number): number {
  let at = end;
  while (at > start && isJsonBlank(bytes[at - 1] ?? 0)) at--;
  return at;
}

function countLines(bytes: Buffer, start: number, end: number): number {
  let lines = 0;
  for (let at = bytes.indexOf(LF, start); at >= 0 && at < end; at = bytes.indexOf(LF, at + 1)) lines++;
  return lines;
}
