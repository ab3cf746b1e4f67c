/** What the books promise, case by case, with the real program and a real server. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OLD_LEDGER } from '../support/crash-case.js';
import {
  append,
  asked,
  closedAfterEach,
  CSV_HEADER,
  csvLines,
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
  type Imports,
} from '../support/imports.js';
import type { ServiceOptions } from '../support/service.js';

const { setUp } = closedAfterEach();

describe('two processes', () => {
  it('the second is told who is at it and ends with 21; nothing is sent twice', async () => {
    const here = await setUp({ latencyMs: 40 });
    const rows = testRows(96);
    here.at.write('rows.jsonl', jsonLines(rows));
    const words = ['run', ...FILE, ...here.remote.flags, '--state-dir', 'state', '--create-missing', 'graphs'];
    const first = here.at.start([...words, '--progress', 'none']);
    await asked(here, 'add', 2);
    const second = await here.run(FILE);
    expectCode(second, 21);
    expect(said(second)).toContain(String(first.child.pid));
    expect((await first).code).toBe(0);
    expect(await here.compare(rows)).toEqual([]);
  });

  it('that start in the same instant: one imports, the others leave it alone', async () => {
    const here = await setUp({ latencyMs: 5 });
    const rows = testRows(96);
    here.at.write('rows.jsonl', jsonLines(rows));
    const codes = (await Promise.all(Array.from({ length: 4 }, () => here.run(FILE)))).map(({ code }) => code);
    expect(codes).toContain(0);
    expect(codes.every((code) => code === 0 || code === 21)).toBe(true);
    expect(await here.compare(rows)).toEqual([]);
    expect(here.added()).toBe(96);
  });

  it('may both be there when the first only waits for the service', async () => {
    const here = await setUp({ processingRate: 40 });
    here.at.write('rows.jsonl', jsonLines(testRows(96)));
    const first = here.run(['rows.jsonl', ...MAP]);
    await asked(here, 'get', 4);
    const second = await here.run(['rows.jsonl', ...MAP, '--no-wait']);
    expectCode(second, 0);
    expectCode(await first, 0);
    expect(here.added()).toBe(96);
  });

  it('with different imports do not hinder each other', async () => {
    const here = await setUp();
    const one = testRows(64);
    const other = testRows(64, 1_000);
    here.at.write('one.jsonl', jsonLines(one));
    here.at.write('other.jsonl', jsonLines(other));
    const both = await Promise.all(['one.jsonl', 'other.jsonl'].map((name) => here.run([name, ...MAP, ...SMALL])));
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(await here.compare([...one, ...other], { ordered: false })).toEqual([]);
  });
});

describe('an import that is run again', () => {
  it('sends the thousand rows by which a nightly file has grown, and nothing else', async () => {
    const here = await setUp();
    const rows = testRows(2_000);
    here.at.write('rows.jsonl', jsonLines(rows.slice(0, 1_000)));
    expectCode(await here.run(['rows.jsonl', ...MAP]), 0);
    append(here.at, 'rows.jsonl', jsonLines(rows.slice(1_000)));
    const night = await here.run(['rows.jsonl', ...MAP]);
    expectCode(night, 0);
    expect(night.report?.items).toMatchObject({ accepted: 1_000, known: 1_000 });
    expect(here.added()).toBe(2_000);
    expect(await here.compare(rows)).toEqual([]);
  });

  it('of 100,000 rows sends nothing', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(testRows(100_000)));
    expectCode(await here.run(['rows.jsonl', ...MAP]), 0);
    expect(here.added()).toBe(100_000);
    const again = await here.run(['rows.jsonl', ...MAP]);
    expectCode(again, 0);
    expect(again.report?.items).toMatchObject({ accepted: 0, known: 100_000 });
    expect(here.added()).toBe(100_000);
    expect(await here.remote.handedOver()).toBe(100_000);
  });

  it('sends the undated "ok" of two delta files, each once', async () => {
    const here = await setUp();
    const ok = { id: '1', graph: 'g0', text: 'ok' };
    here.at.write('monday.jsonl', jsonLines([ok, ok]));
    here.at.write('tuesday.jsonl', jsonLines([ok]));
    for (const name of ['monday.jsonl', 'tuesday.jsonl', 'monday.jsonl', 'tuesday.jsonl']) {
      expectCode(await here.run([name, ...MAP]), 0);
    }
    expect(await here.compare([ok, ok, ok])).toEqual([]);
  });

  it('with --no-dedupe sends everything once more', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(testRows(40)));
    expectCode(await here.run(FILE), 0);
    expectCode(await here.run([...FILE, '--no-dedupe']), 0);
    expect(here.added()).toBe(80);
  });
});

describe('a run that was killed', () => {
  it('is gone on with by resume, without its words', async () => {
    const here = await setUp();
    const rows = testRows(96);
    here.at.write('rows.jsonl', jsonLines(rows));
    await expectKilled(here.run(FILE, { kill: 'add.answered:5' }));
    expectCode(await here.command(['resume']), 0);
    expect(await here.compare(rows)).toEqual([]);
    expectCode(await here.command(['audit']), 0);
  });

  it.each([
    ['by as many characters', (text: string) => text.replace('"row 2"', '"ROW 2"')],
    ['by more characters', (text: string) => text.replace('"row 2"', '"row two"')],
    ['by a row less', (text: string) => text.replace(/.*"row 2".*\n/, '')],
  ])('whose file was edited in the middle (%s) is refused with file and line, and nothing is sent', async (_, edit) => {
    const here = await setUp();
    const rows = testRows(96);
    const original = jsonLines(rows);
    here.at.write('rows.jsonl', original);
    await expectKilled(here.run(FILE, { kill: 'add.recorded:5' }));
    const before = here.remote.stats();
    here.at.write('rows.jsonl', edit(original));
    const refused = await here.run(FILE);
    expectCode(refused, 20);
    expect(said(refused)).toMatch(/rows\.jsonl\D{0,40}\d/);
    expect(here.remote.stats().asked['add']).toBe(before.asked['add']);
    here.at.write('rows.jsonl', original);
    expectCode(await here.run(FILE), 0);
    expect(await here.compare(rows)).toEqual([]);
  });

  it('goes on when its file was only touched', async () => {
    const here = await setUp();
    const rows = testRows(96);
    here.at.write('rows.jsonl', jsonLines(rows));
    await expectKilled(here.run(FILE, { kill: 'add.recorded:5' }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    here.at.write('rows.jsonl', jsonLines(rows));
    expectCode(await here.run(FILE), 0);
    expect(await here.compare(rows)).toEqual([]);
  });

  it.each(['add.recorded:7', 'run.uploaded:1', 'process.intending:1', 'process.intended:1'])(
    '(at %s) with drafts that somebody deleted meanwhile makes them anew',
    async (kill) => {
      const here = await setUp();
      const rows = testRows(96);
      here.at.write('rows.jsonl', jsonLines(rows));
      await expectKilled(here.run(FILE, { kill }));
      const drafts = await here.remote.leftovers();
      expect(drafts.length).toBeGreaterThan(0);
      for (const { batch_id: id } of drafts) {
        expect((await here.remote.call('DELETE', `/batches/${id}`)).status).toBe(200);
      }
      expectCode(await here.run(FILE), 0);
      expect(await here.compare(rows)).toEqual([]);
    },
  );

  it.each(['add.answered:6', 'add.recorded:8', 'run.uploaded:1', 'process.intended:1'])(
    '(at %s) with drafts that somebody processed meanwhile sends the rest, and nothing twice',
    async (kill) => {
      const here = await setUp();
      const rows = testRows(96);
      here.at.write('rows.jsonl', jsonLines(rows));
      await expectKilled(here.run(FILE, { kill }));
      const drafts = (await here.remote.leftovers()).filter((draft) => draft.item_count > 0);
      for (const { batch_id: id } of drafts.reverse()) {
        expect((await here.remote.call('POST', `/batches/${id}/process`)).status).toBe(200);
      }
      expectCode(await here.run(FILE), 0);
      expect(await here.compare(rows)).toEqual([]);
    },
  );

  it('elsewhere is not begun a second time here: its drafts are seen', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(testRows(96)));
    await expectKilled(here.run(FILE, { kill: 'add.recorded:5' }));
    const added = here.added();
    const other = await here.run(FILE, {}, 'state-of-another-machine');
    expectCode(other, 20);
    expect(said(other)).toContain('--yes');
    expect(here.added()).toBe(added);
  });

  it('with the ledger of an earlier version is migrated as a whole or not at all', async () => {
    const here = await setUp();
    const rows = testRows(40);
    here.at.write('rows.jsonl', jsonLines(rows));
    mkdirSync(here.at.path('state'));
    copyFileSync(OLD_LEDGER, here.at.path('state/ledger.db'));
    await expectKilled(here.run(FILE, { kill: 'migrate.applied:1' }));
    expectCode(await here.run(FILE), 0);
    expect(await here.compare(rows)).toEqual([]);
    const runs = await here.command(['runs']);
    expectCode(runs, 0);
    for (const name of ['20261125-015631-45f85b', '20261125-015634-8b634b', '20261125-015635-1dbf34']) {
      expect(said(runs)).toContain(name);
    }
  });
});

describe('a mapping that was edited', () => {
  it('while its run is unfinished is refused before the first add; --restart and --name help', async () => {
    const here = await setUp();
    const rows = testRows(96);
    const renamed = rows.map((row) => ({ ...row, text: `new ${row.text}` }));
    here.at.write('rows.jsonl', jsonLines(rows));
    await expectKilled(here.run(FILE, { kill: 'add.recorded:3' }));
    const added = here.added();
    here.at.write('map.yaml', mapping({ data: 'new {{ text }}' }));
    const refused = await here.run(FILE);
    expectCode(refused, 2);
    expect(said(refused)).toContain('map.yaml');
    expect(said(refused)).toContain('--restart');
    expect(said(refused)).toContain('--name');
    expect(here.added()).toBe(added);
    expectCode(await here.run([...FILE, '--restart']), 0);
    expect(await here.compare(renamed)).toEqual([]);
    expect(await here.remote.leftovers()).toEqual([]);
  });

  it('is another import under another name, which waits for the drafts of the first: those come earlier', async () => {
    const here = await setUp();
    const rows = testRows(96);
    here.at.write('rows.jsonl', jsonLines(rows));
    await expectKilled(here.run(FILE, { kill: 'add.recorded:3' }));
    here.at.write('map.yaml', mapping({ data: 'new {{ text }}' }));
    const waits = await here.run([...FILE, '--name', 'second', '--yes']);
    expectCode(waits, 14);
    const [, first = ''] = /the earlier run (\S+) must/.exec(said(waits)) ?? [];
    expectCode(await here.command(['discard', first, '--yes']), 0);
    expectCode(await here.command(['resume']), 0);
    expect(await here.compare(rows.map((row) => ({ ...row, text: `new ${row.text}` })))).toEqual([]);
  });

  it('is refused also as a target that was changed, naming it', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(testRows(96)));
    await expectKilled(here.run(FILE, { kill: 'add.recorded:3' }));
    const added = here.added();
    const refused = await here.run([...FILE, '--graph', 'elsewhere']);
    expectCode(refused, 2);
    expect(said(refused)).toContain('elsewhere');
    expect(here.added()).toBe(added);
  });

  it('needs --yes for --restart when items were processed, and says how many; those are not sent again', async () => {
    const here = await setUp();
    const rows = testRows(96);
    here.at.write('rows.jsonl', jsonLines(rows));
    await expectKilled(here.run(FILE, { kill: 'process.recorded:1' }));
    const refused = await here.run([...FILE, '--restart']);
    expectCode(refused, 2);
    expect(said(refused)).toContain('--yes');
    expect(said(refused)).toMatch(/\b32 items\b/);
    expectCode(await here.run([...FILE, '--restart', '--yes']), 0);
    expect(await here.compare(rows)).toEqual([]);
    expect(await here.remote.leftovers()).toEqual([]);
  });

  it('and has no key is refused after a delivered run: it would send everything again', async () => {
    const here = await setUp();
    const rows = testRows(40);
    here.at.write('rows.jsonl', jsonLines(rows));
    expectCode(await here.run(FILE), 0);
    here.at.write('map.yaml', mapping({ data: 'new {{ text }}' }));
    const refused = await here.run(FILE);
    expectCode(refused, 2);
    expect(said(refused)).toContain('--on-changed');
    expect(said(refused)).toContain('--no-dedupe');
    expect(here.added()).toBe(40);
    expectCode(await here.run([...FILE, '--no-dedupe']), 0);
    expect(here.added()).toBe(80);
  });

  it('and has a key sends what it changed, or skips it', async () => {
    const here = await setUp();
    const rows = testRows(40);
    here.at.write('rows.jsonl', jsonLines(rows));
    here.at.write('map.yaml', mapping({ key: KEYED }));
    expectCode(await here.run(FILE), 0);
    here.at.write('map.yaml', mapping({ key: KEYED, data: 'new {{ text }}' }));
    expectCode(await here.run([...FILE, '--on-changed', 'skip']), 0);
    expect(here.added()).toBe(40);
    expectCode(await here.run(FILE), 0);
    expect(here.added()).toBe(80);
    expectCode(await here.run(FILE), 0);
    expect(here.added()).toBe(80);
  });
});

describe('ids of two files that collide', () => {
  it.each([
    ['send', 2],
    ['skip', 1],
  ])('are told with both places (--on-changed %s: %i sent)', async (what, sent) => {
    const here = await setUp();
    const [row] = testRows(1);
    here.at.write('map.yaml', mapping({ key: KEYED }));
    here.at.write('a.jsonl', jsonLines(row === undefined ? [] : [row]));
    here.at.write('b.jsonl', jsonLines(row === undefined ? [] : [{ ...row, text: 'another' }]));
    const tried = await here.run(['a.jsonl', 'b.jsonl', ...MAP, '--on-changed', what]);
    expectCode(tried, 0);
    const warnings = tried.stderr.split('\n').filter((line) => line.includes('"notice"'));
    expect(warnings.filter((line) => line.includes('a.jsonl:1') && line.includes('b.jsonl:1'))).toHaveLength(1);
    expect(here.added()).toBe(sent);
  });
});

describe('a key that stands in a file with several contents', () => {
  const version = (id: string, text: string, minute: number): TestRow => ({
    id,
    graph: 'g0',
    text,
    at: new Date(1_714_600_000_000 + minute * 60_000).toISOString(),
  });
  const history = [version('1', 'ordered', 0), version('2', 'ordered', 1), version('1', 'paid', 2)];

  it.each([
    ['in the order of the file', []],
    ['in the order of time', ['--sort', 'created_at']],
  ])('is sent once in each version, night after night, as the file grows: %s', async (_, sort) => {
    const here = await setUp();
    here.at.write('map.yaml', mapping({ key: KEYED }));
    const night = async (rows: readonly TestRow[]): Promise<number> => {
      const before = here.added();
      here.at.write('rows.jsonl', jsonLines(sort.length === 0 ? rows : [...rows].reverse()));
      expectCode(await here.run([...FILE, ...sort]), 0);
      return here.added() - before;
    };
    expect(await night(history)).toBe(3);
    expect(await night(history)).toBe(0);
    const grown = [...history, version('1', 'sent', 3), version('1', 'paid', 2), version('2', 'paid', 4)];
    expect(await night(grown)).toBe(2);
    expect(await night(grown)).toBe(0);
    expect(await here.compare([...history, ...grown.slice(3, 4), ...grown.slice(5)])).toEqual([]);
  });

  it('has a version that failed sent by retry, and then knows it', async () => {
    const here = await setUp({ lasting: ['process:*=fail-item,pattern=#bad,message=no'] });
    here.at.write('map.yaml', mapping({ key: KEYED }));
    here.at.write('rows.jsonl', jsonLines([...history, version('1', 'sent #bad', 3)]));
    expectCode(await here.run(FILE), 10);
    expectCode(await here.run(FILE), 10);
    expect(here.added()).toBe(4);
    here.at.write('map.yaml', mapping({ key: KEYED, data: '{{ text.replace(" #bad", "") }}' }));
    expectCode(await here.command(['retry', '--remap']), 0);
    expect(here.added()).toBe(5);
    expectCode(await here.run(FILE), 0);
    expect(here.added()).toBe(5);
  });
});

describe('progress of an import that goes on', () => {
  it.each(['add.intended:6', 'add.answered:6', 'rebuild.deleted:1'])(
    'after a kill at %s counts no item twice, whatever drafts are made anew',
    async (kill) => {
      const here = await setUp();
      here.at.write('rows.jsonl', jsonLines(testRows(120)));
      const words = FILE;
      await expectKilled(here.run(words, { kill: kill.startsWith('add') ? kill : 'add.answered:6' }));
      if (!kill.startsWith('add')) await expectKilled(here.run(words, { kill }));
      const done = await here.run(words);
      expectCode(done, 0);
      const told = [...done.stderr.matchAll(/^\{"type":"status".*?"accepted":(\d+)/gm)].map(([, items]) =>
        Number(items),
      );
      expect(told.at(-1)).toBe(120);
      expect(Math.max(...told)).toBe(120);
    },
  );
});

describe('a batch that turns invalid late', () => {
  it('is made anew once, and nothing is lost', async () => {
    const here = await setUp({ faults: ['process:1=invalid,seconds=0.3'] });
    const rows = testRows(96);
    here.at.write('rows.jsonl', jsonLines(rows));
    expectCode(await here.run(FILE), 0);
    expect(await here.compare(rows)).toEqual([]);
    expect(await here.remote.leftovers()).toEqual([]);
  });

  it.each(['rebuild.intended:1', 'rebuild.deleted:1', 'create.recorded:2', 'rebuild.refilled:1'])(
    'after everything was handed over, and whose making anew is killed (at %s), is not forgotten',
    async (kill) => {
      const here = await setUp({ faults: ['process:1=invalid,seconds=0.3'] });
      const rows = testRows(20);
      here.at.write('rows.jsonl', jsonLines(rows));
      await expectKilled(here.run(FILE, { kill }));
      expectCode(await here.run(FILE), 0);
      expect(await here.compare(rows)).toEqual([]);
      expect(await here.remote.leftovers()).toEqual([]);
    },
  );

  it('after the run that handed it over has ended, is found by the next', async () => {
    const here = await setUp({ faults: ['process:1=invalid,seconds=0.6'] });
    const rows = testRows(20);
    here.at.write('rows.jsonl', jsonLines(rows));
    expectCode(await here.run([...FILE, '--no-wait']), 0);
    await new Promise((resolve) => setTimeout(resolve, 700));
    const next = await here.run(FILE);
    expect([0, 10], said(next)).toContain(next.code);
    // What it held is not in the project: it is sent again, or the run does not say that all is well.
    const violations = await here.compare(rows);
    if (next.code === 0) expect(violations).toEqual([]);
    expectCode(await here.run(FILE), 0);
    expect(await here.compare(rows)).toEqual([]);
  });
});

describe('items that fail at the service', () => {
  const FAILS: ServiceOptions = { lasting: ['process:*=fail-item,pattern=#bad,message=no'] };
  const rows = testRows(40).map((row, i) => (i === 7 || i === 21 ? { ...row, text: `${row.text} #bad` } : row));

  async function failed(): Promise<Imports> {
    const here = await setUp(FAILS);
    here.at.write('map.yaml', mapping({ key: KEYED }));
    here.at.write('rows.jsonl', jsonLines(rows));
    const tried = await here.run(FILE);
    expectCode(tried, 10);
    expect(said(tried)).toContain('rows.jsonl:8');
    return here;
  }

  it('keep exit 10 and are not sent again by run', async () => {
    const here = await failed();
    const again = await here.run(FILE);
    expectCode(again, 10);
    expect(again.report?.items).toMatchObject({ accepted: 0 });
    expect(here.added()).toBe(40);
  });

  it('are sent by retry --remap with the mended mapping, exactly those, and then all is well', async () => {
    const here = await failed();
    here.at.write('map.yaml', mapping({ key: KEYED, data: '{{ text.replace(" #bad", "") }}' }));
    const retried = await here.command(['retry', '--remap']);
    expectCode(retried, 0);
    expect(here.added()).toBe(42);
    const mended = rows.map((row) => ({ ...row, text: row.text.replace(' #bad', '') }));
    expect(await here.compare(mended, { ordered: false })).toEqual([]);
    expectCode(await here.run(FILE), 0);
    expect(here.added()).toBe(42);
  });

  it.each([[], ['--on-changed', 'skip']])(
    'are sent by run once their rows were mended, once each, also when the old failure is forgotten later (%j)',
    async (...flags) => {
      const here = await failed();
      const mended = rows.map((row, i) => (i === 7 ? { ...row, text: 'as it should be' } : row));
      here.at.write('rows.jsonl', jsonLines(mended));
      for (const _ of [1, 2]) {
        expectCode(await here.run([...FILE, ...flags]), 10);
        expect(here.added()).toBe(41);
      }
      expectCode(await here.command(['retry', '--forget']), 0);
      expectCode(await here.run([...FILE, ...flags]), 0);
      expect(here.added()).toBe(41);
      const held = mended.filter((_, i) => i !== 21);
      expect(await here.compare(held, { ordered: false })).toEqual([]);
    },
  );

  it('whose file has changed are not sent by retry, which says what does send them', async () => {
    const here = await failed();
    here.at.write('rows.jsonl', jsonLines(rows.map((row, i) => (i === 7 ? { ...row, text: 'mended' } : row))));
    const retried = await here.command(['retry']);
    expectCode(retried, 20);
    expect(said(retried)).toContain('retry --forget');
    expect(retried.report?.next).toMatch(/^zep-import run \S*rows\.jsonl /);
    expectCode(await here.run(FILE), 10);
    expectCode(await here.command(['retry', '--forget']), 0);
    expectCode(await here.run(FILE), 0);
    expect(here.added()).toBe(41);
  });

  it('that fail once more keep exit 10', async () => {
    const here = await failed();
    expectCode(await here.command(['retry', '--only', 'failed']), 10);
    expect(here.added()).toBe(42);
    expectCode(await here.run(FILE), 10);
    expect(here.added()).toBe(42);
  });

  it('are forgotten by retry --forget, which sends nothing', async () => {
    const here = await failed();
    expectCode(await here.command(['retry', '--forget']), 0);
    expectCode(await here.run(FILE), 0);
    expect(here.added()).toBe(40);
  });
});

describe('rows that were rejected', () => {
  const good = testRows(40);

  it.each([
    ['csv', CSV_HEADER, csvLines],
    ['jsonl', '', jsonLines],
  ] as const)(
    'stand in rejects.%s as they came, and go in by the same command once they are mended',
    async (format, head, linesOf) => {
      const here = await setUp();
      const bad = [5, 17].map((i) => ({ ...(good[i] ?? { id: '', graph: '' }), text: '' }));
      const rows = good.map((row, i) => (i === 5 ? (bad[0] ?? row) : i === 17 ? (bad[1] ?? row) : row));
      here.at.write(`rows.${format}`, head + linesOf(rows));
      const first = await here.run([`rows.${format}`, ...MAP, ...SMALL]);
      expectCode(first, 10);
      const folder = here.at.path(join('state', 'runs', first.report?.run ?? ''));
      const rejects = join(folder, `rejects.${format}`);
      expect(readFileSync(rejects, 'utf8')).toBe(head + linesOf(bad));
      const reasons = readFileSync(join(folder, 'reject-reasons.jsonl'), 'utf8').trimEnd().split('\n');
      expect(reasons).toHaveLength(2);
      expect(said(first)).toContain(rejects);
      writeFileSync(rejects, head + linesOf(good.filter((_, i) => i === 5 || i === 17)));
      expectCode(await here.run([rejects, ...MAP, ...SMALL]), 0);
      expect(here.added()).toBe(40);
      expect(await here.compare(good, { ordered: false })).toEqual([]);
    },
  );

  it('are sent by retry once the mapping is mended', async () => {
    const here = await setUp();
    const rows = good.map((row, i) => (i === 9 ? { ...row, text: '' } : row));
    here.at.write('map.yaml', mapping({ key: KEYED }));
    here.at.write('rows.jsonl', jsonLines(rows));
    expectCode(await here.run(FILE), 10);
    here.at.write('map.yaml', mapping({ key: KEYED, data: '{{ text == "" ? "(empty)" : text }}' }));
    expectCode(await here.command(['retry', '--only', 'rejected', '--remap']), 0);
    expect(here.added()).toBe(40);
    const mended = rows.map((row) => (row.text === '' ? { ...row, text: '(empty)' } : row));
    expect(await here.compare(mended, { ordered: false })).toEqual([]);
  });
});

describe('--stage-only', () => {
  async function staged(): Promise<{ readonly here: Imports; readonly rows: ReturnType<typeof testRows> }> {
    const here = await setUp();
    const rows = testRows(96);
    here.at.write('rows.jsonl', jsonLines(rows));
    expectCode(await here.run([...FILE, '--stage-only']), 14);
    expect(await here.remote.handedOver()).toBe(0);
    expect((await here.remote.leftovers()).reduce((sum, draft) => sum + draft.item_count, 0)).toBe(96);
    return { here, rows };
  }

  it('processes nothing; commit hands everything over', async () => {
    const { here, rows } = await staged();
    expectCode(await here.command(['commit']), 0);
    expect(here.added()).toBe(96);
    expect(await here.compare(rows)).toEqual([]);
    expectCode(await here.command(['audit']), 0);
  });

  it('and the same command without it hands everything over', async () => {
    const { here, rows } = await staged();
    expectCode(await here.run(FILE), 0);
    expect(here.added()).toBe(96);
    expect(await here.compare(rows)).toEqual([]);
  });

  it('and discard leaves nothing behind: the same rows are new again', async () => {
    const { here, rows } = await staged();
    expectCode(await here.command(['discard', '--yes']), 0);
    expect(await here.remote.leftovers()).toEqual([]);
    expect(await here.remote.handedOver()).toBe(0);
    expectCode(await here.run(FILE), 0);
    expect(await here.compare(rows)).toEqual([]);
  });
});

describe('standard input', () => {
  const STDIN = ['-', '--format', 'jsonl', ...MAP, ...SMALL] as const;

  it('that is another one than before: the old run ends at its last accepted row, a new one begins, nothing is there twice', async () => {
    const here = await setUp();
    const old = testRows(96, 0, 'old');
    const fresh = testRows(60, 0, 'fresh');
    await expectKilled(here.run(STDIN, { kill: 'add.recorded:6', stdin: jsonLines(old) }));
    const tried = await here.run(STDIN, { stdin: jsonLines(fresh) });
    expectCode(tried, 0);
    expect(tried.notices.length).toBeGreaterThan(0);
    await here.remote.settled();
    for (const graph of ['g0', 'g1', 'g2', 'g3']) {
      const textsOf = (rows: typeof old): string[] => rows.filter((row) => row.graph === graph).map(({ text }) => text);
      const found = await here.remote.contents(`g:${graph}`);
      const kept = found.filter((text) => text.startsWith('old'));
      expect(kept.length).toBeGreaterThanOrEqual(12);
      expect(found).toEqual([...textsOf(old).slice(0, kept.length), ...textsOf(fresh)]);
    }
    expect(await here.remote.leftovers()).toEqual([]);
    expectCode(await here.command(['audit']), 0);
  });

  it('of which no copy is kept cannot make a draft anew: exit 20', async () => {
    const here = await setUp({ faults: ['process:1=delete-draft'] });
    const tried = await here.run([...STDIN, '--no-spool'], { stdin: jsonLines(testRows(40)) });
    expectCode(tried, 20);
  });

  it('leaves its copy behind only as long as it is needed', async () => {
    const here = await setUp();
    const rows = testRows(96);
    await expectKilled(here.run(STDIN, { kill: 'add.recorded:6', stdin: jsonLines(rows) }));
    const copies = (): string[] => {
      const runs = here.at.path('state/runs');
      return readdirSync(runs).flatMap((run) => readdirSync(join(runs, run)).filter((name) => name.endsWith('.gz')));
    };
    expect(copies().length).toBeGreaterThan(0);
    expectCode(await here.run(STDIN, { stdin: jsonLines(rows) }), 0);
    expect(await here.compare(rows)).toEqual([]);
    expect(copies()).toEqual([]);
  });
});

describe('what is known of a run afterwards', () => {
  it('runs and status tell it, the receipt names every item, with row and uuid', async () => {
    const here = await setUp();
    const rows = testRows(40);
    here.at.write('rows.jsonl', jsonLines(rows));
    const { report } = await here.run(FILE);
    const run = report?.run ?? '';
    expect(said(await here.command(['runs']))).toContain(run);
    expectCode(await here.command(['status', run]), 0);
    const receipt = await here.at.start(['receipt', run, ...here.remote.flags, '--state-dir', 'state']);
    expect(receipt.code).toBe(0);
    const lines = receipt.stdout.trimEnd().split('\n');
    expect(lines.length).toBe(41);
    const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
    const uuids = new Set(lines.slice(1).flatMap((line) => line.match(uuid)?.at(-1) ?? []));
    expect(uuids.size).toBe(40);
  });

  it('a run that is not there is exit 4', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(testRows(4)));
    expectCode(await here.run(FILE), 0);
    for (const name of ['status', 'resume', 'audit', 'receipt', 'retry']) {
      expect((await here.command([name, '20200101-000000-abcdef'])).code).toBe(4);
    }
  });
});
