import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cut, jsonLine, printable } from '../../../src/progress/escape.js';
import { HOSTILE } from './samples.js';

const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\u200b\ufeff]/u;
const anyText = fc.string({ unit: 'binary', maxLength: 200 });
/** Any UTF-16 units at all, halves of pairs included. */
const anyUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
  .map((units) => String.fromCharCode(...units));

describe('outside text', () => {
  test('is one line without control, direction or invisible characters, whatever it was', () => {
    expect(printable(HOSTILE)).toBe(
      'a\\x1b[2J\\x1b]0;owned\\x07b\\r\\nc\\u202ed\\x9b31me\\u2028f\\ud800g\\x00h\\u200b',
    );
    fc.assert(fc.property(fc.oneof(anyText, anyUnits), (text) => !FORBIDDEN.test(printable(text))));
  });

  test('that is harmless stays as it is', () => {
    const harmless = 'Ünïcødé 名前 👩‍👩‍👧 C:\\dir\\file.csv "quoted"';
    expect(printable(harmless)).toBe(harmless);
  });

  test('that is too long ends in an ellipsis and in no half character', () => {
    expect(cut('abcdef', 4)).toBe('abc…');
    expect(cut('ab😀cd', 4)).toBe('ab…');
    expect(cut('abcd', 4)).toBe('abcd');
    expect(printable('x'.repeat(5_000_000)).length).toBe(1000);
    fc.assert(fc.property(anyText, fc.integer({ min: 2, max: 30 }), (text, max) => cut(text, max).length <= max));
  });
});

describe('a JSON line', () => {
  test('reads back as the same value and holds no character that a terminal would act on', () => {
    const value = { message: HOSTILE, tag: '\u{e0041}' };
    const line = jsonLine(value);
    expect(JSON.parse(line)).toEqual(value);
    fc.assert(
      fc.property(fc.oneof(anyText, anyUnits), (text) => {
        const one = jsonLine({ text });
        expect(JSON.parse(one)).toEqual({ text });
        expect(one.endsWith('\n')).toBe(true);
        expect(FORBIDDEN.test(one.slice(0, -1))).toBe(false);
      }),
    );
  });
});
