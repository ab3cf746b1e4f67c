import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wireLines, workplace, type Workplace } from '../support/cli.js';

let at: Workplace;
beforeAll(() => {
  at = workplace();
});
afterAll(() => at.close());

interface Check {
  readonly records: Readonly<Record<string, number>>;
  readonly rejected: number;
  readonly batches: number;
  readonly batches_most: number;
  readonly items: { readonly total: number; readonly rejected: number };
  readonly calls: { readonly add: number; readonly total: number; readonly most: number };
  readonly destinations: Record<string, number>;
  readonly rejects: readonly { readonly message: string; readonly count: number; readonly first: string }[];
}

interface Run {
  readonly records: Readonly<Record<string, number>>;
  readonly rejected: number;
  readonly accepted: number;
  readonly batches: readonly unknown[];
  readonly items: { readonly rejected: number; readonly known: number };
  readonly calls: { readonly add: number; readonly total: number };
  readonly created: Record<string, number>;
  readonly errors: Check['rejects'];
}

/** What `check` says of an input, and what a run of it does. */
async function both(...args: readonly string[]): Promise<{ check: Check; run: Run }> {
  const url = await at.serve();
  const flags = [
    ...args,
    '--api-url',
    url,
    '-k',
    'k',
    '--create-missing',
    'users,graphs,threads',
    '--order',
    'relaxed',
  ];
  const quiet = ['--progress', 'none', '-o', 'json'];
  const check = await at.start(['check', ...flags, ...quiet]);
  const run = await at.start(['run', ...flags, ...quiet]);
  expect(check.code).toBe(run.code);
  return { check: JSON.parse(check.stdout) as Check, run: JSON.parse(run.stdout) as Run };
}

const episodes = (n: number): string => Array.from({ length: n }, (_, i) => wireLines(1, `g${i % 9}`)).join('');

