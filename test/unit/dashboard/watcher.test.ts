import { afterEach, describe, expect, it } from 'vitest';
import { BatchStore, HEAD } from '../../../src/dashboard/batch-store.js';
import type { BatchesView, BatchView, OverviewView, RunView } from '../../../src/dashboard/view-models.js';
import type { BatchId } from '../../../src/model.js';
import type { BatchSummary } from '../../../src/remote/api.js';
import { reject } from '../../support/books.js';
import { dashboardScene, type DashboardScene } from './support.js';

const open: DashboardScene[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
async function scene(...options: Parameters<typeof dashboardScene>): Promise<DashboardScene> {
  const here = await dashboardScene(...options);
  open.push(here);
  return here;
}

describe('what the service is asked', () => {
  it('nothing before somebody looks, and the same for many tabs as for one', async () => {
    const here = await scene();
    await here.at.past('run-a', { batches: [3] });
    const before = here.calls();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(here.calls()).toBe(before);
    const from = performance.now();
    const tabs = await Promise.all(
      ['view=overview', 'view=batches', 'view=runs', 'view=run&id=run-a', 'view=batches&page=2'].map((query) =>
        here.tab(query),
      ),
    );
    await here.frame('view=overview', ({ isListed }) => isListed);
    const seconds = (performance.now() - from) / 1_000;
    // Of a round: one list, and one question about the batch that nobody had put on record.
    expect(here.calls() - before).toBeLessThanOrEqual(2 * (1 + seconds));
    for (const tab of tabs) tab.close();
  });

  it('learns the end of a batch that nobody follows, as status does, and puts it on record', async () => {
    const here = await scene({ faults: ['process:*=fail-item,pattern=/row 3/'] });
    await here.at.past('run-a', { batches: [5] });
    const { view } = await here.frame(
      'view=run&id=run-a',
      (frame) => (frame.view as RunView).run?.condition === 'completed-with-errors',
    );
    expect((view as RunView).errors).toMatchObject([{ count: 1, first: 'rows.jsonl:4', stage: 'remote' }]);
    expect(here.at.ledger.rejects.failuresOf('run-a')).toMatchObject([{ index: 3, status: 'failed', state: 'open' }]);
  });
});

describe('what a tab is shown', () => {
  it('items with their source rows, by status, page by page', async () => {
    const here = await scene({ faults: ['process:*=fail-item,pattern=/row 1.3$/'] });
    const [batch = ''] = await here.at.past('run-a', { batches: [240], chunk: 100 });
    const shown = async (query: string): Promise<BatchView> =>
      (await here.frame(`view=batch&id=${batch}${query}`, ({ view }) => view.kind === 'batch' && view.items.length > 0))
        .view as BatchView;
    const failed = await shown('&items=failed');
    expect(failed.items.map(({ source }) => source)).toEqual(
      [103, 113, 123, 133, 143, 153, 163, 173, 183, 193].map((n) => `rows.jsonl:${n + 1}`),
    );
    expect(failed.items[0]).toMatchObject({ tone: 'bad', errorCode: 'processing_failed', destination: 'g' });
    const first = await shown('');
    expect(first.items).toHaveLength(50);
    const second = await shown(`&cursor=${first.next ?? ''}`);
    expect(second.items.map(({ index }) => index)).toEqual(Array.from({ length: 50 }, (_, i) => 50 + i));
    expect(second.items[0]?.source).toBe('rows.jsonl:51');
  });

  it('sums that add up, runs with rejects by reason and the next command, lists by status and text', async () => {
    const here = await scene();
    await here.at.past('run-a', {
      batches: [5, 4],
      rejects: [reject(20), reject(21), reject(22, { code: 'bad-date', message: 'no date' })],
    });
    await here.at.past('run-b', { batches: [7], until: 'draft', state: 'open' });
    const { totals, view } = await here.frame(
      'view=overview',
      ({ isListed, totals: t }) => isListed && t.items.succeeded === 9,
    );
    expect(totals.items).toMatchObject({ all: 16, succeeded: 9, open: 0, inDrafts: 7 });
    expect(totals.batches).toMatchObject({ all: 3, drafts: 1, open: 0 });
    expect((view as OverviewView).hero).toMatchObject({
      id: 'run-b',
      condition: 'staged',
      next: 'zep-import resume run-b',
    });
    const run = (await here.frame('view=run&id=run-a')).view as RunView;
    expect(run.errors.map(({ count, code, first }) => [count, code, first])).toEqual([
      [2, 'missing-field', 'rows.jsonl:21'],
      [1, 'bad-date', 'rows.jsonl:23'],
    ]);
    expect(run.phases.map(({ name }) => name)).toEqual(['upload', 'processing']);
    const drafts = (await here.frame('view=batches&status=draft')).view as BatchesView;
    expect(drafts.rows.map(({ run: of }) => of)).toEqual(['run-b']);
    const found = (await here.frame('view=batches&q=RUN-A')).view as BatchesView;
    expect(found.paging).toMatchObject({ found: 2, pages: 1 });
  });

  it('a word for what does not exist, and never the key', async () => {
    const here = await scene();
    const frame = await here.frame('view=batch&id=nothing', ({ isListed }) => isListed);
    expect(frame.view).toMatchObject({ kind: 'missing', suggestion: 'zep-import batches list' });
    expect((await here.frame('view=run&id=nothing')).view).toMatchObject({ kind: 'missing' });
    expect(JSON.stringify(frame)).not.toContain('"test"}');
  });
});

describe('the plan of a round', () => {
  const batch = (n: number, status: string): BatchSummary => ({
    batchId: `b${n}` as BatchId,
    status,
    itemCount: 1,
    metadata: {},
    counts: undefined,
    createdAt: new Date(1_700_000_000_000 + n * 1_000).toISOString(),
    updatedAt: undefined,
    processedAt: undefined,
    completedAt: undefined,
  });
  const filled = (n: number, statusOf: (index: number) => string): BatchStore => {
    const store = new BatchStore();
    for (let i = n; i > 0; i--) store.put(batch(i, statusOf(i)), 0, n - i);
    store.listed(new Set(Array.from({ length: n }, (_, i) => `b${i + 1}`)), 0);
    return store;
  };

  it('asks again only about batches that can still change, ever more seldom while they do not', () => {
    const store = filled(1_000, (i) => (i === 5 || i === 999 ? 'processing' : 'succeeded'));
    expect(store.plan(5_000)).toEqual({ isFull: false, ask: ['b5'] });
    const waits: number[] = [];
    for (let now = 5_000, asked = 5_000; now < 400_000; now += 1_000) {
      if (store.plan(now).ask.length === 0) continue;
      waits.push(now - asked);
      asked = now;
      store.put(batch(5, 'processing'), now);
    }
    expect(waits.slice(1)).toEqual([...waits.slice(1)].sort((a, b) => a - b));
    expect(waits.at(-1)).toBeLessThanOrEqual(60_000);
    store.put(batch(5, 'succeeded'), 500_000);
    expect(store.plan(590_000).ask).toEqual([]);
  });

  it('lists everything where asking one by one would cost more calls', () => {
    expect(filled(1_000, (i) => (i > 500 ? 'succeeded' : 'processing')).plan(5_000)).toEqual({ isFull: true, ask: [] });
    expect(filled(HEAD, () => 'processing').plan(5_000)).toEqual({ isFull: false, ask: [] });
  });

  it('shows the newest first, and forgets what a full list does not hold any more', () => {
    const store = filled(3, () => 'draft');
    expect(store.all().map(({ summary }) => summary.batchId)).toEqual(['b3', 'b2', 'b1']);
    store.listed(new Set(['b1', 'b3']), 10);
    expect(store.all().map(({ summary }) => summary.batchId)).toEqual(['b3', 'b1']);
  });
});
