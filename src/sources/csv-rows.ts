/**
 * What both ways of reading CSV have in common: a row described by indexes into the window, and the rules that make them agree. A row
 * ends at LF, CR LF or CR outside of quotes; empty lines are no rows; a row whose quotes make no sense costs the line it begins on,
 * and reading goes on with the next line.
 */
export interface RowWindow {
  readonly bytes: Buffer;
  readonly base: number;
  readonly ended: boolean;
}

export interface RowFault {
  readonly code: string;
  readonly message: string;
}

/** A cursor over rows: its fields describe the row at hand. */
export interface CsvRows {
  /** Index of the first byte of the row, of the byte behind its last cell, and of the next line. */
  start: number;
  end: number;
  next: number;
  /** Lines between the place asked for and `start`, and lines from there to `next`. */
  linesBefore: number;
  lines: number;
  cells: string[];
  /** The row cannot be read. `lineTooLong` says that even its line is too long to be kept: then `end` and `next` mean nothing. */
  fault: RowFault | undefined;
  lineTooLong: boolean;
  /**
   * A row over several lines with more cells than this has a quote that means nothing: its line is given up. Without it a file of rows
   * with a stray quote each would be read to its end once for every row.
   */
  maxCells: number;
  /**
   * Goes to the first row at or behind the index `at`. False when no whole row is there: then `start` is how far the input may be let
   * go, and `linesBefore` the lines up to it.
   */
  advance(window: RowWindow, at: number): boolean;
}

/** The most columns a header over several lines may have. */
export const HEADER_CELLS = 16_384;
/** So many cells more than there are columns are still read, to be counted in the message. */
export const SPARE_CELLS = 64;

export const LF = 0x0a;
export const CR = 0x0d;

/** Room for the line end and for the quote that may follow a quote: what a row may need beyond its limit to be seen whole. */
export const LOOKAHEAD_BYTES = 2;
const LEAST_ROW_LIMIT = 1024 * 1024;

/**
 * A quote that is never closed makes the rest look like one row, up to the limit; then the next line is tried, which may do the same.
 * Halving the limit each time keeps a file full of such lines from being read many times over.
 */
export function loweredLimit(limit: number): number {
  return Math.min(limit, Math.max(LEAST_ROW_LIMIT, Math.ceil(limit / 2)));
}

/** Index behind the line end at `at`; undefined when only the next byte could tell whether CR stands alone. */
export function behindLineEnd(window: RowWindow, at: number): number | undefined {
  const { bytes } = window;
  if (bytes[at] === LF) return at + 1;
  if (at + 1 < bytes.length) return bytes[at + 1] === LF ? at + 2 : at + 1;
  return window.ended ? at + 1 : undefined;
}

/** Index behind the blanks that begin at `from`. */
export function behindBlanks(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x09) at++;
  return at;
}

/** Index of the first LF or CR from `at` on, or the length of the window. */
export function lineEndFrom(bytes: Buffer, at: number): number {
  const lf = bytes.indexOf(LF, at);
  const limit = lf < 0 ? bytes.length : lf;
  const cr = bytes.subarray(0, limit).indexOf(CR, at);
  return cr < 0 ? limit : cr;
}

/** Line ends in `[from, to)`: LF, CR LF and CR count one each. */
export function countCsvLines(bytes: Buffer, from: number, to: number): number {
  let lines = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i];
    if (byte === LF || (byte === CR && bytes[i + 1] !== LF)) lines++;
  }
  return lines;
}

export function unclosedQuote(cell: number): RowFault {
  return { code: 'bad-quote', message: `the quote that opens cell ${cell} is never closed` };
}

export function textAfterQuote(cell: number): RowFault {
  return {
    code: 'bad-quote',
    message: `text follows the closing quote of cell ${cell}; a quote inside a quoted cell must be doubled`,
  };
}

export function tooManyCells(maxCells: number): RowFault {
  return {
    code: 'bad-quote',
    message: `this row goes on over several lines and has more than ${maxCells} cells; a quote is missing or not doubled`,
  };
}

export function rowTooLong(maxRecordBytes: number): RowFault {
  const limit = maxRecordBytes.toLocaleString('en-US');
  return {
    code: 'record-too-long',
    message: `this row is longer than ${limit} bytes: a quote may be missing, or --max-record-bytes is too low`,
  };
}
