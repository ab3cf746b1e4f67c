/**
 * Rows of a table that are written down to be read again, without the rows that stood around them. Two things must not change with that:
 * what separates the cells, which was guessed from many good rows and would now be guessed from a few bad ones; and where a bad row
 * ends. A quote that is never closed would take in the rows behind it, and the two together might pass for one good row.
 */
import { DELIMITER_CANDIDATES } from './csv-delimiter.js';
import { ParsedRows } from './csv-parsed.js';
import { isPlain, PlainRows } from './csv-plain.js';
import type { CsvRows } from './csv-rows.js';
import type { CsvDialect } from './options.js';

/** With this line Excel names the delimiter, before the row of column names. */
export const SEPARATOR_LINE = /^"?sep=([\x01-\x7f])"?\r?\n/i;

/** What a row needs behind it to be told from one that goes on: more than a general parser looks ahead. */
const PROBE = Buffer.from(`\n${'x'.repeat(64)}`);

/** A table as it is read: the dialect, and what was found out. */
export interface Table {
  readonly dialect: CsvDialect;
  readonly delimiter: string;
  /** The line with which Excel names the delimiter, as it stands in the source. */
  readonly separatorLine: string | undefined;
}

export function rowsOf({ dialect, delimiter }: Pick<Table, 'dialect' | 'delimiter'>, maxRecordBytes: number): CsvRows {
  const Rows = isPlain(dialect, delimiter) ? PlainRows : ParsedRows;
  return new Rows(dialect, delimiter, maxRecordBytes);
}

/**
 * What must stand before the rows of a table; `header` is its row of column names with its line end, undefined when the source has none.
 * The delimiter is named on a line of its own where it was guessed and the header alone does not settle it.
 */
export function headOfTable(table: Table, header: string | undefined): string {
  const row = header === undefined || /[\r\n]$/.test(header) ? (header ?? '') : `${header}\n`;
  if (table.separatorLine !== undefined) return table.separatorLine + row;
  if (table.dialect.delimiter !== undefined || (header !== undefined && settlesDelimiter(table.dialect, row)))
    return row;
  return `sep=${table.delimiter}${row.endsWith('\r\n') ? '\r\n' : '\n'}${row}`;
}

/** Whether the guess, which goes by the first row, cannot but end as it did, whatever rows follow. */
function settlesDelimiter(dialect: CsvDialect, header: string): boolean {
  const { quote, escape } = dialect;
  const inside = DELIMITER_CANDIDATES.filter((candidate) => header.includes(candidate));
  const alike = quote === '' || escape === quote || !header.includes(quote);
  return inside.length < 2 && alike && isPlain(dialect, ',') && !SEPARATOR_LINE.test(header);
}

/** Whether a row that could not be read is rejected on its own line, whatever row follows. `line` has no line end. */
export function standsAlone(table: Table, line: Buffer): boolean {
  const rows = rowsOf(table, Number.MAX_SAFE_INTEGER);
  const window = { bytes: Buffer.concat([line, PROBE]), base: 0, ended: false };
  return rows.advance(window, 0) && rows.fault !== undefined && rows.end === line.length;
}

/**
 * What is put behind a row to keep it from being read, alone or with its neighbours, until somebody takes it away: a quoted cell with text
 * behind its closing quote, which closes a quote left open as well, e.g. `,"mend!"!`. Where text there is let pass or nothing is ever
 * quoted, there are too many cells.
 */
export function mendMark({ dialect, delimiter }: Table, columns: number): string {
  const { quote, escape, comment = '' } = dialect;
  const sign = [...'!?;:'].find((each) => ![delimiter, quote, escape, comment].some((mark) => mark.includes(each)));
  const surplus = quote === '' || !isPlain(dialect, delimiter) ? delimiter.repeat(columns) : '';
  return `${delimiter}${quote}mend${sign ?? ''}${quote}${sign ?? ''}${surplus}`;
}
