import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderTable, type TableOptions } from '../../../src/progress/table.js';
import { displayWidth, fitWidth } from '../../../src/progress/width.js';
import { HOSTILE } from './samples.js';

function table(over: Partial<TableOptions> = {}): string[] {
  const columns = [{ title: 'id', whole: true }, { title: 'items', align: 'right' }, { title: 'note' }] as const;
  const text = renderTable({ columns, rows: [], width: undefined, ...over });
  expect(text.endsWith('\n')).toBe(true);
  return text.slice(0, -1).split('\n');
}

describe('a table', () => {
  test('has aligned columns without borders and without trailing blanks', () => {
    const rows = [
      ['a', '1,000', 'short'],
      ['bcd', '7', ''],
    ];
    expect(table({ rows, indent: 2 })).toEqual(['  id   items  note', '  a    1,000  short', '  bcd      7']);
  });

  test('without rows has its titles', () => {
    expect(table()).toEqual(['id  items  note']);
  });

  test('fits a terminal; numbers and ids stay whole', () => {
    const rows = [['5cc94ab2-6b1f-4b4a-9d0d', '1,234,567', 'words '.repeat(40)]];
    const [head, row] = table({ rows, width: 50 });
    expect(head).toBe('id                           items  note');
    expect(row).toMatch(/^5cc94ab2-6b1f-4b4a-9d0d {2}1,234,567 {2}words wo.*…$/);
    expect(row).toHaveLength(50);
  });

  test('goes over the width rather than cut what must stay whole', () => {
    expect(table({ rows: [['x'.repeat(60), '1', 'abc']], width: 20 })[1]).toContain('x'.repeat(60));
  });

  test('as wide as its content when it goes into a pipe', () => {
    expect(table({ rows: [['a', '1', 'w'.repeat(400)]] })[1]).toContain('w'.repeat(400));
  });

  test('shows hostile cells as escapes, one line a row', () => {
    const lines = table({ rows: [[HOSTILE, HOSTILE, HOSTILE]] });
    expect(lines).toHaveLength(2);
    expect(lines.join('')).toMatch(/^[^\p{Cc}\p{Cs}\u202e\u2028]+$/u);
  });

  test('missing cells are empty and colours do not move columns', () => {
    const red = (text: string): string => `\u001b[31m${text}\u001b[39m`;
    const plain = table({ rows: [['a'], ['b', '2', 'x']] });
    const colored = table({
      rows: [['a'], ['b', '2', 'x']],
      paintCell: (text, column) => (column === 0 ? red(text) : text),
    });
    expect(colored.map((line) => line.replaceAll(red('a'), 'a').replaceAll(red('b'), 'b'))).toEqual(plain);
  });

  test('has one line for each row, of one width, whatever the cells hold', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ' ', '名', 'é', '😀', '\n', '\t', '\u001b[31m', '…', '-') });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cell, cell, cell), { maxLength: 8 }),
        fc.integer({ min: 20, max: 90 }),
        (rows, width) => {
          const lines = table({ rows, columns: [{ title: 'a' }, { title: 'b' }, { title: 'c' }], width });
          expect(lines).toHaveLength(rows.length + 1);
          for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

test('a text is cut to a width without breaking characters apart', () => {
  expect(fitWidth('名前を', 5)).toBe('名前…');
  expect(fitWidth('👩‍👩‍👧 family', 5)).toBe('👩‍👩‍👧 f…');
  expect(fitWidth('abc', 0)).toBe('');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, columns) => {
      expect(displayWidth(fitWidth(text, columns))).toBeLessThanOrEqual(columns);
    }),
  );
});
