/**
 * CSV as RFC 4180 has it (one-byte delimiter, cells quoted or not, quotes doubled inside), read straight from the bytes: several times
 * as fast as a general parser. Other dialects go through csv-parsed.ts, which gives the same rows at the same places for this one.
 *
 * A quote inside a cell that does not begin with one is text, as everybody writes and reads it.
 */
import {
  behindLineEnd,
  CR,
  countCsvLines,
  LF,
  lineEndFrom,
  LOOKAHEAD_BYTES,
  loweredLimit,
  rowTooLong,
  textAfterQuote,
  unclosedQuote,
  type CsvRows,
  type RowFault,
  type RowWindow,
} from './csv-rows.js';

export class PlainRows implements CsvRows {
  start = 0;
  end = 0;
  next = 0;
  linesBefore = 0;
  lines = 0;
  cells: string[] = [];
  fault: RowFault | undefined;
  lineTooLong = false;

  readonly #delimiter: string;
  readonly #delimiterByte: number;
  readonly #quote: string;
  readonly #quoteByte: number;
  #limit: number;
  /** The window the following indexes belong to, and the next place of each byte in it (its length when there is none). */
  #bytes: Buffer = Buffer.alloc(0);
  #lf = 0;
  #cr = 0;
  #mark = 0;

  constructor(delimiter: string, quote: string, maxRecordBytes: number) {
    this.#delimiter = delimiter;
    this.#delimiterByte = delimiter.charCodeAt(0);
    this.#quote = quote;
    this.#quoteByte = quote === '' ? -1 : quote.charCodeAt(0);
    this.#limit = maxRecordBytes;
  }

  advance(window: RowWindow, at: number): boolean {
    const { bytes } = window;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#lf = this.#cr = this.#mark = -1;
    }
    this.fault = undefined;
    if (!this.#skipEmptyLines(window, at)) return false;
    const { start } = this;
    if (this.#lf < start) this.#lf = indexOrEnd(bytes, LF, start);
    if (this.#cr < start) this.#cr = indexOrEnd(bytes, CR, start);
    if (this.#mark < start) this.#mark = this.#quoteByte < 0 ? bytes.length : indexOrEnd(bytes, this.#quoteByte, start);
    const end = this.#lf < this.#cr ? this.#lf : this.#cr;
    if (this.#mark < end) return this.#quotedRow(window);
    if (!this.#finish(window, end)) return this.#unfinished(window);
    if (end - start > this.#limit) return this.#fail(window, rowTooLong(this.#limit));
    this.lines = 1;
    this.cells = bytes.toString('utf8', start, end).split(this.#delimiter);
    return true;
  }

  #skipEmptyLines(window: RowWindow, at: number): boolean {
    const { bytes } = window;
    let i = at;
    this.linesBefore = 0;
    for (;;) {
      this.start = i;
      const byte = bytes[i];
      if (byte === undefined) return false;
      if (byte !== LF && byte !== CR) return true;
      const behind = behindLineEnd(window, i);
      if (behind === undefined) return false;
      this.linesBefore++;
      i = behind;
    }
  }

  /** The row ends at `end`, where a line end or the end of the input is. False when more bytes must tell. */
  #finish(window: RowWindow, end: number): boolean {
    if (end >= window.bytes.length) {
      this.end = this.next = window.bytes.length;
      return window.ended;
    }
    const next = behindLineEnd(window, end);
    if (next === undefined) return false;
    this.end = end;
    this.next = next;
    return true;
  }

  #quotedRow(window: RowWindow): boolean {
    const { bytes } = window;
    const { start } = this;
    const cells: string[] = [];
    this.cells = cells;
    let from = start;
    for (;;) {
      const quoted = bytes[from] === this.#quoteByte;
      const end = quoted ? this.#quotedCell(window, from, cells) : this.#openCell(bytes, from, cells);
      if (end === UNCLOSED) {
        return window.ended ? this.#failFar(window, unclosedQuote(cells.length + 1)) : this.#unfinished(window);
      }
      const byte = bytes[end];
      if (byte === this.#delimiterByte) {
        from = end + 1;
        continue;
      }
      if (quoted && byte !== undefined && byte !== LF && byte !== CR)
        return this.#fail(window, textAfterQuote(cells.length));
      if (!this.#finish(window, end)) return this.#unfinished(window);
      if (end - start > this.#limit) return this.#failFar(window, rowTooLong(this.#limit));
      this.lines = Math.max(1, countCsvLines(bytes, start, this.next));
      return true;
    }
  }

  /** Adds the cell whose opening quote is at `open`; tells the index behind its closing quote. */
  #quotedCell(window: RowWindow, open: number, cells: string[]): number {
    const { bytes } = window;
    const quote = this.#quoteByte;
    let doubled = false;
    let close = bytes.indexOf(quote, open + 1);
    while (close >= 0 && bytes[close + 1] === quote) {
      doubled = true;
      close = bytes.indexOf(quote, close + 2);
    }
    if (close < 0 || (close + 1 === bytes.length && !window.ended)) return UNCLOSED;
    const text = bytes.toString('utf8', open + 1, close);
    cells.push(doubled ? text.replaceAll(this.#quote + this.#quote, this.#quote) : text);
    return close + 1;
  }

  /** Adds the unquoted cell that begins at `from`; tells the index behind it. */
  #openCell(bytes: Buffer, from: number, cells: string[]): number {
    let end = from;
    for (; end < bytes.length; end++) {
      const byte = bytes[end];
      if (byte === this.#delimiterByte || byte === LF || byte === CR) break;
    }
    cells.push(bytes.toString('utf8', from, end));
    return end;
  }

  /** No end of the row in the window: more bytes are needed, unless it is too long already. */
  #unfinished(window: RowWindow): boolean {
    if (window.bytes.length - this.start <= this.#limit + LOOKAHEAD_BYTES) return false;
    return this.#failFar(window, rowTooLong(this.#limit));
  }

  /** A fault found only after looking far beyond the line, as the rows behind it may have to do again. */
  #failFar(window: RowWindow, fault: RowFault): boolean {
    const limit = this.#limit;
    if (!this.#fail(window, fault)) return false;
    if (!this.lineTooLong) this.#limit = loweredLimit(limit);
    return true;
  }

  /** The row is given up; what is rejected is the line it begins on. */
  #fail(window: RowWindow, fault: RowFault): boolean {
    const lineEnd = lineEndFrom(window.bytes, this.start);
    const known = this.#finish(window, lineEnd);
    const tooLong = lineEnd - this.start > this.#limit + (known ? 0 : LOOKAHEAD_BYTES);
    if (!known && !tooLong) return false;
    this.end = lineEnd;
    this.lineTooLong = tooLong;
    this.fault = tooLong ? rowTooLong(this.#limit) : fault;
    this.lines = 1;
    this.cells = [];
    return true;
  }
}

const UNCLOSED = -1;

function indexOrEnd(bytes: Buffer, byte: number, from: number): number {
  const at = bytes.indexOf(byte, from);
  return at < 0 ? bytes.length : at;
}