describe('check foretells an import exactly', () => {
  it('which items a later import could not tell from new ones: those with neither a key nor a time', async () => {
    const row = { type: 'graph_episode', graph_id: 'g', data: 'ok', data_type: 'text' };
    const file = at.write('undated.jsonl', `${JSON.stringify(row)}\n${wireLines(2)}`);
    const { stdout } = await at.start(['check', file, '--local', '-o', 'json', '--progress', 'none']);
    const { notices } = JSON.parse(stdout) as { notices: { code: string; message: string }[] };
    expect(notices.find(({ code }) => code === 'not-known-again')?.message).toMatch(/^1 items? /);
  });

  it('calls, chunks and batches of one lane and of several', async () => {
    const file = at.write('episodes.jsonl', episodes(700));
    for (const lanes of ['1', '3']) {
      const { check, run } = await both(file, '--concurrency', lanes, '--chunk-size', '50', '--batch-size', '200');
      expect(run.accepted).toBe(check.items.total);
      expect(run.batches).toHaveLength(check.batches);
      expect(check.calls).toMatchObject({ add: run.calls.add, total: run.calls.total, most: run.calls.total });
      expect(check.destinations).toMatchObject(run.created);
    }
  });

  it('the least and the most when lanes may be added', async () => {
    const file = at.write('episodes.jsonl', episodes(700));
    const { check, run } = await both(file, '--chunk-size', '50', '--batch-size', '200');
    expect(check.batches).toBeLessThan(check.batches_most);
    expect(run.batches.length).toBeGreaterThanOrEqual(check.batches);
    expect(run.batches.length).toBeLessThanOrEqual(check.batches_most);
    expect(run.calls.total).toBeGreaterThanOrEqual(check.calls.total);
  });

  it('a thread that two rows give to two users: the later row is rejected, in the same words', async () => {
    const row = (user: string): string =>
      `${JSON.stringify({ type: 'thread_message', thread_id: 't', user_id: user, role: 'user', content: 'hi' })}\n`;
    const file = at.write('threads.jsonl', row('ann') + row('bob') + row('ann'));
    const { check, run } = await both(file);
    expect(check.rejected).toBe(1);
    expect(run.rejected).toBe(1);
    expect(check.items).toMatchObject({ total: run.accepted, rejected: run.items.rejected });
    expect(check.calls.total).toBe(run.calls.total);
    expect(check.destinations).toMatchObject(run.created);
    expect(check.rejects).toEqual(run.errors);
  });

  it('a repeat that names another owner of its thread is left out, not rejected', async () => {
    const row = (id: number, user: string): string =>
      `${JSON.stringify({ id, thread: 'twice', user, text: `text ${id}`, at: '2024-05-01T00:00:00Z' })}\n`;
    const file = at.write('owners.jsonl', row(1, 'ann') + row(2, 'ann') + row(2, 'bob') + row(3, 'bob'));
    const map = at.write(
      'owners.yaml',
      `version: 1\nkey: '{{ id }}'\nitem: { type: thread_message, thread_id: '{{ thread }}', user_id: '{{ user }}', role: user, content: '{{ text }}', created_at: { from: at } }\n`,
    );
    const { check, run } = await both(file, '-m', map);
    expect(check.items).toMatchObject({ total: run.accepted, known: run.items.known, rejected: run.items.rejected });
    expect(check.items).toMatchObject({ total: 2, known: 1, rejected: 1 });
  });

  it.each([
    ['by its key', "key: '{{ id }}'", []],
    ['by its key, whatever it says', "key: '{{ id }}'", ['--on-changed', 'skip']],
    ['by its key, in the order of time', "key: '{{ id }}'", ['--sort', 'created_at']],
    ['in another file', '', []],
  ])('a row that repeats one which is rejected goes in: known %s', async (name, key, flags) => {
    const thread = name.replaceAll(/\W+/g, '-');
    const map = at.write(
      'rejected.yaml',
      `version: 1\n${key}\nitem: { type: thread_message, thread_id: '${thread}', user_id: '{{ user }}', role: user, content: '{{ text }}', created_at: { from: at } }\n`,
    );
    const row = (id: number, user: string, text: string): string =>
      `${JSON.stringify({ id, user, text, at: '2024-05-01T00:00:00Z' })}\n`;
    const changed = flags.includes('skip') ? 'another' : 'two';
    const files = [
      at.write('first.jsonl', row(1, 'ann', 'one') + row(2, 'bob', 'two')),
      at.write('second.jsonl', row(2, 'ann', changed) + row(2, 'cat', changed) + row(3, 'ann', 'three')),
    ];
    const known = key === '' ? 0 : 1;
    const { check, run } = await both(...files, '-m', map, '--name', thread, ...flags);
    expect(run).toMatchObject({ accepted: 3, items: { known, rejected: 2 - known } });
    expect(check.items).toMatchObject({ total: 3, known, rejected: 2 - known });
  });

  it.each([
    ['in the order of the input', []],
    ['in the order of time', ['--sort', 'created_at']],
  ])('a record of which several items are rejected, at whatever stage, once: %s', async (_, flags) => {
    const item = (content: string, at: string): string =>
      `  - { type: thread_message, thread_id: 'parts${flags.length}', user_id: '{{ user }}', role: user, content: '${content}', created_at: { from: ${at} } }\n`;
    const map = at.write(
      'parts.yaml',
      `version: 1\nitems:\n${item('question {{ id }}', 'asked')}${item('{{ note }}', 'asked')}${item('answer {{ id }}', 'answered')}`,
    );
    const row = (id: number, user: string, note: string): string =>
      `${JSON.stringify({ id, user, note, asked: `2024-05-0${id}T00:00:00Z`, answered: `2025-05-0${id}T00:00:00Z` })}\n`;
    const file = at.write('parts.jsonl', row(1, 'ann', 'note') + row(2, 'bob', ' ') + row(3, 'bob', ' '));
    const { check, run } = await both(file, '-m', map, ...flags);
    expect(check.records).toMatchObject({ mapped: 3, partly_rejected: 2 });
    expect(run.records).toMatchObject({ mapped: 3, partly_rejected: 2 });
    expect(check.items).toMatchObject({ rejected: run.items.rejected });
  });

  it.each([
    ['by key, sent again when the content is another', 'key: "{{ id }}"', []],
    ['by key, left when the content is another', 'key: "{{ id }}"', ['--on-changed', 'skip']],
    ['by key, in the order of time', 'key: "{{ id }}"', ['--sort', 'created_at']],
    ['by their content and time', '', []],
    ['not at all', 'key: "{{ id }}"', ['--no-dedupe']],
  ])('which rows are repeated and not sent again: %s', async (_, key, flags) => {
    const map = at.write(
      'map.yaml',
      `version: 1\n${key}\nitem: { type: graph_episode, graph_id: g, data: "{{ text }}", created_at: { from: at } }\n`,
    );
    const row = (id: number, text: string): object => ({ id, text, at: `2024-05-0${1 + (id % 9)}T00:00:00Z` });
    const rows = [row(7, 'a'), row(7, 'a'), row(2, 'b'), row(7, 'c'), row(7, 'a'), row(3, 'b'), row(7, 'a')];
    const files = ['one.jsonl', 'two.jsonl'].map((name) =>
      at.write(name, rows.map((each) => `${JSON.stringify(each)}\n`).join('')),
    );
    const { check, run } = await both(
      ...files,
      '-m',
      map,
      '--name',
      `n${flags.join()}${key}`,
      '--state-dir',
      at.path('repeats'),
      ...flags,
    );
    expect(check.items).toMatchObject({ total: run.accepted, known: run.items.known });
    expect(check.calls.total).toBe(run.calls.total);
  });

  it('that it would stop at --max-errors', async () => {
    const file = at.write('bad.jsonl', wireLines(3) + 'oops\n'.repeat(4));
    const args = [file, '--max-errors', '3', '--progress', 'none', '-o', 'json'];
    const check = await at.start(['check', ...args]);
    expect(JSON.parse(check.stdout)).toMatchObject({ notices: [{ code: 'would-stop' }] });
    expect((await at.start(['run', ...args, '--local'])).code).toBe(11);
  });
});

describe('the tests of a mapping', () => {
  const mapping = (thread: string): string => `version: 1
item: { type: thread_message, thread_id: 't-{{ id }}', user_id: u, role: user, content: '{{ text }}' }
tests:
  - { name: plain, row: { id: 1, text: hi }, expect: { thread_id: ${thread} } }
  - { row: { id: 2 }, expect: rejected }
`;

  it('run with check and alone, without a source; one that fails is told, and the exit code says so', async () => {
    const rows = at.write('rows.csv', 'id,text\n1,hi\n');
    const good = at.write('good.yaml', mapping('t-1'));
    const bad = at.write('bad.yaml', mapping('t-9'));
    const alone = await at.start(['check', '-m', good, '--tests-only']);
    expect(alone.stdout).toContain('2 tests of the mapping passed');
    expect(alone.code).toBe(0);
    for (const args of [
      [rows, '-m', bad],
      ['-m', bad, '--tests-only'],
    ]) {
      const failed = await at.start(['check', ...args]);
      expect(failed.stdout).toContain('1 test of the mapping failed');
      expect(failed.stdout).toContain('test 1 "plain": thread_id is "t-1", not "t-9"');
      expect(failed.code).toBe(2);
    }
  });
});
