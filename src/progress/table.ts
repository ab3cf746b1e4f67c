/**
 * Lists for people: borderless, aligned columns, one row a line. Cells are outside text and are shown harmless. On a terminal the
 * table fits its width: the widest columns give way first, except numbers and what must stay whole.
 */
import Table from 'cli-table3';
import { printable } from './escape.js';
import { displayWidth, fitWidth } from './width.js';

export interface Column {
  readonly title: string;
  /** Right is for numbers, which are never shortened: a cut number is a wrong one. */
  readonly align?: 'left' | 'right';
  /** Never shortened: ids and other words that a person copies. */
  readonly whole?: boolean;
}

export interface TableOptions {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  /** Width of the terminal; undefined = as wide as the content, for pipes. */
  readonly width: number | undefined;
  /** Columns of blank before each line. */
  readonly indent?: number;
  readonly paintTitle?: (title: string) => string;
  /** Colours a finished cell. It must not change its width. */
  readonly paintCell?: (text: string, column: number, row: number) => string;
}

const GAP = 2;
const MIN_COLUMN = 5;
const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' '.repeat(GAP),
} as const;

/** The table with a line end after each line; only the titles when there are no rows. */
export function renderTable(options: TableOptions): string {
  const { columns, paintTitle, paintCell } = options;
  const indent = ' '.repeat(options.indent ?? 0);
  const rows = options.rows.map((row) => columns.map((_, at) => printable(row[at] ?? '')));
  const natural = columns.map(({ title }, at) => widest([title, ...rows.map((row) => row[at] ?? '')]));
  const widths = options.width === undefined ? natural : shrink(natural, columns, options.width - indent.length);
  const table = new Table({
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colAligns: columns.map(({ align }) => align ?? 'left'),
    // 0 would mean "as wide as the content".
    colWidths: widths.map((width) => Math.max(1, width)),
    head: columns.map(({ title }, at) => (paintTitle ?? same)(fitWidth(title, widths[at] ?? 0))),
    wordWrap: false,
  });
  rows.forEach((row, rowAt) => {
    table.push(
      row.map((cell, at) => {
        const text = fitWidth(cell, widths[at] ?? 0);
        return paintCell === undefined ? text : paintCell(text, at, rowAt);
      }),
    );
  });
  const lines = table.toString().split('\n');
  return lines.map((line) => `${indent}${line}`.trimEnd()).join('\n') + '\n';
}

/** Widths that together with their gaps fit `room`, as far as minimum widths and whole columns allow. */
function shrink(natural: readonly number[], columns: readonly Column[], room: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, width) => sum + width, 0) + GAP * (widths.length - 1) - room;
  while (excess > 0) {
    let at = -1;
    widths.forEach((width, i) => {
      if (columns[i]?.whole === true || columns[i]?.align === 'right' || width <= MIN_COLUMN) return;
      if (at < 0 || width > (widths[at] ?? 0)) at = i;
    });
    if (at < 0) break;
    widths[at] = (widths[at] ?? 0) - 1;
    excess--;
  }
  return widths;
}

function widest(cells: readonly string[]): number {
  return cells.reduce((most, cell) => Math.max(most, displayWidth(cell)), 1);
}

function same(text: string): string {
  return text;
}
