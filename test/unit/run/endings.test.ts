import { afterEach, describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/events.js';
import { episodes, message, notices, scene, type Scene } from '../../support/import.js';

let at: Scene;
afterEach(() => at.close());

const failures = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.type === 'item-failed' ? [event] : []));

describe('what became of the items', () => {
  it('is told by source row for every item that failed at the service, however many pages of them there are', async () => {
    at = await scene({ faults: ['process:*=fail-item,pattern=/row \\d*7$/,message=no such thing,code=bad'] });
    const { status, summary, events } = await at.run(episodes(2_000, 3), { batchSize: 900 });
    expect(status).toBe('completed-with-errors');
    expect(summary.items).toMatchObject({ accepted: 2_000, succeeded: 1_800, failed: 200, open: 0 });
    const failed = failures(events);
    expect(failed).toHaveLength(200);
    expect(failed.map((each) => (each.position?.ordinal ?? 0) % 10)).toEqual(failed.map(() => 7));
    expect(failed[0]).toMatchObject({ status: 'failed', message: 'no such thing', code: 'bad' });
    expect(summary.errors).toContainEqual(
      expect.objectContaining({ code: 'bad', message: 'no such thing', count: 200 }),
    );
  });

  it('counts roles that the batch ignores as skipped, which is no error', async () => {
    at = await scene();
    const rows = ['a', 'b', 'c'].map((text) => message('t', 'u', text));
    const { status, summary } = await at.run(rows, { batch: { metadata: {}, ignore_roles: ['user'] } });
    expect(summary.items).toMatchObject({ succeeded: 0, skipped: 3, open: 0 });
    expect(status).toBe('completed');
  });

  it('is an error when items were canceled because their graph was deleted, although the service says succeeded', async () => {
    at = await scene({ processingRate: 100 });
    let deleted = false;
    const { status, summary, events } = await at.run(
      [...Array.from({ length: 200 }, (_, i) => message('t', 'u', `row ${i}`)), ...episodes(5)],
      {},
      {},
      (event) => {
        if (event.type !== 'batch' || event.status !== 'processing' || deleted) return;
        deleted = true;
        void at.call('DELETE', '/users/u');
      },
    );
    expect(status).toBe('completed-with-errors');
    expect(summary.items.canceled).toBeGreaterThan(0);
    expect(summary.items.succeeded + summary.items.canceled).toBe(205);
    expect(failures(events).every((event) => event.status === 'canceled')).toBe(true);
  });

  it('shows a status that nobody has heard of, and does not take it for the end', async () => {
    at = await scene({ faults: ['get:2-4=unknown-status'] });
    const { status, events } = await at.run(episodes(20));
    expect(events.some((event) => event.type === 'batch' && event.status === 'archived')).toBe(true);
    expect(status).toBe('completed');
  });

  it('is mended when the batch turns out invalid: what is missing is created and the batch made anew, once', async () => {
    at = await scene({ invalidMode: 'late' });
    let deleted = false;
    const { status, summary, events } = await at.run(episodes(200, 4), {}, {}, (event) => {
      if (event.type !== 'chunk' || event.phase !== 'accepted' || deleted) return;
      deleted = true;
      void at.call('DELETE', '/graph/g1');
    });
    expect(notices(events)).toContain('batch-invalid');
    expect(summary.items).toMatchObject({ accepted: 200, succeeded: 200 });
    expect(status).toBe('completed');
    expect(await at.graph('g1')).toHaveLength(50);
  });

  it('rejects the rows whose destination is gone for good, and keeps the others', async () => {
    at = await scene();
    for (const graph of ['g0', 'g1', 'g2', 'g3']) await at.call('POST', '/graph/create', { graph_id: graph });
    let deleted = false;
    const { status, summary, rejections } = await at.run(episodes(200, 4), { create: new Set() }, {}, (event) => {
      if (event.type !== 'chunk' || event.phase !== 'accepted' || deleted) return;
      deleted = true;
      void at.call('DELETE', '/graph/g1');
    });
    expect(status).toBe('completed-with-errors');
    expect(rejections.every((each) => each.code === 'graph-missing')).toBe(true);
    expect(summary.items).toMatchObject({ produced: 200, accepted: 150, succeeded: 150, rejected: 50, open: 0 });
    expect(await at.drafts()).toEqual([]);
  });

  it('ends as not found when the batch is invalid a second time', async () => {
    at = await scene({ faults: ['process:*=invalid'] });
    const { status, error } = await at.run(episodes(20));
    expect(status).toBe('failed');
    expect(error).toMatchObject({ code: 'batch-invalid', disposition: 'not-found' });
  });
});

