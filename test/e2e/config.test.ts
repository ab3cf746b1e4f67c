import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wireLines, workplace, type Ended, type Workplace } from '../support/cli.js';

let at: Workplace;
beforeEach(() => {
  at = workplace();
  at.write('rows.jsonl', wireLines(6));
  mkdirSync(at.path('config/zep-import'), { recursive: true });
});
afterEach(() => at.close());

const own = (text: string): string => at.write('config/zep-import/config.yaml', text);
const project = (text: string): string => at.write('zep-import.yaml', text);
const report = ({ stdout }: Ended): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

describe('an import with config files', () => {
  it('takes them, says in its first line what changes the input, and names the same command next', async () => {
    project('limit: 4\nchunk-size: 2\nlocal: true\noutput: json\n');
    const done = await at.start(['rows.jsonl', '--progress', 'plain']);
    expect(done.stderr.split('\n')[0]).toContain('limit = 4 from zep-import.yaml:1');
    const { read, calls, next } = report(done) as { read: number; calls: { add: number }; next: string };
    expect([read, calls.add]).toEqual([4, 2]);
    expect(next).toMatch(/^zep-import audit \S+$/);
    expect((await at.start(next.split(' ').slice(1))).code).toBe(0);
  });

  it('gives the mapping the last word over a config file, and a typed flag over both', async () => {
    project('graph: of-the-config\nlocal: true\nchunk-size: 1\n');
    at.write('map.yaml', "version: 1\nitem: { type: graph_episode, graph_id: of-the-mapping, data: '{{ data }}' }\n");
    const graphOf = async (words: readonly string[]): Promise<unknown> => {
      const { stdout } = await at.start(['preview', 'rows.jsonl', ...words, '-n', '1', '-o', 'json']);
      const { items } = JSON.parse(stdout) as { items: { item?: { graph_id: string }; graph_id?: string }[] };
      return JSON.stringify(items).match(/"graph_id":"([^"]+)"/)?.[1];
    };
    const lines = [['-m', 'map.yaml'], ['-m', 'map.yaml', '--graph', 'typed'], []];
    expect(await Promise.all(lines.map(graphOf))).toEqual(['of-the-mapping', 'typed', 'of-the-config']);
  });

  it('that was staged goes on as it began, when the file is another one now', async () => {
    project('graph: first\nlocal: true\nchunk-size: 2\n');
    const staged = await at.start(['rows.jsonl', '--stage-only', '-o', 'json', '--progress', 'none']);
    expect(staged.code).toBe(14);
    project('graph: second\nlimit: 1\n');
    const resumed = await at.start(['resume', '-o', 'json', '--progress', 'none']);
    expect(report(resumed)).toMatchObject({ exit_code: 0, accepted: 6 });
    rmSync(at.path('zep-import.yaml'));
    expect((await at.start(['status', '-o', 'json'])).code).toBe(0);
  });

  it('goes to the service of its profile, with the key of it, and later commands find the way back', async () => {
    const url = await at.serve(['--api-key', 'k-staging']);
    at.write('config/zep-import/staging.key', 'k-staging\n');
    own(`profiles:\n  staging:\n    api-url: ${url}\n    api-key-file: staging.key\n    create-missing: [graphs]\n`);
    const words = ['rows.jsonl', '-p', 'staging', '--progress', 'plain', '-o', 'json'];
    const done = await at.start(words, { env: { ZEP_API_KEY: 'of another project' } });
    expect(report(done)).toMatchObject({ exit_code: 0, accepted: 6 });
    expect(done.stderr.split('\n')[0]).toContain('key from profile staging');
    expect((await at.start(['audit'])).code).toBe(0);
    expect((await at.start(['batches', 'list', '-p', 'staging'])).code).toBe(0);
    const other = await at.start(['batches', 'list', '-p', 'stagin'], { env: { ZEP_API_KEY: 'k-staging' } });
    expect(other).toMatchObject({ code: 3 });
    expect(other.stderr).toContain('staging');
  });

  it('sends no key where a file beside the data wants it, not even when asked to say yes', async () => {
    const url = await at.serve();
    project(`api-url: ${url}\n`);
    const env = { ZEP_API_KEY: 'z_secret-4711' };
    for (const words of [
      ['rows.jsonl', '--yes'],
      ['batches', 'list'],
      ['batches', 'delete', 'x', '-y'],
    ]) {
      const refused = await at.start(words, { env });
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain('config-untrusted');
      expect(refused.stderr).toContain('--config');
    }
    const asked = async (): Promise<unknown> =>
      ((await (await fetch(new URL('/__local/stats', url))).json()) as { asked: unknown }).asked;
    expect(await asked()).toEqual({});
    expect((await at.start(['batches', 'list', '--config', 'zep-import.yaml'], { env })).code).toBe(0);
    expect(await asked()).not.toEqual({});
  });

  it('does not lead a key to the address of a profile that a file beside the data has chosen', async () => {
    const url = await at.serve();
    own(`profiles:\n  a:\n    api-url: ${url}\n    api-key-file: a.key\n`);
    at.write('config/zep-import/a.key', 'k-a');
    project('profile: a\n');
    expect((await at.start(['batches', 'list'])).code).toBe(0);
    const refused = await at.start(['batches', 'list'], { env: { ZEP_API_KEY: 'another' } });
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain('config-untrusted');
  });

  it('is refused as a whole for a file with a mistake, in the form that was asked for', async () => {
    project('output: json\nchunk-sise: 2\n');
    const refused = await at.start(['check', 'rows.jsonl', '-o', 'json']);
    expect(refused.code).toBe(2);
    expect(report(refused)).toMatchObject({ type: 'error', code: 'config-invalid' });
    expect(refused.stderr).toContain('zep-import.yaml:2:1 chunk-sise: unknown key: did you mean chunk-size?');
    expect((await at.start(['check', 'rows.jsonl', '--no-config'])).code).toBe(0);
    project('output: json\nmapping: gone.yaml\n');
    const failed = await at.start(['check', 'rows.jsonl', '--progress', 'none']);
    expect(report(failed)).toMatchObject({ type: 'error', exit_code: 2 });
  });

  it('leaves the flags of the local server alone that only share a name with ours', async () => {
    project('rate-limit: 1\nlimit: 1\n');
    const url = await at.serve();
    for (let calls = 0; calls < 3; calls++) {
      const { status } = await fetch(`${url}/projects/info`, { headers: { authorization: 'Api-Key k' } });
      expect(status).toBe(200);
    }
  });
});

