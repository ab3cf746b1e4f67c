import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInexact, mayHoldInexact, quoteInexact } from '../../../src/sources/exact-numbers.js';
import { readText } from './support.js';

describe('numbers a double cannot hold', () => {
  it.each([
    '0',
    '-0',
    '0.0',
    '0.1',
    '1.10',
    '1E5',
    '1e-7',
    '0.30000000000000004',
    '5e-324',
    '1.7976931348623157e308',
    '9007199254740991',
    '9007199254740992',
    '1e22',
    '123e65',
    '-1.0e+28',
    '100000000000000000000',
    '0e999999',
    '1.000000000000000000000000',
  ])('%s stays a number', async (token) => {
    const outcome = await readText('t.jsonl', `{"n":${token}}\n`);
    expect(outcome.values).toEqual([{ n: Number(token) }]);
    expect(outcome.inexact).toBe(0);
  });

  it.each([
    '9007199254740993',
    '-9007199254740993',
    '1234567890123456789',
    '18446744073709551615',
    '1e400',
    '-1.5e+9999',
    '1e-400',
    '0.12345678901234567890',
    '12345678901234567.5',
    '1000000000000000000000',
    '3.141592653589793238462643',
  ])('%s becomes its text and is counted', async (token) => {
    const outcome = await readText('t.jsonl', `{"n":${token},"m":1}\n`);
    expect(outcome.values).toEqual([{ n: token, m: 1 }]);
    expect(outcome.inexact).toBe(1);
  });

  it('are kept in arrays, at the top, beside strings that look alike, in documents as in lines', async () => {
    const row = '[12345678901234567890, "id 12345678901234567890, x", {"a":[ 1e999 ]}, "1e999"]';
    const values = [['12345678901234567890', 'id 12345678901234567890, x', { a: ['1e999'] }, '1e999']];
    expect((await readText('t.jsonl', `${row}\n`)).values).toEqual(values);
    expect((await readText('t.json', `[${row}]`)).values).toEqual(values);
    expect((await readText('t.jsonl', '12345678901234567890\n')).values).toEqual(['12345678901234567890']);
  });

  it('do not make a valid row of an invalid one', async () => {
    const outcome = await readText('t.jsonl', '{9999E9999:1}\n[012345678901234567890]\n');
    expect(outcome.records).toEqual([]);
  });

  it('are never missed by the scan, wherever they stand', () => {
    const token = fc.oneof(
      fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map(String),
      fc
        .tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: 1, max: 40 }))
        .map(([n, digits]) => n.toPrecision(digits)),
      fc
        .tuple(fc.nat(99), fc.constantFrom('e', 'E', 'e+', 'e-', 'E-'), fc.nat(9999))
        .map(([n, e, power]) => `${n}${e}${power}`),
    );
    const filler = fc.constantFrom('', '"x":', '"2e10","a-b":', '[[', '"12:30:00",', ' ');
    fc.assert(
      fc.property(fc.array(fc.tuple(filler, token), { maxLength: 5 }), (parts) => {
        const numbers = parts.map(([, number]) => number);
        const text = `{"list":[${numbers.join(',')}],"x":"${parts.map(([pad]) => pad.replaceAll('"', '')).join('')}"}`;
        JSON.parse(text);
        const bytes = Buffer.from(`zz${text}zz`);
        const lossy = numbers.filter(isInexact);
        const found = mayHoldInexact(bytes, 2, bytes.length - 2);
        if (lossy.length > 0) expect(found).toBe(true);
        const quoted = quoteInexact(text);
        expect(quoted.count).toBe(lossy.length);
        const { list } = JSON.parse(quoted.text) as { list: unknown[] };
        expect(list).toEqual(numbers.map((number) => (isInexact(number) ? number : Number(number))));
      }),
      { numRuns: 3000 * 25 },
    );
  });

  it('are exactly those whose decimal value changes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (n) => {
        expect(isInexact(String(n))).toBe(String(Number(n)) !== String(n));
      }),
    );
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => {
        expect(isInexact(JSON.stringify(n))).toBe(false);
      }),
    );
  });
});
