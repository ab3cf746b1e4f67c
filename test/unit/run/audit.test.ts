import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchSummary, RemoteApi } from '../../../src/remote/api.js';
import { auditRun } from '../../../src/run/audit.js';
import { place, type Place } from '../../support/books.js';

let at: Place;
beforeAll(async () => {
  at = await place({ faults: ['process:*=fail-item,pattern=/row 3/'] });
  await at.past('run-a', { batches: [6, 4] });
});
afterAll(() => at.close());

/** The service, with what it says of a batch changed. */
function saying(change: (summary: BatchSummary) => BatchSummary): RemoteApi {
  return new Proxy(at.api, {
    get(target, name): unknown {
      if (name === 'getBatch') return async (id: never) => change(await target.getBatch(id));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

async function audit(api: RemoteApi): Promise<{ listed: number; wrong: string[] }> {
  const run = at.ledger.runs.byId('run-a');
  if (run === undefined) throw new Error('no run');
  const { listed, checks } = await auditRun({ api, ledger: at.ledger }, run, { isDeep: false, isRunning: false });
  return { listed, wrong: checks.filter(({ verdict }) => verdict === 'wrong').map(({ code }) => code) };
}

const counts = (of: Partial<NonNullable<BatchSummary['counts']>>) => ({
  ...{ total: 0, succeeded: 0, failed: 0, skipped: 0, canceled: 0, queued: 0, processing: 0, percent: undefined },
  ...of,
});

describe('the service is believed by its counters where they add up, else by the list of its items', () => {
  it('counters that add up need no list', async () => {
    expect(await audit(at.api)).toEqual({ listed: 0, wrong: [] });
  });

  it('counters that are absent, too few or too many, and a batch without a count of its items, are listed', async () => {
    for (const change of [
      { counts: undefined },
      { counts: counts({ succeeded: 1 }) },
      { counts: counts({ succeeded: 900 }) },
      { itemCount: undefined },
    ]) {
      expect(await audit(saying((summary) => ({ ...summary, ...change })))).toEqual({ listed: 2, wrong: [] });
    }
  });

  it('a list is not asked for while the service works: what is not told yet is open', async () => {
    const api = saying((summary) => ({ ...summary, status: 'processing', counts: counts({ succeeded: 1 }) }));
    expect(await audit(api)).toEqual({ listed: 0, wrong: [] });
  });

  it('an item count that differs is wrong, whatever the counters say', async () => {
    const api = saying((summary) => ({ ...summary, itemCount: (summary.itemCount ?? 0) + 1 }));
    expect((await audit(api)).wrong).toContain('item-count');
  });
});
