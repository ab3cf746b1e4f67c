import { afterEach, describe, expect, it } from 'vitest';
import { episodes, scene, tampered, type Scene } from '../../support/import.js';

let at: Scene;
afterEach(() => at.close());

describe('a run does not look like a success', () => {
  it('when the service calls a batch failed and says of no item what became of it', async () => {
    at = await scene();
    const { status, summary } = await at.run(episodes(50), {}, {}, undefined, (deps) =>
      tampered(deps, {
        async getBatch(id, signal) {
          const batch = await deps.api.getBatch(id, signal);
          return batch.status === 'succeeded' ? { ...batch, status: 'failed', counts: undefined } : batch;
        },
        async *listItems(id, filter, signal) {
          for await (const item of deps.api.listItems(id, filter, signal)) yield { ...item, status: 'pending' };
        },
      }),
    );
    expect(status).toBe('completed-with-errors');
    expect(summary.items).toMatchObject({ accepted: 50, succeeded: 0, open: 50 });
  });

  it('when the service refused more rows than --max-errors allows, however short the input: nothing is processed', async () => {
    at = await scene({ faults: ['add:*=refuse-item,pattern=/row \\d*[13579]$/'] });
    const { status, summary, draftsLeft } = await at.run(episodes(100), { maxErrors: { kind: 'count', value: 10 } });
    expect(status).toBe('too-many-rejects');
    expect(summary.items.rejected).toBeGreaterThan(10);
    expect(draftsLeft).toEqual(await at.drafts());
    expect(draftsLeft).toHaveLength(1);
    expect(at.server.stats().asked['process']).toBeUndefined();
  });

  it('when a process call was not answered and nobody could be asked: it says that it does not know', async () => {
    at = await scene({ faults: ['process:1=drop-after', 'get:2+=403'] });
    const { status, summary } = await at.run(episodes(50));
    expect(status).toBe('failed');
    expect(summary.batches.map((batch) => batch.status)).toEqual(['unknown']);
    expect(summary.notes.join()).toMatch(/whether the service took a batch with 50 items is not known/);
  });

  it('and says what it may have left when a create was not answered', async () => {
    at = await scene({ faults: ['create:1=drop-after', 'list:*=403'] });
    const { status, summary } = await at.run(episodes(50));
    expect(status).toBe('failed');
    expect(summary.notes.join()).toContain('may be left at the service');
  });

  it('but does when the counters are behind and the items tell the truth', async () => {
    at = await scene();
    const { status, summary } = await at.run(episodes(50), {}, {}, undefined, (deps) =>
      tampered(deps, {
        async getBatch(id, signal) {
          const batch = await deps.api.getBatch(id, signal);
          return batch.counts === undefined ? batch : { ...batch, counts: { ...batch.counts, succeeded: 3 } };
        },
      }),
    );
    expect(summary.items).toMatchObject({ succeeded: 50, open: 0 });
    expect(status).toBe('completed');
  });

  it('but does when the interrupt comes with the end of the last batch: there is nothing to go on with', async () => {
    at = await scene();
    const stop = new AbortController();
    const { status, summary } = await at.run(episodes(50), {}, { soft: stop.signal }, (event) => {
      if (event.type === 'batch' && event.status === 'succeeded') stop.abort('interrupt');
    });
    expect(summary.items).toMatchObject({ succeeded: 50, open: 0 });
    expect(status).toBe('completed');
  });
});
