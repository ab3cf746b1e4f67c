import { afterEach, describe, expect, it } from 'vitest';
import { episode, episodes, notices, scene, type Scene } from '../../support/import.js';

let at: Scene;
afterEach(() => at.close());

const numbered = (n: number, graphs: number, graph: number): string[] =>
  Array.from({ length: n / graphs }, (_, i) => `row ${i * graphs + graph}`);

describe('one answer that is behind the times', () => {
  it.each(['get:3=404', 'get:4-5=404'])('does not make a batch that is being processed vanish (%s)', async (fault) => {
    at = await scene({ faults: [fault], processingRate: 200 });
    const { status, summary, events } = await at.run(episodes(100));
    expect(notices(events)).toEqual([]);
    expect(summary.items).toMatchObject({ succeeded: 100, open: 0 });
    expect(status).toBe('completed');
  });

  it('does not have a batch made anew: the count is read until it stays the same', async () => {
    at = await scene({ faults: ['get:*=stale,seconds=0.03'] });
    const { status } = await at.run(episodes(300), { settleWindowMs: 400 });
    expect(status).toBe('completed');
    expect(at.server.stats().asked['create']).toBe(1);
  });

  it.each([
    ['get:1=unknown-status'],
    ['get:1-4=unknown-status'],
    ['add:2=409', 'get:1-3=unknown-status'],
    ['process:1=drop-before', 'get:2-3=unknown-status'],
  ])('with a status that nobody has heard of does not make a draft somebody else’s (%s %s)', async (...faults) => {
    at = await scene({ faults });
    const { status, summary } = await at.run(episodes(100));
    expect(status).toBe('completed');
    expect(summary.items.succeeded).toBe(100);
    expect(await at.graph('g0')).toEqual(numbered(100, 1, 0));
  });
});

describe('a draft that somebody else processes while an add is in doubt', () => {
  it('and that holds a part of the add gets the rest in a new batch, and nothing twice', async () => {
    at = await scene({ faults: ['add:110=partial,keep=10,answer=drop', 'get:1=process-draft'] });
    const { error, status, summary } = await at.run(episodes(6_000, 6));
    expect(error).toBeUndefined();
    for (const graph of [0, 3, 5]) expect(await at.graph(`g${graph}`)).toEqual(numbered(6_000, 6, graph));
    expect(summary.items).toMatchObject({ accepted: 6_000, succeeded: 6_000 });
    expect(summary.batches).toHaveLength(2);
    expect(status).toBe('completed');
  });

  it('is counted instead of made anew, and the run goes on', async () => {
    at = await scene({ faults: ['add:3=process-draft', 'add:3=drop-after'] });
    const { error, status } = await at.run(episodes(300, 3));
    expect(error).toBeUndefined();
    for (const graph of [0, 1, 2]) expect(await at.graph(`g${graph}`)).toEqual(numbered(300, 3, graph));
    expect(status).toBe('completed');
  });
});

describe('a draft that is made anew', () => {
  it('and has to be begun again tells each row that has nowhere to go once', async () => {
    at = await scene({ faults: ['add:12=delete-draft', 'add:30=delete-draft'] });
    for (const graph of ['g0', 'g1', 'g2', 'g3']) await at.call('POST', '/graph/create', { graph_id: graph });
    let deleted = false;
    const { status, summary, rejections } = await at.run(episodes(200, 4), { create: new Set() }, {}, (event) => {
      if (event.type !== 'chunk' || event.phase !== 'accepted' || deleted) return;
      deleted = true;
      void at.call('DELETE', '/graph/g1');
    });
    expect(at.server.stats().asked['create']).toBeGreaterThan(2);
    expect(new Set(rejections.map((each) => each.position.ordinal)).size).toBe(50);
    expect(rejections).toHaveLength(50);
    expect(summary.items).toMatchObject({ produced: 200, accepted: 150, succeeded: 150, rejected: 50, open: 0 });
    expect(status).toBe('completed-with-errors');
  });

  it('because it was invalid takes no row from the ones that are still being read', async () => {
    at = await scene({ faults: ['process:1=invalid'], latencyMs: 5 });
    const rows = Array.from({ length: 3_000 }, (_, i) => episode(`g${Math.floor(i / 10)}`, `row ${i}`));
    const { status, rejections, summary } = await at.run(rows, { batchSize: 100, chunkSize: 20 });
    expect(rejections).toEqual([]);
    expect(summary.items.succeeded).toBe(3_000);
    expect(status).toBe('completed');
  });

  it('leaves nothing behind when the service says, wrongly, that the old one is gone', async () => {
    at = await scene({ faults: ['add:3=drop-after', 'delete:1=404'] });
    const { status } = await at.run(episodes(300, 3));
    expect(status).toBe('completed');
    expect(await at.drafts()).toEqual([]);
    expect(await at.graph('g1')).toEqual(numbered(300, 3, 1));
  });

  it('and cannot be made counts no item as accepted that is nowhere', async () => {
    at = await scene({ faults: ['add:3=drop-after', 'create:2+=403'] });
    const { status, summary, draftsLeft } = await at.run(episodes(300));
    expect(status).toBe('failed');
    expect(summary.items).toMatchObject({ accepted: 0, open: 0 });
    expect(draftsLeft).toEqual([]);
    expect(await at.drafts()).toEqual([]);
  });

  it('is said to be left when it holds nothing and cannot be deleted', async () => {
    at = await scene({ faults: ['add:*=refuse-item,pattern=row', 'delete:*=403'] });
    const { status, draftsLeft } = await at.run(episodes(5));
    expect(status).toBe('failed');
    expect(draftsLeft).toHaveLength(1);
    expect(draftsLeft).toEqual(await at.drafts());
  });
});
