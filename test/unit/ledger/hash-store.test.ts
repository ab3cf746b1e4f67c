import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { BloomFilter, filterWords } from '../../../src/ledger/hash-store/bloom-filter.js';
import { ABSENT, ENTRY_WORDS, REMOVED } from '../../../src/ledger/hash-store/entry.js';
import { HashTable } from '../../../src/ledger/hash-store/hash-table.js';
import { sortedOrder } from '../../../src/ledger/hash-store/key-order.js';
import type { SegmentFacts } from '../../../src/ledger/hash-store/segment-file.js';
import { SegmentSet } from '../../../src/ledger/hash-store/segment-set.js';
import { writeSegment } from '../../../src/ledger/hash-store/segment-writer.js';
import { Segment } from '../../../src/ledger/hash-store/segment.js';
import { hashWords, keyOf, tableOf } from '../../support/hash-store.js';

const folder = mkdtempSync(join(tmpdir(), 'zi-hashes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const newPath = (): string => join(folder, `${count++}.seg`);

const word = fc.oneof(fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff), fc.nat(0xffffffff));
const key = fc.tuple(word, word, word, word).map((words) => Uint32Array.from(words));

describe('a table', () => {
  it('answers like a Map, whatever the keys and values are, and after it was cleared', () => {
    const value = fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, REMOVED);
    const table = new HashTable();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(key, value), { maxLength: 200 }),
        fc.array(key, { maxLength: 50 }),
        (sets, others) => {
          table.clear();
          const model = new Map<string, number>();
          for (const [words, number] of sets) {
            table.set(words, 0, number);
            model.set(words.join(), number);
          }
          expect(table.size).toBe(model.size);
          for (const words of [...sets.map(([each]) => each), ...others]) {
            expect(table.get(words)).toBe(model.get(words.join()) ?? ABSENT);
          }
          const listed = [...model].map(([words, number]) => [...words.split(',').map(Number), number]);
          expect([...table.entries]).toEqual(listed.flat());
        },
      ),
    );
  });

  it('keeps everything while it grows, and reads keys anywhere in a longer array', () => {
    const keys = hashWords(3, 4 * 20_000);
    const table = new HashTable();
    for (let n = 0; n < 20_000; n++) table.set(keys, n * 4, n);
    expect(table.size).toBe(20_000);
    for (let n = 0; n < 20_000; n++) if (table.get(keys, n * 4) !== n) expect.fail(`key ${n}`);
  });
});

describe('the order of keys', () => {
  it('is that of all their words, for keys that share some of them too', () => {
    const near = fc.tuple(fc.constantFrom(0, 5, 0xffffffff), fc.nat(1), fc.nat(1), word);
    fc.assert(
      fc.property(fc.array(fc.oneof(near, fc.tuple(word, word, word, word)), { maxLength: 300 }), (keys) => {
        const order = sortedOrder(Uint32Array.from(keys.flatMap((words) => [...words, 0])));
        const expected = [...keys].sort((x, y) => x[0] - y[0] || x[1] - y[1] || x[2] - y[2] || x[3] - y[3]);
        expect([...order].map((entry) => keys[entry])).toEqual(expected);
      }),
    );
  });
});

describe('the filter', () => {
  it('never denies a key that was added', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 100 }), (keys) => {
        const filter = new BloomFilter(new Uint32Array(filterWords(keys.length)));
        for (const words of keys) filter.add(words, 0);
        expect(keys.every((words) => filter.mayHold(words, 0))).toBe(true);
      }),
    );
  });

  it('denies more than 99 of 100 keys that were not', () => {
    const filter = new BloomFilter(new Uint32Array(filterWords(50_000)));
    const keys = hashWords(1, 4 * 100_000);
    for (let n = 0; n < 50_000; n++) filter.add(keys, n * 4);
    let wrong = 0;
    for (let n = 50_000; n < 100_000; n++) if (filter.mayHold(keys, n * 4)) wrong++;
    expect(wrong).toBeLessThan(500);
  });
});

