/** What a command says to type next can be typed, and does what was said. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Attempt } from '../support/attempts.js';
import {
  CSV_HEADER,
  csvLines,
  imports,
  jsonLines,
  KEYED,
  mapping,
  said,
  SMALL,
  testRows,
  type Imports,
  type TestRow,
} from '../support/imports.js';
import type { ServiceOptions } from '../support/service.js';

const opened: Imports[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

async function setUp(options?: ServiceOptions): Promise<Imports> {
  const made = await imports(options);
  opened.push(made);
  return made;
}

const FILE = ['rows.jsonl', '-m', 'map.yaml', ...SMALL] as const;

function expectCode(tried: Attempt, code: number): void {
  expect(tried.code, said(tried)).toBe(code);
}

/** The words of a command as it was told, without those that every command of these tests has. */
function words(told: string | null | undefined): string[] {
  const own = new Set(['--api-url', '--state-dir', '-k', '--api-key']);
  const all = (told ?? '').split(' ').slice(1);
  return all.filter((word, i) => !own.has(word) && !own.has(all[i - 1] ?? ''));
}

describe('a run that could not send anything', () => {
  it('because its mapping was wrong does not stand in the way of the mended one', async () => {
    const here = await setUp();
    const rows = testRows(120);
    here.at.write('rows.jsonl', jsonLines(rows));
    here.at.write('map.yaml', mapping({ data: '{{ number(text) + 1 }}' }));
    expectCode(await here.run(FILE), 2);
    here.at.write('map.yaml', mapping());
    expectCode(await here.run(FILE), 0);
    expect(await here.compare(rows)).toEqual([]);
  });

  it('because nothing it points at exists names a command that goes on', async () => {
    const here = await setUp();
    const rows = testRows(40);
    here.at.write('rows.jsonl', jsonLines(rows));
    const first = await here.command(['run', ...FILE]);
    expectCode(first, 4);
    expectCode(await here.command(words(first.report?.next)), 0);
    expect(await here.compare(rows)).toEqual([]);
  });
});

describe('a run without a mapping', () => {
  it('names the command that guesses one from these rows', async () => {
    const here = await setUp();
    here.at.write('our rows.csv', 'when,who,what\n2024-05-01,ann,hello there everybody\n2024-05-02,bob,and to you\n');
    const first = await here.command(['run', 'our rows.csv', '--graph', 'talk']);
    expectCode(first, 2);
    expect(first.report?.next).toBe("zep-import init 'our rows.csv' --graph talk");
    expectCode(await here.command(['init', 'our rows.csv', '--graph', 'talk']), 0);
    expect(existsSync(here.at.path('our rows.zep.yaml'))).toBe(true);
  });
});

describe('items that failed', () => {
  it('are sent again by the command that a later run names, whatever was rejected meanwhile', async () => {
    const here = await setUp({ lasting: ['process:*=fail-item,pattern=#bad,message=no'] });
    const rows = testRows(16).map((row, i) =>
      i === 3 ? { ...row, text: 'row 3 #bad' } : i === 5 ? { ...row, text: '' } : row,
    );
    here.at.write('map.yaml', mapping({ key: KEYED }));
    here.at.write('rows.jsonl', jsonLines(rows));
    expectCode(await here.run(FILE), 10);
    const again = await here.run(FILE);
    expectCode(again, 10);
    const note = again.report?.notes?.find((each) => each.includes('failed at the service'));
    const told = /zep-import ([a-z -]+?)(?: sends| does|$)/.exec(note ?? '')?.[1]?.split(' ') ?? [];
    const added = here.added();
    expectCode(await here.command(told), 10);
    expect(here.added()).toBe(added + 1);
  });
});

