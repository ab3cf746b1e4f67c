/**
 * State that is full, read-only, damaged or of another time: an import stops and says so, or it is right; it never guesses. ZI_DAMAGE=n damages
 * the ledger at n places instead of five.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/sqlite.js';
import type { Attempt } from '../support/attempts.js';
import {
  asked,
  closedAfterEach,
  errorCode,
  expectCode,
  expectKilled,
  FILE,
  jsonLines,
  MAP,
  said,
  SMALL,
  testRows,
  type Imports,
} from '../support/imports.js';
import { mountedFolder } from '../support/mounted-folder.js';

const { setUp, alsoClose } = closedAfterEach();

function overwrite(path: string, at: number, bytes: number): void {
  const content = readFileSync(path);
  content.fill(0x5a, at, at + bytes);
  writeFileSync(path, content);
}

describe('a disk that is full', () => {
  it.each([1, 6])(
    'in the middle of an import (after %i adds) stops it cleanly, and the same command goes on',
    async (adds) => {
      const here = await setUp({ latencyMs: 25 });
      const disk = mountedFolder(here.at.path('state'), { bytes: 16 * 1024 * 1024 });
      if (typeof disk === 'string') {
        console.warn(`not tested: ${disk}`);
        return;
      }
      alsoClose(disk);
      const rows = testRows(960);
      here.at.write('rows.jsonl', jsonLines(rows));
      const running = here.run(FILE);
      await asked(here, 'add', adds);
      disk.fill();
      const stopped = await running;
      expectCode(stopped, 20);
      expect(errorCode(stopped)).toBe('disk-full');
      disk.makeRoom();
      expectCode(await here.run(FILE), 0);
      expect(await here.compare(rows)).toEqual([]);
      expectCode(await here.command(['audit']), 0);
    },
  );
});

describe('a state folder that cannot be written', () => {
  it('is exit 2 before anything is sent', async () => {
    const here = await setUp();
    const folder = mountedFolder(here.at.path('state'), { readOnly: true });
    if (typeof folder === 'string') {
      console.warn(`not tested: ${folder}`);
      return;
    }
    alsoClose(folder);
    here.at.write('rows.jsonl', jsonLines(testRows(8)));
    const tried = await here.run(FILE);
    expectCode(tried, 2);
    expect(said(tried)).toContain('--state-dir');
    expect(here.added()).toBe(0);
    expect(here.remote.stats().asked['create'] ?? 0).toBe(0);
  });
});

describe('a ledger that is not what was written', () => {
  /** An import that was killed with a processed batch, a draft and an open add, and where its ledger lies. */
  async function killed(): Promise<{
    readonly here: Imports;
    readonly rows: ReturnType<typeof testRows>;
    readonly ledger: string;
  }> {
    const here = await setUp();
    const rows = testRows(160);
    here.at.write('rows.jsonl', jsonLines(rows));
    await expectKilled(here.run(FILE, { kill: 'add.answered:14' }));
    return { here, rows, ledger: here.at.path('state/ledger.db') };
  }

  /** The bytes of the ledger that is checkpointed, so that all of it lies in one file. */
  async function folded(ledger: string): Promise<void> {
    const database = await openDatabase(ledger);
    database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
    database.close();
  }

  const PAGE = 4_096;
  const many = Number(process.env['ZI_DAMAGE'] ?? 5);
  const shares = Array.from({ length: many }, (_, i) => (i + 0.5) / many);
  const places = [
    ...[0, 24].map((at) => [`byte ${at}`, () => at, 40] as const),
    ...shares.flatMap((share) => [
      [
        `the head of the page at ${Math.round(share * 100)} %`,
        (size: number) => Math.floor((share * size) / PAGE) * PAGE,
        200,
      ] as const,
      [
        `the end of the page at ${Math.round(share * 100)} %`,
        (size: number) => (Math.floor((share * size) / PAGE) + 1) * PAGE - 200,
        200,
      ] as const,
    ]),
  ];

  it.each(places)('(overwritten: %s) stops the run, or does not matter', async (_, placeIn, bytes) => {
    const { here, rows, ledger } = await killed();
    await folded(ledger);
    overwrite(ledger, placeIn(readFileSync(ledger).length), bytes);
    await expectTruth(here, rows, await here.run(FILE));
  });

  it.each(shares)('(its log overwritten at %d) stops the run, or does not matter', async (share) => {
    const { here, rows, ledger } = await killed();
    const log = `${ledger}-wal`;
    const size = readFileSync(log).length;
    overwrite(log, Math.floor(share * size), 200);
    await expectTruth(here, rows, await here.run(FILE));
  });

  it.each([0.2, 0.6])('(cut off at %d) stops the run, or does not matter', async (share) => {
    const { here, rows, ledger } = await killed();
    await folded(ledger);
    const content = readFileSync(ledger);
    writeFileSync(ledger, content.subarray(0, Math.floor(share * content.length)));
    await expectTruth(here, rows, await here.run(FILE));
  });

  it.each(['run.begun:1', 'add.recorded:4', 'add.recorded:6'])(
    '(put back as it was at %s) stops the run, or does not matter',
    async (kill) => {
      const here = await setUp();
      const rows = testRows(160);
      here.at.write('rows.jsonl', jsonLines(rows));
      await expectKilled(here.run(FILE, { kill }));
      cpSync(here.at.path('state'), here.at.path('copy'), { recursive: true });
      expectCode(await here.run(FILE), 0);
      rmSync(here.at.path('state'), { recursive: true });
      cpSync(here.at.path('copy'), here.at.path('state'), { recursive: true });
      await expectTruth(here, rows, await here.run(FILE));
    },
  );

  async function expectTruth(here: Imports, rows: ReturnType<typeof testRows>, tried: Attempt): Promise<void> {
    expect([0, 20], said(tried)).toContain(tried.code);
    expect(await here.compare(rows, { complete: tried.code === 0 })).toEqual([]);
  }

  it('but by a newer program is left alone', async () => {
    const { here, ledger } = await killed();
    const database = await openDatabase(ledger);
    database.exec('PRAGMA user_version = 99');
    database.close();
    const added = here.added();
    const tried = await here.run(FILE);
    expectCode(tried, 20);
    expect(said(tried)).toContain('99');
    expect(here.added()).toBe(added);
  });
});

