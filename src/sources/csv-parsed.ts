/**
 * CSV in any dialect (delimiters and quotes that are more than one byte, and all the plain reader knows) by csv-parse, fed with the bytes of the window and
 * asked for rows as arrays: positions come from its counters, names are added later. Its own error recovery is not used, because after a
 * bad quote it swallows the rest of the file; instead the line where the row began is given up and a new parser starts behind it.
 */
import type { CsvError, Options } from 'csv-parse';
import {
  behindBlanks,
  behindLineEnd,
  HEADER_CELLS,
  countCsvLines,
  CR,
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
import { RowParser } from './csv-row-parser.js';
import type { CsvDialect } from './options.js';

/** What the parser gets at a time: a new one may be needed at any row, and gets the rest again. */
const LEAST_PIECE_BYTES = 1024;
const PIECE_BYTES = 16 * 1024;
const QUEUE_ROWS = 500;

/** A row found; offsets are absolute. */
interface Found {
  readonly cells: string[];
  readonly start: number;
  readonly next: number;
  readonly fault: RowFault | undefined;
}

export class ParsedRows implements CsvRows {
  start = 0;
  end = 0;
  next = 0;
  linesBefore = 0;
  lines = 0;
  cells: string[] = [];
  fault: RowFault | undefined;
  lineTooLong = false;
  maxCells = HEADER_CELLS;

  readonly #options: Options;
  readonly #comment: Buffer | undefined;
  readonly #trim: boolean;
  #limit: number;
  #parser: RowParser | undefined;
  /** Absolute offsets: bytes before it were given to the parser; the row after the last found begins at or behind it. */
  #fed = 0;
  #behind = 0;
  #flushed = false;
  #pieceBytes = LEAST_PIECE_BYTES;
  #queue: Found[] = [];
  #head = 0;

  constructor(dialect: CsvDialect, delimiter: string, maxRecordBytes: number) {
    this.#options = {
      columns: false,
      delimiter,
      quote: dialect.quote === '' ? null : dialect.quote,
      escape: dialect.escape === '' ? null : dialect.escape,
      comment: dialect.comment ?? null,
      // Only whole lines: a # inside an address must not cut the row.
      comment_no_infix: true,
      trim: dialect.trim,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
    };
    this.#comment = dialect.comment === undefined ? undefined : Buffer.from(dialect.comment);
    this.#trim = dialect.trim;
    this.#limit = maxRecordBytes;
  }

  advance(window: RowWindow, at: number): boolean {
    if (this.#parser === undefined) this.#restart(window.base + at, false);
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
      this.#read(window);
    }
    const found = this.#queue[this.#head++];
    if (found === undefined) {
      this.#head = 0;
      this.start = this.#rowStart(window, this.#behind - window.base);
      this.#behind = window.base + this.start;
      this.linesBefore = countCsvLines(window.bytes, at, this.start);
      return this.#tooFar(window);
    }
    this.#describe(window, at, found);
    return true;
  }

  #describe(window: RowWindow, at: number, found: Found): void {
    const { bytes, base } = window;
    this.start = found.start - base;
    this.next = found.next - base;
    this.linesBefore = countCsvLines(bytes, at, this.start);
    if (found.fault?.code === 'record-too-long') {
      this.#giveUp(window, found.fault);
      return;
    }
    this.end = endOfRow(bytes, this.start, this.next);
    this.lines = Math.max(1, countCsvLines(bytes, this.start, this.next));
    this.cells = found.cells;
    this.fault = found.fault;
    this.lineTooLong = false;
  }

  /** Gives the parser what is new in the window and gathers its rows, until all is read or an unfinished line must be waited for. */
  #read(window: RowWindow): void {
    const end = window.base + window.bytes.length;
    while (this.#parser !== undefined && (this.#fed < end || (window.ended && !this.#flushed))) {
      // A window may be large after a row that was; its rows need not all be in memory at once.
      if (this.#queue.length >= QUEUE_ROWS) return;
      const parser = this.#parser;
      const piece = Math.min(end, this.#fed + this.#pieceBytes);
      this.#pieceBytes = Math.min(2 * this.#pieceBytes, PIECE_BYTES);
      // A copy: the parser keeps what it cannot decide yet, and the window will move.
      let error = parser.feed(Buffer.from(window.bytes.subarray(this.#fed - window.base, piece - window.base)));
      this.#fed = piece;
      if (error === undefined && piece === end && window.ended) {
        error = parser.finish();
        this.#flushed = true;
      }
      const rows = parser.rows.splice(0);
      if (!rows.every((row) => this.#collect(window, row.cells, row.behind))) continue;
      if (error !== undefined) {
        if (!this.#recover(window, error)) return;
      } else if (parser.openCells > this.maxCells) {
        this.#giveUpWide(window);
      } else if (parser.lenient && rows.length > 0) {
        this.#restart(this.#behind, false);
      }
    }
  }

  /** False when the row is given up: then the parser begins anew behind its first line, and the rows behind it are not counted. */
  #collect(window: RowWindow, cells: string[], behind: number): boolean {
    const start = this.#rowStart(window, this.#behind - window.base);
    const end = endOfRow(window.bytes, start, behind - window.base);
    if (end - start > this.#limit) {
      this.#collectFault(window, start, rowTooLong(this.#limit));
      return false;
    }
    const line = lineAt(window, start);
    if (cells.length > this.maxCells + 1 && line.next !== undefined && line.end < end) {
      this.#loseLine(window, start, line.next, tooManyCells(this.maxCells));
      return false;
    }
    this.#behind = behind;
    this.#queue.push({ cells, start: window.base + start, next: behind, fault: undefined });
    return true;
  }

  /** A row too long: how much of it is given up is settled when it is described, and the parser begins anew behind that. */
  #collectFault(window: RowWindow, start: number, fault: RowFault): void {
    this.#parser = undefined;
    this.#queue.push({ cells: [], start: window.base + start, next: window.base + start, fault });
  }

  /** After an error: another try at the row, or the loss of its line. False when the end of the line is not in the window yet. */
  #recover(window: RowWindow, error: CsvError): boolean {
    const start = this.#rowStart(window, this.#behind - window.base);
    if (error.code === 'INVALID_OPENING_QUOTE') {
      this.#restart(window.base + start, true);
      return true;
    }
    const line = lineAt(window, start);
    if (line.end - start > this.#limit + (line.next === undefined ? LOOKAHEAD_BYTES : 0)) {
      this.#collectFault(window, start, rowTooLong(this.#limit));
      return false;
    }
    if (line.next === undefined) {
      // The same bytes are parsed again, with what follows, when the window holds more.
      this.#restart(window.base + start, false);
      return false;
    }
    this.#loseLine(window, start, line.next, faultOf(error));
    if (error.code === 'CSV_QUOTE_NOT_CLOSED') this.#limit = loweredLimit(this.#limit);
    return true;
  }

  /** A row with far too many cells is lost when it goes on over several lines; on one line it is told when it is whole. */
  #giveUpWide(window: RowWindow): void {
    const start = this.#rowStart(window, this.#behind - window.base);
    const { next } = lineAt(window, start);
    if (next === undefined || this.#fed - window.base <= next) return;
    this.#loseLine(window, start, next, tooManyCells(this.maxCells));
  }

  #loseLine(window: RowWindow, start: number, next: number, fault: RowFault): void {
    this.#queue.push({ cells: [], start: window.base + start, next: window.base + next, fault });
    this.#restart(window.base + next, false);
  }

  /** The row at `start` has no end yet: false, unless it is too long already; then its line is given up. */
  #tooFar(window: RowWindow): boolean {
    if (window.ended || window.bytes.length - this.start <= this.#limit + LOOKAHEAD_BYTES) return false;
    this.#giveUp(window, rowTooLong(this.#limit));
    return true;
  }

  /** Describes the line at `start` as a fault and begins anew behind it. */
  #giveUp(window: RowWindow, fault: RowFault): void {
    const line = lineAt(window, this.start);
    this.fault = fault;
    this.lineTooLong = line.end - this.start > this.#limit;
    if (!this.lineTooLong) this.#limit = loweredLimit(this.#limit);
    this.cells = [];
    this.lines = 1;
    this.end = line.end;
    this.next = line.next ?? line.end;
    this.#parser = undefined;
  }

  #restart(at: number, lenient: boolean): void {
    this.#parser = new RowParser(this.#options, at, lenient);
    this.#fed = at;
    this.#behind = at;
    this.#flushed = false;
    this.#pieceBytes = LEAST_PIECE_BYTES;
  }

  /** Where the next row begins: behind empty lines and comment lines that are whole in the window. */
  #rowStart(window: RowWindow, from: number): number {
    const { bytes } = window;
    let at = from;
    for (;;) {
      const end = this.#emptyLineEnd(bytes, at);
      const behind = end === undefined || end >= bytes.length ? undefined : behindLineEnd(window, end);
      if (behind === undefined) return at;
      at = behind;
    }
  }

  /** Index of the line end when the line at `at` is empty or a comment. */
  #emptyLineEnd(bytes: Buffer, at: number): number | undefined {
    const content = this.#trim ? behindBlanks(bytes, at) : at;
    if (bytes[content] === LF || bytes[content] === CR) return content;
    const comment = this.#comment;
    if (comment === undefined || !comment.equals(bytes.subarray(content, content + comment.length))) return undefined;
    return lineEndFrom(bytes, at);
  }
}

/** The row without its line end. */
function endOfRow(bytes: Buffer, start: number, next: number): number {
  let end = next;
  if (end > start && bytes[end - 1] === LF) end--;
  if (end > start && bytes[end - 1] === CR) end--;
  return end;
}

/** The line at `start`: `next` is unknown while its end is not in the window. */
function lineAt(window: RowWindow, start: number): { readonly end: number; readonly next: number | undefined } {
  const end = lineEndFrom(window.bytes, start);
  if (end < window.bytes.length) return { end, next: behindLineEnd(window, end) };
  return { end, next: window.ended ? end : undefined };
}

function faultOf(error: CsvError): RowFault {
  const column: unknown = error['column'];
  const cell = typeof column === 'number' ? column + 1 : 1;
  return error.code === 'CSV_QUOTE_NOT_CLOSED' ? unclosedQuote(cell) : textAfterQuote(cell);
}
