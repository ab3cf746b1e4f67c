/** What the server refuses, with which words, and that a refused call has written nothing. */
import { describe, expect, test } from 'vitest';
import { add, createBatch, createTargets, episode, field, list, message, serve, summary, text } from './support.js';

const long = (length: number): string => 'x'.repeat(length);
const keys = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));

const refused: readonly (readonly [string, unknown, RegExp])[] = [
  ['no type', { ...episode('x'), type: undefined }, /^bad request: items\[1\]\.type/],
  ['an unknown type', { ...episode('x'), type: 'fact' }, /^bad request/],
  ['an item that is not an object', 'x', /^invalid json/],
  ['blank data', episode('  \n'), /data is required/],
  ['10,001 characters of data', episode(long(10_001)), /exceeds 10000 characters/],
  ['data of another type', { ...episode('x'), data: 5 }, /^invalid json/],
  ['no data_type', { ...episode('x'), data_type: null }, /data_type is required/],
  ['a fact triple', episode('x', { data_type: 'fact_triple' }), /data_type must be one of/],
  ['JSON that is not JSON', episode('{', { data_type: 'json' }), /not valid JSON/],
  ['no destination', episode('x', { graph_id: null }), /exactly one of graph_id and user_id/],
  ['two destinations', episode('x', { user_id: 'u' }), /exactly one of graph_id and user_id/],
  ['a date without time', episode('x', { created_at: '2025-01-03' }), /^invalid json/],
  ['a time without offset', message('x', { created_at: '2025-01-03T00:00:00' }), /^invalid json/],
  ['eleven metadata keys', episode('x', { metadata: keys(11) }), /11 keys/],
  ['nested metadata', episode('x', { metadata: { a: { b: 1 } } }), /nested/],
  ['an empty array in metadata', episode('x', { metadata: { a: [] } }), /empty array/],
  ['null in an array in metadata', episode('x', { metadata: { a: [1, null] } }), /strings, numbers and booleans/],
  ['a blank metadata key', episode('x', { metadata: { ' ': 1 } }), /blank key/],
  ['metadata that is a list', episode('x', { metadata: [1] }), /^invalid json/],
  [
    '501 characters of source_description',
    episode('x', { source_description: long(501) }),
    /source_description exceeds 500/,
  ],
  ['an empty document_id', episode('x', { document_id: '' }), /document_id/],
  ['101 characters of document_id', episode('x', { document_id: long(101) }), /document_id/],
  ['4,097 characters of content', message(long(4_097)), /^bad request: message content exceeds 4096 characters/],
  ['blank content', message(''), /content is required/],
  ['an unknown role', message('x', { role: 'human' }), /^invalid role type%!\(EXTRA string=human\)$/],
  ['no role', message('x', { role: undefined }), /role is required/],
  ['no thread', message('x', { thread_id: undefined }), /thread_id is required/],
  ['501 characters of thread_id', message('x', { thread_id: long(501) }), /thread_id exceeds 500/],
  ['101 characters of name', message('x', { name: long(101) }), /name exceeds 100/],
  ['a stray field that is too long', message('x', { source_description: long(501) }), /source_description exceeds 500/],
  ['a stray role that is unknown', episode('x', { role: 'human' }), /^invalid role type/],
  ['a NUL in an id', episode('x', { graph_id: 'a\0b' }), /NUL/],
];

