/**
 * CSV as nearly all of it is (one-byte delimiter, cells quoted or not, quotes doubled or escaped inside, comment lines), read straight
 * from the bytes: several times as fast as a general parser. Other dialects go through csv-parsed.ts, which gives the same rows at the
 * same places for these.
 *
 * A quote inside a cell that does not begin with one is text, as everybody writes and reads it.
 */
import {
  behindBlanks,
  behindLineEnd,
  HEADER_CELLS,
  CR,
  countCsvLines,
  LF,
  lineEndFrom,
  LOOKAHEAD_BYTES,
  loweredLimit,
  rowTooLong,
  textAfterQuote,
  tooManyCells,
  unclosedQuote,
  type CsvRows,
  type RowFault,
  type RowWindow,
} from './csv-rows.js';
import type { CsvDialect } from './options.js';

type PlainDialect = Pick<CsvDialect, 'quote' | 'escape' | 'comment' | 'trim'>;

const oneByte = (text: string): boolean => text.length === 1 && text.charCodeAt(0) < 0x80;

/** Whether PlainRows can read this dialect. */
export function isPlain(dialect: CsvDialect, delimiter: string): boolean {
  const { quote, escape } = dialect;
  return oneByte(delimiter) && (quote === '' || (oneByte(quote) && oneByte(escape)));
}

export class PlainRows implements CsvRows {
  start = 0;
  end = 0;
  next = 0;
  linesBefore = 0;
  lines = 0;
  cells: string[] = [];
  fault: RowFault | undefined;
  lineTooLong = false;

  maxCells = HEADER_CELLS;

  readonly #delimiter: string;
  readonly #delimiterByte: number;
  readonly #quote: string;
  readonly #quoteByte: number;
  /** -1 when quotes are doubled. */
  readonly #escapeByte: number;
  readonly #escaped: RegExp;
  readonly #comment: Buffer | undefined;
  readonly #trim: boolean;
  #limit: number;
  /** The window the following indexes belong to, and the next place of each byte in it (its length when there is none). */
  #bytes: Buffer = Buffer.alloc(0);
  #lf = 0;
  #cr = 0;
  #mark = 0;
  #escape = 0;
  /** The cell at hand holds quotes or escapes that are not as they stand. */
  #changed = false;

  constructor(dialect: PlainDialect, delimiter: string, maxRecordBytes: number) {
    const { quote, escape, comment } = dialect;
    this.#delimiter = delimiter;
    this.#delimiterByte = delimiter.charCodeAt(0);
    this.#quote = quote;
    this.#quoteByte = quote === '' ? -1 : quote.charCodeAt(0);
    this.#escapeByte = escape === quote ? -1 : escape.charCodeAt(0);
    this.#escaped = new RegExp(`[${escape.replace(/[\\\]^-]/, '\\$&')}]([^])`, 'g');
    this.#comment = comment === undefined ? undefined : Buffer.from(comment);
    this.#trim = dialect.trim;
    this.#limit = maxRecordBytes;
  }

