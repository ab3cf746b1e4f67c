import { afterEach, describe, expect, it } from 'vitest';
import { episode, episodes, message, notices, scene, sourceOf, type Scene } from '../../support/import.js';

let at: Scene;
afterEach(() => at.close());

describe('an add that is refused', () => {
  it('because of its size is sent in smaller calls, which is remembered and said once', async () => {
    at = await scene({ limits: { maxItemsPerAdd: 350 } });
    const { status, summary, events, ledger } = await at.run(episodes(2_000, 4), { chunkSize: 500 });
    expect(status).toBe('completed');
    expect(summary.items.succeeded).toBe(2_000);
    expect(await at.graph('g1')).toEqual(Array.from({ length: 500 }, (_, i) => `row ${i * 4 + 1}`));
    expect(notices(events)).toEqual(['size-limit']);
    expect(ledger.learnedLimits('p').maxItems).toBe(350);
    expect(at.server.stats().statuses['400']).toBe(1);
  });

  it('because of its bytes is sent in smaller bodies', async () => {
    at = await scene({ limits: { maxBodyBytes: 20_000 } });
    const rows = Array.from({ length: 300 }, (_, i) => episode('g0', `row ${i} ${'x'.repeat(200)}`));
    const { status, summary } = await at.run(rows, { chunkSize: 300 });
    expect(status).toBe('completed');
    expect(summary.items.succeeded).toBe(300);
    expect((await at.graph('g0')).map((text) => text.split(' ')[1])).toEqual(rows.map((_, i) => String(i)));
  });

  it('because of single items loses only those, each with its place and the words of the service', async () => {
    at = await scene({ faults: ['add:*=refuse-item,pattern=/^row (7|77|433)$/,message=bad request: not this one'] });
    const { status, summary, rejections } = await at.run(episodes(600, 3), { chunkSize: 500 });
    expect(status).toBe('completed-with-errors');
    expect(rejections.map((each) => [each.position.line, each.stage, each.code])).toEqual([
      [8, 'remote', 'refused'],
      [78, 'remote', 'refused'],
      [434, 'remote', 'refused'],
    ]);
    expect(rejections[0]?.message).toContain('not this one');
    expect(summary.items).toMatchObject({ produced: 600, accepted: 597, succeeded: 597, rejected: 3, open: 0 });
    expect(await at.graph('g1')).toEqual(
      Array.from({ length: 200 }, (_, i) => `row ${i * 3 + 1}`).filter((text) => !['row 7', 'row 433'].includes(text)),
    );
  });

  it('in every single case ends the run after twenty, in the words of the service, and leaves no draft', async () => {
    at = await scene({ faults: ['add:*=400,message=bad request: no'] });
    const { status, error } = await at.run(episodes(300));
    expect(status).toBe('too-many-rejects');
    expect(error).toMatchObject({ code: 'all-refused' });
    expect((error as Error).message).toContain('bad request: no');
  });

  it('for want of permission ends the run at once', async () => {
    at = await scene({ faults: ['add:2=403,message=forbidden'] });
    const { status, error, draftsLeft } = await at.run(episodes(300));
    expect(status).toBe('failed');
    expect(error).toMatchObject({ disposition: 'refused' });
    expect(draftsLeft).toEqual(await at.drafts());
    expect(draftsLeft).toHaveLength(1);
  });
});

describe('batches', () => {
  it('roll over at the batch size, exactly, and are processed in order', async () => {
    at = await scene();
    const { summary, events } = await at.run(episodes(1_000), { chunkSize: 30, batchSize: 250 });
    expect(summary.batches.map((batch) => [batch.number, batch.items, batch.status])).toEqual([
      [1, 250, 'succeeded'],
      [2, 250, 'succeeded'],
      [3, 250, 'succeeded'],
      [4, 250, 'succeeded'],
    ]);
    expect(await at.graph('g0')).toEqual(Array.from({ length: 1_000 }, (_, i) => `row ${i}`));
    const ends = events.flatMap((event) =>
      event.type === 'batch' && (event.status === 'queued' || event.status === 'succeeded')
        ? [`${event.number} ${event.status}`]
        : [],
    );
    for (const number of [2, 3, 4]) {
      expect(ends.indexOf(`${number} queued`)).toBeGreaterThan(ends.indexOf(`${number - 1} succeeded`));
    }
  });

  it('go on being filled while an earlier one is still being processed', async () => {
    at = await scene({ processingRate: 400 });
    const { events } = await at.run(episodes(900), { batchSize: 300 });
    const lastAccepted = events.findLastIndex((event) => event.type === 'chunk' && event.phase === 'accepted');
    const secondStarted = events.findIndex(
      (event) => event.type === 'batch' && event.number === 2 && event.status === 'queued',
    );
    expect(lastAccepted).toBeLessThan(secondStarted);
  });

  it('of different graphs are filled side by side by several lanes, each graph in the order of the input', async () => {
    at = await scene();
    const { summary } = await at.run(episodes(4_000, 20), { lanes: 4, batchSize: 300 });
    expect(new Set(summary.batches.map((batch) => batch.lane)).size).toBe(4);
    for (let graph = 0; graph < 20; graph++) {
      expect(await at.graph(`g${graph}`)).toEqual(Array.from({ length: 200 }, (_, i) => `row ${i * 20 + graph}`));
    }
  });

  it('get more lanes by themselves only when the first one overflows, and every graph keeps its order', async () => {
    at = await scene();
    const small = await at.run(episodes(300, 20), { lanes: 'auto', batchSize: 1_000 });
    expect(small.summary.batches).toHaveLength(1);
    const rows = episodes(5_000, 20).map((row) => ({
      ...row,
      wire: { ...row.wire, data: `again ${'data' in row.wire ? row.wire.data : ''}` },
    }));
    const large = await at.run(rows, {
      lanes: 'auto',
      batchSize: 1_000,
      run: 'run-2',
    });
    expect(new Set(large.summary.batches.map((batch) => batch.lane)).size).toBeGreaterThan(1);
    for (let graph = 0; graph < 20; graph++) {
      expect((await at.graph(`g${graph}`)).filter((text) => text.startsWith('again'))).toEqual(
        Array.from({ length: 250 }, (_, i) => `again row ${i * 20 + graph}`),
      );
    }
  });

  it('carry the marks by which an import is found again, beside the metadata of the mapping', async () => {
    at = await scene();
    const { summary } = await at.run(episodes(10), {
      batch: { metadata: { description: 'tests' }, ignore_roles: ['assistant'] },
    });
    const { body } = await at.call('GET', `/batches/${summary.batches[0]?.batch ?? ''}`);
    expect(body).toMatchObject({
      metadata: {
        description: 'tests',
        zi_run: 'run-1',
        zi_lane: '0',
        zi_no: '1',
        zi_first: '0:0:0',
        zi_map: 'm',
        zi_src: 's',
      },
      ignore_roles: ['assistant'],
    });
  });
});

