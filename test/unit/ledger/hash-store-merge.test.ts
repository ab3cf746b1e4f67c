import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { ABSENT, REMOVED } from '../../../src/ledger/hash-store/entry.js';
import { HashTable } from '../../../src/ledger/hash-store/hash-table.js';
import { rangeToMerge } from '../../../src/ledger/hash-store/merge-choice.js';
import { SegmentSet } from '../../../src/ledger/hash-store/segment-set.js';
import { writeSegment } from '../../../src/ledger/hash-store/segment-writer.js';
import { keyOf, rejectedBy, tableOf } from '../../support/hash-store.js';

const root = mkdtempSync(join(tmpdir(), 'zi-merges-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 'set-'));
});
const file = (name: string): string => join(folder, name);

/** A set with a segment for each table, named 0, 1, 2, … from the oldest on. */
function setOf(...tables: readonly HashTable[]): SegmentSet {
  const set = new SegmentSet();
  tables.forEach((table, i) => set.add(file(String(i)), writeSegment(file(String(i)), table)));
  return set;
}

function tableWith(entries: Readonly<Record<number, number>>): HashTable {
  const table = new HashTable();
  for (const [n, value] of Object.entries(entries)) table.set(keyOf(Number(n)), 0, value);
  return table;
}

const answers = (set: SegmentSet, ...keys: readonly number[]): number[] => keys.map((n) => set.get(keyOf(n)));

describe('a set of segments', () => {
  it('believes the newest segment that knows a key, tombstones included', () => {
    const set = setOf(tableWith({ 1: 10, 2: 20, 3: 30 }), tableWith({ 2: REMOVED, 3: 31 }), tableWith({ 3: 32 }));
    expect(answers(set, 1, 2, 3, 4)).toEqual([10, REMOVED, 32, ABSENT]);
    set.close();
  });

  it('without segments knows nothing and has nothing to merge', () => {
    const set = new SegmentSet();
    expect(answers(set, 1)).toEqual([ABSENT]);
    expect(set.mergeCandidates()).toBeUndefined();
  });
});

describe('a merge', () => {
  it('keeps the newest value of a key, and puts the result where the sources were', async () => {
    const set = setOf(
      tableWith({ 1: 1 }),
      tableWith({ 1: 2, 2: 2 }),
      tableWith({ 2: 3, 3: 3 }),
      tableWith({ 3: 4, 4: 4 }),
    );
    const merged = await set.merge(file('m'), 1, 3);
    expect(merged).toMatchObject({ path: file('m'), facts: { entries: 3 }, replaced: [file('1'), file('2')] });
    expect(set.segments.map(({ path }) => path)).toEqual([file('0'), file('m'), file('3')]);
    expect(answers(set, 1, 2, 3, 4)).toEqual([2, 3, 4, 4]);
    set.close();
  });

  it('keeps tombstones as long as an older segment may hold their keys, and drops them with the oldest', async () => {
    const set = setOf(tableWith({ 1: 1, 2: 2 }), tableWith({ 1: REMOVED, 5: 5 }), tableWith({ 2: REMOVED }));
    expect((await set.merge(file('m'), 1, 3)).facts.entries).toBe(3);
    expect(answers(set, 1, 2, 5)).toEqual([REMOVED, REMOVED, 5]);
    expect((await set.merge(file('n'), 0, 2)).facts.entries).toBe(1);
    expect(answers(set, 1, 2, 5)).toEqual([ABSENT, ABSENT, 5]);
    set.close();
  });

  it('of nothing but tombstones is an empty segment', async () => {
    const set = setOf(tableWith({ 1: REMOVED }), new HashTable());
    expect((await set.merge(file('m'), 0, 2)).facts.entries).toBe(0);
    expect(answers(set, 1)).toEqual([ABSENT]);
    set.close();
  });

  it('deletes no file: what it replaced can be opened again until the caller has recorded the result', async () => {
    const set = setOf(tableOf(0, 300), tableOf(200, 500, 1));
    const { replaced, facts } = await set.merge(file('m'), 0, 2);
    set.close();
    const old = new SegmentSet();
    for (const path of replaced) old.add(path);
    const merged = new SegmentSet();
    merged.add(file('m'), facts);
    for (let n = 0; n < 500; n++) expect(answers(old, n)).toEqual(answers(merged, n));
    old.close();
    merged.close();
  });

  it('lets questions be answered and segments be added while it runs', async () => {
    const set = setOf(tableOf(0, 20_000), tableOf(10_000, 30_000, 1), tableOf(15_000, 16_000, 2));
    const expected = (n: number): number => (n < 10_000 ? n : n < 15_000 || n >= 16_000 ? n + 1 : n + 2);
    let isMerging = true;
    const merging = set.merge(file('m'), 0, 3).finally(() => (isMerging = false));
    let turns = 0;
    for (; isMerging; turns++) {
      for (let n = turns; n < 30_000; n += 1_000) expect(set.get(keyOf(n))).toBe(expected(n));
      if (turns === 1) set.add(file('late'), writeSegment(file('late'), tableOf(40_000, 40_010)));
      await setImmediate();
    }
    expect(turns).toBeGreaterThan(5);
    expect((await merging).facts.entries).toBe(30_000);
    for (let n = 0; n < 30_000; n++) if (set.get(keyOf(n)) !== expected(n)) expect.fail(`key ${n}`);
    expect(set.segments.map(({ path }) => path)).toEqual([file('m'), file('late')]);
    expect(answers(set, 40_009)).toEqual([40_009]);
    set.close();
  });

  it('given up leaves the set and the folder as they were', async () => {
    const set = setOf(tableOf(0, 10_000), tableOf(5_000, 15_000, 1));
    const stop = new AbortController();
    const merging = set.merge(file('m'), 0, 2, stop.signal);
    await setImmediate();
    stop.abort(new Error('enough'));
    expect(await rejectedBy(merging)).toBe('Error: enough');
    expect(await rejectedBy(set.merge(file('m'), 0, 2, stop.signal))).toBe('Error: enough');
    expect(readdirSync(folder).sort()).toEqual(['0', '1']);
    expect(answers(set, 1, 5_000, 14_999)).toEqual([1, 5_001, 15_000]);
    expect((await set.merge(file('m'), 0, 2)).facts.entries).toBe(15_000);
    set.close();
  });

  it('ends when the set is closed', async () => {
    const set = setOf(tableOf(0, 10_000), tableOf(5_000, 15_000, 1));
    const merging = rejectedBy(set.merge(file('m'), 0, 2));
    await setImmediate();
    set.close();
    expect(await merging).toContain('AbortError');
    expect(readdirSync(folder).sort()).toEqual(['0', '1']);
  });

  it('of a damaged segment is refused, and the rest of the set goes on answering', async () => {
    const table = tableOf(0, 10_000);
    writeSegment(file('0'), table);
    const bytes = readFileSync(file('0'));
    bytes[4096 * 30] = (bytes[4096 * 30] ?? 0) ^ 1;
    writeFileSync(file('0'), bytes);
    const set = new SegmentSet();
    set.add(file('0'));
    set.add(file('1'), writeSegment(file('1'), tableOf(20_000, 20_010)));
    expect(await rejectedBy(set.merge(file('m'), 0, 2))).toBe('ledger-damaged/ledger');
    expect(readdirSync(folder).sort()).toEqual(['0', '1']);
    expect(answers(set, 20_009)).toEqual([20_009]);
    set.close();
  });

  it('that cannot be written says so', async () => {
    const set = setOf(tableOf(0, 10), tableOf(10, 20));
    expect(await rejectedBy(set.merge(join(folder, 'no-folder', 'm'), 0, 2))).toBe('ledger-write/ledger');
    expect(answers(set, 5, 15)).toEqual([5, 15]);
    set.close();
  });

  it('is refused for segments that are not there, and while another runs', async () => {
    const set = setOf(tableOf(0, 10), tableOf(10, 20));
    for (const [from, to] of [
      [0, 3],
      [1, 1],
      [-1, 1],
    ] as const) {
      expect(await rejectedBy(set.merge(file('m'), from, to))).toContain('RangeError');
    }
    const first = set.merge(file('m'), 0, 2);
    expect(await rejectedBy(set.merge(file('n'), 0, 2))).toContain('RangeError');
    await first;
    set.close();
  });
});

