import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RECEIPT_COLUMNS, receiptCsv, receiptJsonLines } from '../../../src/progress/receipt-text.js';
import type { ReceiptLine } from '../../../src/run-report.js';
import { HOSTILE } from './samples.js';

const line: ReceiptLine = {
  source: 'rows.jsonl',
  line: 1,
  ordinal: 0,
  item: 0,
  part: 0,
  batch: 'B1',
  index: 7,
  episodeUuid: 'u',
  status: 'succeeded',
  error: undefined,
};

it('a reader of CSV gets every cell back as it was, whatever it holds', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', ';', 'é', '\u0000', '\u001b[31m') });
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text, text)), (cells) => {
      const { head, lines } = receiptCsv(false);
      const all = cells.map(([source, status, error]) => ({ ...line, source, status, error }));
      const read: Record<string, string>[] = parse(head + lines(all), { columns: true, record_delimiter: '\n' });
      expect(read.map((row) => [row['source'], row['status'], row['error']])).toEqual(cells);
    }),
  );
});

it('what is not known is an empty cell, and null in JSON', () => {
  const rejected: ReceiptLine = {
    ...line,
    item: undefined,
    part: undefined,
    batch: undefined,
    index: undefined,
    episodeUuid: undefined,
    status: 'rejected',
    error: 'a "bad" row',
  };
  expect(receiptCsv(false).head).toBe(`${RECEIPT_COLUMNS.join(',')}\n`);
  expect(receiptCsv(false).lines([rejected])).toBe('rows.jsonl,1,0,,,,,,rejected,"a ""bad"" row"\n');
  expect(JSON.parse(receiptJsonLines.lines([rejected]))).toEqual({
    type: 'receipt',
    source: 'rows.jsonl',
    line: 1,
    ordinal: 0,
    item: null,
    part: null,
    batch_id: null,
    index: null,
    episode_uuid: null,
    status: 'rejected',
    error: 'a "bad" row',
  });
});

it('moves no cursor of a terminal', () => {
  const text = receiptCsv(true).lines([{ ...line, source: HOSTILE, error: HOSTILE }]);
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  expect(text.trimEnd().split('\n')).toHaveLength(1);
});

it('begins no line with what a CI system takes for a command, and reads back all the same', () => {
  const source = '::stop-commands::x.csv';
  const text = receiptCsv(false).lines([{ ...line, source }]);
  expect(text.startsWith('"::')).toBe(true);
  const [cells] = parse(text);
  expect(cells?.[0]).toBe(source);
});
