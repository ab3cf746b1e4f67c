/**
 * What the importer relies on, as one suite for the local server and for the service: if it passes on both, a rehearsal means something.
 * Driven by the official client, and by plain HTTP where the client hides what is on the wire.
 */
import type { Zep } from '@getzep/zep-cloud';
import { ZepError } from '@getzep/zep-cloud';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prefix, services, type Connection, type Service } from './services.js';

const userId = `${prefix}-user`;
const graphId = `${prefix}-graph`;
const threadId = `${prefix}-thread`;

function episode(data: string, more: Partial<Zep.BatchAddItem> = {}): Zep.BatchAddItem {
  return { type: 'graph_episode', data, dataType: 'text', graphId, ...more };
}

function message(content: string, more: Partial<Zep.BatchAddItem> = {}): Zep.BatchAddItem {
  return { type: 'thread_message', content, role: 'user', threadId, ...more };
}

async function statusOf(call: PromiseLike<unknown>): Promise<number | undefined> {
  try {
    await call;
    return 200;
  } catch (error) {
    if (error instanceof ZepError) return error.statusCode;
    throw error;
  }
}

function required(value: string | undefined): string {
  if (value === undefined) throw new Error('the answer holds no id');
  return value;
}

async function ended(service: Service, { client }: Connection, batchId: string): Promise<Zep.BatchSummary> {
  const until = Date.now() + service.patienceMs;
  for (;;) {
    const batch = await client.batch.get(batchId);
    if (['succeeded', 'partial', 'failed', 'canceled', 'invalid'].includes(batch.status ?? '')) return batch;
    if (Date.now() > until) throw new Error(`the batch is still ${batch.status}`);
    await new Promise((resolve) => setTimeout(resolve, service.pollMs));
  }
}

async function allItems({ client }: Connection, batchId: string): Promise<Zep.BatchItemDetail[]> {
  const items: Zep.BatchItemDetail[] = [];
  for (let cursor: number | undefined; ;) {
    const page = await client.batch.listItems(batchId, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...(page.items ?? []));
    if (page.nextCursor === undefined || page.nextCursor === cursor) return items;
    cursor = page.nextCursor;
  }
}