describe('the choice of segments to merge', () => {
  /** Merges until nothing is left to merge. Gives back what was written for it, in entries. */
  function settle(sizes: number[], fanOut: number): number {
    let written = 0;
    for (;;) {
      const range = rangeToMerge(sizes, fanOut);
      if (range === undefined) return written;
      expect(range.to - range.from).toBe(fanOut);
      const merged = sizes.slice(range.from, range.to).reduce((sum, size) => sum + size, 0);
      sizes.splice(range.from, fanOut, merged);
      written += merged;
    }
  }

  it('leaves segments of falling sizes alone and takes the oldest of a full level', () => {
    expect(rangeToMerge([4096, 512, 512, 64, 64, 64], 4)).toBeUndefined();
    expect(rangeToMerge([4096, 512, 512, 64, 64, 64, 64, 64], 4)).toEqual({ from: 3, to: 7 });
    expect(rangeToMerge([512, 1, 512, 1, 512], 4)).toEqual({ from: 0, to: 4 });
    expect(() => rangeToMerge([1, 1], 1)).toThrow(RangeError);
  });

  it('can be kept to the oldest segments', () => {
    const set = setOf(...Array.from({ length: 9 }, (_, i) => tableOf(i * 10, i * 10 + 10)));
    expect(set.mergeCandidates()).toEqual({ from: 0, to: 8 });
    expect(set.mergeCandidates(8, 8)).toEqual({ from: 0, to: 8 });
    expect(set.mergeCandidates(8, 7)).toBeUndefined();
    expect(set.mergeCandidates(3, 5)).toEqual({ from: 0, to: 3 });
    set.close();
  });

  it('writes each entry of equal flushes once a tier', () => {
    const sizes: number[] = [];
    let written = 0;
    for (let flush = 0; flush < 512; flush++) {
      sizes.push(1000);
      written += settle(sizes, 8);
    }
    expect(sizes).toEqual([512_000]);
    expect(written).toBe(3 * 512_000);
  });

  it('leaves few segments whatever the sizes of the flushes are', () => {
    const flush = fc.oneof(fc.constantFrom(0, 1, 7, 8, 9, 100), fc.nat(300_000));
    fc.assert(
      fc.property(
        fc.array(flush, { minLength: 1, maxLength: 400 }),
        fc.integer({ min: 2, max: 8 }),
        (flushes, fanOut) => {
          const sizes: number[] = [];
          for (const size of flushes) {
            sizes.push(size);
            settle(sizes, fanOut);
          }
          const total = flushes.reduce((sum, size) => sum + size, 1);
          const tiers = Math.round(Math.log(total) / Math.log(fanOut)) + 1;
          expect(sizes.length).toBeLessThanOrEqual((fanOut - 1) * tiers);
        },
      ),
    );
  });
});
