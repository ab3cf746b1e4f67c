/** Malformed input to every endpoint: an answer below 500 every time, the server goes on, and nothing was written by a refused call. */
import { connect } from 'node:net';
import fc from 'fast-check';
import { beforeAll, afterAll, describe, expect, test } from 'vitest';
import { startLocalServer, type LocalServer } from '../../../src/emulator/index.js';
import { add, apiOf, createBatch, createTargets, episode, field, list, summary, type Api } from './support.js';

let server: LocalServer;
let api: Api;
let batch: string;

beforeAll(async () => {
  server = await startLocalServer({ processingRate: 0, limits: { maxBodyBytes: 2_000_000 } });
  api = apiOf(server);
  await createTargets(api);
  batch = await createBatch(api);
  await add(api, batch, [episode('x')]);
});

afterAll(() => server.close());

/** Lone surrogates cannot be written into a URL. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
const hostileValue = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    '',
    ' ',
    '\0',
    '\ud800',
    'a'.repeat(20_000),
    -1,
    1e308,
    [],
    {},
    [[]],
    null,
    true,
    '2024-02-30T00:00:00Z',
    '__proto__',
    "'; DROP TABLE batches; --",
  ),
);
const names = [
  'type', 'data', 'data_type', 'graph_id', 'user_id', 'thread_id', 'content', 'role', 'name', 'created_at', 'metadata', 'items', 'messages',
  'source_description', 'document_id', 'ignore_roles', 'strict_ontology', 'email', 'time_zone', 'limit', 'cursor', 'order_by', 'direction',
  'mentioned_node_uuids', 'episode_metadata_filters', 'filters', 'groups', '__proto__', 'constructor',
] as const; // prettier-ignore
const hostileObject = fc.dictionary(fc.constantFrom(...names), hostileValue, { maxKeys: 8 });
const nearlyItem = fc.tuple(hostileObject, fc.constantFrom('graph_episode', 'thread_message')).map(([extra, type]) => {
  const good = { type, data: 'x', data_type: 'text', graph_id: 'g', content: 'x', role: 'user', thread_id: 't' };
  return { ...good, ...extra };
});
const hostileBody = fc.oneof(
  hostileValue.map((value) => JSON.stringify(value)),
  hostileObject.map((value) => JSON.stringify(value)),
  fc.array(nearlyItem, { maxLength: 3 }).map((items) => JSON.stringify({ items, messages: items })),
  fc.string(),
  fc.constantFrom(
    '',
    '{',
    'null',
    '{"items":',
    '{"items":[{}]}',
    '\ufeff{}',
    `{"metadata":${deep}}`,
    `{"items":${deep}}`,
    `{"items":[{"x":${deep}}]}`,
  ),
);
const segment = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }).map((text) => encodeURIComponent(wellFormed(text))),
  fc.constantFrom(
    'u',
    'g',
    't',
    'BATCH',
    '..',
    '%',
    '%zz',
    '%00',
    '%ff',
    'x'.repeat(3_000),
    '00000000-0000-4000-8000-000000000000',
  ),
);
const query = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        'limit',
        'cursor',
        'status',
        'lastn',
        'pageNumber',
        'pageSize',
        'page_number',
        'order_by',
        'asc',
        'search',
        'graph_id',
      ),
      fc.oneof(
        fc.constantFrom('', '0', '-1', '1e9', '99999999999999999999', 'abc', 'true', '%00', 'draft'),
        fc.string().map((text) => encodeURIComponent(wellFormed(text))),
      ),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`));

const reads = ['/batches', '/batches/:', '/batches/:/items', '/users-ordered', '/users/:', '/users/:/threads', '/threads', '/threads/:/messages', '/threads/:/episodes', '/tasks/:', '/graph/:', '/graph/list-all', '/graph/episodes/:', '/graph/episodes/graph/:', '/graph/episodes/user/:', '/graph/documents/:/episodes', '/projects/info', '/:', '/:/:'] as const; // prettier-ignore
const writes = ['/batches', '/batches/:/items', '/batches/:/process', '/users', '/threads', '/threads/:/messages', '/graph', '/graph/create', '/graph/episodes/graph/:', '/graph/episodes/user/:', '/projects/info', '/:'] as const; // prettier-ignore

function pathOf(template: string, parts: readonly string[]): string {
  let place = 0;
  return template.replace(/:/g, () => (parts[place++] ?? 'x').replace('BATCH', batch));
}

async function facts(): Promise<unknown> {
  const [batches, users, graphs, threads] = await Promise.all(
    ['/batches?limit=100', '/users-ordered?pageSize=100', '/graph/list-all?pageSize=100', '/threads?page_size=100'].map(
      (path) => api.call('GET', path),
    ),
  );
  return [batches, users, graphs, threads].map((reply) => reply?.json);
}

describe('any input', () => {
  test('to any reading endpoint gets an answer below 500 and writes nothing', async () => {
    const before = await facts();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...reads),
        fc.array(segment, { maxLength: 2 }),
        query,
        async (template, parts, asked) => {
          const reply = await api.call('GET', pathOf(template, parts) + asked);
          expect(reply.status).toBeLessThan(500);
          expect(reply.json).toBeDefined();
        },
      ),
      { numRuns: 400 },
    );
    expect(await facts()).toEqual(before);
  });

  test('to any writing endpoint gets an answer below 500, and a refused one writes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...writes),
        fc.array(segment, { maxLength: 2 }),
        hostileBody,
        async (template, parts, body) => {
          const before = await facts();
          const path = pathOf(template, parts).replace(`${batch}/process`, 'nothing/process');
          const reply = await api.call('POST', path, body);
          expect(reply.status).toBeLessThan(500);
          expect(reply.json).toBeDefined();
          if (reply.status >= 400) expect(await facts()).toEqual(before);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('that an add accepts is counted, listed and answered one for one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(nearlyItem, { minLength: 1, maxLength: 3 }), async (items) => {
        const own = await createBatch(api);
        const reply = await api.call('POST', `/batches/${own}/items`, { items });
        const accepted = reply.status === 200 ? items.length : 0;
        expect(await summary(api, own)).toMatchObject({ item_count: accepted });
        const listed = list((await api.call('GET', `/batches/${own}/items`)).json, 'items');
        expect(listed).toHaveLength(accepted);
        if (accepted === 0) return;
        expect(listed.map((item) => field(item, 'episode_uuid'))).toEqual(
          list(reply.json).map((item) => field(item, 'episode_uuid')),
        );
        for (const item of listed) {
          expect((await api.call('GET', `/graph/episodes/${String(field(item, 'episode_uuid'))}`)).status).toBe(200);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('at the level of the socket leaves the server answering', async () => {
    const hostile = [
      'GET / HTTP/9.9\r\n\r\n',
      'POST /api/v2/batches HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nshort',
      'POST /api/v2/batches HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}',
      'POST /api/v2/batches HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'GET http://evil.example/api/v2/batches HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
      '\0\0\0\0',
      `GET /api/v2/${'x'.repeat(100_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`,
    ];
    const before = await facts();
    for (const bytes of hostile) {
      const answer = await new Promise<string>((resolve) => {
        const socket = connect(server.port, '127.0.0.1', () => {
          socket.write(bytes);
          setTimeout(() => socket.destroy(), 50);
        });
        let received = '';
        socket.on('data', (part) => (received += part.toString()));
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(received));
      });
      expect(answer).not.toMatch(/^HTTP\/1\.1 (200|5)/);
    }
    expect(await facts()).toEqual(before);
  });
});
