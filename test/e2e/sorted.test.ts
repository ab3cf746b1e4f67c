/** `--sort created_at`, by the real program into a real server: what is sent in which order, and what stays true of the books. */
import { existsSync, mkdirSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { wasKilled } from '../support/attempts.js';
import {
  append,
  closedAfterEach,
  errorCode,
  expectCode,
  expectKilled,
  FILE,
  jsonLines,
  KEYED,
  MAP,
  mapping,
  said,
  SMALL,
  testRows,
  type TestRow,
} from '../support/imports.js';
import { mountedFolder } from '../support/mounted-folder.js';

const { setUp, alsoClose } = closedAfterEach();

const SORT = ['--sort', 'created_at', '--sort-memory', '4KiB'] as const;
const newestFirst = (rows: readonly TestRow[]): TestRow[] => [...rows].reverse();

/** Folders of sorts that are left in a state folder. */
function leftSorts(state: string): readonly string[] {
  const runs = join(state, 'runs');
  const ofRuns = existsSync(runs) ? readdirSync(runs).filter((run) => existsSync(join(runs, run, 'sorting'))) : [];
  const ofOthers = existsSync(join(state, 'sorting')) ? readdirSync(join(state, 'sorting')) : [];
  return [...ofRuns, ...ofOthers];
}

describe('an export that is newest first, with --sort created_at', () => {
  it('of several files, plain and packed: each graph gets all of it oldest first, whatever the lanes', async () => {
    const here = await setUp();
    const rows = testRows(240);
    here.at.write('a.jsonl', jsonLines(newestFirst(rows).filter((_, i) => i % 3 > 0)));
    here.at.write('b.jsonl.gz', gzipSync(jsonLines(newestFirst(rows).filter((_, i) => i % 3 === 0))));
    const done = await here.run(['a.jsonl', 'b.jsonl.gz', ...MAP, ...SORT, '--concurrency', '3', '--chunk-size', '7']);
    expectCode(done, 0);
    expect(await here.compare(rows)).toEqual([]);
    expect(leftSorts(here.at.path('state'))).toEqual([]);
    expect(done.stderr).toMatch(/"phase":"sorting"[^]*"phase":"uploading"/);
    const { report } = await here.command(['audit']);
    expect(report).toMatchObject({ holds: true });
  });

  it('from standard input, by the mapping alone; --sort none wins over it', async () => {
    const here = await setUp();
    const rows = testRows(60);
    here.at.write('map.yaml', `${mapping()}sort: created_at\n`);
    const stdin = jsonLines(newestFirst(rows));
    expectCode(await here.run(['-', '--format', 'jsonl', ...MAP, ...SMALL], { stdin }), 0);
    expect(await here.compare(rows)).toEqual([]);
    const other = testRows(40, 5_000).map((row) => ({ ...row, graph: 'other' }));
    here.at.write('rows.jsonl', jsonLines(newestFirst(other)));
    expectCode(await here.run([...FILE, '--sort', 'none']), 0);
    expect(await here.compare(newestFirst(other))).toEqual([]);
  });

  it('again the next night, grown by newer rows and some older ones: only those are sent, and the older ones are told', async () => {
    const here = await setUp();
    const rows = testRows(80, 100);
    here.at.write('rows.jsonl', jsonLines(newestFirst(rows)));
    expectCode(await here.run([...FILE, ...SORT]), 0);
    const newer = testRows(20, 180);
    const older = testRows(8, 0, 'older');
    here.at.write('rows.jsonl', jsonLines(newestFirst([...older, ...rows, ...newer])));
    const done = await here.run([...FILE, ...SORT]);
    expectCode(done, 0);
    expect(done.report).toMatchObject({ accepted: 28, items: { known: 80 }, time: { late: 8, out_of_order: 0 } });
    expect(await here.compare([...rows, ...older, ...newer])).toEqual([]);
  });

  it('grown while it was unfinished: what was not sent takes its place in the order', async () => {
    const here = await setUp();
    const rows = testRows(64, 100);
    here.at.write('rows.jsonl', jsonLines(newestFirst(rows)));
    await expectKilled(here.run([...FILE, ...SORT], { kill: 'add.recorded:3' }));
    const between = testRows(4, 200, 'between').map((row, i) => ({ ...row, at: rows[40 + i]?.at ?? '' }));
    const older = testRows(4, 0, 'older');
    append(here.at, 'rows.jsonl', jsonLines([...between, ...older]));
    const done = await here.run([...FILE, ...SORT]);
    expectCode(done, 0);
    expect(done.report).toMatchObject({ time: { late: 4 } });
    expect(
      await here.compare([...rows.slice(0, 24), ...older, ...rows.slice(24, 41), ...merged(between, rows.slice(41))]),
    ).toEqual([]);
  });

  it('all of which an earlier try has sent: nothing of a sort is left in the folder of the run', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(newestFirst(testRows(240))));
    const words = ['rows.jsonl', ...MAP, '--sort', 'created_at', '--sort-memory', '20KiB'];
    expectCode(await here.run([...words, '--stage-only']), 14);
    expectCode(await here.run(words), 0);
    expect(leftSorts(here.at.path('state'))).toEqual([]);
    expect(await here.compare(testRows(240))).toEqual([]);
  });

  it('tells equal rows apart as a run that does not sort: neither sends again what the other sent', async () => {
    const here = await setUp();
    const rows = testRows(20).flatMap((row) => [row, { ...row, id: `${row.id} again` }]);
    const undated = testRows(8, 900, 'undated').flatMap((row) => [
      { ...row, at: undefined },
      { ...row, at: undefined },
    ]);
    here.at.write('rows.jsonl', jsonLines([...newestFirst(rows), ...undated]));
    expectCode(await here.run([...FILE, ...SORT]), 0);
    expect(here.added()).toBe(56);
    expectCode(await here.run(FILE), 0);
    expectCode(await here.run([...FILE, ...SORT]), 0);
    expect(here.added()).toBe(56);
  });

  it('of two versions of a key sends the older one first', async () => {
    const here = await setUp();
    here.at.write('map.yaml', mapping({ key: KEYED }));
    const rows = testRows(16);
    const newer = rows.slice(0, 4).map((row) => ({ ...row, text: `${row.text} changed`, at: '2025-01-01T00:00:00Z' }));
    here.at.write('rows.jsonl', jsonLines([...newestFirst(newer), ...newestFirst(rows)]));
    const done = await here.run([...FILE, ...SORT]);
    expectCode(done, 0);
    expect(done.notices).toContain('key-repeated');
    expect(await here.compare([...rows, ...newer])).toEqual([]);
  });

  it('names rejected rows and failed items by their rows in the file, and retry sends them in order', async () => {
    const here = await setUp({ lasting: ['process:*=fail-item,pattern=#fail,message=no'] });
    const rows = testRows(40).map((row, i) => (i % 10 === 3 ? { ...row, text: `${row.text} #fail` } : row));
    here.at.write(
      'rows.jsonl',
      `${jsonLines(newestFirst(rows).slice(0, 20))}{"broken\n${jsonLines(newestFirst(rows).slice(20))}`,
    );
    const done = await here.run([...FILE, ...SORT]);
    expectCode(done, 10);
    const failed = done.stderr
      .split('\n')
      .filter((line) => line.includes('"item_failed"'))
      .map((line) => JSON.parse(line) as { line: number });
    // Row 3 is the last but three of 41 lines.
    expect(failed.map(({ line }) => line).sort((a, b) => a - b)).toEqual([7, 17, 28, 38]);
    expect(done.stderr).toMatch(/"type":"reject"[^\n]*"line":21/);
    const before = here.added();
    await here.command(['retry', '--only', 'failed']);
    expect(here.added() - before).toBe(4);
  });
});

