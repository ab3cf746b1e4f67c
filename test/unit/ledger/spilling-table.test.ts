import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ABSENT } from '../../../src/ledger/hash-store/entry.js';
import { SpillingTable } from '../../../src/ledger/hash-store/spilling-table.js';

const keyOf = (n: number): Uint32Array => Uint32Array.of(Math.imul(n, 0x9e3779b1), n, ~n, n * 7);

describe('a table that spills', () => {
  it('answers like a map, wherever its entries went, and leaves no file behind', async () => {
    const key = fc.integer({ min: 0, max: 60 });
    const change = fc.record({ key, value: fc.integer({ min: 0, max: 0xfffffffe }), tidy: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 400 }), fc.integer({ min: 1, max: 20 }), async (changes, most) => {
        const base = mkdtempSync(join(tmpdir(), 'zi-spill-'));
        const folder = join(base, 'own');
        const table = new SpillingTable(() => folder, 'x', most);
        const model = new Map<number, number>();
        try {
          for (const { key: n, value, tidy } of changes) {
            expect(table.get(keyOf(n))).toBe(model.get(n) ?? ABSENT);
            table.set(keyOf(n), value);
            model.set(n, value);
            if (tidy) await table.tidy();
          }
          for (let n = 0; n <= 60; n++) expect(table.get(keyOf(n))).toBe(model.get(n) ?? ABSENT);
          if (existsSync(folder)) expect(readdirSync(folder).length).toBeLessThan(20);
          table.close();
          expect(readdirSync(base)).toEqual([]);
        } finally {
          table.close();
          rmSync(base, { recursive: true, force: true });
        }
      }),
      { numRuns: 60 },
    );
  });

  it('says what is wrong where its folder cannot be made', async () => {
    const base = mkdtempSync(join(tmpdir(), 'zi-spill-'));
    writeFileSync(join(base, 'file'), '');
    const table = new SpillingTable(() => join(base, 'file', 'own'), 'x', 1);
    table.set(keyOf(1), 1);
    await expect(table.tidy()).rejects.toMatchObject({ code: 'ledger-write', disposition: 'ledger' });
    table.close();
    rmSync(base, { recursive: true, force: true });
  });

  it('makes no folder while everything fits into memory', async () => {
    const table = new SpillingTable(() => expect.fail('a folder was asked for'), 'x', 1_000);
    for (let n = 0; n < 999; n++) table.set(keyOf(n), n);
    await table.tidy();
    table.close();
  });
});
