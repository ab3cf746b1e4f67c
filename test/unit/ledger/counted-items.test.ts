import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CountedItems } from '../../../src/ledger/counted-items.js';
import type { Ledger } from '../../../src/ledger/ledger.js';
import type { Frontier } from '../../../src/ledger/runs.js';
import { newRun } from '../../support/books.js';
import { hashWords, thrownBy } from '../../support/hash-store.js';
import { ledgers } from '../../support/ledgers.js';

const files = ledgers();
let ledger: Ledger;
let folder: string;
let opened: CountedItems[] = [];
beforeEach(async () => {
  ledger = await files.open();
  ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z');
  folder = join(dirname(ledger.db.sql.path), 'runs', 'run-1');
});
afterEach(async () => {
  for (const counted of opened) await counted.close();
  opened = [];
  files.closeAll();
});
afterAll(() => files.remove());

/** As a try finds them that goes on from there; undefined = from the beginning. */
function countedFrom(frontier: Frontier | undefined, run = 'run-1'): CountedItems {
  const counted = new CountedItems(ledger.db, run, folder, frontier);
  opened.push(counted);
  return counted;
}

const place = (ordinal: number, source = 0): Frontier => ({
  source,
  ordinal,
  line: ordinal + 1,
  byteStart: ordinal * 10,
});

function next(counted: CountedItems, n: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = hashWords(n, 4);
  return counted.next(Uint32Array.of(a, b, c, d));
}

const segmentFiles = (): string[] =>
  existsSync(join(folder, 'counted'))
    ? readdirSync(join(folder, 'counted')).filter((name) => name.endsWith('.segment'))
    : [];

describe('counting items', () => {
  it('tells the first from the second and third of equal ones', () => {
    const counted = countedFrom(undefined);
    expect([1, 2, 1, 1, 2].map((n) => next(counted, n))).toEqual([0, 0, 1, 2, 1]);
  });

  it('goes on behind the place up to which it is on record, when a try begins there or later', () => {
    const first = countedFrom(undefined);
    expect(first.from).toBeUndefined();
    next(first, 1);
    next(first, 1);
    first.flush(place(2), place(0));
    next(first, 1); // not on record: its row is read again
    const second = countedFrom(place(5));
    expect(second.from).toEqual(place(2));
    expect(next(second, 1)).toBe(2);
    expect(next(second, 2)).toBe(0);
  });

  it('forgets what lies behind the place where a try begins, because those rows are read again', () => {
    const first = countedFrom(undefined);
    for (const ordinal of [10, 20, 30]) {
      next(first, 1);
      first.flush(place(ordinal), place(0));
    }
    expect(segmentFiles()).toHaveLength(3);
    const second = countedFrom(place(29));
    expect(second.from).toEqual(place(20));
    expect(next(second, 1)).toBe(2);
    const third = countedFrom(place(29));
    expect(third.from).toEqual(place(20));
    expect(countedFrom(undefined).from).toBeUndefined();
    expect(next(countedFrom(place(29)), 1)).toBe(0);
  });

  it('knows which source a place is in', () => {
    const first = countedFrom(undefined);
    next(first, 1);
    first.flush(place(100, 0), place(0));
    next(first, 1);
    first.flush(place(3, 1), place(0));
    expect(countedFrom(place(2, 1)).from).toEqual(place(100, 0));
    expect(countedFrom(place(50, 0)).from).toBeUndefined();
  });

  it('is of one run', () => {
    const first = countedFrom(undefined);
    next(first, 1);
    first.flush(place(1), place(1));
    const elsewhere = new CountedItems(ledger.db, 'run-2', join(dirname(folder), 'run-2'), place(9));
    opened.push(elsewhere);
    expect(elsewhere.from).toBeUndefined();
    expect(next(elsewhere, 1)).toBe(0);
  });

  it('gives every item the same number, however often the run was stopped and gone on with', async () => {
    const stops = fc.array(fc.record({ read: fc.integer({ min: 1, max: 12 }), back: fc.nat(8) }), { maxLength: 12 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3), { minLength: 1, maxLength: 40 }),
        stops,
        fc.nat(4),
        async (rows, tries, every) => {
          const name = `run ${run++}`;
          const own = join(dirname(folder), name);
          const numbers: (number | undefined)[] = rows.map(() => undefined);
          let frontier: Frontier | undefined;
          for (const { read, back } of [...tries, { read: rows.length, back: 0 }]) {
            const counted = new CountedItems(ledger.db, name, own, frontier);
            const begin = counted.from?.ordinal ?? 0;
            const end = Math.min(rows.length, begin + read + (frontier?.ordinal ?? 0) - begin);
            for (let ordinal = begin; ordinal < end; ordinal++) {
              if (every > 0 && ordinal % every === 0) {
                counted.flush(place(ordinal), frontier ?? place(0));
              }
              const number = next(counted, rows[ordinal] ?? 0);
              expect(numbers[ordinal] ?? number).toBe(number);
              numbers[ordinal] = number;
            }
            await counted.close();
            // A next try begins where everything was settled: somewhere behind the last one, and never before an earlier such place.
            frontier = place(Math.max(frontier?.ordinal ?? 0, end - back));
          }
          expect(numbers).toEqual(rows.map((row, at) => rows.slice(0, at).filter((each) => each === row).length));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('never hides that a file of it is missing', () => {
    const first = countedFrom(undefined);
    next(first, 1);
    first.flush(place(1), place(1));
    rmSync(join(folder, 'counted'), { recursive: true });
    expect(thrownBy(() => countedFrom(place(9)))).toBe('ledger-damaged/ledger');
  });

  it('without a folder is kept in memory alone', () => {
    const counted = new CountedItems(ledger.db, 'run-1', undefined, place(9));
    next(counted, 1);
    counted.flush(place(1), place(1));
    expect(counted.isFull).toBe(false);
    expect(counted.from).toBeUndefined();
    expect(next(counted, 1)).toBe(1);
  });
});

describe('meeting keys', () => {
  const mark = (n: number): Uint32Array => Uint32Array.of(...hashWords(n, 4), 1);

  it('tells where a key was last, by source and line, and remembers the new place', () => {
    const counted = countedFrom(undefined);
    expect(counted.meet(mark(1), 0, 5)).toBeUndefined();
    expect(counted.meet(mark(2), 0, 6)).toBeUndefined();
    expect(counted.meet(mark(1), 3, 7)).toEqual({ source: 0, line: 5 });
    expect(counted.meet(mark(1), 0, 9)).toEqual({ source: 3, line: 7 });
  });

  it('knows it still after a stop', () => {
    const first = countedFrom(undefined);
    first.meet(mark(1), 2, 5);
    first.flush(place(1), place(1));
    expect(countedFrom(place(1)).meet(mark(1), 2, 9)).toEqual({ source: 2, line: 5 });
  });
});