describe('config show', () => {
  it('tells every setting and where it comes from, and never the key', async () => {
    own('chunk-size: 7\nprofile: a\nprofiles:\n  a:\n    batch-size: 9\n');
    project('limit: 3\napi-url: http://evil.example\n');
    const env = { ZEP_API_KEY: 'z_secret-4711', ZEP_IMPORT_SKIP: '2' };
    const words = ['config', 'show', '--order', 'relaxed', '-k', 'z_secret-4712'];
    const shown = report(await at.start([...words, '-o', 'json'], { env }));
    expect(JSON.stringify(shown)).not.toContain('secret');
    const settings = shown['settings'] as { name: string; value: string; origin: string }[];
    const of = (name: string): unknown => settings.find((each) => each.name === name);
    expect(of('api-key')).toEqual({ name: 'api-key', value: 'set', origin: '--api-key' });
    expect(of('chunk-size')).toEqual({ name: 'chunk-size', value: '7', origin: 'config/zep-import/config.yaml:1' });
    expect(of('batch-size')).toMatchObject({ value: '9', origin: 'config/zep-import/config.yaml:5 (profile a)' });
    expect(of('limit')).toMatchObject({ value: '3', origin: 'zep-import.yaml:1' });
    expect(of('skip')).toMatchObject({ value: '2', origin: 'ZEP_IMPORT_SKIP' });
    expect(of('order')).toMatchObject({ value: 'relaxed', origin: '--order' });
    expect(of('wait')).toMatchObject({ value: 'true', origin: 'default' });
    expect(of('api-url')).toMatchObject({ value: 'https://api.getzep.com', origin: 'default' });
    expect(shown['withheld']).toEqual([{ name: 'api-url', value: 'http://evil.example', origin: 'zep-import.yaml:2' }]);
    const table = await at.start([...words, '--origin'], { env });
    expect(table.stdout).toMatch(/^limit +3 +zep-import\.yaml:1$/m);
    expect(table.stderr).toContain('not taken: api-url');
    expect(table.stdout + table.stderr).not.toContain('secret');
    expect((await at.start(words, { env })).stdout).not.toContain('zep-import.yaml');
  });

  it('path tells where files are looked for, also when what stands in them is wrong', async () => {
    const path = project('nonsense');
    const { files } = report(await at.start(['config', 'path', '-o', 'json'], { env: { HOME: at.path('home') } })) as {
      files: { path: string; read: boolean; exists: boolean; kind: string }[];
    };
    expect(files.filter(({ exists }) => exists)).toEqual([{ path, kind: 'project', exists: true, read: true }]);
    expect(files.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['user', 'zepctl']));
    const table = await at.start(['config', 'path']);
    expect(table).toMatchObject({ code: 0 });
    expect(table.stdout).toContain('your own');
  });
});

