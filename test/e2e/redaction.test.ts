/** Personal data that the mapping redacts: what leaves the machine and what stays on it, byte for byte. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asked, closedAfterEach, expectCode, expectKilled, said, type Imports } from '../support/imports.js';

const { setUp } = closedAfterEach();
const SECRET = 'hidden.person@example.org';
const MAPPING = `version: 1
redact: [email, card, phone]
where: 'kind != "skip"'
item:
  type: graph_episode
  graph_id: g
  data: '{{ text }}'
  created_at: { from: at }
  metadata: { note: '{{ note }}' }
`;

const row = (n: number, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  text: `row ${n} by ${SECRET}, card 4111 1111 1111 1111`,
  note: SECRET,
  at: '2024-05-01T00:00:00Z',
  ...more,
});
const lines = (rows: readonly unknown[]): string => rows.map((each) => `${JSON.stringify(each)}\n`).join('');

/** Files of a folder that hold the secret. */
function leaks(here: Imports, name = 'state'): readonly string[] {
  const folder = here.at.path(name);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => /hidden\.person|4111 1111/.test(readFileSync(path, 'latin1')));
}

describe('what the mapping redacts', () => {
  it('is in no file and in no output, also of rejected rows, and the rejected rows can be loaded again', async () => {
    const here = await setUp();
    here.at.write('map.yaml', MAPPING);
    here.at.write('rows.jsonl', `${lines([row(1), row(2, { at: SECRET }), row(3)])}{"text": "${SECRET}", broken\n`);
    const tried = await here.run(['rows.jsonl', '-m', 'map.yaml']);
    expectCode(tried, 10);
    expect(said(tried)).not.toContain('hidden.person');
    expect(tried.notices).toContain('redacted');
    expect(leaks(here)).toEqual([]);
    expect(await here.remote.contents('g:g')).toEqual([
      'row 1 by [email], card [card]',
      'row 3 by [email], card [card]',
    ]);
    const [rejects = ''] = (tried.report?.files ?? []).filter((name) => name.endsWith('rejects.jsonl'));
    expect(JSON.parse(readFileSync(rejects, 'utf8').split('\n')[0] ?? '')).toMatchObject({ at: '[email]' });
    expectCode(await here.run([rejects, '-m', 'map.yaml', '--name', 'again']), 10);
  });

  it('is in no cell of a rejected row of a table', async () => {
    const here = await setUp();
    here.at.write('map.yaml', MAPPING);
    here.at.write(
      'rows.csv',
      `text,note,at\n"one, ${SECRET}",n,2024-05-01T00:00:00Z\n"two, ${SECRET}",${SECRET},never\n`,
    );
    const tried = await here.run(['rows.csv', '-m', 'map.yaml']);
    expectCode(tried, 10);
    expect(leaks(here)).toEqual([]);
    const [rejects = ''] = (tried.report?.files ?? []).filter((name) => name.endsWith('rejects.csv'));
    expect(readFileSync(rejects, 'utf8')).toBe('text,note,at\n"two, [email]",[email],never\n');
  });

  it('is not kept of standard input either: no copy of it is made, and that is said', async () => {
    const here = await setUp();
    here.at.write('map.yaml', MAPPING);
    const tried = await here.run(['-', '-m', 'map.yaml'], { stdin: lines([row(1), row(2, { at: 'x' })]) });
    expectCode(tried, 10);
    expect(tried.notices).toContain('no-spool');
    expect(leaks(here)).toEqual([]);
  });

  it('is in no temporary file after a kill while standard input is read', async () => {
    const here = await setUp({ latencyMs: 200 });
    here.at.write('map.yaml', MAPPING);
    mkdirSync(here.at.path('temporary'));
    const words = [
      'run',
      '-',
      '-m',
      'map.yaml',
      ...here.remote.flags,
      '--state-dir',
      'state',
      '--create-missing',
      'graphs',
    ];
    const running = here.at.start([...words, '--chunk-size', '5', '--batch-size', '20', '--progress', 'none'], {
      stdin: lines(Array.from({ length: 40 }, (_, n) => row(n))),
      env: { TMPDIR: here.at.path('temporary') },
    });
    await asked(here, 'add', 2);
    running.child.kill('SIGKILL');
    await running;
    expect(leaks(here)).toEqual([]);
    expect(leaks(here, 'temporary')).toEqual([]);
  });

  it('is nowhere after a kill in the middle, and the import goes on', async () => {
    const here = await setUp({ latencyMs: 50 });
    here.at.write('map.yaml', MAPPING);
    here.at.write('rows.jsonl', lines(Array.from({ length: 60 }, (_, n) => row(n, n % 7 === 0 ? { at: SECRET } : {}))));
    const words = ['rows.jsonl', '-m', 'map.yaml', '--chunk-size', '5', '--batch-size', '20', '--concurrency', '1'];
    const flags = [...here.remote.flags, '--state-dir', 'state', '--create-missing', 'graphs', '--progress', 'none'];
    const first = here.at.start(['run', ...words, ...flags]);
    await asked(here, 'add', 3);
    first.child.kill('SIGKILL');
    await first;
    expect(leaks(here)).toEqual([]);
    expectCode(await here.run(words), 10);
    expect(leaks(here)).toEqual([]);
    expect(here.added()).toBeGreaterThanOrEqual(51);
    expect(await here.remote.contents('g:g')).toHaveLength(51);
  });

  it('is in none of the pieces that are sorted on disk, which hold what is sent', async () => {
    const here = await setUp();
    here.at.write('map.yaml', MAPPING);
    here.at.write('rows.jsonl', lines(Array.from({ length: 60 }, (_, n) => row(n))));
    const words = ['rows.jsonl', '-m', 'map.yaml', '--sort', 'created_at', '--sort-memory', '4KiB'];
    await expectKilled(here.run(words, { kill: 'sort.written:3' }));
    const pieces = readdirSync(here.at.path('state'), { recursive: true }).filter((name) =>
      String(name).includes('sorting/'),
    );
    expect(pieces.length).toBeGreaterThan(0);
    expect(leaks(here)).toEqual([]);
    expectCode(await here.run(words), 0);
    expect(leaks(here)).toEqual([]);
    expect(await here.remote.contents('g:g')).toHaveLength(60);
  });

  it('is shown neither by preview nor by check', async () => {
    const here = await setUp();
    here.at.write('map.yaml', MAPPING);
    here.at.write('rows.jsonl', lines([row(1), row(2, { at: SECRET })]));
    for (const command of ['preview', 'check']) {
      const ended = await here.at.start([command, 'rows.jsonl', '-m', 'map.yaml']);
      expect(ended.code).toBe(10);
      expect(ended.stdout + ended.stderr).not.toContain('hidden.person');
    }
  });
});
