import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LedgerDatabase } from '../../../src/ledger/database.js';
import { LogSync } from '../../../src/ledger/log-sync.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zi-log-sync-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A log whose syncs end when the test says so. */
function logWithSlowSync(): { readonly log: LogSync; readonly syncs: { end(error?: Error): void }[] } {
  const path = join(folder, 'some.db');
  writeFileSync(`${path}-wal`, '');
  const syncs: { end(error?: Error): void }[] = [];
  const sync = (): Promise<void> =>
    new Promise((resolve, reject) => {
      syncs.push({ end: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  const log = LogSync.open(path, sync);
  if (log === undefined) throw new Error('the log was not opened');
  return { log, syncs };
}

test('what is committed while a sync is under way waits for one that began later, all of it for the same', async () => {
  const { log, syncs } = logWithSlowSync();
  const told: string[] = [];
  const first = log.synced().then(() => told.push('first'));
  const second = log.synced().then(() => told.push('second'));
  const third = log.synced().then(() => told.push('third'));
  expect(syncs).toHaveLength(1);
  syncs[0]?.end();
  await first;
  expect(told).toEqual(['first']);
  expect(syncs).toHaveLength(2);
  syncs[1]?.end();
  await Promise.all([second, third]);
  expect(syncs).toHaveLength(2);
  log.close();
});

test('after a sync that failed none succeeds: what was lost then is not on disk', async () => {
  const { log, syncs } = logWithSlowSync();
  const first = log.synced();
  const second = log.synced();
  syncs[0]?.end(new Error('EIO'));
  await expect(first).rejects.toThrow('EIO');
  await expect(second).rejects.toThrow('EIO');
  await expect(log.synced()).rejects.toThrow('EIO');
  expect(syncs).toHaveLength(1);
  log.close();
});

test('closing while a sync is under way leaves the file to it', async () => {
  const { log, syncs } = logWithSlowSync();
  const last = log.synced();
  log.close();
  log.close();
  syncs[0]?.end();
  await expect(last).resolves.toBeUndefined();
});

test('an intent of a ledger on disk is synchronised, and of one in memory there is nothing to wait for', async () => {
  for (const path of [join(folder, 'ledger.db'), ':memory:']) {
    const db = await LedgerDatabase.open(path);
    const row = db.intend(() => db.sql.prepare("INSERT INTO projects(id) VALUES ('p')").run().changes);
    expect(row).toBe(1);
    await expect(db.synced()).resolves.toBeUndefined();
    db.close();
  }
});
