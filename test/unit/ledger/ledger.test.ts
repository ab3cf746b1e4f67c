import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.js';
import { Ledger } from '../../../src/ledger/ledger.js';
import { decodePositions, decodeUuids, encodePositions, encodeUuids } from '../../../src/ledger/positions.js';
import { SCHEMA_VERSION } from '../../../src/ledger/schema.js';
import { openDatabase } from '../../../src/sqlite.js';

const folder = mkdtempSync(join(tmpdir(), 'zi-ledger-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
let path = '';
beforeEach(() => {
  path = join(folder, `state-${count++}`, 'ledger.db');
});

const RUN = { id: 'run-1', project: 'p', host: 'h', sources: ['a.jsonl', 'b.csv'], mapping: 'm' };
const uuid = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
const position = (n: number) => ({
  source: 0,
  ordinal: n,
  line: n + 1,
  byteStart: n * 10,
  byteEnd: n * 10 + 9,
  item: 0,
  part: 0,
});

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'none';
  } catch (error) {
    return error instanceof AppError ? `${error.code}/${error.disposition}` : String(error);
  }
}

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

describe('the ledger', () => {
  it('still knows after a reopening what was accepted, by batch and index', async () => {
    const ledger = await Ledger.open(path);
    ledger.beginRun(RUN, '2026-01-01T00:00:00Z');
    const batch = ledger.intendBatch('run-1', 0, 1, 'x');
    ledger.batchOpened(batch, 'B1');
    for (const first of [0, 3]) {
      const chunk = ledger.intendChunk({
        batch,
        first,
        items: 3,
        digest: `d${first}`,
        positions: [first, first + 1, first + 2].map(position),
      });
      ledger.chunkAccepted(chunk, [first, first + 1, first + 2].map(uuid));
    }
    ledger.close();
    const again = await Ledger.open(path);
    expect(again.batchById('B1')).toMatchObject({ items: 6, state: 'open', lane: 0, number: 1, run: 'run-1' });
    expect(again.itemSource(batch, 4)).toEqual({ position: position(4), uuid: uuid(4) });
    expect(again.itemSource(batch, 6)).toBeUndefined();
    expect([...again.chunks(batch)].map((chunk) => [chunk.first, chunk.digest, [...chunk.positions()].length])).toEqual(
      [
        [0, 'd0', 3],
        [3, 'd3', 3],
      ],
    );
    expect(again.sourcesOf('run-1')).toEqual(RUN.sources);
    again.close();
  });

  it('does not count an intent that was never accepted, and forgets one that was taken back', async () => {
    const ledger = await Ledger.open(path);
    ledger.beginRun(RUN, '2026-01-01T00:00:00Z');
    const batch = ledger.intendBatch('run-1', 0, 1, 'x');
    const chunk = ledger.intendChunk({ batch, first: 0, items: 1, digest: 'd', positions: [position(0)] });
    expect(ledger.batches('run-1')[0]?.items).toBe(0);
    expect([...ledger.chunks(batch)]).toEqual([]);
    ledger.chunkWithdrawn(chunk);
    expect(ledger.itemSource(batch, 0)).toBeUndefined();
    ledger.close();
  });

  it('remembers what it learned of a project', async () => {
    const ledger = await Ledger.open(path);
    expect(ledger.learnedLimits('p')).toEqual({ maxItems: undefined, maxBytes: undefined });
    ledger.learnLimits('p', { maxItems: 350, maxBytes: undefined });
    ledger.learnLimits('p', { maxItems: 350, maxBytes: 1_000 });
    expect(ledger.learnedLimits('p')).toEqual({ maxItems: 350, maxBytes: 1_000 });
    ledger.close();
  });

  it('is readable by its owner alone', async () => {
    (await Ledger.open(path)).close();
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
  });

  it('refuses a damaged file, a foreign database and a newer version, each by name, and changes none of them', async () => {
    (await Ledger.open(path)).close();
    const damaged = join(folder, 'damaged.db');
    writeFileSync(damaged, Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(5_000, 7)]));
    const before = readFileSync(damaged);
    expect(await codeOf(() => Ledger.open(damaged))).toBe('ledger-damaged/ledger');
    expect(readFileSync(damaged).equals(before)).toBe(true);

    const foreign = join(folder, 'foreign.db');
    const db = await openDatabase(foreign);
    db.exec('CREATE TABLE theirs(n)');
    db.close();
    expect(await codeOf(() => Ledger.open(foreign))).toBe('ledger-foreign/ledger');

    const newer = await openDatabase(path);
    newer.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
    newer.close();
    expect(await codeOf(() => Ledger.open(path))).toBe('ledger-newer/ledger');
  });

  it('says which folder cannot be written', async () => {
    writeFileSync(join(folder, 'a-file'), '');
    expect(await codeOf(() => Ledger.open(join(folder, 'a-file', 'ledger.db')))).toBe('state-unwritable/usage');
  });
});
