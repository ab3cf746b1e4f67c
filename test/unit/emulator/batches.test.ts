/** The life of a batch as a client sees it: states, counters, order of listing, what is refused when, what can be read back. */
import { expect, test } from 'vitest';
import {
  add,
  createBatch,
  createTargets,
  episode,
  field,
  finished,
  list,
  manualClock,
  message,
  serve,
  summary,
  text,
  until,
} from './support.js';

test('a batch goes from draft to succeeded, and what was processed can be read back with its time, metadata and document', async () => {
  const api = await serve();
  await createTargets(api);
  const batch = await createBatch(api, { metadata: { run: 'r1' }, ignore_roles: ['assistant'], strict_ontology: true });
  expect(await summary(api, batch)).toMatchObject({ status: 'draft', item_count: 0, metadata: { run: 'r1' } });
  expect(await summary(api, batch)).not.toHaveProperty('progress');
  const added = await add(api, batch, [
    episode('born in Lisbon', {
      created_at: '2020-02-03T04:05:06+02:00',
      metadata: { page: 7, tags: ['a', 'b'] },
      document_id: 'doc-1',
      source_description: 'diary',
    }),
    message('hello', { name: 'Ana', created_at: '2021-01-01T00:00:00Z' }),
    message('I am a bot', { role: 'assistant' }),
  ]);
  expect(added.status).toBe(200);
  expect(list(added.json)).toMatchObject([
    { sequence_index: 0, kind: 'graph_episode', status: 'pending', graph_id: 'g', document_id: 'doc-1' },
    { sequence_index: 1, kind: 'thread_message', status: 'pending', thread_id: 't' },
    { sequence_index: 2, kind: 'thread_message', status: 'pending', thread_id: 't' },
  ]);
  for (const detail of list(added.json)) expect(field(detail, 'episode_uuid')).toBe(field(detail, 'source_uuid'));
  expect(await api.call('POST', `/batches/${batch}/process`)).toMatchObject({ status: 200 });
  expect(await finished(api, batch)).toMatchObject({
    status: 'succeeded',
    item_count: 3,
    progress: { total_items: 3, succeeded_items: 2, skipped_items: 1, failed_items: 0, percent_complete: 100 },
  });
  const uuid = text(added.json, 0, 'episode_uuid');
  expect((await api.call('GET', `/graph/episodes/${uuid}`)).json).toEqual({
    uuid,
    content: 'born in Lisbon',
    created_at: '2020-02-03T04:05:06+02:00',
    metadata: { page: 7, tags: ['a', 'b'] },
    document_id: 'doc-1',
    source: 'text',
    source_description: 'diary',
    processed: true,
  });
  const thread = (await api.call('GET', '/threads/t/messages')).json;
  expect(thread).toMatchObject({ user_id: 'u', row_count: 2, total_count: 2 });
  expect(list(thread, 'messages')).toMatchObject([
    { role: 'user', name: 'Ana', content: 'hello', created_at: '2021-01-01T00:00:00Z', processed: true },
    { role: 'assistant', content: 'I am a bot', processed: true },
  ]);
  const ofUser = (await api.call('GET', '/graph/episodes/user/u?lastn=10')).json;
  expect(list(ofUser, 'episodes')).toMatchObject([{ content: 'hello', source: 'message', thread_id: 't' }]);
  const ofDocument = (await api.call('GET', '/graph/documents/doc-1/episodes?graph_id=g')).json;
  expect(list(ofDocument, 'episodes')).toMatchObject([{ uuid }]);
});

test('a batch that names a missing destination is invalid, runs nothing, and can be deleted', async () => {
  const api = await serve();
  await createTargets(api);
  const batch = await createBatch(api);
  const added = await add(api, batch, [episode('x'), episode('y', { graph_id: 'nowhere' })]);
  const processed = await api.call('POST', `/batches/${batch}/process`);
  expect(processed).toMatchObject({ status: 200, json: { status: 'invalid', item_count: 2 } });
  expect((await add(api, batch, [episode('z')])).status).toBe(409);
  expect((await api.call('POST', `/batches/${batch}/process`)).status).toBe(409);
  const uuid = text(added.json, 0, 'episode_uuid');
  expect((await api.call('GET', `/graph/episodes/${uuid}`)).json).toMatchObject({ processed: false });
  expect(await api.call('DELETE', `/batches/${batch}`)).toMatchObject({
    status: 200,
    json: { message: `Batch ${batch} successfully deleted.` },
  });
  expect((await api.call('GET', `/graph/episodes/${uuid}`)).status).toBe(404);
  expect((await api.call('DELETE', `/batches/${batch}`)).status).toBe(404);
});

test.each([
  ['late', 200, 'queued'],
  ['refuse', 400, undefined],
] as const)('a missing destination can show %s', async (invalidMode, status, first) => {
  const api = await serve({ invalidMode });
  const batch = await createBatch(api);
  await add(api, batch, [episode('x')]);
  const processed = await api.call('POST', `/batches/${batch}/process`);
  expect(processed.status).toBe(status);
  if (first !== undefined) expect(processed.json).toMatchObject({ status: first });
  expect(await finished(api, batch)).toMatchObject({ status: 'invalid' });
});

