import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytes, count, counted, duration, percent, rate, seconds } from '../../../src/progress/format.js';

describe('numbers for people', () => {
  test.each([
    [0, '0'],
    [999, '999'],
    [1234567, '1,234,567'],
    [-5, '-5'],
    [Number.NaN, '?'],
    [Number.POSITIVE_INFINITY, '?'],
  ])('count(%d) is %s', (value, text) => {
    expect(count(value)).toBe(text);
  });

  test('a noun agrees with its number', () => {
    expect([counted(0, 'row'), counted(1, 'row'), counted(2, 'batch', 'batches')]).toEqual([
      '0 rows',
      '1 row',
      '2 batches',
    ]);
  });

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [999_949, '999.9 kB'],
    [999_999, '1 MB'],
    [2_600_000_000, '2.6 GB'],
    [Number.MAX_SAFE_INTEGER * 1e6, '9,007,199.3 PB'],
    [-1500, '-1.5 kB'],
    [Number.NaN, '?'],
  ])('bytes(%d) is %s', (value, text) => {
    expect(bytes(value)).toBe(text);
  });

  test.each([
    [-1, '0 ms'],
    [850, '850 ms'],
    [1500, '1.5 s'],
    [9_999, '10 s'],
    [59_600, '1 min'],
    [130_000, '2 min 10 s'],
    [3_599_999, '1 h'],
    [3_900_000, '1 h 5 min'],
    [273_600_000, '3 d 4 h'],
    [Number.NaN, '?'],
  ])('duration(%d) is %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  test.each([
    [0, '0/s'],
    [12_345.6, '12,346/s'],
    [3.14, '3.1/s'],
    [0.05, '3/min'],
    [-1, '0/s'],
    [Number.NaN, '?'],
  ])('rate(%d) is %s', (value, text) => {
    expect(rate(value)).toBe(text);
  });

  test.each([
    [0, '0%'],
    [0.999999, '99%'],
    [1, '100%'],
    [7, '100%'],
    [-1, '0%'],
    [Number.NaN, '?'],
  ])('percent(%d) is %s: 100 only when nothing is missing', (share, text) => {
    expect(percent(share)).toBe(text);
  });

  test('no duration ever shows 60 of a smaller unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (value) => {
        expect(seconds(value)).not.toMatch(/\b(60 s|60 min|24 h)\b/);
      }),
    );
  });
});
