import fc from 'fast-check';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { ParsedRows } from '../../../src/sources/csv-parsed.js';
import { PlainRows } from '../../../src/sources/csv-plain.js';
import type { CsvRows } from '../../../src/sources/csv-rows.js';
import { csvDialect } from '../../../src/sources/options.js';

interface Row {
  readonly start: number;
  readonly end: number;
  readonly next: number;
  readonly line: number;
  readonly cells: readonly string[];
  readonly fault: string | undefined;
}

function allRows(rows: CsvRows, bytes: Buffer, maxCells = 50): Row[] {
  rows.maxCells = maxCells;
  const window = { bytes, base: 0, ended: true };
  const found: Row[] = [];
  let line = 1;
  for (let at = 0; rows.advance(window, at); at = rows.next) {
    line += rows.linesBefore;
    const { start, end, next, cells, fault } = rows;
    found.push({ start, end, next, line, cells: fault === undefined ? cells : [], fault: fault?.message });
    line += rows.lines;
  }
  return found;
}

const dialects = [
  csvDialect({}, ','),
  csvDialect({ escape: '\\', comment: '#' }, ','),
  csvDialect({ escape: "'" }, ','),
  csvDialect({ trim: true }, ','),
];

const text = fc
  .array(
    fc.constantFrom(
      ...[
        'a',
        'é',
        '𝄞',
        ',',
        ',',
        '"',
        '"',
        '""',
        '\n',
        '\n',
        '\r\n',
        '\r',
        ' ',
        '"x"',
        ',"',
        '\\',
        '\\"',
        "'",
        '#',
        '\n#',
        '",\n"',
      ],
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

/** A row in which csv-parse takes a quote for text takes every other quote for text as well; the plain reader does not. */
const lenient = /[^",\r\n][^,\r\n]*"/;

describe('plain CSV read straight from the bytes', () => {
  it.each([0, 1, 2, 3])('gives the rows, places and faults that csv-parse gives (dialect %i)', (index) => {
    const dialect = dialects[index] ?? csvDialect({}, ',');
    fc.assert(
      fc.property(text, fc.constantFrom(8, 1000), fc.constantFrom(2, 50), (source, max, maxCells) => {
        const bytes = Buffer.from(source);
        const fast = allRows(new PlainRows(dialect, ',', max), bytes, maxCells);
        const slow = allRows(new ParsedRows(dialect, ',', max), bytes, maxCells);
        const doubtful = fast.some((row) => row.fault !== undefined) && lenient.test(source);
        // csv-parse ends a cell at a quote before a comment sign, even where comments are whole lines only.
        fc.pre(!doubtful && !(dialect.comment !== undefined && source.includes('"#')));
        // Which of two faults is named first may differ where a row is too long or too wide as well.
        const told = (rows: Row[]): unknown =>
          max > 100 && maxCells > 10 ? rows : rows.map((row) => ({ ...row, fault: row.fault !== undefined }));
        expect(told(fast)).toEqual(told(slow));
      }),
      { numRuns: 2000 },
    );
  });

  it('gives the cells of csv-parse for every table that is written as RFC 4180 says', () => {
    const cell = fc
      .array(fc.constantFrom('a', 'ä', '€', '"', ',', '\n', '\r\n', ' '), { maxLength: 5 })
      .map((p) => p.join(''));
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 6 });
    fc.assert(
      fc.property(table, fc.constantFrom('\n', '\r\n'), fc.boolean(), (rows, newline, last) => {
        const quoted = rows.map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(','));
        const source = quoted.join(newline) + (last ? newline : '');
        const fast = allRows(new PlainRows(csvDialect({}, ','), ',', 1000), Buffer.from(source));
        expect(fast.map((row) => row.cells)).toEqual(rows);
        expect(fast.map((row) => row.cells)).toEqual(
          parse(source, { relax_column_count: true, record_delimiter: ['\r\n', '\n', '\r'], skip_empty_lines: true }),
        );
      }),
      { numRuns: 500 },
    );
  });
});
