import { describe, expect, it } from 'vitest';
import type { BatchId } from '../../../src/model.js';
import type { BatchItem, BatchSummary } from '../../../src/remote/api.js';
import { clientOf, faultServer, json, KEY, plain } from './fault-server.js';

const BATCH = 'b-1' as BatchId;

async function all<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const entries: T[] = [];
  for await (const entry of iterable) entries.push(entry);
  return entries;
}

describe('what goes over the wire', () => {
  it('is method, path, key, and a body only where there is one', async () => {
    const server = await faultServer(
      json(200, { batch_id: 'b-1', status: 'draft' }),
      json(200, { batch_id: 'b-1', status: 'draft' }),
      json(200, [{ sequence_index: 0, episode_uuid: 'e' }]),
      json(200, { batch_id: 'b-1', status: 'queued' }),
      json(200, { batch_id: 'b-1', status: 'queued' }),
      json(200, { message: 'gone' }),
    );
    const api = clientOf(`${server.url}/gateway`);
    await api.createBatch({});
    await api.createBatch({ metadata: { zi_run: 'r' }, ignore_roles: ['assistant'], strict_ontology: false });
    await api.addItems(BATCH, Buffer.from('{"items":[]}'));
    await api.startBatch(BATCH);
    await api.getBatch(BATCH);
    expect(await api.deleteBatch(BATCH)).toBe(true);
    expect(server.seen.map((call) => `${call.method} ${call.url} ${call.body}`)).toEqual([
      'POST /gateway/api/v2/batches {}',
      'POST /gateway/api/v2/batches {"metadata":{"zi_run":"r"},"ignore_roles":["assistant"],"strict_ontology":false}',
      'POST /gateway/api/v2/batches/b-1/items {"items":[]}',
      'POST /gateway/api/v2/batches/b-1/process ',
      'GET /gateway/api/v2/batches/b-1 ',
      'DELETE /gateway/api/v2/batches/b-1 ',
    ]);
    for (const call of server.seen) {
      expect(call.headers.authorization).toBe(`Api-Key ${KEY}`);
      expect(call.headers['user-agent']).toBe('zep-import/test');
    }
    const process = server.seen[3];
    expect(process?.headers['content-length']).toBe('0');
    expect(process?.headers['content-type']).toBeUndefined();
    expect(server.seen[2]?.headers['content-type']).toBe('application/json');
    expect(api.stats()).toMatchObject({ total: 6, add: 1, repeated: 0, rateLimited: 0 });
  });

  it('keeps ids inside their path segment, whatever they hold', async () => {
    const server = await faultServer(json(404, { message: 'not found' }));
    const api = clientOf(server.url);
    const ids = ['a/b', '../batches', 'a?x=1', 'a#b', 'ä 𝄞', '%2e%2e', 'a\\b', '\r\nx: y', ';'];
    for (const id of ids) expect(await api.userExists(id)).toBe(false);
    expect(server.seen.map((call) => call.url)).toEqual(ids.map((id) => `/api/v2/users/${encodeURIComponent(id)}`));
  });

  it('sends no call for an id that would change the path', async () => {
    const server = await faultServer(json(200, {}));
    const api = clientOf(server.url);
    for (const id of ['', '.', '..', '\ud800']) {
      await expect(api.userExists(id)).rejects.toMatchObject({ code: 'bad-id', effect: 'none' });
      await expect(api.threadOwner(id)).rejects.toMatchObject({ code: 'bad-id' });
      await expect(api.deleteBatch(id as BatchId)).rejects.toMatchObject({ code: 'bad-id' });
      await expect(api.addItems(id as BatchId, Buffer.from('{}'))).rejects.toMatchObject({ code: 'bad-id' });
      await expect(all(api.listItems(id as BatchId, {}))).rejects.toMatchObject({ code: 'bad-id' });
    }
    expect(server.seen).toHaveLength(0);
  });
});

describe('lists', () => {
  it('follow the pages with the filter, and ask for no more than wanted', async () => {
    const server = await faultServer(
      json(200, { batches: [{ batch_id: '1' }, { batch_id: '2' }], next_cursor: 7 }),
      json(200, { batches: [{ batch_id: '2' }, { batch_id: '3' }, {}], next_cursor: 9 }),
      json(200, { batches: [{ batch_id: '4' }], next_cursor: null }),
      json(200, { batches: [{ batch_id: '1' }, { batch_id: '2' }], next_cursor: 7 }),
    );
    const api = clientOf(server.url);
    const ids = (list: BatchSummary[]): string[] => list.map((batch) => batch.batchId);
    expect(ids(await all(api.listBatches({ status: 'draft' })))).toEqual(['1', '2', '3', '4']);
    expect(ids(await all(api.listBatches({ limit: 1 })))).toEqual(['1']);
    expect(server.seen.map((call) => call.url)).toEqual([
      '/api/v2/batches?limit=100&status=draft',
      '/api/v2/batches?limit=100&cursor=7&status=draft',
      '/api/v2/batches?limit=100&cursor=9&status=draft',
      '/api/v2/batches?limit=1',
    ]);
  });

  it.each([
    [
      'a cursor that stays',
      [
        { items: [{ item_id: 'a' }], next_cursor: 5 },
        { items: [{ item_id: 'b' }], next_cursor: 5 },
      ],
    ],
    [
      'cursors that go round',
      [
        { items: [{ item_id: 'a' }], next_cursor: 1 },
        { items: [{ item_id: 'b' }], next_cursor: 2 },
        { items: [{ item_id: 'c' }], next_cursor: 1 },
      ],
    ],
    [
      'a page that repeats',
      [
        { items: [{ item_id: 'a' }], next_cursor: 1 },
        { items: [{ item_id: 'a' }], next_cursor: 2 },
      ],
    ],
  ])('stop at %s instead of going on for ever', async (_, pages) => {
    const server = await faultServer(...pages.map((page) => json(200, page)));
    const api = clientOf(server.url);
    await expect(all(api.listItems(BATCH, {}))).rejects.toMatchObject({ code: 'bad-answer' });
    expect(server.seen.length).toBeLessThanOrEqual(4);
  });

  it('may have empty pages in between', async () => {
    const server = await faultServer(
      json(200, { items: [], next_cursor: 100 }),
      json(200, { next_cursor: 200 }),
      json(200, {
        items: [{ sequence_index: 250, status: 'failed', error: { code: 'expired', message: 'too late' } }],
      }),
    );
    const items: BatchItem[] = await all(clientOf(server.url).listItems(BATCH, { status: 'failed' }));
    expect(items).toMatchObject([{ index: 250, status: 'failed', error: { code: 'expired', message: 'too late' } }]);
  });
});

