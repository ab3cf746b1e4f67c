/** Every fault does what its name says: what the client sees, and what is true in the store afterwards. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/errors.js';
import { parseFaults, seededRandom } from '../../../src/emulator/faults.js';
import type { LocalServerOptions } from '../../../src/emulator/index.js';
import {
  add,
  createBatch,
  createTargets,
  episode,
  field,
  finished,
  list,
  manualClock,
  serve,
  summary,
  until,
  type Api,
  type Reply,
} from './support.js';

const items = (count: number): object[] => Array.from({ length: count }, (_, index) => episode(`e${index}`));

async function withFault(...faults: readonly string[]): Promise<{ api: Api; batch: string }> {
  return withOptions({ faults });
}

async function withOptions(options: LocalServerOptions): Promise<{ api: Api; batch: string }> {
  const api = await serve({ seed: 7, ...options });
  await createTargets(api);
  return { api, batch: await createBatch(api) };
}

async function count(api: Api, batch: string): Promise<unknown> {
  return field(await summary(api, batch), 'item_count');
}

async function outcome(call: Promise<Reply>): Promise<number | 'broken'> {
  return call.then(
    ({ status }) => status,
    () => 'broken' as const,
  );
}

describe('an add', () => {
  test.each([
    ['drop-before', 'broken', 0],
    ['drop-after', 'broken', 3],
    ['500', 500, 0],
    ['500-after', 500, 3],
    ['503,body=json,retry-after=2', 503, 0],
    ['502-after', 502, 3],
    ['429,retry-after=1', 429, 0],
    ['413', 413, 0],
    ['402', 402, 0],
    ['truncate', 'broken', 3],
    ['truncate,bytes=0', 'broken', 3],
    ['cut', 200, 3],
    ['empty', 200, 3],
    ['html', 200, 3],
    ['slow,seconds=0.05', 200, 3],
    ['short,keep=2', 200, 3],
    ['shuffle', 200, 3],
    ['shift', 200, 3],
    ['twice', 200, 6],
    ['partial,keep=1', 500, 1],
    ['partial,answer=drop', 'broken', 2],
    ['partial,keep=1,answer=200', 200, 1],
    ['latency,ms=5,jitter=5', 200, 3],
    ['refuse-item,pattern=e1', 400, 0],
    ['refuse-item,pattern=/^E2$/i', 400, 0],
    ['refuse-item,pattern=nothing', 200, 3],
    ['maintenance', 503, 0],
    ['delete-draft', 404, undefined],
    ['process-draft', 200, 3],
  ] as const)('under %s ends in %s with %s items added', async (fault, seen, added) => {
    const { api, batch } = await withFault(`add:1=${fault}`);
    expect(await outcome(add(api, batch, items(3)))).toBe(seen);
    expect(await count(api, batch)).toBe(added);
    expect(Object.values(api.server.stats().faults)).toEqual([1]);
  });

  test('that is late arrives after the client has given up', async () => {
    const clock = manualClock();
    const faults = ['add:1=late,seconds=20', 'add:2=late,seconds=20,answer=504'];
    const { api, batch } = await withOptions({ clock, faults });
    expect(await outcome(add(api, batch, items(2)))).toBe('broken');
    expect(await count(api, batch)).toBe(0);
    expect(api.server.stats().pending).toBe(1);
    clock.advance(20_000);
    await until(async () => ((await count(api, batch)) === 2 ? true : undefined));
    expect(await outcome(add(api, batch, items(1)))).toBe(504);
    expect(await count(api, batch)).toBe(2);
    clock.advance(20_000);
    await until(async () => ((await count(api, batch)) === 3 ? true : undefined));
    expect(api.server.stats().pending).toBe(0);
  });

  test('that is late is given up when the server stops first', async () => {
    const { api, batch } = await withFault('add:1=late,seconds=3600');
    expect(await outcome(add(api, batch, items(2)))).toBe('broken');
    await api.server.close();
    await until(async () => (api.server.stats().pending === 0 ? true : undefined));
    expect(api.server.stats().applied).not.toHaveProperty('add');
  });

  test('answers that are wrong are wrong in the way that was asked for', async () => {
    const { api, batch } = await withFault('add:1=short,keep=1', 'add:2=shuffle', 'add:3=shift,by=10', 'add:4=cut');
    const indexes = (reply: Reply): unknown[] => list(reply.json).map((detail) => field(detail, 'sequence_index'));
    expect(indexes(await add(api, batch, items(2)))).toEqual([0]);
    expect(indexes(await add(api, batch, items(2)))).toEqual([3, 2]);
    expect(indexes(await add(api, batch, items(2)))).toEqual([14, 15]);
    expect((await add(api, batch, items(2))).json).toBeUndefined();
    expect(await count(api, batch)).toBe(8);
  });

  test('that hangs is answered by nobody until the client goes, before or after it was applied', async () => {
    const { api, batch } = await withFault('add:1=hang-before', 'add:2=hang-after');
    for (const expected of [0, 1]) {
      const leaving = new AbortController();
      const url = `${api.server.url}/batches/${batch}/items`;
      const request = {
        method: 'POST',
        headers: { authorization: 'Api-Key k' },
        body: JSON.stringify({ items: items(1) }),
      };
      const answer = fetch(url, { ...request, signal: leaving.signal });
      await until(async () => (api.server.stats().asked.add === expected + 1 ? true : undefined));
      await until(async () => ((await count(api, batch)) === expected ? true : undefined));
      leaving.abort();
      await expect(answer).rejects.toThrow();
      await until(async () => (api.server.stats().dropped.add === expected + 1 ? true : undefined));
    }
  });

  test('that hangs does not hold up the end of the server', async () => {
    const { api, batch } = await withFault('add:1=hang-before');
    const broken = outcome(add(api, batch, items(1)));
    await until(async () => (api.server.stats().asked.add === 1 ? true : undefined));
    await api.server.close();
    expect(await broken).toBe('broken');
  });

  test('that is refused under the real limits is refused, whatever else was to go wrong with its answer', async () => {
    const { api, batch } = await withFault('add:*=short', 'add:*=twice');
    expect((await api.call('POST', `/batches/${batch}/items`, { items: [] })).status).toBe(400);
    expect(await count(api, batch)).toBe(0);
  });
});

test('a Retry-After takes any form', async () => {
  const clock = manualClock();
  const forms = ['2', '0', '1.5', 'soon', '-1', '86400'];
  const rules = forms.map((form, index) => `list:${index + 1}=429,retry-after=${form}`);
  const faults = [
    ...rules,
    'list:7=429,retry-after=date+30',
    'list:8=429,retry-after=none',
    'list:9=429,retry-after=none,reset=20',
  ];
  const { api } = await withOptions({ clock, faults });
  for (const form of forms) {
    const reply = await api.call('GET', '/batches');
    expect(reply).toMatchObject({ status: 429, text: 'Rate limit exceeded for FREE plan\n' });
    expect(reply.headers.get('retry-after')).toBe(form);
  }
  const date = (await api.call('GET', '/batches')).headers.get('retry-after') ?? '';
  expect(Date.parse(date)).toBe(clock.date() + 30_000);
  expect((await api.call('GET', '/batches')).headers.has('retry-after')).toBe(false);
  expect((await api.call('GET', '/batches')).headers.get('x-ratelimit-reset')).toBe(String(clock.date() / 1000 + 20));
  expect((await api.call('GET', '/batches')).status).toBe(200);
});

test('item_count can be stale for a while and then tells the truth', async () => {
  const clock = manualClock();
  const { api, batch } = await withOptions({ clock, faults: ['get:*=stale,seconds=5', 'list:*=stale,seconds=5'] });
  clock.advance(10_000);
  await add(api, batch, items(2));
  clock.advance(3_000);
  await add(api, batch, items(3));
  expect(await count(api, batch)).toBe(0);
  expect((await api.call('GET', '/batches')).json).toMatchObject({ batches: [{ item_count: 0 }] });
  clock.advance(2_000);
  expect(await count(api, batch)).toBe(2);
  clock.advance(3_000);
  expect(await count(api, batch)).toBe(5);
});

test('a created batch can appear late in the list, while it can be read at once', async () => {
  const clock = manualClock();
  const { api, batch } = await withOptions({ clock, faults: ['list:*=hide-new,seconds=5'] });
  expect((await api.call('GET', '/batches')).json).toEqual({ batches: [] });
  expect((await api.call('GET', `/batches/${batch}`)).status).toBe(200);
  clock.advance(5_000);
  expect(list((await api.call('GET', '/batches')).json, 'batches')).toHaveLength(1);
});

test('a status can be one that nobody knows', async () => {
  const { api, batch } = await withFault('get:1=unknown-status,status=paused', 'items:*=unknown-status');
  expect(await summary(api, batch)).toMatchObject({ status: 'paused' });
  expect(await summary(api, batch)).toMatchObject({ status: 'draft' });
  await add(api, batch, items(1));
  expect((await api.call('GET', `/batches/${batch}/items`)).json).toMatchObject({ items: [{ status: 'archived' }] });
});

test.each([
  ['process:1=invalid', 200, 'invalid'],
  ['process:1=invalid,seconds=0.1', 200, 'queued'],
  ['process:1=invalid,answer=400', 400, undefined],
])('a batch under %s becomes invalid although all its destinations exist', async (fault, status, first) => {
  const { api, batch } = await withFault(fault);
  await add(api, batch, items(2));
  const reply = await api.call('POST', `/batches/${batch}/process`);
  expect(reply.status).toBe(status);
  if (first !== undefined) expect(reply.json).toMatchObject({ status: first });
  expect(await finished(api, batch)).toMatchObject({ status: 'invalid' });
});

test('items fail by pattern or by chance, and a seed makes chance repeatable', async () => {
  const failed = async (): Promise<unknown[]> => {
    const { api, batch } = await withFault(
      'process:*=fail-item,share=0.3',
      'process:*=fail-item,pattern=e42,code=poison',
    );
    await add(api, batch, items(100));
    await api.call('POST', `/batches/${batch}/process`);
    await finished(api, batch);
    return list((await api.call('GET', `/batches/${batch}/items?status=failed&limit=100`)).json, 'items').map(
      (item) => [field(item, 'sequence_index'), field(item, 'error', 'code')],
    );
  };
  const first = await failed();
  expect(first.length).toBeGreaterThan(10);
  expect(first.length).toBeLessThan(60);
  expect(first).toContainEqual([42, 'poison']);
  expect(await failed()).toEqual(first);
});

test('a window of maintenance has a beginning and an end', async () => {
  const clock = manualClock();
  const { api } = await withOptions({ clock, faults: ['*=maintenance,from=10,for=5,retry-after=1'] });
  expect((await api.call('GET', '/batches')).status).toBe(200);
  clock.advance(10_000);
  const page = await api.call('GET', '/projects/info');
  expect(page.status).toBe(503);
  expect(page.headers.get('content-type')).toMatch(/^text\/html/);
  expect(page.headers.get('retry-after')).toBe('1');
  clock.advance(5_000);
  expect((await api.call('GET', '/batches')).status).toBe(200);
});

test('a batch that somebody else processed refuses the add, and one that somebody deleted is gone', async () => {
  const { api, batch } = await withFault('add:2=process-draft', 'process:1=delete-draft');
  await add(api, batch, items(1));
  expect((await add(api, batch, items(1))).status).toBe(409);
  const other = await createBatch(api);
  await add(api, other, items(1));
  expect((await api.call('POST', `/batches/${other}/process`)).status).toBe(404);
});

test('statistics tell what was asked, applied, dropped and struck', async () => {
  const { api, batch } = await withFault('add:1=drop-after', 'add:2=drop-before');
  await outcome(add(api, batch, items(2)));
  await outcome(add(api, batch, items(2)));
  await add(api, batch, items(2));
  const stats = await fetch(api.server.url.replace('/api/v2', '/__local/stats')).then((reply) => reply.json());
  expect(stats).toMatchObject({
    asked: { add: 3, create: 1 },
    applied: { add: 2 },
    dropped: { add: 2 },
    items: { added: 4 },
    faults: { 'add:1=drop-after': 1, 'add:2=drop-before': 1 },
  });
});

describe('a rule', () => {
  const operations = ['add', 'get', 'thread-create', 'thread-add'];
  const call = (operation: string): never => ({ operation, params: [] }) as never;
  const strikes = (rule: string, calls: number, operation = 'add'): number[] => {
    const faults = parseFaults([rule], operations, seededRandom(1), () => 0);
    return Array.from({ length: calls }, (_, index) =>
      faults.decide(call(operation)).length > 0 ? index + 1 : 0,
    ).filter((place) => place > 0);
  };

  test('strikes by number, range, from a number on, and every so often', () => {
    expect(strikes('add:3=500', 6)).toEqual([3]);
    expect(strikes('add:2-4=500', 6)).toEqual([2, 3, 4]);
    expect(strikes('add:5+=500', 7)).toEqual([5, 6, 7]);
    expect(strikes('add:%3=500', 7)).toEqual([3, 6]);
    expect(strikes('add=500', 2)).toEqual([1, 2]);
    expect(strikes('thread-*:2=500', 3, 'thread-add')).toEqual([2]);
    expect(strikes('get:*=500', 3)).toEqual([]);
  });

  test('strikes with about its probability, the same way for the same seed', () => {
    const hits = strikes('add:*=500@0.25', 2_000);
    expect(hits.length).toBeGreaterThan(400);
    expect(hits.length).toBeLessThan(600);
    expect(strikes('add:*=500@0.25', 2_000)).toEqual(hits);
  });

  test.each([
    'add',
    'add=',
    'add:0=500',
    'add:4-2=500',
    'add:x=500',
    'nonsense=500',
    'user-*=500',
    'add=explode',
    'add=600',
    'add=500@0',
    'add=500@2',
    'add=500@x',
    'add=short,keep=-1',
    'add=short,keep',
    'add=short,size=3',
    'add=short,__proto__=3',
    'add=late,answer=200',
    'add=500,body=xml',
    'add=refuse-item,pattern=/(/',
    'add=latency,ms=1e9',
  ])('%j is refused with words', (rule) => {
    const error = (() => {
      try {
        return parseFaults([rule], operations, Math.random, () => 0);
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'bad-fault', disposition: 'usage' });
  });

  test('any text is either a rule or refused with words', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^(add|get|\*):[0-9*+-]*=[a-z0-9-]+(@[0-9.]+)?(,[a-z]+=[^,]*)*$/)),
        (rule) => {
          try {
            parseFaults([rule], operations, Math.random, () => 0);
          } catch (error) {
            expect(error).toMatchObject({ code: 'bad-fault' });
          }
        },
      ),
    );
  });
});

test('a random source with a seed is uniform enough and repeats', () => {
  const [one, two] = [seededRandom(42), seededRandom(42)];
  const drawn = Array.from({ length: 10_000 }, () => one());
  expect(drawn).toEqual(Array.from({ length: 10_000 }, () => two()));
  expect(Math.abs(drawn.reduce((sum, value) => sum + value, 0) / drawn.length - 0.5)).toBeLessThan(0.02);
});
