/** What was acknowledged is there after the server was killed, and what was under way goes on. Runs the built program as a child process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PARTS } from '../../support/cli.js';
import { startLocalServer, type LocalServerOptions } from '../../../src/emulator/index.js';
import {
  add,
  apiOf,
  createBatch,
  createTargets,
  episode,
  field,
  list,
  message,
  summary,
  text,
  until,
  type Api,
} from './support.js';

const built = pathToFileURL(join(PARTS, 'emulator.js'));
const script = `
  import { startLocalServer } from ${JSON.stringify(built.href)};
  const server = await startLocalServer(JSON.parse(process.argv[1]));
  process.on('SIGTERM', () => void server.close());
  process.stdout.write(server.url + '\\n');
`;

let folder: string;
let dataFile: string;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zep-import-durability-'));
  dataFile = join(folder, 'local.db');
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  await rm(folder, { recursive: true, force: true });
});

interface Running {
  readonly api: Api;
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

async function start(options: Omit<LocalServerOptions, 'dataFile'> = {}): Promise<Running> {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', script, JSON.stringify({ ...options, dataFile })],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  children.add(child);
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString().trim()));
    child.once('exit', (code) => reject(new Error(`the server ended with ${String(code)}`)));
  });
  return {
    api: apiOf({
      url,
      port: Number(new URL(url).port),
      projectUuid: '',
      stats: () => ({}) as never,
      close: async () => undefined,
    }),
    async kill(signal) {
      child.kill(signal);
      await once(child, 'exit');
      children.delete(child);
    },
  };
}

async function listedAll(api: Api, batch: string): Promise<unknown[]> {
  const all: unknown[] = [];
  for (let cursor = 0; ;) {
    const page = (await api.call('GET', `/batches/${batch}/items?limit=100&cursor=${cursor}`)).json;
    all.push(...list(page, 'items'));
    const next = field(page, 'next_cursor');
    if (typeof next !== 'number') return all;
    cursor = next;
  }
}

describe.skipIf(!existsSync(built))('a killed server (needs the build: npm run build)', () => {
  test('in the middle of adds has lost nothing that it acknowledged, and no add is half there', async () => {
    const first = await start();
    await createTargets(first.api);
    const batch = await createBatch(first.api);
    const acknowledged: string[] = [];
    const adding = (async () => {
      for (let call = 0; ; call++) {
        const items = Array.from({ length: 100 }, (_, index) => episode(`${call}/${index}`));
        const reply = await add(first.api, batch, items).catch(() => undefined);
        if (reply === undefined) return;
        acknowledged.push(...list(reply.json).map((detail) => text(detail, 'episode_uuid')));
      }
    })();
    await until(async () => (acknowledged.length >= 3_000 ? true : undefined));
    await first.kill('SIGKILL');
    await adding;

    const second = await start();
    const count = Number(field(await summary(second.api, batch), 'item_count'));
    expect([acknowledged.length, acknowledged.length + 100]).toContain(count);
    const listed = await listedAll(second.api, batch);
    expect(listed.map((item) => field(item, 'sequence_index'))).toEqual(
      Array.from({ length: count }, (_, index) => index),
    );
    expect(listed.slice(0, acknowledged.length).map((item) => field(item, 'episode_uuid'))).toEqual(acknowledged);
    const more = await add(second.api, batch, [episode('after')]);
    expect(field(more.json, 0, 'sequence_index')).toBe(count);
    await second.kill('SIGTERM');
  });

  test('in the middle of processing goes on to the same end, in order, each item once', async () => {
    const first = await start({ processingRate: 400, processingConcurrency: 2 });
    await createTargets(first.api);
    const batch = await createBatch(first.api, { ignore_roles: ['system'] });
    for (let call = 0; call < 3; call++) {
      const items = Array.from({ length: 100 }, (_, index) => {
        const name = `${call * 100 + index}`;
        if (index % 3 === 0) return message(name, { role: index % 2 === 0 ? 'user' : 'system' });
        return episode(name);
      });
      await add(first.api, batch, items);
    }
    expect((await first.api.call('POST', `/batches/${batch}/process`)).status).toBe(200);
    const seen = await until(async () => {
      const found = await summary(first.api, batch);
      return Number(field(found, 'progress', 'succeeded_items')) >= 60 ? found : undefined;
    });
    await first.kill('SIGKILL');

    const second = await start();
    const after = await summary(second.api, batch);
    expect(Number(field(after, 'progress', 'succeeded_items'))).toBeGreaterThanOrEqual(
      Number(field(seen, 'progress', 'succeeded_items')),
    );
    const end = await until(async () => {
      const found = await summary(second.api, batch);
      return field(found, 'completed_at') === undefined ? undefined : found;
    });
    expect(end).toMatchObject({
      status: 'succeeded',
      progress: { total_items: 300, succeeded_items: 249, skipped_items: 51 },
    });
    const episodes = list((await second.api.call('GET', '/graph/episodes/graph/g?lastn=1000')).json, 'episodes');
    const numbers = episodes.map((entry) => Number(field(entry, 'content')));
    expect(numbers).toHaveLength(198);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    await second.kill('SIGTERM');
  });

  test('right after process was acknowledged processes the batch', async () => {
    const first = await start({ processingRate: 0 });
    await createTargets(first.api);
    const batch = await createBatch(first.api);
    await add(first.api, batch, [episode('x'), message('y')]);
    await first.api.call('POST', `/batches/${batch}/process`);
    await first.kill('SIGKILL');
    const second = await start();
    await until(async () => (field(await summary(second.api, batch), 'status') === 'succeeded' ? true : undefined));
    await second.kill('SIGTERM');
  });

  test('a second server on the same file is refused with words, and a stopped one leaves a single file', async () => {
    const first = await start();
    await createTargets(first.api);
    await expect(startLocalServer({ dataFile })).rejects.toMatchObject({
      code: 'local-data-in-use',
      disposition: 'locked',
    });
    await first.kill('SIGTERM');
    expect(await readdir(folder)).toEqual(['local.db']);
  });
});

test('a restart keeps the project, its users and its batches', async () => {
  const one = await startLocalServer({ dataFile });
  await createTargets(apiOf(one));
  const batch = await createBatch(apiOf(one), { metadata: { run: '1' } });
  await one.close();
  const two = await startLocalServer({ dataFile });
  expect(two.projectUuid).toBe(one.projectUuid);
  expect(await summary(apiOf(two), batch)).toMatchObject({ status: 'draft', metadata: { run: '1' } });
  expect((await apiOf(two).call('GET', '/threads/t/messages')).json).toMatchObject({ user_id: 'u' });
  await two.close();
});

test.each([
  ['is no database', 'this is text, and long enough to be looked at'],
  ['is a folder', undefined],
])('a data file that %s is refused with words and left as it is', async (_name, content) => {
  const path = content === undefined ? folder : dataFile;
  if (content !== undefined) await writeFile(path, content);
  await expect(startLocalServer({ dataFile: path })).rejects.toMatchObject({ code: 'local-data-unusable' });
});