describe('files beside the ledger that are not what was written', () => {
  function filesBelow(folder: string): string[] {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  }

  const damages: readonly (readonly [string, (path: string) => void])[] = [
    ['deleted', (path) => rmSync(path)],
    ['cut off', (path) => writeFileSync(path, readFileSync(path).subarray(0, readFileSync(path).length / 2))],
    ['overwritten', (path) => overwrite(path, Math.floor(readFileSync(path).length / 2), 200)],
    ['emptied', (path) => writeFileSync(path, '')],
  ];

  it.each(damages)('(what the project holds: %s) stop the run, or do not matter', async (_, damage) => {
    const here = await setUp();
    const rows = testRows(400);
    here.at.write('rows.jsonl', jsonLines(rows));
    expectCode(await here.run(FILE), 0);
    const marks = here.at.path('state/marks');
    for (const path of existsSync(marks) ? filesBelow(marks) : []) damage(path);
    const tried = await here.run(FILE);
    expect([0, 20], said(tried)).toContain(tried.code);
    expect(here.added()).toBe(400);
  });

  it.each(damages)('(the copy of standard input: %s) stop the run, or do not matter', async (_, damage) => {
    const here = await setUp();
    const rows = testRows(96);
    const stdin = jsonLines(rows);
    const words = ['-', '--format', 'jsonl', ...MAP, ...SMALL];
    await expectKilled(here.run(words, { kill: 'add.answered:7', stdin }));
    const copies = filesBelow(here.at.path('state/runs')).filter((path) => path.endsWith('.gz'));
    expect(copies.length).toBeGreaterThan(0);
    for (const path of copies) damage(path);
    // Its drafts have to be made anew, for which the copy is there.
    for (const { batch_id: id } of await here.remote.leftovers()) await here.remote.call('DELETE', `/batches/${id}`);
    const tried = await here.run(words, { stdin });
    expect([0, 20], said(tried)).toContain(tried.code);
    expect(await here.compare(rows, { complete: tried.code === 0 })).toEqual([]);
  });
});