/** Both in the order of time, those of the first list behind equal ones of the second. */
function merged(some: readonly TestRow[], others: readonly TestRow[]): TestRow[] {
  return [...others, ...some].sort((x, y) => ((x.at ?? '') < (y.at ?? '') ? -1 : (x.at ?? '') > (y.at ?? '') ? 1 : 0));
}

describe('a sorted run', () => {
  it('is gone on with in the same order only: a changed --sort is refused once something was sent', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(newestFirst(testRows(64))));
    await expectKilled(here.run([...FILE, ...SORT], { kill: 'add.recorded:2' }));
    const refused = await here.run(FILE);
    expectCode(refused, 2);
    expect(errorCode(refused)).toBe('target-changed');
    expect(said(refused)).toContain('--sort was created_at, is not given');
    // The mapping says it as well as the flag.
    here.at.write('map.yaml', `${mapping()}sort: created_at\n`);
    expectCode(await here.run(FILE), 0);
    expect(await here.compare(testRows(64))).toEqual([]);
  });

  it('that was killed while it sorted leaves files that the next run of any import removes', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(newestFirst(testRows(64))));
    here.at.write('other.jsonl', jsonLines(testRows(8, 500)));
    await expectKilled(here.run([...FILE, ...SORT], { kill: 'sort.written:3' }));
    expect(leftSorts(here.at.path('state'))).toHaveLength(1);
    expectCode(await here.run(['other.jsonl', ...MAP]), 0);
    expect(leftSorts(here.at.path('state'))).toEqual([]);
    expect(here.added()).toBe(8);
  });

  it('with too many rejected rows is stopped before anything is sent', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', `${jsonLines(testRows(64))}${'{"broken\n'.repeat(4)}`);
    const stopped = await here.run([...FILE, ...SORT, '--max-errors', '3']);
    expectCode(stopped, 11);
    expect(here.added()).toBe(0);
    expectCode(await here.run([...FILE, ...SORT, '--max-errors', '4']), 10);
    expect(here.added()).toBe(64);
  });

  it('that is staged and committed keeps its counts and its rejected rows', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', `${jsonLines(newestFirst(testRows(40)))}{"broken\n`);
    expectCode(await here.run([...FILE, ...SORT, '--stage-only']), 14);
    const done = await here.command(['commit', '--settle-window', '300ms']);
    expectCode(done, 10);
    expect(done.report).toMatchObject({ read: 41, accepted: 40, rejected: 1 });
    expect(await here.compare(testRows(40))).toEqual([]);
    expect((await here.command(['audit'])).report).toMatchObject({ holds: true });
  });

  it('stops cleanly when the disk is full, and goes on when there is room', async (context) => {
    const here = await setUp();
    const disk = mountedFolder(here.at.path('state'), { bytes: 8 * 1024 * 1024 });
    if (typeof disk === 'string') return context.skip(disk);
    alsoClose(disk);
    // The first try makes what a ledger takes.
    here.at.write('rows.jsonl', '');
    await here.run(FILE);
    const rows = testRows(4_000);
    here.at.write('rows.jsonl', jsonLines(newestFirst(rows)));
    const { bavail, bsize } = statfsSync(here.at.path('state'));
    writeFileSync(here.at.path('state/filler'), Buffer.alloc(bavail * bsize - 500_000));
    const words = [
      'rows.jsonl',
      ...MAP,
      '--concurrency',
      '1',
      '--name',
      'other',
      '--sort',
      'created_at',
      '--sort-memory',
      '64KiB',
    ];
    const full = await here.run(words);
    expectCode(full, 20);
    expect(errorCode(full)).toBe('disk-full');
    expect(said(full)).toContain('sorting needs room');
    expect(here.added()).toBe(0);
    disk.makeRoom();
    expectCode(await here.run(words), 0);
    expect(here.added()).toBe(4_000);
  });
});

