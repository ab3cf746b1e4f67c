/**
 * CSV and TSV: the first row names the columns (or the options do), every other row becomes an object by column name. Cells are text;
 * an empty cell is left out unless it is to be kept. A row with more or fewer cells than columns is rejected, because nobody can say
 * which cell is missing.
 */
import { isUtf8 } from 'node:buffer';
import { AppError } from '../errors.js';
import type { RecordBlock } from '../model.js';
import { decodeRaw } from '../raw-text.js';
import { BlockBuilder, cutText } from './block.js';
import { headOfTable, mendMark, rowsOf, SEPARATOR_LINE, standsAlone, type Table } from './csv-again.js';
import { DELIMITER_SAMPLE_BYTES, guessDelimiter } from './csv-delimiter.js';
import { behindLineEnd, lineEndFrom, SPARE_CELLS, type CsvRows, type RowFault } from './csv-rows.js';
import { checkColumnNames } from './options.js';
import { isSourceChanged, notUtf8Message, type ReaderContext } from './reader.js';
import type { Window } from './window.js';

export async function* readCsv(context: ReaderContext): AsyncGenerator<RecordBlock, void, undefined> {
  yield* new CsvTable(context).read();
}

/** A line of which the beginning is already gone. */
interface LongLine {
  readonly start: number;
  readonly line: number;
  readonly text: string;
  readonly code: string;
  readonly message: string;
}

class CsvTable {
  readonly #context: ReaderContext;
  readonly #window: Window;
  readonly #builder: BlockBuilder;
  #table: Table;
  #rows: CsvRows;
  #names: readonly string[] | undefined;
  #plainNames = true;
  #at = 0;
  #line = 1;
  /** Bytes below this index of the window are known to be valid UTF-8. */
  #validTo = 0;
  #long: LongLine | undefined;

  constructor(context: ReaderContext) {
    this.#context = context;
    this.#window = context.window;
    this.#builder = new BlockBuilder(context);
    this.#table = { dialect: context.csv, delimiter: ',', separatorLine: undefined };
    this.#rows = rowsOf(this.#table, context.maxRecordBytes);
  }