describe('doctor', () => {
  it('is well with a server that is, with --local too, and changes nothing', async () => {
    const url = await at.serve();
    const well = await at.start(['doctor', '--api-url', url, '-k', 'z_secret-4711', '-o', 'json']);
    expect(report(well)).toMatchObject({ type: 'doctor', exit_code: 0, version: expect.any(String) as string });
    expect(well.stdout).not.toContain('4711');
    expect(well.code).toBe(0);
    const local = await at.start(['doctor', '--local', '--state-dir', 'state']);
    expect(local.code).toBe(0);
    expect(local.stdout).toMatch(/^ok +batch-api +there/m);
    expect(await (await fetch(new URL('/__local/stats', url))).json()).toMatchObject({ items: { added: 0 } });
  });

  it('ends with the code of what it finds', async () => {
    mkdirSync(at.path('damaged'), { mode: 0o700 });
    writeFileSync(join(at.path('damaged'), 'ledger.db'), 'x'.repeat(5_000));
    const key = { ZEP_API_KEY: 'k' };
    const cases: readonly (readonly [readonly string[], Record<string, string>, number])[] = [
      [[], {}, 3],
      [['-p', 'gone'], key, 3],
      [['--local', '--api-url', 'http://x'], {}, 2],
      [['--api-url', 'http://127.0.0.1:9'], key, 6],
      [['--state-dir', 'rows.jsonl', '--local'], {}, 2],
      [['--state-dir', 'damaged', '--local'], {}, 20],
    ];
    const ended = cases.map(async ([words, env, code]) => {
      const found = await at.start(['doctor', ...words, '-o', 'json'], { env });
      expect(found.code, found.stdout).toBe(code);
      expect(report(found)).toMatchObject({ exit_code: code });
    });
    await Promise.all(ended);
  });

  it('with the wrong key ends with 3, and goes on behind a config file that is wrong', async () => {
    const url = await at.serve(['--api-key', 'right']);
    const wrong = await at.start(['doctor', '--api-url', url, '-k', 'wrong'], {});
    expect(wrong.code).toBe(3);
    expect(wrong.stdout).toMatch(/^problem +key +the service does not accept the API key/m);
    project('chunk-sise: 1\n');
    const both = await at.start(['doctor', '--api-url', url, '-k', 'right']);
    expect(both.code).toBe(2);
    expect(both.stdout).toContain('did you mean chunk-size?');
    expect(both.stdout).toMatch(/^ok +batch-api/m);
  });
});