describe('items that failed in an earlier run', () => {
  it('are what the command to type next of a run that knows them is about', async () => {
    const here = await setUp({ lasting: ['process:*=fail-item,pattern=#bad,message=no'] });
    const rows = testRows(6).map((row, i) => (i === 3 ? { ...row, text: 'row 3 #bad' } : row));
    here.at.write('rows.jsonl', jsonLines(rows));
    expectCode(await here.run(FILE), 10);
    const again = await here.run(FILE);
    expectCode(again, 10);
    expect(words(again.report?.next).slice(0, 3)).toEqual(['retry', '--only', 'failed']);
  });
});

describe('messages of threads that belong to somebody else', () => {
  it('are rejected, also when there are no others', async () => {
    const here = await setUp();
    const message = (owner: string): string => `${JSON.stringify({ owner, text: `from ${owner}` })}\n`;
    here.at.write(
      'map.yaml',
      `version: 1
item: { type: thread_message, thread_id: t, user_id: '{{ owner }}', role: user, content: '{{ text }}' }
`,
    );
    here.at.write('ann.jsonl', message('ann'));
    here.at.write('bob.jsonl', message('bob'));
    const flags = ['-m', 'map.yaml', '--create-missing', 'users,threads'];
    expectCode(await here.command(['run', 'ann.jsonl', ...flags]), 0);
    const other = await here.command(['run', 'bob.jsonl', ...flags]);
    expectCode(other, 10);
    expect(other.report?.errors).toMatchObject([{ code: 'thread-owner', count: 1 }]);
    expectCode(await here.command(['retry']), 10);
    expect(here.added()).toBe(1);
  });
});

describe('rejected rows', () => {
  it('of all formats are named to be imported, without what chose rows of the sources', async () => {
    const here = await setUp();
    const rows = testRows(24);
    const damaged = (row: TestRow): TestRow => ({ ...row, text: row.id === '7' || row.id === '20' ? '' : row.text });
    here.at.write('rows.jsonl', jsonLines(rows.slice(0, 12).map(damaged)));
    here.at.write('more.csv', CSV_HEADER + csvLines(rows.slice(12).map(damaged)));
    const first = await here.run([
      'rows.jsonl',
      'more.csv',
      '-m',
      'map.yaml',
      '--skip',
      '4',
      '--limit',
      '18',
      '--name',
      'night',
    ]);
    expectCode(first, 10);
    const files = (first.report?.files ?? []).filter((file) => /rejects\.(jsonl|csv)$/.test(file));
    expect(files).toHaveLength(2);
    for (const file of files) {
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, text.replace('"text":""', '"text":"row 7"').replace('20,g0,,', '20,g0,row 20,'));
    }
    const told = words(first.report?.next);
    expect(told).not.toContain('night');
    expectCode(await here.command(told), 0);
    expect(here.added()).toBe(18);
  });

  it('of a document with its rows further inside are read as the lines that they are written in', async () => {
    const here = await setUp();
    here.at.write(
      'rows.json',
      JSON.stringify({ data: { rows: testRows(6).map((row, i) => ({ ...row, text: i === 3 ? '' : row.text })) } }),
    );
    here.at.write('map.yaml', `source: { format: json, path: data.rows }\n${mapping()}`);
    const first = await here.run(['rows.json', '-m', 'map.yaml']);
    expectCode(first, 10);
    const [file = ''] = (first.report?.files ?? []).filter((each) => each.endsWith('rejects.jsonl'));
    writeFileSync(file, readFileSync(file, 'utf8').replace('"text":""', '"text":"row 3"'));
    expectCode(await here.command(words(first.report?.next)), 0);
    expect(here.added()).toBe(6);
  });

  it('are never the list of reasons, where there is no row to be mended', async () => {
    const here = await setUp();
    here.at.write('rows.json', `${JSON.stringify(testRows(3)).slice(0, -1)},`);
    const first = await here.run(['rows.json', '-m', 'map.yaml']);
    expectCode(first, 10);
    expect(words(first.report?.next).slice(0, 4)).toEqual(['run', 'rows.json', '-m', 'map.yaml']);
  });

  it('are not those of documents that cannot be read: the documents are', async () => {
    const here = await setUp();
    mkdirSync(here.at.path('docs'));
    here.at.write('docs/empty.md', '');
    here.at.write('docs/full.md', 'something to remember');
    const first = await here.run(['docs', '--graph', 'g']);
    expectCode(first, 10);
    expect(words(first.report?.next).slice(0, 2)).toEqual(['run', 'docs']);
  });
});