test('a second process is a conflict, simultaneous ones give one run, an empty draft is refused', async () => {
  const api = await serve();
  await createTargets(api);
  const batch = await createBatch(api);
  expect((await api.call('POST', `/batches/${batch}/process`)).status).toBe(400);
  await add(api, batch, [episode('x')]);
  const answers = await Promise.all([1, 2, 3].map(() => api.call('POST', `/batches/${batch}/process`)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  expect(list((await api.call('GET', '/graph/episodes/graph/g')).json, 'episodes').length).toBeLessThanOrEqual(1);
  await finished(api, batch);
  expect((await api.call('DELETE', `/batches/${batch}`)).status).toBe(409);
  expect(text((await add(api, batch, [episode('x')])).json, 'message')).toMatch(/^conflict: /);
});

test('listing pages through every item in order and by status, and through batches newest first', async () => {
  const api = await serve({ faults: ['process:1=fail-item,pattern=bad,code=nope,message=no\\, thanks'] });
  await createTargets(api);
  const batch = await createBatch(api);
  for (let call = 0; call < 3; call++) {
    await add(
      api,
      batch,
      Array.from({ length: 47 }, (_, index) => episode(index % 10 === 3 ? `bad ${index}` : `good ${index}`)),
    );
  }
  await api.call('POST', `/batches/${batch}/process`);
  expect(await finished(api, batch)).toMatchObject({
    status: 'partial',
    progress: { total_items: 141, succeeded_items: 126, failed_items: 15 },
  });
  const pages = async (query: string): Promise<unknown[]> => {
    const all: unknown[] = [];
    let cursor = '';
    do {
      const page = (await api.call('GET', `/batches/${batch}/items?${query}${cursor}`)).json;
      all.push(...list(page, 'items'));
      const next = field(page, 'next_cursor');
      cursor = typeof next === 'number' ? `&cursor=${next}` : '';
    } while (cursor !== '');
    return all;
  };
  for (const query of ['limit=1000', 'limit=7', '']) {
    expect((await pages(query)).map((item) => field(item, 'sequence_index'))).toEqual(
      Array.from({ length: 141 }, (_, i) => i),
    );
  }
  const failed = await pages('limit=4&status=failed');
  expect(failed).toHaveLength(15);
  for (const item of failed)
    expect(item).toMatchObject({ status: 'failed', error: { code: 'nope', message: 'no, thanks' } });
  expect(list((await api.call('GET', `/batches/${batch}/items?limit=100`)).json, 'items')).toHaveLength(100);

  const others: string[] = [];
  for (let index = 0; index < 5; index++) others.push(await createBatch(api));
  const first = (await api.call('GET', '/batches?limit=4')).json;
  const second = (await api.call('GET', `/batches?limit=4&cursor=${String(field(first, 'next_cursor'))}`)).json;
  const ids = [...list(first, 'batches'), ...list(second, 'batches')].map((entry) => field(entry, 'batch_id'));
  expect(ids).toEqual([...others.reverse(), batch]);
  expect(second).not.toHaveProperty('next_cursor');
  expect(list((await api.call('GET', '/batches?status=partial')).json, 'batches')).toMatchObject([{ batch_id: batch }]);
});

test('deleting a target cancels what is left of it; other graphs go on', async () => {
  const clock = manualClock();
  const api = await serve({ clock, processingRate: 10, processingConcurrency: 2 });
  await createTargets(api);
  const batch = await createBatch(api);
  await add(api, batch, [
    ...Array.from({ length: 10 }, (_, index) => episode(`e${index}`)),
    ...Array.from({ length: 10 }, (_, index) => message(`m${index}`)),
  ]);
  await api.call('POST', `/batches/${batch}/process`);
  await until(async () => {
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
    const done = field(await summary(api, batch), 'progress', 'succeeded_items');
    return typeof done === 'number' && done >= 4 ? done : undefined;
  });
  expect((await api.call('DELETE', '/threads/t')).status).toBe(200);
  const end = await until(async () => {
    clock.advance(100);
    const found = await summary(api, batch);
    return field(found, 'completed_at') === undefined ? undefined : found;
  });
  expect(end).toMatchObject({ status: 'succeeded', progress: { total_items: 20, failed_items: 0 } });
  const canceled = Number(field(end, 'progress', 'canceled_items'));
  expect(canceled).toBeGreaterThan(0);
  expect(Number(field(end, 'progress', 'succeeded_items'))).toBe(20 - canceled);
  expect(list((await api.call('GET', '/graph/episodes/graph/g?lastn=100')).json, 'episodes')).toHaveLength(10);
  expect((await api.call('GET', '/threads/t/messages')).status).toBe(404);
});

test('a batch all of whose targets are deleted is canceled, and a new target of that name does not inherit anything', async () => {
  const api = await serve({ processingRate: 0 });
  await createTargets(api);
  const batch = await createBatch(api);
  const added = await add(api, batch, [episode('x'), episode('y')]);
  await api.call('POST', `/batches/${batch}/process`);
  await api.call('DELETE', '/graph/g');
  await api.call('POST', '/graph/create', { graph_id: 'g' });
  expect(await finished(api, batch)).toMatchObject({ status: 'canceled', progress: { canceled_items: 2 } });
  expect(list((await api.call('GET', '/graph/episodes/graph/g')).json, 'episodes')).toEqual([]);
  expect((await api.call('GET', `/graph/episodes/${text(added.json, 0, 'episode_uuid')}`)).status).toBe(404);
});

test('seven days after process the remaining items fail with the code expired', async () => {
  const clock = manualClock();
  const api = await serve({ clock, processingRate: 0 });
  await createTargets(api);
  const batch = await createBatch(api);
  await add(api, batch, [episode('x'), episode('y')]);
  await api.call('POST', `/batches/${batch}/process`);
  clock.advance(7 * 24 * 3_600_000 - 1);
  expect(await summary(api, batch)).toMatchObject({ status: 'queued' });
  const end = await until(async () => {
    clock.advance(1_000);
    const found = await summary(api, batch);
    return field(found, 'completed_at') === undefined ? undefined : found;
  });
  expect(end).toMatchObject({ status: 'failed', progress: { failed_items: 2 } });
  expect((await api.call('GET', `/batches/${batch}/items`)).json).toMatchObject({
    items: [{ error: { code: 'expired' } }, { error: { code: 'expired' } }],
  });
});

test('messages and episodes added outside of a batch appear at once, have a task, and are in no list of batches', async () => {
  const api = await serve();
  await createTargets(api);
  const added = await api.call('POST', '/threads/t/messages', {
    messages: [
      { role: 'user', name: 'Ana', content: 'one' },
      { role: 'assistant', content: 'two' },
    ],
  });
  expect(added).toMatchObject({ status: 200, json: { message_uuids: [expect.any(String), expect.any(String)] } });
  expect(list((await api.call('GET', '/threads/t/messages?lastn=1')).json, 'messages')).toMatchObject([
    { content: 'two' },
  ]);
  const task = text(added.json, 'task_id');
  await until(async () => ((await api.call('GET', `/tasks/${task}`)).text.includes('"succeeded"') ? true : undefined));
  const single = await api.call('POST', '/graph', {
    type: 'text',
    data: 'a fact',
    graph_id: 'g',
    created_at: '2020-01-01T00:00:00Z',
  });
  expect(single).toMatchObject({ status: 202, json: { content: 'a fact', created_at: '2020-01-01T00:00:00Z' } });
  expect(list((await api.call('GET', '/batches')).json, 'batches')).toEqual([]);
  const tooMany = { messages: Array.from({ length: 31 }, () => ({ role: 'user', content: 'x' })) };
  expect((await api.call('POST', '/threads/t/messages', tooMany)).status).toBe(400);
  expect((await api.call('POST', '/graph', { type: 'text', data: 'x', graph_id: 'missing' })).status).toBe(404);
});

test('episodes of a graph can be paged in both orders, filtered by metadata, and picked by uuid', async () => {
  const api = await serve();
  await createTargets(api);
  const batch = await createBatch(api);
  const added = await add(
    api,
    batch,
    Array.from({ length: 60 }, (_, index) =>
      episode(`e${index}`, {
        created_at: new Date(1e12 + ((index * 37) % 60) * 1000).toISOString(),
        metadata: { n: index, even: index % 2 === 0 },
      }),
    ),
  );
  await api.call('POST', `/batches/${batch}/process`);
  await finished(api, batch);
  const walk = async (request: object): Promise<unknown[]> => {
    const all: unknown[] = [];
    for (let cursor: string | null = null; ;) {
      const page = await api.call('POST', '/graph/episodes/graph/g', {
        ...request,
        ...(cursor === null ? {} : { cursor }),
      });
      all.push(...list(page.json));
      cursor = page.headers.get('zep-next-cursor');
      if (cursor === null) return all;
    }
  };
  const numbers = (episodes: unknown[]): unknown[] => episodes.map((entry) => field(entry, 'metadata', 'n'));
  const ascending = Array.from({ length: 60 }, (_, index) => index);
  expect(numbers(await walk({ limit: 7, direction: 'asc' }))).toEqual(ascending);
  expect(numbers(await walk({ limit: 50 }))).toEqual([...ascending].reverse());
  const times = (await walk({ limit: 11, order_by: 'created_at', direction: 'asc' })).map((entry) =>
    text(entry, 'created_at'),
  );
  expect(times).toHaveLength(60);
  expect(times).toEqual([...times].sort());
  const filters = { type: 'and', filters: [{ property_name: 'even', comparison_operator: '=', property_value: true }] };
  expect(await walk({ episode_metadata_filters: filters })).toHaveLength(30);
  const wanted = [3, 50].map((index) => text(added.json, index, 'episode_uuid'));
  expect(numbers(await walk({ mentioned_node_uuids: [...wanted, '00000000-0000-4000-8000-000000000000'] }))).toEqual([
    50, 3,
  ]);
  expect(await walk({ mentioned_node_uuids: wanted, direction: 'asc' })).toMatchObject([
    { uuid: wanted[0] },
    { uuid: wanted[1] },
  ]);
});
