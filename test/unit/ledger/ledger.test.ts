import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itemOf } from '../../../src/ledger/batches.js';
import { Ledger } from '../../../src/ledger/ledger.js';
import { decodePositions, decodeUuids, encodePositions, encodeUuids } from '../../../src/ledger/positions.js';
import { SCHEMA_VERSION } from '../../../src/ledger/schema.js';
import { openDatabase } from '../../../src/sqlite.js';
import { newRun, position } from '../../support/books.js';
import { rejectedBy } from '../../support/hash-store.js';
import { ledgers, openBatch, uuid } from '../../support/ledgers.js';

const files = ledgers();
afterEach(() => files.closeAll());
afterAll(() => files.remove());

describe('position blobs', () => {
  it('give back every position exactly, beyond 32 bits and in any order', () => {
    const number = fc.integer({ min: 0, max: 2 ** 50 });
    const positions = fc.record({
      source: fc.nat(5_000),
      ordinal: number,
      line: number,
      byteStart: number,
      length: fc.nat(2 ** 31 - 1),
      item: fc.nat(100_000),
      part: fc.nat(1_000),
    });
    fc.assert(
      fc.property(fc.array(positions, { maxLength: 50 }), (list) => {
        const stored = list.map(({ length, ...rest }) => ({ ...rest, byteEnd: rest.byteStart + length }));
        expect([...decodePositions(encodePositions(stored, stored.length))]).toEqual(stored);
      }),
    );
  });

  it('give back uuids, and whatever else the service may have called an episode', () => {
    const good = [uuid(1), uuid(2 ** 40)];
    expect(decodeUuids(encodeUuids(good))).toEqual(good);
    expect(encodeUuids(good)).toHaveLength(33);
    const odd = ['not a uuid', undefined, uuid(3).toUpperCase()];
    expect(decodeUuids(encodeUuids(odd))).toEqual(odd);
  });
});

interface Add {
  readonly first: number;
  readonly rows: readonly number[];
  readonly marks?: Uint8Array;
}

function intend(ledger: Ledger, batch: number, { first, rows, marks }: Add): number {
  return ledger.batches.intendChunk({
    batch,
    first,
    items: rows.length,
    digest: `d${first}`,
    positions: rows.map(position),
    last: { source: 0, ordinal: rows.at(-1) ?? 0 },
    marks,
  });
}

function accept(ledger: Ledger, batch: number, add: Add, slots = ''): number {
  const chunk = intend(ledger, batch, add);
  ledger.batches.chunkAccepted(chunk, { uuids: add.rows.map(uuid), slots });
  return chunk;
}

