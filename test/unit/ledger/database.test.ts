import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../../src/ledger/ledger.js';
import { newRun } from '../../support/books.js';
import { thrownBy } from '../../support/hash-store.js';
import { ledgers } from '../../support/ledgers.js';

const files = ledgers();
afterEach(() => files.closeAll());
afterAll(() => files.remove());

function begin(ledger: Ledger, id: string): void {
  ledger.runs.begin(newRun(id), '2026-01-01T00:00:00Z');
}

function refuseWrites(ledger: Ledger): void {
  ledger.db.sql.exec("CREATE TRIGGER no BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'a bad sector'); END");
}

describe('a write that failed', () => {
  it('is the last: nothing is written after it, because it might build on what was lost', async () => {
    const ledger = await files.open();
    begin(ledger, 'run-1');
    refuseWrites(ledger);
    expect(thrownBy(() => begin(ledger, 'run-2'))).toBe('ledger-write/ledger');
    ledger.db.sql.exec('DROP TRIGGER no');
    expect(thrownBy(() => begin(ledger, 'run-3'))).toBe('ledger-write/ledger');
    expect(
      thrownBy(() => ledger.runs.setStand('run-1', { frontier: undefined, totals: { read: 1 }, spools: undefined })),
    ).toBe('ledger-write/ledger');
    expect(ledger.runs.all().map(({ id, totals }) => [id, totals])).toEqual([['run-1', undefined]]);
    const path = ledger.db.sql.path;
    ledger.close();
    const again = await files.open(path);
    begin(again, 'run-4');
    expect(again.runs.all().map(({ id }) => id)).toEqual(['run-4', 'run-1']);
  });

  it('takes back all that was written in its transaction', async () => {
    const ledger = await files.open();
    begin(ledger, 'run-1');
    refuseWrites(ledger);
    const work = (): void =>
      ledger.db.durable(() => {
        ledger.runs.setStand('run-1', { frontier: undefined, totals: { read: 1 }, spools: undefined });
        ledger.db.record(() => begin(ledger, 'run-2'));
      });
    expect(thrownBy(work)).toBe('ledger-write/ledger');
    expect(ledger.runs.byId('run-1')?.totals).toBeUndefined();
  });

  it('for want of room says so, and that the same command goes on', async () => {
    const ledger = await files.open();
    begin(ledger, 'run-1');
    const pages = Number(ledger.db.sql.prepare('PRAGMA page_count').get()?.['page_count']);
    ledger.db.sql.prepare(`PRAGMA max_page_count = ${pages}`).get();
    const fill = (): void => {
      for (let n = 0; n < 1_000; n++) begin(ledger, `run ${n}`);
    };
    expect(fill).toThrow(expect.objectContaining({ code: 'disk-full', disposition: 'ledger' }) as Error);
    expect(fill).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('the same command goes on') as string }) as Error,
    );
    expect(ledger.runs.byId('run-1')?.id).toBe('run-1');
  });
});

describe('work that throws', () => {
  it('leaves no trace of its transaction, and the ledger as good as before', async () => {
    const ledger = await files.open();
    const work = (): void =>
      ledger.db.durable(() => {
        begin(ledger, 'run-1');
        throw new Error('no');
      });
    expect(work).toThrow('no');
    expect(ledger.runs.all()).toEqual([]);
    begin(ledger, 'run-2');
    expect(ledger.runs.all()).toHaveLength(1);
  });
});

describe('two connections', () => {
  it('see what the other has recorded, and wait for each other instead of failing', async () => {
    const first = await files.open();
    const second = await files.open(first.db.sql.path);
    begin(first, 'run-1');
    begin(second, 'run-2');
    expect(first.runs.all().map(({ id }) => id)).toEqual(['run-2', 'run-1']);
    expect(second.runs.all()).toEqual(first.runs.all());
  });
});

describe('damage that shows itself late', () => {
  it('is told as damage: by what reads it, and by what writes into it', async () => {
    const ledger = await files.open();
    ledger.db.record(() => {
      for (let n = 0; n < 600; n++) begin(ledger, `run-${n}`);
    });
    const { path } = ledger.db.sql;
    ledger.db.sql.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
    ledger.close();
    const { size } = statSync(path);
    const file = openSync(path, 'r+');
    const torn = 8 * 4096;
    writeSync(file, Buffer.alloc(torn, 0x55), 0, torn, size - torn);
    closeSync(file);
    const again = await files.open(path);
    expect(thrownBy(() => again.runs.all())).toBe('ledger-damaged/ledger');
    expect(thrownBy(() => begin(again, 'run-600'))).toBe('ledger-damaged/ledger');
  });
});