describe('an ending before the end', () => {
  it('at the first interrupt finishes the call in flight, processes nothing and names the drafts it leaves', async () => {
    at = await scene({ latencyMs: 20 });
    const stop = new AbortController();
    const { status, summary, draftsLeft } = await at.run(
      episodes(2_000),
      { batchSize: 100_000 },
      { soft: stop.signal },
      (event) => {
        if (event.type === 'chunk' && event.phase === 'accepted') stop.abort('interrupt');
      },
    );
    expect(status).toBe('interrupted');
    expect(summary.items.accepted).toBeGreaterThan(0);
    expect(summary.items.accepted).toBeLessThan(2_000);
    expect(draftsLeft).toEqual(await at.drafts());
    expect(summary.notes.join()).toContain(draftsLeft[0]);
    expect(summary.items.open).toBe(summary.items.accepted);
  });

  it('at the second interrupt leaves at once, even in the middle of a call', async () => {
    at = await scene({ faults: ['add:3=hang-before'] });
    const soft = new AbortController();
    const hard = new AbortController();
    let sent = 0;
    const { status } = await at.run(episodes(2_000), {}, { soft: soft.signal, hard: hard.signal }, (event) => {
      if (event.type !== 'chunk' || event.phase !== 'sent' || ++sent < 3) return;
      soft.abort('interrupt');
      setTimeout(() => hard.abort(new Error('interrupted')), 50);
    });
    expect(status).toBe('interrupted');
  });

  it('after --max-duration says so', async () => {
    at = await scene({ latencyMs: 30 });
    const stop = new AbortController();
    setTimeout(() => stop.abort('max-duration'), 200);
    const { status } = await at.run(episodes(5_000), {}, { soft: stop.signal });
    expect(status).toBe('max-duration');
  });

  it('with too many rejected rows stops reading, sends nothing more and leaves its drafts', async () => {
    at = await scene({ faults: ['add:*=refuse-item,pattern=/row \\d*5$/'] });
    const { status, summary } = await at.run(episodes(5_000), { maxErrors: { kind: 'count', value: 10 } });
    expect(status).toBe('too-many-rejects');
    expect(summary.items.rejected).toBeGreaterThan(10);
    expect(summary.records.read).toBeLessThan(5_000);
  });

  it('without waiting hands over what may be handed over', async () => {
    at = await scene({ processingRate: 50 });
    const one = await at.run(episodes(100), { wait: false });
    expect(one.status).toBe('accepted');
    expect(one.summary.items).toMatchObject({ accepted: 100 });
    expect(one.draftsLeft).toEqual([]);
  });

  it('without waiting leaves the batches whose turn has not come as drafts, and says so', async () => {
    at = await scene({ processingRate: 50 });
    const { status, draftsLeft } = await at.run(episodes(300), { wait: false, batchSize: 100 });
    expect(status).toBe('staged');
    expect(draftsLeft).toHaveLength(2);
    expect(new Set(draftsLeft)).toEqual(new Set(await at.drafts()));
  });

  it('in relaxed order hands everything over at once', async () => {
    at = await scene({ processingRate: 50 });
    const { status } = await at.run(episodes(300), { wait: false, batchSize: 100, order: 'relaxed' });
    expect(status).toBe('accepted');
    expect(await at.drafts()).toEqual([]);
  });

  it('after --wait-timeout says that the service goes on', async () => {
    at = await scene({ processingRate: 20 });
    const { status, summary } = await at.run(episodes(200), { waitTimeoutMs: 300 });
    expect(status).toBe('wait-timeout');
    expect(summary.items.open).toBeGreaterThan(0);
  });

  it('of an input without a single row is an end like any other, and makes no batch', async () => {
    at = await scene();
    const { status, summary } = await at.run([]);
    expect(status).toBe('completed');
    expect(summary.batches).toEqual([]);
    expect(at.server.stats().asked['create']).toBeUndefined();
  });
});