describe('a batch', () => {
  let ledger: Ledger;
  let batch: number;
  beforeEach(async () => {
    ledger = await files.open();
    ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z');
    batch = openBatch(ledger, 'run-1', 'B1');
  });

  it('is known after a reopening with all that was accepted, by batch and index', async () => {
    const path = ledger.db.sql.path;
    accept(ledger, batch, { first: 0, rows: [0, 1, 2] }, '0000000000000001');
    accept(ledger, batch, { first: 3, rows: [3, 4, 5] }, '0000000000000003');
    ledger.close();
    const again = await files.open(path);
    expect(again.batches.byId('B1')).toMatchObject({
      ...{ row: batch, seq: batch, run: 'run-1', lane: 0, number: 1, items: 6, state: 'open', status: 'draft' },
      ...{ slots: '0000000000000003', doubted: false, plan: undefined, counts: undefined },
    });
    const chunk = again.batches.chunkOf(batch, 4);
    expect(chunk && itemOf(chunk, 4)).toEqual({ position: position(4), uuid: uuid(4) });
    expect(again.batches.chunkOf(batch, 6)).toBeUndefined();
    const chunks = [...again.batches.chunks(batch)];
    expect(chunks.map(({ first, digest, positions }) => [first, digest, [...positions()].length])).toEqual([
      [0, 'd0', 3],
      [3, 'd3', 3],
    ]);
    expect(again.batches.accepted('run-1')).toBe(6);
  });

  it('does not count an intent that was never accepted, and forgets one that was taken back', () => {
    const chunk = intend(ledger, batch, { first: 0, rows: [0] });
    expect(ledger.batches.byRow(batch)?.items).toBe(0);
    expect([...ledger.batches.chunks(batch)]).toEqual([]);
    expect(ledger.batches.intendedChunks(batch).map(({ row }) => row)).toEqual([chunk]);
    ledger.batches.chunkWithdrawn(chunk);
    expect(ledger.batches.intendedChunks(batch)).toEqual([]);
    expect(ledger.batches.chunkOf(batch, 0)).toBeUndefined();
  });

  it('never loses what was accepted to a withdrawal that comes too late', () => {
    const chunk = accept(ledger, batch, { first: 0, rows: [0] });
    ledger.batches.chunkWithdrawn(chunk);
    expect(ledger.batches.chunkOf(batch, 0)?.row).toBe(chunk);
  });

  it('has what is written alongside an intent or its outcome, or neither', () => {
    const failing = (): void => {
      throw new Error('alongside');
    };
    const add = {
      batch,
      first: 0,
      items: 1,
      digest: 'd',
      positions: [position(0)],
      last: position(0),
      marks: undefined,
    };
    expect(() => ledger.batches.intendChunk(add, failing)).toThrow('alongside');
    expect(ledger.batches.intendedChunks(batch)).toEqual([]);
    const chunk = ledger.batches.intendChunk(add, () =>
      ledger.runs.setStand('run-1', { frontier: undefined, totals: { read: 1 }, spools: undefined }),
    );
    expect(ledger.runs.byId('run-1')?.totals).toEqual({ read: 1 });
    expect(ledger.batches.intendedChunks(batch).map(({ row }) => row)).toEqual([chunk]);
  });

  it('is told apart by which other batches hold items that the service is not done with', () => {
    ledger.runs.begin(newRun('run-2'), '2026-01-02T00:00:00Z');
    ledger.runs.begin(newRun('elsewhere', { project: 'q' }), '2026-01-02T00:00:00Z');
    accept(ledger, batch, { first: 0, rows: [0] });
    openBatch(ledger, 'run-1', 'empty', 0, 2);
    accept(ledger, openBatch(ledger, 'elsewhere', 'other project'), { first: 0, rows: [0] });
    const done = openBatch(ledger, 'run-1', 'done', 0, 3);
    accept(ledger, done, { first: 0, rows: [1] });
    ledger.batches.setState(done, 'terminal');
    expect(ledger.batches.unfinished('p', 'run-2').map(({ batchId }) => batchId)).toEqual(['B1']);
    expect(ledger.batches.unfinished('p', 'run-1')).toEqual([]);
  });
});

describe('a draft that is made anew', () => {
  let ledger: Ledger;
  let plan: number;
  beforeEach(async () => {
    ledger = await files.open();
    ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z');
    plan = openBatch(ledger, 'run-1', 'old');
    accept(ledger, plan, { first: 0, rows: [0, 1] }, '0000000000000001');
  });

  function refilled(): number {
    const row = ledger.batches.intend({ run: 'run-1', lane: 0, number: 1, attempt: 'again', plan });
    ledger.batches.opened(row, 'new');
    return row;
  }

  it('keeps its items in the books until the new one has them all', () => {
    ledger.batches.intendRebuild(plan);
    const row = refilled();
    expect(ledger.batches.byRow(row)).toMatchObject({ state: 'refilling', plan, slots: '0000000000000001' });
    accept(ledger, row, { first: 0, rows: [0] });
    expect(ledger.batches.accepted('run-1')).toBe(2);
    expect([...ledger.batches.chunksFrom('run-1', 0, 0)].map(({ batch }) => batch)).toEqual([plan]);
    accept(ledger, row, { first: 1, rows: [1] });
    ledger.batches.rebuilt(plan, row);
    expect(ledger.batches.accepted('run-1')).toBe(2);
    expect([...ledger.batches.chunksFrom('run-1', 0, 0)].map(({ batch }) => batch)).toEqual([row, row]);
    expect(ledger.batches.byRow(plan)?.state).toBe('deleted');
    expect([...ledger.batches.chunks(plan)]).toEqual([]);
  });

  it.each([
    ['open', 'open'],
    ['closed', 'closed'],
    ['starting', 'closed'],
    ['started', 'closed'],
  ] as const)('that was %s is %s again, in its old place among all batches', (was, is) => {
    const later = openBatch(ledger, 'run-1', 'later', 0, 2);
    if (was !== 'open') ledger.batches.setState(plan, was);
    ledger.batches.intendRebuild(plan);
    const row = refilled();
    ledger.batches.rebuilt(plan, row);
    expect(ledger.batches.byRow(row)).toMatchObject({ state: is, plan: undefined, seq: plan });
    expect(ledger.batches.of('run-1').map((each) => each.row)).toEqual([plan, row, later]);
  });

  it('stays what it was when the service will not delete it, also when that was intended twice', () => {
    ledger.batches.setState(plan, 'closed');
    ledger.batches.intendRebuild(plan);
    ledger.batches.intendRebuild(plan);
    expect(ledger.batches.byRow(plan)?.state).toBe('rebuilding');
    ledger.batches.cancelRebuild(plan);
    expect(ledger.batches.byRow(plan)?.state).toBe('closed');
    ledger.batches.setState(plan, 'terminal');
    ledger.batches.cancelRebuild(plan);
    expect(ledger.batches.byRow(plan)?.state).toBe('terminal');
  });
});

