import { copyFileSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, it } from 'vitest';
import { itemOf } from '../../../src/ledger/batches.js';
import { Ledger } from '../../../src/ledger/ledger.js';
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from '../../../src/ledger/schema.js';
import { openDatabase, type Database, type Row } from '../../../src/sqlite.js';
import { newRun, position } from '../../support/books.js';
import { rejectedBy } from '../../support/hash-store.js';
import { ledgers, openBatch, uuid } from '../../support/ledgers.js';

const FIXTURE = fileURLToPath(new URL('../../../fixtures/ledgers/version-1.db', import.meta.url));
const [FINISHED, KILLED, HANDED_OVER] = ['20261125-015631-45f85b', '20261125-015634-8b634b', '20261125-015635-1dbf34'];

const files = ledgers();
afterEach(() => files.closeAll());
afterAll(() => files.remove());

function oldLedger(): string {
  const path = files.fresh();
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(FIXTURE, path);
  return path;
}

async function looked<T>(path: string, look: (db: Database) => T): Promise<T> {
  const db = await openDatabase(path);
  try {
    return look(db);
  } finally {
    db.close();
  }
}

/** All tables as they were in version 1. */
function contentOf(db: Database): Record<string, Row[]> {
  const columns = {
    runs: 'id, project, host, sources, mapping, started_at, ended_at, status, summary',
    batches: 'id, run, lane, number, attempt, batch_id, state, items, slots, status, counts',
    chunks: 'id, batch, first, items, state, digest, positions, uuids',
    projects: '*',
  };
  return Object.fromEntries(
    Object.entries(columns).map(([table, names]) => [
      table,
      db.prepare(`SELECT ${names} FROM ${table} ORDER BY id`).all(),
    ]),
  );
}

it('a ledger of version 1 loses nothing: every run, batch, chunk, position and uuid is there afterwards', async () => {
  const path = oldLedger();
  const before = await looked(path, contentOf);
  const ledger = await files.open(path);
  ledger.close();
  expect(await looked(path, contentOf)).toEqual(before);
  expect(before['chunks']).toHaveLength(20);
  expect(await looked(path, (db) => db.prepare('PRAGMA user_version').get())).toEqual({ user_version: SCHEMA_VERSION });
});

it('a run of version 1 is over: it is found, read and followed, and never gone on with', async () => {
  const ledger = await files.open(oldLedger());
  expect(ledger.runs.all().map(({ id, state, status, tries }) => [id, state, status, tries])).toEqual([
    [HANDED_OVER, 'closed', 'accepted', 1],
    [KILLED, 'closed', undefined, 1],
    [FINISHED, 'closed', 'completed-with-errors', 1],
  ]);
  expect(ledger.runs.byId(KILLED ?? '')).toMatchObject({
    ...{ key: '', name: undefined, parent: undefined, target: {}, frontier: undefined, totals: undefined },
    command: { cwd: '', sources: [], flags: [] },
  });
  expect(ledger.runs.sources(FINISHED ?? '').map(({ index, id, path }) => [index, id, path])).toEqual([
    [0, 'tickets.jsonl', undefined],
  ]);
  const batches = ledger.batches.of();
  expect(batches.map(({ row, seq, state, items, doubted }) => [row, seq, state, items, doubted])).toEqual([
    [1, 1, 'terminal', 30, false],
    [2, 2, 'terminal', 15, false],
    [3, 3, 'terminal', 15, false],
    [4, 4, 'open', 55, false],
    [5, 5, 'started', 50, false],
  ]);
  const chunk = ledger.batches.chunkOf(2, 12);
  const found = chunk && itemOf(chunk, 12);
  expect(found?.position).toMatchObject({ source: 0, ordinal: 54, line: 55, item: 0, part: 0 });
  expect(found?.uuid).toMatch(/^68257[0-9a-f-]{31}$/);
  expect(ledger.batches.intendedChunks(4)).toHaveLength(1);
});

it('an import into the project of a run of version 1 comes after what that has handed over', async () => {
  const ledger = await files.open(oldLedger());
  const { project = '' } = ledger.runs.byId(HANDED_OVER ?? '') ?? {};
  ledger.runs.begin(newRun('new', { project }), '2026-12-01T00:00:00Z');
  const batch = openBatch(ledger, 'new', 'B');
  expect(ledger.batches.byRow(batch)?.seq).toBeGreaterThan(5);
  const earlier = ledger.batches.unfinished(project, 'new').filter(({ state }) => state === 'started');
  expect(earlier.map(({ run, slots }) => [run, slots])).toEqual([[HANDED_OVER, '0400000000000002']]);
});

it('is done once: a migrated ledger is opened as it is', async () => {
  const path = oldLedger();
  const ledger = await files.open(path);
  ledger.runs.begin(newRun('new'), '2026-12-01T00:00:00Z');
  ledger.close();
  const again = await files.open(path);
  expect(again.runs.all().map(({ id }) => id)).toEqual(['new', HANDED_OVER, KILLED, FINISHED]);
});

it('is done as a whole or not at all: what stands in its way leaves a ledger of version 1', async () => {
  const path = oldLedger();
  const before = await looked(path, (db) => {
    db.exec('CREATE TABLE segments(theirs)');
    return contentOf(db);
  });
  expect(await rejectedBy(Ledger.open(path))).toBe('ledger-write/ledger');
  await looked(path, (db) => {
    expect(contentOf(db)).toEqual(before);
    expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 });
    db.exec('DROP TABLE segments');
  });
  const ledger = await files.open(path);
  expect(ledger.runs.all()).toHaveLength(3);
});

it('of a torn file is refused, and the file stays as it is', async () => {
  const path = oldLedger();
  truncateSync(path, 9_000);
  const before = readFileSync(path);
  expect(await rejectedBy(Ledger.open(path))).toBe('ledger-damaged/ledger');
  expect(readFileSync(path).equals(before)).toBe(true);
});

it('gives the same tables as a new ledger has', async () => {
  const shape = (db: Database): Row[] =>
    db
      .prepare("SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name")
      .all();
  const old = oldLedger();
  (await files.open(old)).close();
  const fresh = files.fresh();
  (await files.open(fresh)).close();
  expect(await looked(old, shape)).toEqual(await looked(fresh, shape));
});

it('of a ledger of version 1 that was just begun works too', async () => {
  const path = join(files.folder, 'begun.db');
  await looked(path, (db) => {
    db.exec(MIGRATIONS[0] ?? '');
    db.exec(`PRAGMA user_version = 1; PRAGMA application_id = ${APPLICATION_ID}`);
  });
  const ledger = await files.open(path);
  expect(ledger.runs.all()).toEqual([]);
  ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z');
  const batch = openBatch(ledger, 'run-1', 'B');
  const chunk = ledger.batches.intendChunk({
    ...{ batch, first: 0, items: 1, digest: 'd', positions: [position(0)], marks: undefined },
    last: { source: 0, ordinal: 0 },
  });
  ledger.batches.chunkAccepted(chunk, { uuids: [uuid(1)], slots: '' });
  expect(ledger.batches.accepted('run-1')).toBe(1);
});
