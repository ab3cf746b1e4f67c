import { afterEach, describe, expect, it } from 'vitest';
import { episodes, notices, scene, type Scene } from '../../support/import.js';

let at: Scene;
afterEach(() => at.close());

const rows = episodes(1_000, 3);
const expected = (graph: number): string[] =>
  rows.flatMap(({ wire }) => (wire.type === 'graph_episode' && wire.graph_id === `g${graph}` ? [wire.data] : []));

async function expectOnceInOrder(): Promise<void> {
  for (const graph of [0, 1, 2]) expect(await at.graph(`g${graph}`)).toEqual(expected(graph));
  expect(await at.drafts()).toEqual([]);
}

/** Each of these leaves the client without knowing whether its items are there. */
const LOST: readonly string[] = [
  'add:3=drop-after',
  'add:3=drop-before',
  'add:1=drop-after',
  'add:20=drop-after',
  'add:3=hang-after',
  'add:3=500-after',
  'add:3=502-after,body=html',
  'add:3=504-after,body=empty',
  'add:3=500',
  'add:3=truncate',
  'add:3=cut',
  'add:3=empty',
  'add:3=html',
  'add:3=short,keep=20',
  'add:3=shuffle',
  'add:3=shift',
  'add:3=partial,keep=10',
  'add:3=partial,keep=10,answer=200',
  'add:3=twice',
  'add:3=late,seconds=0.2',
  'add:3=late,seconds=0.1,answer=504',
  'create:1=drop-after',
  'create:1=drop-before',
  'create:1=hang-after',
  'create:1=500-after',
  'create:1=empty',
  'process:1=drop-after',
  'process:1=drop-before',
  'process:1=500-after',
  'process:1=empty',
  'add:3=delete-draft',
  'add:3-4=429,retry-after=0',
  'create:1=429,body=text,retry-after=1',
  'get:*=500@0.3',
  'add:*=drop-after@0.2',
  'add:*=drop-before@0.2',
  'add:*=partial@0.15',
];

describe('an answer that was lost, cut, short or wrong', () => {
  it.each(LOST)('with %s every row is at the service once, in order', async (fault) => {
    at = await scene({ faults: [fault], seed: 5 });
    const { status, summary, error } = await at.run(rows, { batchSize: 400 });
    expect(error).toBeUndefined();
    await expectOnceInOrder();
    expect(summary.items).toMatchObject({ produced: 1_000, accepted: 1_000, succeeded: 1_000, open: 0, rejected: 0 });
    expect(status).toBe('completed');
  });

  it('is settled by counting when the draft is large: the batch is not made anew', async () => {
    at = await scene({ faults: ['add:120=drop-after', 'add:125=drop-before', 'add:130=partial,keep=20'] });
    const many = episodes(7_000, 10);
    const { status, summary } = await at.run(many, { settleWindowMs: 200 });
    expect(status).toBe('completed');
    expect(summary.items.succeeded).toBe(7_000);
    expect(at.server.stats().asked['create']).toBe(1);
    expect(at.server.stats().items.added).toBe(7_000);
    expect(await at.graph('g1')).toEqual(
      many.flatMap(({ wire }, i) => (i % 10 === 1 && wire.type === 'graph_episode' ? [wire.data] : [])),
    );
  });

  it('of an add that arrives late, after it was settled, does not double a row: the draft is checked before it is processed', async () => {
    at = await scene({ faults: ['add:110=late,seconds=0.5'] });
    const { status, summary } = await at.run(episodes(6_000, 6), { settleWindowMs: 300 });
    expect(summary.items.succeeded).toBe(6_000);
    expect(await at.graph('g0')).toEqual(Array.from({ length: 1_000 }, (_, i) => `row ${i * 6}`));
    expect(status).toBe('completed');
  });

  it('of a create leaves no draft behind, even when that draft shows up late in the list', async () => {
    at = await scene({ faults: ['create:1=drop-after', 'create:1=hide-new,seconds=0.6'] });
    const { status } = await at.run(rows, { settleWindowMs: 100 });
    expect(status).toBe('completed');
    await expectOnceInOrder();
  });

  it('that never gets better ends the run as unsettled, and says which drafts are left', async () => {
    at = await scene({ faults: ['add:5+=drop-before'] });
    const { status, error, draftsLeft } = await at.run(rows, { settleWindowMs: 10 });
    expect(status).toBe('failed');
    expect(error).toMatchObject({ code: 'unsettled', disposition: 'timeout' });
    expect(await at.graph('g0')).toEqual([]);
    expect(draftsLeft).toEqual(await at.drafts());
  });

  it('after every single add loses and doubles nothing, as long as the adds arrive', async () => {
    at = await scene({ faults: ['add:5+=drop-after'] });
    const { status } = await at.run(episodes(300, 3), { settleWindowMs: 10 });
    expect(status).toBe('completed');
    expect(await at.graph('g0')).toEqual(Array.from({ length: 100 }, (_, i) => `row ${i * 3}`));
  });
});

describe('a draft that somebody else touches', () => {
  it('is followed to its end, and the rest goes into a new batch, when it was processed half full', async () => {
    at = await scene({ faults: ['add:4=process-draft'] });
    const { status, summary, events } = await at.run(rows);
    await expectOnceInOrder();
    expect(summary.items).toMatchObject({ accepted: 1_000, succeeded: 1_000 });
    expect(summary.batches).toHaveLength(2);
    expect(events).toContainEqual(expect.objectContaining({ type: 'notice', code: 'batch-taken' }));
    expect(status).toBe('completed');
  });

  it('is made anew from the source when it was deleted just before it is processed', async () => {
    at = await scene({ faults: ['process:1=delete-draft'] });
    const { status } = await at.run(rows);
    await expectOnceInOrder();
    expect(status).toBe('completed');
  });

  it.each([1, 2])('that says that a draft is gone, %i times, leaves none behind', async (times) => {
    at = await scene({ faults: ['add:1=drop-after', `delete:1-${times}=404`] });
    const { status, events } = await at.run(rows, { batchSize: 400 });
    expect(status).toBe('completed');
    expect(notices(events)).toContain('strays-deleted');
    await expectOnceInOrder();
  });

  it('that says it always has the draft told as one that may be left', async () => {
    at = await scene({ faults: ['add:1=drop-after', 'delete:*=404'] });
    const { summary } = await at.run(rows, { batchSize: 400 });
    expect(await at.drafts()).toHaveLength(1);
    expect(summary.notes.join(' ')).toContain('may be left');
  });
});