describe('chunks behind a place in the input', () => {
  it('are those of all live batches of the run that reach to it or beyond, whatever the lane', async () => {
    const ledger = await files.open();
    ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z');
    ledger.runs.begin(newRun('run-2'), '2026-01-01T00:00:00Z');
    const [a, b] = [openBatch(ledger, 'run-1', 'A', 0), openBatch(ledger, 'run-1', 'B', 1)];
    accept(ledger, a, { first: 0, rows: [0, 2] });
    accept(ledger, a, { first: 2, rows: [4, 9] });
    accept(ledger, b, { first: 0, rows: [3, 5] });
    intend(ledger, b, { first: 2, rows: [7, 8] });
    accept(ledger, openBatch(ledger, 'run-2', 'C'), { first: 0, rows: [0, 9] });
    const gone = openBatch(ledger, 'run-1', 'D');
    accept(ledger, gone, { first: 0, rows: [0, 9] });
    ledger.batches.forget(gone);
    const from = (source: number, ordinal: number): string[] =>
      [...ledger.batches.chunksFrom('run-1', source, ordinal)].map(({ batch, first }) => `${batch}:${first}`).sort();
    expect(from(0, 0)).toEqual([`${a}:0`, `${a}:2`, `${b}:0`]);
    expect(from(0, 5)).toEqual([`${a}:2`, `${b}:0`]);
    expect(from(0, 6)).toEqual([`${a}:2`]);
    expect(from(0, 10)).toEqual([]);
    expect(from(1, 0)).toEqual([]);
  });
});

describe('the ledger', () => {
  it('remembers what it learned of a project', async () => {
    const ledger = await files.open();
    expect(ledger.learnedLimits('p')).toEqual({ maxItems: undefined, maxBytes: undefined });
    ledger.learnLimits('p', { maxItems: 350, maxBytes: undefined });
    ledger.learnLimits('p', { maxItems: 350, maxBytes: 1_000 });
    expect(ledger.learnedLimits('p')).toEqual({ maxItems: 350, maxBytes: 1_000 });
    expect(ledger.learnedLimits('q')).toEqual({ maxItems: undefined, maxBytes: undefined });
  });

  it('is readable by its owner alone', async () => {
    const ledger = await files.open();
    expect(statSync(dirname(ledger.db.sql.path)).mode & 0o777).toBe(0o700);
  });

  it('refuses a damaged file, a foreign database and a newer version, each by name, and changes none of them', async () => {
    const damaged = join(files.folder, 'damaged.db');
    writeFileSync(damaged, Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(5_000, 7)]));
    const foreign = join(files.folder, 'foreign.db');
    const db = await openDatabase(foreign);
    db.exec('CREATE TABLE theirs(n)');
    db.close();
    const newer = files.fresh();
    (await Ledger.open(newer)).close();
    const changed = await openDatabase(newer);
    changed.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
    changed.close();
    for (const [path, code] of [
      [damaged, 'ledger-damaged/ledger'],
      [foreign, 'ledger-foreign/ledger'],
      [newer, 'ledger-newer/ledger'],
    ] as const) {
      const before = readFileSync(path);
      expect(await rejectedBy(Ledger.open(path))).toBe(code);
      expect(readFileSync(path).equals(before), path).toBe(true);
    }
  });

  it('says which folder cannot be written', async () => {
    writeFileSync(join(files.folder, 'a-file'), '');
    expect(await rejectedBy(Ledger.open(join(files.folder, 'a-file', 'ledger.db')))).toBe('state-unwritable/usage');
  });
});