describe.each(services)('$name', (service) => {
  const patience = service.patienceMs + 60_000;
  let zep: Connection;
  const drafts: string[] = [];

  const draft = async (request: Zep.ApidataCreateBatchRequest = {}): Promise<string> => {
    const id = required((await zep.client.batch.create(request)).batchId);
    drafts.push(id);
    return id;
  };

  beforeAll(async () => {
    zep = await service.connect();
    await zep.client.user.add({ userId, firstName: 'Contract' });
    await zep.client.graph.create({ graphId, name: prefix });
    await zep.client.thread.create({ threadId, userId });
  }, patience);

  afterAll(async () => {
    for (const id of drafts) await statusOf(zep.client.batch.delete(id));
    await statusOf(zep.client.user.delete(userId));
    await statusOf(zep.client.graph.delete(graphId));
    await zep.close();
  }, patience);

  test('tells whose key it is, and refuses a wrong one in plain text', async () => {
    expect((await zep.client.project.get()).project?.uuid).toMatch(/^[0-9a-f-]{36}$/);
    const refused = await zep.raw('GET', '/projects/info', undefined, 'certainly-not-a-key');
    expect(refused.status).toBe(401);
    expect(refused.text.trim()).toBe('unauthorized');
    expect(refused.headers.get('content-type')).toMatch(/^text\/plain/);
  });

  test('answers with rate headers and JSON', async () => {
    const reply = await zep.raw('GET', '/batches?limit=1');
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toMatch(/^application\/json/);
    for (const name of ['limit', 'remaining', 'reset'])
      expect(reply.headers.get(`x-ratelimit-${name}`)).toMatch(/^-?\d+$/);
  });

  test('knows who owns a thread, and says which destinations exist', async () => {
    expect((await zep.client.thread.get(threadId, { lastn: 1 })).userId).toBe(userId);
    expect((await zep.client.user.get(userId)).userId).toBe(userId);
    expect((await zep.client.graph.get(graphId)).graphId).toBe(graphId);
    expect(await statusOf(zep.client.user.get(`${prefix}-nobody`))).toBe(404);
    expect(await statusOf(zep.client.thread.get(`${prefix}-nowhere`))).toBe(404);
    expect(await statusOf(zep.client.graph.get(`${prefix}-nowhere`))).toBe(404);
  });

  test('refuses to create what exists, saying so', async () => {
    for (const [path, body] of [
      ['/users', { user_id: userId }],
      ['/threads', { thread_id: threadId, user_id: userId }],
      ['/graph/create', { graph_id: graphId }],
    ] as const) {
      const reply = await zep.raw('POST', path, body);
      expect([400, 409]).toContain(reply.status);
      expect(reply.text).toMatch(/already exists/i);
    }
  });

  test('does not create a thread for a user that does not exist', async () => {
    const reply = await zep.raw('POST', '/threads', { thread_id: `${threadId}-2`, user_id: `${prefix}-nobody` });
    expect(reply.status).toBe(404);
    expect(reply.text).toMatch(/user not found/i);
  });

  test('creates a draft that echoes what it was given and can be found by its metadata', async () => {
    const id = await draft({ metadata: { operation: prefix }, ignoreRoles: ['assistant'], strictOntology: false });
    const batch = await zep.client.batch.get(id);
    expect(batch).toMatchObject({ batchId: id, status: 'draft', metadata: { operation: prefix } });
    expect(batch.itemCount ?? 0).toBe(0);
    const listed = await zep.client.batch.list({ limit: 50, status: 'draft' });
    expect(listed.batches?.find((other) => other.batchId === id)?.metadata).toMatchObject({ operation: prefix });
    const raw = await zep.raw('POST', '/batches', {});
    expect(raw).toMatchObject({ status: 200, json: { status: 'draft' } });
    drafts.push((raw.json as { batch_id: string }).batch_id);
  });

  test('appends items in the order of the calls and answers each with its index and the uuid of its episode', async () => {
    const id = await draft();
    const first = await zep.client.batch.add(id, { items: [episode('one'), message('two')] });
    const second = await zep.client.batch.add(id, { items: [episode('three', { documentId: 'd' })] });
    const answered = [...first, ...second];
    expect(answered.map((item) => item.sequenceIndex)).toEqual([0, 1, 2]);
    expect(answered.map((item) => item.kind)).toEqual(['graph_episode', 'thread_message', 'graph_episode']);
    expect(new Set(answered.map((item) => item.episodeUuid)).size).toBe(3);
    for (const item of answered) expect(item.episodeUuid).toBe(item.sourceUuid);
    expect((await zep.client.batch.get(id)).itemCount).toBe(3);
    const listed = await allItems(zep, id);
    const byIndex = [...listed].sort((a, b) => (a.sequenceIndex ?? 0) - (b.sequenceIndex ?? 0));
    expect(byIndex.map((item) => item.episodeUuid)).toEqual(answered.map((item) => item.episodeUuid));
    expect(new Set(byIndex.map((item) => item.status))).toEqual(new Set(['pending']));
  });

  test.each([
    ['too long an episode', { type: 'graph_episode', data: 'x'.repeat(10_001), data_type: 'text', graph_id: graphId }],
    ['too long a message', { type: 'thread_message', content: 'x'.repeat(20_000), role: 'user', thread_id: threadId }],
    ['an unknown role', { type: 'thread_message', content: 'x', role: 'human', thread_id: threadId }],
    [
      'a date without a time',
      { type: 'graph_episode', data: 'x', data_type: 'text', graph_id: graphId, created_at: '2025-01-03' },
    ],
    [
      'eleven keys of metadata',
      {
        type: 'graph_episode',
        data: 'x',
        data_type: 'text',
        graph_id: graphId,
        metadata: Object.fromEntries(Array.from({ length: 11 }, (_, key) => [`k${key}`, key])),
      },
    ],
    [
      'nested metadata',
      { type: 'graph_episode', data: 'x', data_type: 'text', graph_id: graphId, metadata: { a: { b: 1 } } },
    ],
    [
      'too long a source description',
      { type: 'thread_message', content: 'x', role: 'user', thread_id: threadId, source_description: 'x'.repeat(501) },
    ],
  ])('refuses %s with 400 and a message, and adds nothing of that call', async (_name, item) => {
    const id = await draft();
    const good = { type: 'graph_episode', data: 'good', data_type: 'text', graph_id: graphId };
    const reply = await zep.raw('POST', `/batches/${id}/items`, { items: [good, item] });
    expect(reply.status).toBe(400);
    expect((reply.json as { message?: unknown }).message).toEqual(expect.any(String));
    expect((await zep.client.batch.get(id)).itemCount ?? 0).toBe(0);
  });

  test('takes 350 items in one call', async () => {
    const id = await draft();
    const added = await zep.client.batch.add(id, {
      items: Array.from({ length: 350 }, (_, index) => episode(`item ${index}`)),
    });
    expect(added).toHaveLength(350);
    expect((await zep.client.batch.get(id)).itemCount).toBe(350);
  });

  test('deletes a draft for good', async () => {
    const id = await draft();
    await zep.client.batch.add(id, { items: [episode('x')] });
    expect((await zep.client.batch.delete(id)).message).toEqual(expect.any(String));
    expect(await statusOf(zep.client.batch.get(id))).toBe(404);
    expect(await statusOf(zep.client.batch.delete(id))).toBe(404);
    expect(await statusOf(zep.client.batch.add(id, { items: [episode('x')] }))).toBe(404);
  });

  test(
    'a batch with a destination that does not exist never runs and can be deleted',
    async () => {
      const id = await draft();
      await zep.client.batch.add(id, { items: [episode('x', { graphId: `${prefix}-nowhere` })] });
      expect([200, 400]).toContain(await statusOf(zep.client.batch.process(id)));
      expect((await ended(service, zep, id)).status).toBe('invalid');
      expect(await statusOf(zep.client.batch.delete(id))).toBe(200);
    },
    patience,
  );

  test(
    'processes a batch once, skips ignored roles, and what it processed can be read back',
    async () => {
      const id = required((await zep.client.batch.create({ ignoreRoles: ['assistant'] })).batchId);
      const createdAt = '2021-03-04T05:06:07Z';
      const added = await zep.client.batch.add(id, {
        items: [
          episode('Ana moved to Porto.', {
            createdAt,
            metadata: { page: 3, tags: ['a', 'b'] },
            sourceDescription: 'diary',
          }),
          message('I live in Porto.', { name: 'Ana', createdAt }),
          message('Good to know.', { role: 'assistant', name: 'Bot', createdAt: '2021-03-04T05:06:08Z' }),
        ],
      });
      await zep.client.batch.process(id);
      expect(await statusOf(zep.client.batch.process(id))).toBe(409);
      expect(await statusOf(zep.client.batch.add(id, { items: [episode('late')] }))).toBe(409);
      const batch = await ended(service, zep, id);
      expect(batch.status).toBe('succeeded');
      expect(batch.progress).toMatchObject({
        totalItems: 3,
        succeededItems: 2,
        skippedItems: 1,
        failedItems: 0,
        percentComplete: 100,
      });
      expect(batch.completedAt).toEqual(expect.any(String));
      expect(await statusOf(zep.client.batch.delete(id))).toBe(409);

      const skipped = await zep.client.batch.listItems(id, { status: 'skipped' });
      expect(skipped.items?.map((item) => item.sequenceIndex)).toEqual([2]);
      const stored = await zep.client.graph.episode.get(required(added[0]?.episodeUuid));
      expect(stored).toMatchObject({
        content: 'Ana moved to Porto.',
        processed: true,
        source: 'text',
        metadata: { page: 3, tags: ['a', 'b'] },
      });
      expect(Date.parse(stored.createdAt)).toBe(Date.parse(createdAt));
      const thread = await zep.client.thread.get(threadId);
      expect(thread.messages?.map(({ role, name, content }) => [role, name, content])).toEqual([
        ['user', 'Ana', 'I live in Porto.'],
        ['assistant', 'Bot', 'Good to know.'],
      ]);
      const latest = await zep.client.graph.episode.getByGraphId(graphId, { lastn: 5 });
      expect(latest.episodes?.map((one) => one.content)).toContain('Ana moved to Porto.');
    },
    patience,
  );

  test('takes messages and lists users, graphs and threads with the official client', async () => {
    const added = await zep.client.thread.addMessages(threadId, {
      messages: [{ role: 'user', name: 'Ana', content: 'Directly.' }],
    });
    expect(added.messageUuids ?? []).toHaveLength(1);
    expect((await zep.client.thread.get(threadId, { lastn: 1 })).messages).toMatchObject([{ content: 'Directly.' }]);
    if (added.taskId !== undefined)
      expect((await zep.client.task.get(added.taskId)).status).toEqual(expect.any(String));
    expect((await zep.client.user.listOrdered({ pageNumber: 1, pageSize: 1 })).users).toHaveLength(1);
    expect((await zep.client.graph.listAll({ pageNumber: 1, pageSize: 1 })).graphs).toHaveLength(1);
    expect((await zep.client.thread.listAll({ pageNumber: 1, pageSize: 1 })).threads).toHaveLength(1);
    expect((await zep.client.user.getThreads(userId)).map((thread) => thread.threadId)).toContain(threadId);
  });
});

test.skipIf(services.length > 1)('the service itself is asked only with ZEP_API_KEY and ZEP_CONTRACT_REAL=1', () => {
  expect(services.map(({ name }) => name)).toEqual(['the local server']);
});