describe('destinations', () => {
  const exists = json(400, { message: 'bad request: session with id t already exists', request_id: 'r' });

  it('are created, or exist already, in whatever words the service says so', async () => {
    const server = await faultServer(
      json(201, { user_id: 'u' }),
      json(400, { message: 'bad request: user already exists with user_id: u' }),
      exists,
      json(409, { message: 'conflict: graph ALREADY EXISTS' }),
      plain(201, ''),
    );
    const api = clientOf(server.url);
    expect(await api.createUser('u')).toBe('created');
    expect(await api.createUser('u')).toBe('exists');
    expect(await api.createThread('t', 'u')).toBe('exists');
    expect(await api.createGraph('g')).toBe('exists');
    expect(await api.createGraph('g')).toBe('created');
    expect(server.seen.map((call) => `${call.method} ${call.url} ${call.body}`)).toEqual([
      'POST /api/v2/users {"user_id":"u"}',
      'POST /api/v2/users {"user_id":"u"}',
      'POST /api/v2/threads {"thread_id":"t","user_id":"u"}',
      'POST /api/v2/graph/create {"graph_id":"g"}',
      'POST /api/v2/graph/create {"graph_id":"g"}',
    ]);
  });

  it('that conflict without words are looked for before they are believed', async () => {
    const server = await faultServer(json(409, {}), json(200, { graph_id: 'g' }), json(409, {}), json(404, {}));
    const api = clientOf(server.url);
    expect(await api.createGraph('g')).toBe('exists');
    await expect(api.createGraph('g')).rejects.toMatchObject({ code: 'conflict' });
    expect(server.seen.map((call) => `${call.method} ${call.url}`)).toEqual([
      'POST /api/v2/graph/create',
      'GET /api/v2/graph/g',
      'POST /api/v2/graph/create',
      'GET /api/v2/graph/g',
    ]);
  });

  it('tell a thread whose user is missing from one that is refused', async () => {
    const server = await faultServer(
      json(404, { message: 'user not found' }),
      json(400, { message: 'bad request: User Not Found' }),
      json(400, { message: 'bad request: thread_id too long' }),
    );
    const api = clientOf(server.url);
    expect(await api.createThread('t', 'u')).toBe('user-missing');
    expect(await api.createThread('t', 'u')).toBe('user-missing');
    await expect(api.createThread('t', 'u')).rejects.toMatchObject({ code: 'bad-request', effect: 'none' });
  });

  it('tell the owner of a thread, that there is none, or that the answer does not say', async () => {
    const server = await faultServer(
      json(200, { messages: [], user_id: 'u' }),
      json(404, { message: 'not found' }),
      json(200, { messages: [] }),
    );
    const api = clientOf(server.url);
    expect(await api.threadOwner('t')).toBe('u');
    expect(server.seen[0]?.url).toBe('/api/v2/threads/t/messages?lastn=1');
    expect(await api.threadOwner('t')).toBeUndefined();
    await expect(api.threadOwner('t')).rejects.toMatchObject({ code: 'bad-answer' });
  });

  it('exist or do not', async () => {
    const server = await faultServer(
      json(200, { user_id: 'u' }),
      json(404, {}),
      json(200, {}),
      json(403, { message: 'no' }),
    );
    const api = clientOf(server.url);
    expect(await api.userExists('u')).toBe(true);
    expect(await api.graphExists('g')).toBe(false);
    expect(await api.graphExists('g')).toBe(true);
    await expect(api.userExists('u')).rejects.toMatchObject({ code: 'forbidden', disposition: 'refused' });
  });

  it('survive a create whose answer was lost: the repeat finds it existing', async () => {
    const server = await faultServer((_request, response) => response.socket?.destroy(), exists);
    expect(await clientOf(server.url).createThread('t', 'u')).toBe('exists');
    expect(server.seen).toHaveLength(2);
  });
});

describe('the project', () => {
  it('is read, however little of it there is', async () => {
    const server = await faultServer(json(200, { project: { uuid: 'p', name: 'Mine' } }), json(200, {}));
    const api = clientOf(server.url);
    expect(await api.project()).toEqual({ uuid: 'p', name: 'Mine' });
    expect(await api.project()).toEqual({ uuid: undefined, name: undefined });
    expect(server.seen[0]?.url).toBe('/api/v2/projects/info');
  });
});
