import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../../src/ledger/ledger.js';
import type { StoredSource, TrailPiece } from '../../../src/ledger/runs.js';
import { newRun } from '../../support/books.js';
import { ledgers, openBatch } from '../../support/ledgers.js';

const files = ledgers();
afterEach(() => files.closeAll());
afterAll(() => files.remove());

let ledger: Ledger;
beforeEach(async () => {
  ledger = await files.open();
});

/** The ledger as the next process finds it. */
async function reopened(): Promise<Ledger> {
  const { path } = ledger.db.sql;
  ledger.close();
  return files.open(path);
}

const source = (index: number, over: Partial<StoredSource> = {}): StoredSource => ({
  index,
  id: `rows-${index}.jsonl`,
  path: `/data/rows-${index}.jsonl`,
  bytes: 2 ** 40 + 1,
  modifiedMs: 1_700_000_000_000.25,
  inode: 2 ** 40,
  format: 'jsonl',
  compression: 'none',
  ...over,
});

describe('a run', () => {
  it('is after a reopening what it was when it began', async () => {
    const run = newRun('run-1', {
      name: 'nightly',
      parent: 'run-0',
      keyed: true,
      target: { graph: 'g', skip: '3' },
      mappingPath: '/maps/map.yaml',
      command: { cwd: '/data', sources: ['/data/rows.jsonl'], flags: [{ name: 'graph', words: ['--graph', 'g'] }] },
      staged: true,
    });
    ledger.runs.begin(run, '2026-01-01T00:00:00Z');
    expect((await reopened()).runs.byId('run-1')).toEqual({
      ...run,
      ...{ state: 'open', tries: 1, complete: false, startedAt: '2026-01-01T00:00:00Z' },
      ...{ endedAt: undefined, status: undefined, summary: undefined },
      ...{ frontier: undefined, totalsThere: undefined, totals: undefined, lanes: undefined },
      ...{ spools: {}, rejectFiles: [] },
    });
  });

  it('keeps where it stands: the place to read from with what was counted before it, and what was counted in all', async () => {
    ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z');
    const place = { source: 1, ordinal: 7, line: 8, byteStart: 2 ** 41 };
    const spools = { 0: { contentBytes: 5, fileBytes: 3 } };
    ledger.runs.setStand('run-1', { frontier: { place, totals: { read: 7 } }, totals: { read: 9 }, spools });
    ledger.runs.setLanes('run-1', { lanes: 2, slots: '0001' });
    ledger.runs.setRejectFiles('run-1', [{ name: 'rejects.csv', bytes: 9, headBytes: 4 }]);
    const run = (await reopened()).runs.byId('run-1');
    expect(run?.frontier).toMatchObject(place);
    expect(run).toMatchObject({
      ...{ totalsThere: { read: 7 }, totals: { read: 9 }, lanes: { lanes: 2, slots: '0001' } },
      ...{ spools: { 0: { contentBytes: 5, fileBytes: 3 } } },
      rejectFiles: [{ name: 'rejects.csv', bytes: 9, headBytes: 4 }],
    });
  });

  it('is open once more at each further try, with the command as it was typed then', () => {
    ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z');
    ledger.runs.endTry('run-1', 'interrupted', '{}', '2026-01-01T01:00:00Z');
    expect(ledger.runs.byId('run-1')).toMatchObject({ state: 'open', status: 'interrupted', summary: '{}' });
    const command = { cwd: '/', sources: ['/rows.jsonl'], flags: [{ name: 'order', words: ['--order', 'relaxed'] }] };
    ledger.runs.again('run-1', command, true);
    expect(ledger.runs.byId('run-1')).toMatchObject({
      state: 'open',
      tries: 2,
      status: undefined,
      command,
      staged: true,
    });
  });
});

describe('the run of a command', () => {
  it('is the one that is not over, however many newer ones are; else the newest', () => {
    for (const id of ['a', 'b', 'c']) ledger.runs.begin(newRun(id, { key: 'k' }), '2026-01-01T00:00:00Z');
    ledger.runs.begin(newRun('other'), '2026-01-01T00:00:00Z');
    expect(ledger.runs.latest('k')?.id).toBe('c');
    ledger.runs.setState('c', 'delivered');
    ledger.runs.setState('b', 'closed');
    expect(ledger.runs.latest('k')?.id).toBe('a');
    ledger.runs.setState('a', 'delivered');
    expect(ledger.runs.latest('k')?.id).toBe('c');
    expect(ledger.runs.latest('nobody')).toBeUndefined();
  });
});