describe('retry', () => {
  it('sends every item of a record of which none went in', async () => {
    const here = await setUp();
    const twice = (a: string, b: string): string => `version: 1
items:
  - { type: graph_episode, graph_id: '{{ graph }}', data: '${a}', created_at: '{{ at }}' }
  - { type: graph_episode, graph_id: '{{ graph }}', data: '${b}', created_at: '{{ at }}' }
`;
    const rows = testRows(3).map((row, i) => (i === 1 ? { ...row, text: '' } : row));
    here.at.write('rows.jsonl', jsonLines(rows));
    here.at.write('map.yaml', twice('{{ text }}', '{{ text }}'));
    expectCode(await here.run(FILE), 10);
    expect(here.added()).toBe(4);
    here.at.write('map.yaml', twice('{{ text == "" ? "first" : text }}', '{{ text == "" ? "second" : text }}'));
    expectCode(await here.command(['retry', '--remap']), 0);
    expect(here.added()).toBe(6);
  });

  it('that is discarded leaves its rows to the run that it was of', async () => {
    const here = await setUp();
    const rows = testRows(8);
    here.at.write('rows.jsonl', jsonLines(rows.map((row, i) => (i > 5 ? { ...row, text: '' } : row))));
    expectCode(await here.run(FILE), 10);
    expectCode(await here.command(['retry', '--max-errors', '0']), 11);
    expectCode(await here.command(['discard', '--yes']), 0);
    here.at.write('map.yaml', mapping({ data: '{{ text == "" ? "row " + id : text }}' }));
    expectCode(await here.command(['retry', '--remap']), 0);
    expect(here.added()).toBe(8);
    expect(await here.compare(rows)).toEqual([]);
  });

  it('that finds nothing of what its rows point at leaves them to the run that it was of, and says how to go on', async () => {
    const here = await setUp();
    const rows = testRows(8).map((row, i) => ({ ...row, graph: i === 7 ? 'lost' : row.graph }));
    here.at.write('rows.jsonl', jsonLines(rows));
    expectCode(await here.run(['rows.jsonl', '-m', 'map.yaml', '--limit', '7', '--create-missing', 'graphs']), 0);
    const first = await here.command(['run', 'rows.jsonl', '-m', 'map.yaml', '--create-missing', 'none']);
    expectCode(first, 10);
    expectCode(await here.command(['retry']), 4);
    expectCode(await here.command(['retry']), 4);
    const { report } = await here.command(['status', first.report?.run ?? '']);
    expect(report?.status).toBe('completed-with-errors');
    expect(report?.next).toContain('retry');
  });

  it('counts a record of which nothing went in as rejected, not as one that went in in part', async () => {
    const here = await setUp();
    const rows = testRows(8).map((row, i) => (i === 5 ? { ...row, text: '' } : row));
    here.at.write('rows.jsonl', jsonLines(rows));
    expectCode(await here.run(FILE), 10);
    const status = await here.command(['status']);
    expect(status.report?.records).toMatchObject({ mapped: 7, rejected: 1, partly_rejected: 0 });
  });
});

describe('imports night after night', () => {
  it('do not leave a file of marks each', async () => {
    const here = await setUp();
    const nights = 12;
    for (let night = 0; night < nights; night++) {
      here.at.write('rows.jsonl', jsonLines(testRows(4 + night)));
      expectCode(await here.run([...FILE, '--no-wait']), 0);
    }
    const marks = here.at.path('state/marks');
    const files = existsSync(marks) ? readdirSync(marks).flatMap((project) => readdirSync(join(marks, project))) : [];
    expect(files.length).toBeLessThan(nights);
    expect(here.added()).toBe(4 + nights - 1);
  });
});