  advance(window: RowWindow, at: number): boolean {
    const { bytes } = window;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#lf = this.#cr = this.#mark = this.#escape = -1;
    }
    this.fault = undefined;
    if (!this.#skipNoRows(window, at)) return false;
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
    if (this.#trim) this.cells = this.cells.map((cell) => cell.trim());
    return true;
  }

  /** Goes to the next line that is neither empty nor a comment. False when that is not in the window. */
  #skipNoRows(window: RowWindow, at: number): boolean {
    const { bytes } = window;
    let i = at;
    this.linesBefore = 0;
    for (;;) {
      this.start = i;
      let end = this.#trim ? behindBlanks(bytes, i) : i;
      const byte = bytes[end];
      if (byte === undefined) return false;
      if (byte !== LF && byte !== CR) {
        if (this.#comment === undefined) return true;
        const head = bytes.subarray(end, end + this.#comment.length);
        if (!this.#comment.equals(head)) return window.ended || head.length === this.#comment.length;
        end = lineEndFrom(bytes, i);
        if (end === bytes.length) return !window.ended && end - i > this.#limit + LOOKAHEAD_BYTES;
      }
      const behind = behindLineEnd(window, end);
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
      if (this.#trim) from = behindBlanks(bytes, from);
      const quoted = bytes[from] === this.#quoteByte;
      let end = quoted ? this.#quotedCell(window, from, cells) : this.#openCell(bytes, from, cells);
      if (end === UNCLOSED) {
        return window.ended
          ? this.#failFar(window, this.#faultAt(bytes.length, unclosedQuote(cells.length + 1)))
          : this.#unfinished(window);
      }
      if (quoted && this.#trim) end = behindBlanks(bytes, end);
      const byte = bytes[end];
      if (byte === this.#delimiterByte) {
        from = end + 1;
        if (cells.length <= this.maxCells || end < Math.min(this.#lf, this.#cr)) continue;
        return this.#failWide(window, end);
      }
      if (quoted && byte !== undefined && byte !== LF && byte !== CR) {
        const fault = this.#faultAt(end, textAfterQuote(cells.length));
        return fault.code === 'bad-quote' ? this.#fail(window, fault) : this.#failFar(window, fault);
      }
      if (!this.#finish(window, end)) return this.#unfinished(window);
      if (end - start > this.#limit) return this.#failFar(window, rowTooLong(this.#limit));
      if (cells.length > this.maxCells + 1 && end > Math.min(this.#lf, this.#cr)) return this.#failWide(window, end);
      this.lines = Math.max(1, countCsvLines(bytes, start, this.next));
      return true;
    }
  }

  #failWide(window: RowWindow, at: number): boolean {
    return this.#fail(window, this.#faultAt(at, tooManyCells(this.maxCells)));
  }

  /** Adds the cell whose opening quote is at `open`; tells the index behind its closing quote. */
  #quotedCell(window: RowWindow, open: number, cells: string[]): number {
    const { bytes } = window;
    const close = this.#escapeByte < 0 ? this.#closeOfDoubled(bytes, open) : this.#closeOfEscaped(bytes, open);
    if (close < 0 || (close + 1 === bytes.length && !window.ended)) return UNCLOSED;
    const text = bytes.toString('utf8', open + 1, close);
    cells.push(this.#changed ? this.#unescape(text) : text);
    return close + 1;
  }

  /** Index of the quote that closes a cell in which quotes are doubled, or -1. */
  #closeOfDoubled(bytes: Buffer, open: number): number {
    const quote = this.#quoteByte;
    this.#changed = false;
    let close = bytes.indexOf(quote, open + 1);
    while (close >= 0 && bytes[close + 1] === quote) {
      this.#changed = true;
      close = bytes.indexOf(quote, close + 2);
    }
    return close;
  }

  /** Index of the quote that closes a cell in which quotes are escaped, or -1. */
  #closeOfEscaped(bytes: Buffer, open: number): number {
    this.#changed = false;
    let from = open + 1;
    for (;;) {
      const close = bytes.indexOf(this.#quoteByte, from);
      if (this.#escape < from) this.#escape = indexOrEnd(bytes, this.#escapeByte, from);
      if (close < 0 || close < this.#escape) return close;
      this.#changed = true;
      from = this.#escape + 2;
    }
  }

  #unescape(text: string): string {
    if (this.#escapeByte < 0) return text.replaceAll(this.#quote + this.#quote, this.#quote);
    return text.replace(this.#escaped, '$1');
  }

  /** Adds the unquoted cell that begins at `from`; tells the index behind it. */
  #openCell(bytes: Buffer, from: number, cells: string[]): number {
    let end = from;
    for (; end < bytes.length; end++) {
      const byte = bytes[end];
      if (byte === this.#delimiterByte || byte === LF || byte === CR) break;
    }
    const text = bytes.toString('utf8', from, end);
    cells.push(this.#trim ? text.trimEnd() : text);
    return end;
  }

  /** A fault that comes to light beyond the limit is that of a row too long, as it would be had the input been cut before it. */
  #faultAt(index: number, fault: RowFault): RowFault {
    return index - this.start > this.#limit + LOOKAHEAD_BYTES ? rowTooLong(this.#limit) : fault;
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
    // Reading goes back to before what was looked at.
    this.#escape = -1;
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
