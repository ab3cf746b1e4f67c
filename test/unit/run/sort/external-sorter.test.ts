import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExternalSorter, type SorterOptions } from '../../../../src/run/sort/external-sorter.js';

let base: string;
let folder: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'zi-sort-'));
  folder = join(base, 'sorting');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

interface Entry {
  readonly a: number;
  readonly b: number;
  readonly text: string;
}

async function added(entries: readonly Entry[], options: Partial<SorterOptions> = {}): Promise<ExternalSorter> {
  const sorter = new ExternalSorter({
    ...{ folder, memoryBytes: 700, signal: new AbortController().signal },
    ...options,
  });
  for (const [n, { a, b, text }] of entries.entries()) await sorter.add(a, b, Buffer.from(`${n} `), Buffer.from(text));
  return sorter;
}

async function sorted(sorter: ExternalSorter): Promise<string[]> {
  await sorter.finish();
  const texts: string[] = [];
  for await (const batch of sorter.sorted()) texts.push(...batch.map(({ bytes }) => bytes.toString()));
  return texts;
}

function expected(entries: readonly Entry[]): string[] {
  return entries
    .map((entry, n) => ({ ...entry, text: `${n} ${entry.text}` }))
    .sort((x, y) => (x.a === y.a ? x.b - y.b : x.a < y.a ? -1 : 1))
    .map(({ text }) => text);
}

const entry = fc.record({
  a: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(Number.NEGATIVE_INFINITY), fc.constant(1.7e12)),
  b: fc.nat(2),
  text: fc.oneof(fc.string({ maxLength: 40 }), fc.constant('x'.repeat(5_000))),
});

describe('an external sort', () => {
  it('gives every record once, in order, equal ones as they came, whatever the memory, and leaves nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 120, size: 'max' }),
        fc.constantFrom(60, 300, 2_000, 1_000_000),
        async (entries, memoryBytes) => {
          const sorter = await added(entries, { memoryBytes });
          expect(await sorted(sorter)).toEqual(expected(entries));
          await sorter.close();
          expect(readdirSync(base)).toEqual([]);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('writes nothing while everything fits into memory', async () => {
    const sorter = await added([
      { a: 2, b: 0, text: 'later' },
      { a: 1, b: 0, text: 'sooner' },
    ]);
    expect(await sorted(sorter)).toEqual(['1 sooner', '0 later']);
    expect(existsSync(folder)).toBe(false);
  });

  const many = Array.from({ length: 400 }, (_, i) => ({ a: (i * 37) % 400, b: 0, text: `row ${i}` }));

  it.skipIf(process.platform === 'win32')('writes files that only their owner can read', async () => {
    const sorter = await added(many);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    await sorter.close();
  });

  it('has merged files gone when what they became is written, and never holds more than twice the records on disk', async () => {
    let mergedAt = 0;
    const sorter = await added(many, { onMerged: () => (mergedAt = readdirSync(folder).length) });
    const before = readdirSync(folder).length;
    await sorter.finish();
    expect(mergedAt).toBeLessThan(before);
    expect(readdirSync(folder).length).toBeLessThanOrEqual(2);
    const bytes = many.reduce((sum, { text }) => sum + text.length + 24, 0);
    expect(sorter.mostOnDisk).toBeLessThan(2 * bytes);
    await sorter.close();
  });

  it('says so when a file is not what was written, instead of losing records', async () => {
    for (const spoil of [
      (path: string) => truncateSync(path, statSync(path).size - 1),
      (path: string) => truncateSync(path, 0),
      (path: string) => writeFileSync(path, Buffer.alloc(statSync(path).size, 0xff)),
      (path: string) => rmSync(path),
    ]) {
      const sorter = await added(many);
      await sorter.finish();
      const [name = ''] = readdirSync(folder);
      spoil(join(folder, name));
      await expect(sorted(sorter)).rejects.toMatchObject({ code: 'sort-damaged', disposition: 'ledger' });
      await sorter.close();
    }
  });

  it('says so when it cannot write', async () => {
    writeFileSync(folder, 'a file is in its place');
    await expect(added(many)).rejects.toMatchObject({ code: 'sort-unwritable', disposition: 'ledger' });
  });

  it('ends with the reason of a stop', async () => {
    const stop = new AbortController();
    const sorter = await added(many, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(sorted(sorter)).rejects.toThrow('enough');
    await sorter.close();
    expect(readdirSync(base)).toEqual([]);
  });
});