describe('a segment', () => {
  it.each([0, 1, 203, 204, 205, 408, 13_055, 13_056, 13_057, 40_000])(
    'of %i entries gives back each of them',
    (size) => {
      const path = newPath();
      const facts = writeSegment(path, tableOf(0, size));
      expect(facts.entries).toBe(size);
      expect(facts.bytes).toBe(statSync(path).size);
      const segment = Segment.open(path, facts);
      expect(segment.facts).toEqual(facts);
      for (let n = 0; n < size; n++) if (segment.get(keyOf(n)) !== n) expect.fail(`key ${n}`);
      for (let n = size; n < size + 2_000; n++) if (segment.get(keyOf(n)) !== ABSENT) expect.fail(`key ${n}`);
      segment.close();
    },
  );

  it('tells apart keys that differ in the last word only, across blocks', () => {
    const table = new HashTable();
    for (let n = 0; n < 1_000; n++) table.set(Uint32Array.of(1, 2, 3, n * 2), 0, n);
    const path = newPath();
    writeSegment(path, table);
    const segment = Segment.open(path);
    for (let n = 0; n < 1_000; n++) {
      expect(segment.get(Uint32Array.of(1, 2, 3, n * 2))).toBe(n);
      expect(segment.get(Uint32Array.of(1, 2, 3, n * 2 + 1))).toBe(ABSENT);
    }
    segment.close();
  });

  it('holds the largest values, and tombstones as such', () => {
    const table = new HashTable();
    const values = [0, 0x7fffffff, 0x80000000, 0xfffffffe, REMOVED];
    values.forEach((value, n) => table.set(keyOf(n), 0, value));
    const path = newPath();
    writeSegment(path, table);
    const segment = Segment.open(path);
    expect(values.map((_, n) => segment.get(keyOf(n)))).toEqual(values);
    segment.close();
  });

  it('is readable by its owner alone, and writing it leaves nothing else', () => {
    const path = join(mkdtempSync(join(folder, 'alone-')), 'a.seg');
    writeSegment(path, tableOf(0, 10));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(path, '..'))).toEqual(['a.seg']);
  });

  it('leaves the table as it was', () => {
    const table = tableOf(0, 500);
    const before = [...table.entries];
    writeSegment(newPath(), table);
    expect([...table.entries]).toEqual(before);
    expect(before).toHaveLength(500 * ENTRY_WORDS);
  });
});

/** A table in front of segments, as the ledger keeps them: what is on record is what a new start opens. */
class Store {
  #table = new HashTable();
  #set = new SegmentSet();
  #record: { readonly path: string; readonly facts: SegmentFacts }[] = [];

  get segments(): number {
    return this.#record.length;
  }

  set(n: number, value: number): void {
    this.#table.set(keyOf(n), 0, value);
  }

  get(n: number): number | undefined {
    let value = this.#table.get(keyOf(n));
    if (value === ABSENT) value = this.#set.get(keyOf(n));
    return value === ABSENT || value === REMOVED ? undefined : value;
  }

  flush(): void {
    const path = newPath();
    this.#record.push({ path, facts: writeSegment(path, this.#table) });
    this.#set.add(path);
    this.#table.clear();
  }

  async merge(from: number, to: number, meanwhile: () => void): Promise<void> {
    const merging = this.#set.merge(newPath(), from, to);
    meanwhile();
    const { replaced, ...merged } = await merging;
    expect(this.#record.slice(from, to).map(({ path }) => path)).toEqual(replaced);
    this.#record.splice(from, to - from, merged);
    for (const path of replaced) rmSync(path);
  }

  async mergeFull(fanOut: number): Promise<void> {
    let range = this.#set.mergeCandidates(fanOut);
    while (range !== undefined) {
      await this.merge(range.from, range.to, () => undefined);
      range = this.#set.mergeCandidates(fanOut);
    }
  }

  /** What was not flushed is lost from the table; the ledger would replay it. */
  reopen(): void {
    this.flush();
    this.close();
    this.#set = new SegmentSet();
    for (const { path, facts } of this.#record) this.#set.add(path, facts);
  }

  close(): void {
    this.#set.close();
  }
}

describe('a store of segments', () => {
  const KEYS = 3_000;
  const range = fc.tuple(fc.nat(KEYS), fc.nat(1_000), fc.nat(0xfffffffe - KEYS));
  const act = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('set' as const), range }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), range }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('merge' as const), at: fc.nat(), length: fc.nat(), range }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('merge full' as const), fanOut: fc.constantFrom(2, 3) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  );

  it('answers like a Map through any sets, removals, flushes, merges and restarts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
        const store = new Store();
        const model = new Map<number, number>();
        const put = ([from, length, value]: readonly [number, number, number]): void => {
          for (let n = from; n < from + length; n++) {
            store.set(n, value + (n - from));
            model.set(n, value + (n - from));
          }
        };
        const check = (): void => {
          for (let n = 0; n < KEYS + 1_000; n++) if (store.get(n) !== model.get(n)) expect.fail(`key ${n}`);
        };
        for (const each of acts) {
          if (each.kind === 'set') put(each.range);
          if (each.kind === 'remove') {
            for (let n = each.range[0]; n < each.range[0] + each.range[1]; n++) {
              store.set(n, REMOVED);
              model.delete(n);
            }
          }
          if (each.kind === 'flush') store.flush();
          if (each.kind === 'merge' && store.segments > 0) {
            const from = each.at % store.segments;
            const to = from + 1 + (each.length % (store.segments - from));
            await store.merge(from, to, () => {
              put(each.range);
              store.flush();
              check();
            });
          }
          if (each.kind === 'merge full') await store.mergeFull(each.fanOut);
          if (each.kind === 'reopen') store.reopen();
          check();
        }
        store.close();
      }),
      { numRuns: 60 },
    );
  });
});