describe('check and preview', () => {
  it('tell that an export is out of order and how it is sent in order; with --sort nothing is out of order', async () => {
    const here = await setUp();
    here.at.write(
      'rows.jsonl',
      jsonLines([...newestFirst(testRows(40)), ...testRows(2, 90).map((row) => ({ ...row, at: undefined }))]),
    );
    const plain = await here.command(['check', 'rows.jsonl', ...MAP]);
    expect(plain.stdout).toContain('--sort created_at');
    const sorted = await here.command(['check', 'rows.jsonl', ...MAP, ...SORT]);
    expectCode(sorted, 0);
    expect(sorted.report).toMatchObject({ time: { out_of_order: 0, undated: 2 } });
    expect(sorted.stdout).toContain('2 without one stay behind');
    expect(leftSorts(here.at.path('state'))).toEqual([]);
    const preview = await here.command(['preview', 'rows.jsonl', ...MAP, '--sort', 'created_at', '-n', '3']);
    const { items } = preview.report as unknown as { items: { wire: { data: string } }[] };
    expect(items.map(({ wire }) => wire.data)).toEqual(['row 0', 'row 1', 'row 2']);
  });

  it('a check that was killed leaves files that the next one removes', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(newestFirst(testRows(400))));
    const host = hostname().replace(/[^\w-]/g, '_');
    mkdirSync(here.at.path(`state/sorting/${host}.abcdef.4194305`), { recursive: true });
    mkdirSync(here.at.path(`state/sorting/${host}.abcdef.${process.pid}`), { recursive: true });
    mkdirSync(here.at.path('state/sorting/elsewhere.abcdef.4194305'), { recursive: true });
    expectCode(await here.command(['check', 'rows.jsonl', ...MAP, ...SORT]), 0);
    expect(leftSorts(here.at.path('state'))).toEqual(
      ['elsewhere.abcdef.4194305', `${host}.abcdef.${process.pid}`].sort(),
    );
  });

  it('refuse to sort by a time that no item has, before anything is read', async () => {
    const here = await setUp();
    here.at.write('map.yaml', 'version: 1\nitem: { type: graph_episode, graph_id: g, data: "{{ text }}" }\n');
    for (const command of ['run', 'check', 'preview']) {
      const refused = await here.command([command, 'rows.jsonl', ...MAP, '--sort', 'created_at']);
      expectCode(refused, 2);
      expect(errorCode(refused)).toBe('nothing-to-sort-by');
    }
    here.at.write(
      'map.yaml',
      'version: 1\nsort: created_at\nitem: { type: graph_episode, graph_id: g, data: "{{ text }}" }\n',
    );
    const wrong = await here.command(['check', 'rows.jsonl', ...MAP]);
    expectCode(wrong, 2);
    expect(wasKilled(wrong)).toBe(false);
    expect(said(wrong)).toContain('map.yaml:2');
  });
});
