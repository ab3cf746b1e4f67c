import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openDatabase, SqlError } from '../../src/sqlite.js';

const folder = mkdtempSync(join(tmpdir(), 'zi-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the SQLite driver', () => {
  it('gives back text, numbers up to 2^53, nulls and blobs exactly, by get, all and iterate', async () => {
    const db = await openDatabase(join(folder, 'values.db'));
    db.exec('CREATE TABLE t(n INTEGER, r REAL, s TEXT, b BLOB, x TEXT)');
    const blob = new Uint8Array([0, 1, 255]);
    db.prepare('INSERT INTO t VALUES (?,?,?,?,?)').run(2 ** 53 - 1, 0.1, 'é\n𝄞', blob, null);
    const select = db.prepare('SELECT * FROM t');
    for (const row of [select.get(), select.all()[0], [...select.iterate()][0]]) {
      expect({ ...row, b: [...(row?.['b'] as Uint8Array)] }).toEqual({
        n: 2 ** 53 - 1,
        r: 0.1,
        s: 'é\n𝄞',
        b: [0, 1, 255],
        x: null,
      });
    }
    db.close();
  });

  it('refuses text with U+0000 instead of cutting it off', async () => {
    const db = await openDatabase(':memory:');
    db.exec('CREATE TABLE t(s TEXT)');
    expect(() => db.prepare('INSERT INTO t VALUES (?)').run('a\u0000b')).toThrow(/U\+0000/);
    db.close();
  });

  it('takes a lone blob as the only parameter', async () => {
    const db = await openDatabase(':memory:');
    db.exec('CREATE TABLE t(b BLOB)');
    db.prepare('INSERT INTO t VALUES (?)').run(Buffer.from('abc'));
    expect(db.prepare('SELECT count(*) AS n FROM t WHERE b = ?').get(Buffer.from('abc'))?.['n']).toBe(1);
    db.close();
  });

  it('keeps an empty blob apart from NULL, whatever memory lies behind it', async () => {
    const db = await openDatabase(':memory:');
    db.exec('CREATE TABLE t(b BLOB NOT NULL)');
    const used = new Uint8Array(0);
    new DataView(used.buffer);
    const insert = db.prepare('INSERT INTO t VALUES (?)');
    for (const empty of [used, new Uint8Array(new ArrayBuffer(0)), new Uint8Array(0), Buffer.alloc(0)])
      insert.run(empty);
    expect(db.prepare('SELECT length(b) AS n FROM t').all()).toEqual([{ n: 0 }, { n: 0 }, { n: 0 }, { n: 0 }]);
    db.close();
  });

  it('undoes a transaction that throws, and keeps one that returns', async () => {
    const db = await openDatabase(':memory:');
    db.exec('CREATE TABLE t(n INTEGER)');
    const insert = db.prepare('INSERT INTO t VALUES (?)');
    expect(() =>
      db.transaction(() => {
        insert.run(1);
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(db.transaction(() => insert.run(2).changes)).toBe(1);
    expect(db.prepare('SELECT n FROM t').all()).toEqual([{ n: 2 }]);
    db.close();
  });

  it('names the reason of a failure: constraint, not a database, cannot open, locked', async () => {
    const codeOf = async (work: () => unknown): Promise<string> => {
      try {
        await work();
      } catch (error) {
        return error instanceof SqlError ? error.code : String(error);
      }
      return 'none';
    };
    const path = join(folder, 'one.db');
    const db = await openDatabase(path);
    db.exec('PRAGMA journal_mode=WAL; CREATE TABLE t(n INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)');
    expect(await codeOf(() => db.exec('INSERT INTO t VALUES (1)'))).toBe('CONSTRAINT');
    const other = await openDatabase(path);
    db.exec('BEGIN IMMEDIATE');
    expect(await codeOf(() => other.exec('BEGIN IMMEDIATE'))).toBe('BUSY');
    db.exec('COMMIT');
    other.close();
    db.close();
    writeFileSync(join(folder, 'bad.db'), 'this is no database at all. '.repeat(100));
    expect(
      await codeOf(async () =>
        (await openDatabase(join(folder, 'bad.db'))).prepare('SELECT * FROM sqlite_master').all(),
      ),
    ).toBe('NOTADB');
    expect(await codeOf(() => openDatabase(join(folder, 'missing', 'x.db')))).toBe('CANTOPEN');
  });
});