describe('destinations', () => {
  it('are created once each, several at once, before the chunk that needs them', async () => {
    at = await scene({ latencyMs: 20 });
    const rows = Array.from({ length: 400 }, (_, i) => message(`t${i % 200}`, `u${i % 50}`, `row ${i}`));
    const { summary } = await at.run(rows);
    expect(summary.created).toEqual({ users: 50, graphs: 0, threads: 200 });
    expect(at.server.stats().asked).toMatchObject({ 'user-create': 50, 'thread-create': 200 });
    expect(await at.thread('t7')).toEqual(['row 7', 'row 207']);
  });

  it('that do not exist and may not be created reject their rows by name; the others go in', async () => {
    at = await scene();
    await at.call('POST', '/graph/create', { graph_id: 'g0' });
    const { status, rejections, summary } = await at.run(episodes(9, 3), { create: new Set(['threads']) });
    expect(status).toBe('completed-with-errors');
    expect(rejections).toHaveLength(6);
    expect(rejections[0]).toMatchObject({ code: 'graph-missing', position: { line: 2 } });
    expect(rejections[0]?.message).toContain('g1');
    expect(summary.items).toMatchObject({ produced: 9, accepted: 3, rejected: 6 });
  });

  it('of which not one exists stop the run before the first add, naming them and the flag', async () => {
    at = await scene();
    const { error, status } = await at.run(episodes(500), { create: new Set(['threads']) });
    expect(status).toBe('failed');
    expect(error).toMatchObject({
      disposition: 'not-found',
      hint: expect.stringContaining('--create-missing threads,graphs') as string,
    });
    expect((error as Error).message).toContain('g0');
    expect(at.server.stats().asked['add']).toBeUndefined();
    expect(at.server.stats().asked['create']).toBeUndefined();
  });

  it('that are threads of somebody else reject the row: messages never land in a stranger’s graph', async () => {
    at = await scene();
    await at.call('POST', '/users', { user_id: 'owner' });
    await at.call('POST', '/threads', { thread_id: 'taken', user_id: 'owner' });
    const { rejections, summary } = await at.run([
      message('taken', 'other', 'no'),
      message('mine', 'other', 'yes'),
      message('mine', 'third', 'no'),
      message('taken', 'owner', 'yes'),
      message('taken', undefined, 'yes'),
    ]);
    expect(rejections.map((each) => [each.position.line, each.code])).toEqual([
      [1, 'thread-owner'],
      [3, 'thread-owner'],
    ]);
    expect(summary.items.succeeded).toBe(3);
    expect(await at.thread('taken')).toEqual(['yes', 'yes']);
  });

  it('that are threads without an owner in the mapping are looked up once, and keep the order of their owner', async () => {
    at = await scene();
    await at.call('POST', '/users', { user_id: 'u' });
    for (const thread of ['a', 'b']) await at.call('POST', '/threads', { thread_id: thread, user_id: 'u' });
    const rows = Array.from({ length: 100 }, (_, i) => message(i % 2 === 0 ? 'a' : 'b', undefined, `row ${i}`));
    const { summary, rejections } = await at.run([...rows, message('nowhere', undefined, 'lost')], { lanes: 8 });
    expect(summary.batches).toHaveLength(1);
    expect(summary.items.succeeded).toBe(100);
    expect(rejections.map((each) => each.code)).toEqual(['thread-missing']);
    expect(at.server.stats().asked['thread-messages']).toBe(3);
  });

  it.each([1, 100])(
    'that are threads named first without their owner are created for the row that names it (%i rows at a time)',
    async (rowsAtOnce) => {
      at = await scene();
      const rows = [message('t', undefined, 'unnamed'), message('t', 'u', 'one'), message('t', 'u', 'two')];
      const { summary, rejections } = await at.run([sourceOf(rows, rowsAtOnce)]);
      expect((await at.thread('t')).slice(-2)).toEqual(['one', 'two']);
      expect(rejections.every((each) => each.position.ordinal === 0 && each.code === 'thread-missing')).toBe(true);
      expect(summary.items.accepted + rejections.length).toBe(3);
    },
  );

  it('with an id that cannot stand in an address reject their row and nothing else', async () => {
    at = await scene();
    const { rejections, summary } = await at.run([message('..', undefined, 'x'), episode('g0', 'row')]);
    expect(rejections.map((each) => each.code)).toEqual(['bad-id']);
    expect(summary.items.succeeded).toBe(1);
  });
});