describe('an add with', () => {
  test.each(refused)('%s is refused whole', async (_name, item, words) => {
    const api = await serve();
    await createTargets(api);
    const batch = await createBatch(api);
    const reply = await api.call('POST', `/batches/${batch}/items`, { items: [episode('good'), item] });
    expect(reply.status).toBe(400);
    expect(field(reply.json, 'message')).toMatch(words);
    expect(field(reply.json, 'request_id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(await summary(api, batch)).toMatchObject({ item_count: 0 });
  });

  test('every field at its limit is accepted', async () => {
    const api = await serve();
    await createTargets(api);
    const batch = await createBatch(api);
    const reply = await add(api, batch, [
      episode('😀'.repeat(10_000), {
        source_description: long(500),
        document_id: long(100),
        metadata: { ...keys(9), list: ['a', 1, true] },
        created_at: '2024-02-29T00:00:00.5-03:30',
        thread_id: null,
        content: null,
      }),
      message('é'.repeat(4_096), { name: long(100), thread_id: long(500), metadata: { nothing: null } }),
      episode('{"a":1}', { data_type: 'json' }),
      episode('Ana: hi', { data_type: 'message', graph_id: undefined, user_id: 'u' }),
    ]);
    expect(reply.status).toBe(200);
    expect(list(reply.json)).toHaveLength(4);
  });
});

test('an add of nothing, of too much, or of no list is refused', async () => {
  const api = await serve({ limits: { maxItemsPerAdd: 3, maxItemsPerBatch: 4 } });
  const batch = await createBatch(api);
  const items = (count: number): object[] => Array.from({ length: count }, (_, index) => episode(`e${index}`));
  for (const body of [{}, { items: null }, { items: [] }, { items: 'x' }, { items: items(4) }, [], 'nonsense', '']) {
    expect((await api.call('POST', `/batches/${batch}/items`, body)).status).toBe(400);
  }
  expect((await add(api, batch, items(3))).status).toBe(200);
  expect(text((await add(api, batch, items(2))).json, 'message')).toMatch(/at most 4/);
  expect((await add(api, batch, items(1))).status).toBe(200);
  expect(await summary(api, batch)).toMatchObject({ item_count: 4 });
});

test('a body above the byte cap is answered with 413 and not applied', async () => {
  const api = await serve({ limits: { maxBodyBytes: 1_000 } });
  const batch = await createBatch(api);
  expect((await add(api, batch, [episode(long(2_000))])).status).toBe(413);
  expect((await add(api, batch, [episode(long(500))])).status).toBe(200);
});

test('bytes instead of code points can be counted', async () => {
  const api = await serve({ limits: { characterUnit: 'bytes' } });
  const batch = await createBatch(api);
  expect((await add(api, batch, [message('é'.repeat(2_049))])).status).toBe(400);
  expect((await add(api, batch, [message('é'.repeat(2_048))])).status).toBe(200);
});

test('a wrong key is refused in plain text, an unknown path or method in JSON, another host not at all', async () => {
  const api = await serve({ apiKeys: [{ key: 'right', project: 'p' }] });
  const unauthorized = await api.call('GET', '/batches', undefined, 'wrong');
  expect(unauthorized).toMatchObject({ status: 401, text: 'unauthorized\n' });
  expect(unauthorized.headers.get('content-type')).toMatch(/^text\/plain/);
  expect((await api.call('GET', '/batches', undefined, null)).status).toBe(401);
  expect(await api.call('GET', '/nothing', undefined, 'right')).toMatchObject({
    status: 404,
    json: { message: 'not found' },
  });
  expect((await api.call('PUT', '/batches', undefined, 'right')).status).toBe(405);
  const outside = await fetch(api.server.url.replace('/api/v2', '/other'), {
    headers: { authorization: 'Api-Key right' },
  });
  expect(outside.status).toBe(404);
});

test('a project sees only its own batches, users and graphs', async () => {
  const api = await serve({
    apiKeys: [
      { key: 'a', project: 'one' },
      { key: 'b', project: 'two' },
    ],
  });
  const own = await api.call('POST', '/batches', {}, 'a');
  const id = String(field(own.json, 'batch_id'));
  expect((await api.call('GET', `/batches/${id}`, undefined, 'b')).status).toBe(404);
  expect((await api.call('POST', `/batches/${id}/items`, { items: [episode('x')] }, 'b')).status).toBe(404);
  for (const key of ['a', 'b']) {
    expect((await api.call('POST', '/users', { user_id: 'same' }, key)).status).toBe(201);
    expect((await api.call('POST', '/graph/create', { graph_id: 'same' }, key)).status).toBe(201);
  }
  expect(list((await api.call('GET', '/batches', undefined, 'b')).json, 'batches')).toEqual([]);
  const [one, two] = await Promise.all(['a', 'b'].map((key) => api.call('GET', '/projects/info', undefined, key)));
  expect(field(one?.json, 'project', 'uuid')).not.toBe(field(two?.json, 'project', 'uuid'));
  expect(field(one?.json, 'project', 'uuid')).toBe(api.server.projectUuid);
});

test('creating what exists or what belongs to nobody is refused in the words of the service', async () => {
  const api = await serve();
  await createTargets(api);
  const message = async (path: string, body: object): Promise<unknown> => {
    const reply = await api.call('POST', path, body);
    return [reply.status, field(reply.json, 'message')];
  };
  expect(await message('/users', { user_id: 'u' })).toEqual([400, 'bad request: user already exists with user_id: u']);
  expect(await message('/threads', { thread_id: 't', user_id: 'u' })).toEqual([
    400,
    'bad request: session with id t already exists',
  ]);
  expect(await message('/threads', { thread_id: 't2', user_id: 'nobody' })).toEqual([404, 'user not found']);
  const [status, words] = (await message('/graph/create', { graph_id: 'g' })) as [number, string];
  expect(status).toBe(400);
  expect(words).toMatch(/already exists/);
  expect((await api.call('POST', '/users', { user_id: 'v', time_zone: 'Mars/Olympus' })).status).toBe(400);
});

test('lists are paged, ordered and searched, and name their totals', async () => {
  const api = await serve();
  for (let index = 0; index < 7; index++) {
    await api.call('POST', '/users', { user_id: `u${index}`, email: `${9 - index}@example.org` });
    await api.call('POST', '/graph/create', { graph_id: `g${index}`, name: `graph %_${index}` });
    await api.call('POST', '/threads', { thread_id: `t${index}`, user_id: `u${index % 2}` });
  }
  const ids = async (path: string, list_: string, id: string): Promise<unknown[]> =>
    list((await api.call('GET', path)).json, list_).map((entry) => field(entry, id));
  expect(await ids('/users-ordered?pageSize=3&pageNumber=3&order_by=user_id&asc=true', 'users', 'user_id')).toEqual([
    'u6',
  ]);
  expect(await ids('/users-ordered?order_by=email&asc=true&pageSize=2', 'users', 'user_id')).toEqual(['u6', 'u5']);
  expect(await ids('/graph/list-all?search=%25_3', 'graphs', 'graph_id')).toEqual(['g3']);
  expect(await ids('/threads?page_size=2&order_by=thread_id&asc=true', 'threads', 'thread_id')).toEqual(['t0', 't1']);
  expect((await api.call('GET', '/users-ordered?pageSize=2')).json).toMatchObject({ row_count: 2, total_count: 7 });
  expect((await api.call('GET', '/users/u0/threads')).json).toHaveLength(4);
  expect((await api.call('GET', '/users-ordered?order_by=fields;drop')).status).toBe(400);
  expect((await api.call('GET', '/graph/list-all?pageSize=0')).status).toBe(400);
});

test('the request log names no key, no query and no content', async () => {
  const lines: string[] = [];
  const api = await serve({ log: (line) => lines.push(line) });
  const batch = await createBatch(api);
  await api.call('POST', `/batches/${batch}/items?secret=1`, { items: [episode('very private')] }, 'key-of-mine');
  expect(lines.join('\n')).toContain(`POST /api/v2/batches/${batch}/items 200`);
  expect(lines.join('\n')).not.toMatch(/private|secret|key-of-mine/);
});
