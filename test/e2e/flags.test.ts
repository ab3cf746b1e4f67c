import { existsSync, mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wireLines, workplace, type Workplace } from '../support/cli.js';

let at: Workplace;
let url: string;
let rows: string;
let messages: string;
beforeAll(async () => {
  at = workplace();
  url = await at.serve();
  rows = at.write('rows.jsonl', wireLines(6));
  const message = { type: 'thread_message', thread_id: 't', user_id: 'u', role: 'user', content: 'hi' };
  messages = at.write('messages.jsonl', `${JSON.stringify(message)}\n`);
});
afterAll(() => at.close());

const QUIET = ['--progress', 'none'];

async function json(args: readonly string[], env: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const { stdout } = await at.start([...args, ...QUIET, '-o', 'json'], { env });
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe('flags that contradict each other or the rows', () => {
  it('are refused before anything is sent, saying which to leave out', async () => {
    const cases: readonly (readonly [readonly string[], string])[] = [
      [['run', rows, '--graph', 'a', '--user', 'b'], 'to a graph or to a user'],
      [['run', messages, '--graph', 'a'], '--graph has no effect'],
      [['check', rows, '--thread', 't'], '--thread has no effect'],
      [['run', rows, '--api-url', url], '--local and --api-url'],
    ];
    const state = ['--local', '--state-dir', at.path('contradictions')];
    for (const [args, text] of cases) {
      const { code, stderr } = await at.start([...args, ...state, '--progress', 'plain']);
      expect(stderr).toContain(text);
      expect(stderr).toContain('leave');
      expect(code).toBe(2);
    }
    const { stdout } = await at.start(['batches', 'list', ...state, '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ batches: [] });
  });

  it('a typed flag wins over a variable that contradicts it', async () => {
    const env = { ZEP_API_KEY: 'k', ZEP_IMPORT_LOCAL: '1', ZEP_IMPORT_NO_WAIT: '1' };
    const both = await json([rows, '--api-url', url, '--create-missing', 'graphs', '--wait'], env);
    expect(both).toMatchObject({ status: 'completed', accepted: 6 });
    const stats = (await (await fetch(new URL('/__local/stats', url))).json()) as { asked: Record<string, number> };
    expect(stats.asked['process']).toBe(1);
  });
});

describe('one command line fits run, check and preview', () => {
  it('check and preview take every flag of run', async () => {
    const flags = [
      '--api-url',
      url,
      '-k',
      'k',
      '--chunk-size',
      '2',
      '--order',
      'relaxed',
      '--no-wait',
      '-y',
      '--limit',
      '2',
    ];
    expect(await json(['check', rows, ...flags])).toMatchObject({ read: 2, exit_code: 0 });
    expect(await json(['preview', rows, ...flags])).toMatchObject({ read: 2, exit_code: 0 });
  });

  it('the command to type next is the same import, quoted for a shell, without the key', async () => {
    at.write("it's.jsonl", wireLines(3));
    const secret = 'z_secret-4711';
    const args = ["it's.jsonl", '--graph', 'my graph', '--limit', '2', '-k', secret, '--chunk-size=100', '-q'];
    expect(await json(['check', ...args])).toMatchObject({
      next: `zep-import run 'it'\\''s.jsonl' --limit 2 --graph 'my graph' --chunk-size 100`,
    });
    const preview = await at.start(['preview', ...args.filter((word) => word !== '-q')]);
    expect(preview.stderr).toContain(
      `Next: zep-import check 'it'\\''s.jsonl' --limit 2 --graph 'my graph' --chunk-size 100\n`,
    );
    expect(preview.stderr).not.toContain(secret);
  });

  it('a path that looks like a flag stays a path in it', async () => {
    at.write('-rows.jsonl', wireLines(1));
    const { stdout } = await at.start(['check', '--limit', '1', ...QUIET, '-o', 'json', '--', '-rows.jsonl']);
    expect(JSON.parse(stdout)).toMatchObject({ next: 'zep-import run --limit 1 -- -rows.jsonl' });
  });

  it('after drafts were left it asks the same service, with the same state', async () => {
    const state = at.path('own state');
    const args = [rows, '--api-url', url, '--create-missing', 'graphs', '--batch-size', '2', '--no-wait'];
    const { next } = await json([...args, '--state-dir', state], { ZEP_API_KEY: 'k' });
    if (next !== null) {
      expect(next).toMatch(/^zep-import (resume|status) .* --api-url http:\S+ --state-dir '.*own state'( --watch)?$/);
    }
    const stopped = await json(['check', 'rows.jsonl', '--max-errors', '1', '--local']);
    expect(stopped['next']).toBe('zep-import run rows.jsonl --local --max-errors 1');
  });
});

describe('variables', () => {
  it('answer a mistyped flag as JSON when ZEP_IMPORT_OUTPUT says so', async () => {
    const { stdout, code } = await at.start([rows, '--bogus'], { env: { ZEP_IMPORT_OUTPUT: 'json' } });
    expect(JSON.parse(stdout)).toMatchObject({ type: 'error', code: 'usage', exit_code: 2 });
    expect(code).toBe(2);
  });

  it('that change what is read are repeated in the first line of a check', async () => {
    const { stderr } = await at.start(['check', rows, '--progress', 'plain'], { env: { ZEP_IMPORT_LIMIT: '2' } });
    expect(stderr.split('\n')[0]).toMatch(/^zep-import check: 1 source \(\d+ B\), limit = 2 from ZEP_IMPORT_LIMIT$/);
  });

  it('set the flags of the local server too', async () => {
    const env = { ZEP_IMPORT_PORT: 'many' };
    const { stderr, code } = await at.start(['serve', '--data', ':memory:'], { env });
    expect(stderr).toContain('--port many');
    expect(code).toBe(2);
    const server = at.start(['serve', '--port', '0'], { env: { ZEP_IMPORT_STATE_DIR: at.path('served') } });
    await new Promise((ready) => server.child.stdout?.once('data', ready));
    server.child.kill('SIGTERM');
    expect((await server).code).toBe(0);
    expect(existsSync(at.path('served/local.db'))).toBe(true);
  });
});

describe('the state folder', () => {
  it.each([
    ['a file', 'rows.jsonl', 'a file is in its place'],
    ['below a file', 'rows.jsonl/x', 'a file is in its place'],
  ])('that is %s is refused with what and what next', async (_, folder, why) => {
    const { code, stderr } = await at.start([rows, '--local', '--state-dir', folder]);
    expect(stderr).toContain(why);
    expect(stderr).toContain('--state-dir');
    expect(code).toBe(2);
  });

  it.skipIf(!existsSync('/proc/self'))(
    'on a file system that takes no folders is refused, not tried for ever',
    async () => {
      const { code, stderr } = await at.start([rows, '--local', '--state-dir', '/proc/zep-import']);
      expect(stderr).toContain('/proc/zep-import cannot be made');
      expect(code).toBe(2);
    },
  );

  it('that is in use by another local server is told with the flag that helps here', async () => {
    const state = at.path('busy');
    mkdirSync(state);
    const server = at.start(['serve', '--port', '0', '--state-dir', state]);
    await new Promise((ready) => server.child.stdout?.once('data', ready));
    const { code, stderr } = await at.start([rows, '--local', '--state-dir', state]);
    server.child.kill('SIGTERM');
    await server;
    expect(stderr).toContain('--state-dir');
    expect(stderr).not.toContain('--data');
    expect(code).toBe(21);
  });
});

describe('long lists', () => {
  it('of runs, batches and items are shown page by page, and by state', async () => {
    const state = ['--local', '--state-dir', at.path('pages')];
    const bad = at.write('bad.jsonl', `${wireLines(2, 'bad')}oops\n`);
    for (const [file, name] of [
      [rows, 'first'],
      [bad, 'second'],
      [at.write('more.jsonl', wireLines(4, 'more')), 'third'],
    ] as const) {
      await json([file, '--name', name, ...state]);
    }
    const names = async (...args: string[]): Promise<unknown> => {
      const { stdout } = await at.start(['runs', '--state-dir', at.path('pages'), '-o', 'json', ...args]);
      const { runs, more } = JSON.parse(stdout) as { runs: { name: string }[]; more: boolean };
      return [runs.map((run) => run.name), more];
    };
    expect(await names('--limit', '2')).toEqual([['third', 'second'], true]);
    expect(await names('--skip', '2')).toEqual([['first'], false]);
    expect(await names('--limit', '1', '--skip', '1')).toEqual([['second'], true]);
    expect(await names('--status', 'completed-with-errors')).toEqual([['second'], false]);
    expect(await names('--status', 'completed', '--skip', '1')).toEqual([['first'], false]);
    at.write('few.yaml', 'limit: 1\nskip: 1\n');
    expect(await names('--config', 'few.yaml')).toEqual([['third', 'second', 'first'], false]);
    const wrong = await at.start(['runs', '--status', 'sleeping', '--state-dir', at.path('pages')]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('--status takes running, unfinished');
    const list = async (...args: string[]): Promise<{ batches: { batch_id: string }[]; more: boolean }> => {
      const { stdout } = await at.start(['batches', 'list', ...state, '-o', 'json', ...args]);
      return JSON.parse(stdout) as { batches: { batch_id: string }[]; more: boolean };
    };
    const all = await list();
    expect(all.batches).toHaveLength(3);
    const second = await list('--limit', '1', '--skip', '1');
    expect(second).toEqual({ ...all, batches: all.batches.slice(1, 2), more: true });
    const told = await at.start([
      'batches',
      'items',
      all.batches.at(-1)?.batch_id ?? '',
      ...state,
      '--limit',
      '2',
      '--skip',
      '3',
    ]);
    expect(told.stdout).toMatch(/^ +3 [^]*^ +4 /m);
    expect(told.stderr).toContain('4 to 5; --limit shows more, --skip 5 the next ones');
  });
});
