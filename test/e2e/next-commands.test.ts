/** What a command says to type next can be typed, and does what was said. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Attempt } from '../support/attempts.js';
import { imports, jsonLines, KEYED, mapping, said, SMALL, testRows, type Imports } from '../support/imports.js';
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
