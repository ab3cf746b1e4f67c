import { afterEach, describe, expect, it } from 'vitest';
import type { ImportDeps } from '../../../src/run/import-run.js';
import type { Source } from '../../../src/model.js';
import { episodes, message, scene, sourceOf, type Scene } from '../../support/import.js';

let at: Scene;
afterEach(() => at.close());

/** Gives its rows and then waits for more, as a pipe does whose writer is idle. */
function idleAfter(source: Source): Source {
  return {
    ...source,
    async *read(signal) {
      yield* source.read(signal);
      await new Promise((resolve) => {
        if (signal.aborted) resolve(undefined);
        else signal.addEventListener('abort', resolve, { once: true });
      });
      signal.throwIfAborted();
    },
  };
}

describe('a run that waits', () => {
  it('for input ends when a batch cannot be handed over', async () => {
    at = await scene({ faults: ['process:1=latency,ms=400', 'process:1=403'] });
    const { status, error } = await at.run([idleAfter(sourceOf(episodes(800)))], { chunkSize: 300, batchSize: 300 });
    expect(status).toBe('failed');
    expect(error).toMatchObject({ disposition: 'refused' });
  });

  it('for input ends when an add fails', async () => {
    at = await scene({ faults: ['add:1=latency,ms=400', 'add:1=403'] });
    const { status, error } = await at.run([idleAfter(sourceOf(episodes(800)))], { chunkSize: 300 });
    expect(status).toBe('failed');
    expect(error).toMatchObject({ disposition: 'refused' });
  });

  it('for input ends at an interrupt, without calling it an error', async () => {
    at = await scene();
    const stop = new AbortController();
    const { status, error, summary, draftsLeft } = await at.run(
      [idleAfter(sourceOf(episodes(2_000)))],
      {},
      { soft: stop.signal },
      (event) => {
        if (event.type === 'chunk' && event.phase === 'accepted') stop.abort('interrupt');
      },
    );
    expect(status).toBe('interrupted');
    expect(error).toBeUndefined();
    expect(draftsLeft).toEqual(await at.drafts());
    expect(summary.items.accepted).toBeGreaterThan(0);
  });

  it('for room in its lanes ends at an interrupt, also when lanes were about to be added', async () => {
    at = await scene({ latencyMs: 5 });
    const stop = new AbortController();
    const { status, error, draftsLeft } = await at.run(
      [sourceOf(episodes(2_000, 20), 2_000)],
      { lanes: 'auto', batchSize: 200 },
      { soft: stop.signal },
      (event) => {
        if (event.type === 'chunk' && event.phase === 'accepted') stop.abort('interrupt');
      },
    );
    expect(status).toBe('interrupted');
    expect(error).toBeUndefined();
    expect(draftsLeft).toEqual(await at.drafts());
  });

  it('for users and threads to be created ends at an interrupt', async () => {
    at = await scene({ faults: ['thread-create:*=hang-before'] });
    const stop = new AbortController();
    const rows = Array.from({ length: 300 }, (_, i) => message(`t${i}`, `u${i % 3}`, `row ${i}`));
    const { status, error } = await at.run(rows, {}, { soft: stop.signal }, (event) => {
      if (event.type === 'destinations' && event.created.users === 3) stop.abort('interrupt');
    });
    expect(status).toBe('interrupted');
    expect(error).toBeUndefined();
  });

  it('once more for a late add before processing ends at an interrupt, and processes nothing', async () => {
    at = await scene({ faults: ['add:110=drop-after'] });
    const stop = new AbortController();
    let waits = 0;
    const { status, draftsLeft } = await at.run(
      episodes(6_000, 6),
      { settleWindowMs: 300 },
      { soft: stop.signal },
      (event) => {
        if (event.type === 'waiting' && ++waits === 2) setTimeout(() => stop.abort('interrupt'), 1);
      },
    );
    expect(status).toBe('interrupted');
    expect(draftsLeft).toHaveLength(1);
    expect(draftsLeft).toEqual(await at.drafts());
    expect(at.server.stats().asked['process']).toBeUndefined();
  });

  it('for a process call that is never heard ends as unsettled, and names the draft', async () => {
    at = await scene({ faults: ['process:*=drop-before'] });
    const { status, error, draftsLeft } = await at.run(episodes(50), { pollMs: 1 });
    expect(status).toBe('failed');
    expect(error).toMatchObject({ code: 'unsettled', disposition: 'timeout' });
    expect(draftsLeft).toEqual(await at.drafts());
    expect(at.server.stats().asked['process']).toBe(10);
  });

  it('for the end with --wait-timeout leaves no timer behind when it fails before', async () => {
    at = await scene({ faults: ['process:1=403'] });
    let pending = 0;
    const { status } = await at.run(episodes(50), { waitTimeoutMs: 3_600_000 }, {}, undefined, (deps: ImportDeps) => ({
      ...deps,
      clock: {
        ...deps.clock,
        async sleep(ms, signal) {
          pending += 1;
          try {
            await deps.clock.sleep(ms, signal);
          } finally {
            pending -= 1;
          }
        },
      },
    }));
    expect(status).toBe('failed');
    await new Promise((resolve) => setImmediate(resolve));
    expect(pending).toBe(0);
  });
});