describe('the sources of a run', () => {
  it('are known again by index, and as what they are now', async () => {
    ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z');
    ledger.runs.putSource(
      'run-1',
      source(1, { path: undefined, bytes: undefined, modifiedMs: undefined, inode: undefined }),
    );
    ledger.runs.putSource('run-1', source(0));
    ledger.runs.putSource('run-1', source(0, { bytes: 2 ** 40 + 9 }));
    const sources = (await reopened()).runs.sources('run-1');
    expect(sources).toEqual([
      source(0, { bytes: 2 ** 40 + 9 }),
      source(1, { path: undefined, bytes: undefined, modifiedMs: undefined, inode: undefined }),
    ]);
  });
});

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const hash = (n: number): number[] => Array.from({ length: 8 }, (_, i) => (n * 31 + i) % 256);
const tailOf = (n: number): TrailPiece['tail'] => ({ bytes: n, hash: bytes(...hash(n)) });

describe('the trail of a source', () => {
  beforeEach(() => ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z'));

  it('is put together from its pieces, and the last piece says how it ends', async () => {
    expect(ledger.runs.trail('run-1', 0)).toBeUndefined();
    ledger.runs.addTrail('run-1', 0, { from: 0, hashes: bytes(), tail: tailOf(10) });
    ledger.runs.addTrail('run-1', 0, { from: 0, hashes: bytes(...hash(1), ...hash(2)), tail: tailOf(20) });
    ledger.runs.addTrail('run-1', 1, { from: 0, hashes: bytes(...hash(9)), tail: undefined });
    ledger.runs.addTrail('run-1', 0, { from: 2, hashes: bytes(...hash(3)), tail: undefined });
    const again = await reopened();
    expect(again.runs.trail('run-1', 0)).toEqual({
      hashes: bytes(...hash(1), ...hash(2), ...hash(3)),
      tail: undefined,
    });
    expect(again.runs.trail('run-1', 1)).toEqual({ hashes: bytes(...hash(9)), tail: undefined });
  });

  it('is the same however it was cut into pieces, and when it has become one piece', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ stretches: fc.nat(5), tail: fc.option(fc.integer({ min: 1, max: 65_535 })) }), {
          minLength: 1,
          maxLength: 12,
        }),
        (pieces) => {
          ledger.runs.dropTrails('run-1');
          let from = 0;
          for (const { stretches, tail } of pieces) {
            const hashes = bytes(...Array.from({ length: stretches }, (_, i) => hash(from + i)).flat());
            ledger.runs.addTrail('run-1', 0, { from, hashes, tail: tail === null ? undefined : tailOf(tail) });
            from += stretches;
          }
          const last = pieces.at(-1)?.tail ?? null;
          const whole = {
            hashes: bytes(...Array.from({ length: from }, (_, i) => hash(i)).flat()),
            tail: last === null ? undefined : tailOf(last),
          };
          expect(ledger.runs.trail('run-1', 0)).toEqual(whole);
          ledger.runs.compactTrail('run-1', 0);
          expect(ledger.runs.trail('run-1', 0)).toEqual(whole);
          const rows = ledger.db.sql.prepare('SELECT count(*) AS n FROM trails').get()?.['n'];
          expect(rows).toBe(1);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('a run that is forgotten', () => {
  it('leaves nothing that belongs to it alone, and nothing of another is touched', () => {
    for (const id of ['run-1', 'run-2']) {
      ledger.runs.begin(newRun(id), '2026-01-01T00:00:00Z');
      ledger.runs.putSource(id, source(0));
      ledger.runs.addTrail(id, 0, { from: 0, hashes: bytes(...hash(1)), tail: undefined });
      openBatch(ledger, id, `batch of ${id}`);
    }
    ledger.runs.forget('run-1');
    expect(ledger.runs.byId('run-1')).toBeUndefined();
    expect(ledger.runs.trail('run-1', 0)).toBeUndefined();
    expect(ledger.batches.of('run-1')).toEqual([]);
    expect(ledger.runs.sources('run-2')).toEqual([source(0)]);
    expect(ledger.runs.trail('run-2', 0)?.hashes).toHaveLength(8);
    expect(ledger.batches.of('run-2')).toHaveLength(1);
    for (const table of ['run_sources', 'trails', 'batches']) {
      expect(ledger.db.sql.prepare(`SELECT count(*) AS n FROM ${table} WHERE run = 'run-1'`).get()).toEqual({ n: 0 });
    }
  });
});