  async *read(): AsyncGenerator<RecordBlock, void, undefined> {
    const { csv, from, maxRecordBytes } = this.#context;
    this.#table = csv.delimiter === undefined ? await this.#guess() : { ...this.#table, delimiter: csv.delimiter };
    this.#rows = rowsOf(this.#table, maxRecordBytes);
    if (csv.header) {
      if (!(await this.#header())) return;
    } else {
      if (csv.columns !== undefined) this.#name(csv.columns);
      this.#setHead(undefined);
    }
    if (from !== undefined) {
      this.#window.seek(from.byteStart);
      const { maxCells } = this.#rows;
      this.#rows = rowsOf(this.#table, maxRecordBytes);
      this.#rows.maxCells = maxCells;
      this.#at = 0;
      this.#line = from.line;
    }
    do {
      this.#checkEncoding();
      while (this.#scan()) yield* this.#builder.take(this.#at);
      yield* this.#builder.take(this.#at);
    } while (await this.#refill());
    this.#validTo = 0;
    // Only now that the end is known can the last row be told from an unfinished one.
    while (this.#scan()) yield* this.#builder.take(this.#at);
    this.#endLong(this.#window.bytes.length);
    yield* this.#builder.take(this.#window.bytes.length);
  }

  async #guess(): Promise<Table> {
    const { csv, signal } = this.#context;
    try {
      while (this.#window.bytes.length < DELIMITER_SAMPLE_BYTES && (await this.#window.fill(signal)));
    } catch (error) {
      // The rows before the break come first; the next fill fails again.
      if (signal.aborted || this.#window.bytes.length === 0 || isSourceChanged(error)) throw error;
    }
    const { bytes, ended } = this.#window;
    // Excel writes the delimiter on a line of its own before the header.
    const told = SEPARATOR_LINE.exec(bytes.toString('latin1', 0, 16));
    if (told?.[1] !== undefined) {
      this.#skipTo(told[0].length, 1);
      return { dialect: csv, delimiter: told[1], separatorLine: told[0] };
    }
    const { delimiter } = guessDelimiter(bytes, ended, csv.quote, csv.comment);
    return { dialect: csv, delimiter, separatorLine: undefined };
  }

  async #refill(): Promise<boolean> {
    this.#window.start = this.#at;
    const before = this.#window.base;
    const more = await this.#window.fill(this.#context.signal);
    this.#at -= this.#window.base - before;
    return more;
  }

  /** Reads the names. False when there is no row at all. */
  async #header(): Promise<boolean> {
    const { csv, info } = this.#context;
    while (!this.#rows.advance(this.#window, this.#at)) {
      this.#skipTo(this.#rows.start, this.#rows.linesBefore);
      if (await this.#refill()) continue;
      if (!this.#rows.advance(this.#window, this.#at)) return false;
      break;
    }
    const { start, end, fault, linesBefore, lines, cells, next } = this.#rows;
    const bad =
      fault?.message ?? (isUtf8(this.#window.bytes.subarray(start, end)) ? undefined : notUtf8Message(this.#context));
    if (bad !== undefined) {
      throw new AppError(`${info.id}: the row of column names cannot be read: ${bad}`, {
        code: 'unreadable-source',
        disposition: 'usage',
        hint: 'Correct the first row, or give the dialect with csv.delimiter, csv.quote and csv.escape.',
      });
    }
    const names = csv.columns ?? cells.map((name, index) => (name === '' ? String(index + 1) : name));
    if (csv.columns === undefined) checkColumnNames(names, info.id);
    this.#name(names);
    this.#setHead(this.#window.bytes.toString('utf8', start, next));
    this.#skipTo(next, linesBefore + lines);
    return true;
  }

  #setHead(header: string | undefined): void {
    const head = (this.#context.mark ?? '') + headOfTable(this.#table, header);
    this.#builder.head = head === '' ? undefined : head;
  }

  #name(names: readonly string[]): void {
    this.#names = names;
    this.#plainNames = !names.includes('__proto__');
    this.#rows.maxCells = names.length + SPARE_CELLS;
  }

  #skipTo(index: number, lines: number): void {
    this.#at = index;
    this.#line += lines;
  }

  /** Checks everything up to the last line end at once; what lies behind may be cut in the middle of a character. */
  #checkEncoding(): void {
    const { bytes } = this.#window;
    const end = bytes.lastIndexOf(0x0a) + 1;
    this.#validTo = end > this.#at && isUtf8(bytes.subarray(this.#at, end)) ? end : 0;
  }

  /** Takes whole rows from the window until the block is full (true) or the window has no more of them (false). */
  #scan(): boolean {
    const rows = this.#rows;
    const builder = this.#builder;
    const window = this.#window;
    if (this.#long !== undefined && !this.#passLong()) return false;
    while (!builder.full) {
      if (!rows.advance(window, this.#at)) {
        this.#skipTo(rows.start, rows.linesBefore);
        return false;
      }
      const line = this.#line + rows.linesBefore;
      if (rows.fault === undefined) this.#addRow(rows, line);
      else if (rows.lineTooLong) return this.#beginLong(rows, line, rows.fault);
      else this.#rejectFault(rows, line, rows.fault);
      this.#at = rows.next;
      this.#line = line + rows.lines;
    }
    return true;
  }

  #rejectFault({ start, end }: CsvRows, line: number, { code, message }: RowFault): void {
    const bytes = this.#window.bytes.subarray(start, end);
    const text = standsAlone(this.#table, bytes) ? undefined : decodeRaw(bytes) + this.#mendMark();
    this.#builder.rejected(code, message, start, end, line, text);
  }

  /** Where the first row alone tells how many columns there are, this one must not become it. The mark works on single lines only. */
  #raggedText({ start, end }: CsvRows): string | undefined {
    const { header, columns } = this.#context.csv;
    const bytes = this.#window.bytes.subarray(start, end);
    if (header || columns !== undefined || lineEndFrom(bytes, 0) < bytes.length) return undefined;
    return decodeRaw(bytes) + this.#mendMark();
  }

  #mendMark(): string {
    return mendMark(this.#table, this.#names?.length ?? 0);
  }

  #addRow(rows: CsvRows, line: number): void {
    const { start, end, cells } = rows;
    const builder = this.#builder;
    if (end > this.#validTo && !isUtf8(this.#window.bytes.subarray(start, end))) {
      builder.rejected('invalid-encoding', notUtf8Message(this.#context), start, end, line);
      return;
    }
    if (this.#names === undefined) this.#name(cells.map((_, index) => String(index + 1)));
    const expected = this.#names?.length ?? 0;
    if (cells.length > expected || (cells.length < expected && !this.#context.csv.allowShortRows)) {
      const allow = cells.length < expected ? '; csv.ragged: allow accepts rows that are too short' : '';
      const message = `expected ${plural(expected, 'cell')}, found ${cells.length}${allow}`;
      builder.rejected('ragged-row', message, start, end, line, this.#raggedText(rows));
      return;
    }
    builder.record(this.#object(cells), start, end, line);
  }

  #object(cells: readonly string[]): Record<string, string> {
    const names = this.#names ?? [];
    const { keepEmpty } = this.#context.csv;
    const row: Record<string, string> = {};
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i] ?? '';
      const name = names[i] ?? '';
      if (cell === '' && !keepEmpty) continue;
      if (this.#plainNames || name !== '__proto__') row[name] = cell;
      else Object.defineProperty(row, name, { value: cell, enumerable: true, writable: true, configurable: true });
    }
    return row;
  }

  #beginLong(rows: CsvRows, line: number, fault: RowFault): boolean {
    const { bytes } = this.#window;
    this.#long = {
      start: this.#window.original(rows.start),
      line,
      text: cutText(bytes, rows.start, this.#context.maxRecordBytes) + this.#mendMark(),
      ...fault,
    };
    this.#at = rows.start;
    this.#line = line;
    return this.#passLong();
  }

  /** Lets go of a line that will be rejected, up to its end. False while that is not in the window. */
  #passLong(): boolean {
    const { bytes } = this.#window;
    const end = lineEndFrom(bytes, this.#at);
    const next = end < bytes.length ? behindLineEnd(this.#window, end) : undefined;
    this.#at = end;
    if (next === undefined) return false;
    this.#endLong(end);
    this.#skipTo(next, 1);
    return true;
  }

  #endLong(end: number): void {
    const long = this.#long;
    if (long === undefined) return;
    this.#builder.rejectedFrom(long.code, long.message, { ...long, end: this.#window.original(end) });
    this.#long = undefined;
  }
}

function plural(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}
