import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/events.js';
import {
  currentWait,
  processEta,
  processingBegan,
  processPace,
  processShare,
  uploadEta,
  uploadPace,
  uploadShare,
  waitText,
} from '../../../src/progress/measures.js';
import { initialState, reduce, type ProgressState } from '../../../src/progress/state.js';
import {
  batch,
  batchId,
  chunk,
  counts,
  exitError,
  itemFailed,
  phase,
  read,
  rejected,
  started,
  summary,
} from './samples.js';

type Timed = readonly [atMs: number, event: RunEvent];

function fold(events: readonly (RunEvent | Timed)[], from = initialState(0)): ProgressState {
  return events.reduce<ProgressState>((state, entry) => {
    const [atMs, event] = 'type' in entry ? [0, entry] : entry;
    return reduce(state, event, atMs);
  }, from);
}

describe('the fold', () => {
  test('adds up what blocks and chunks report', () => {
    const state = fold([
      started(),
      phase('uploading'),
      read({ records: 10, mapped: 7, skipped: 2, rejected: 1, items: 9, bytes: 300 }),
      read({ records: 5, mapped: 5, items: 5, bytes: 200 }),
      chunk(9, { phase: 'sent' }),
      chunk(9),
      { type: 'known', items: 2 },
      rejected('no content'),
      rejected('refused', { stage: 'remote' }),
      itemFailed('boom'),
      chunk(3, { phase: 'in-doubt' }),
      { type: 'lanes', lanes: 3 },
      { type: 'destinations', created: { users: 1, graphs: 0, threads: 2 } },
      { type: 'destinations', created: { users: 1, graphs: 1, threads: 0 } },
    ]);
    expect(state.records).toEqual({ read: 15, mapped: 12, skipped: 2, rejected: 1 });
    expect(state.items).toEqual({ produced: 14, sent: 9, accepted: 9, known: 2, refused: 1 });
    expect(state.bytes).toEqual({ read: 500, total: 1000 });
    expect([state.rejects, state.failedItems, state.inDoubtCalls, state.lanes]).toEqual([2, 1, 1, 3]);
    expect(state.created).toEqual({ users: 2, graphs: 1, threads: 2 });
  });

  test('is pure: the states before stay what they were', () => {
    const before = fold([started(), batch('b1', 'processing', { items: 5, counts: counts(5, 1) })]);
    const copy = structuredClone(before);
    fold([batch('b1', 'succeeded', { items: 5, counts: counts(5, 5) }), batch('b2', 'draft'), chunk(5)], before);
    expect(before).toEqual(copy);
  });

  test('an event of a later version changes nothing', () => {
    const state = fold([started()]);
    expect(reduce(state, { type: 'from-the-future' } as unknown as RunEvent, 1)).toEqual(state);
  });

  test('a summary and an error end the run and every wait', () => {
    for (const last of [exitError(), { type: 'summary', summary: summary() } as const]) {
      const state = fold([started(), { type: 'waiting', reason: 'retry', ms: 9_999 }, last]);
      expect([state.phase, state.waiting]).toEqual(['done', undefined]);
    }
  });
});

describe('batches', () => {
  test('are one whole: totals, settled items and finished batches', () => {
    const { totals } = fold([
      batch('a', 'draft', { items: 100 }),
      batch('b', 'processing', { items: 100, counts: counts(100, 20, 5) }),
      batch('c', 'partial', { items: 50, counts: counts(50, 48, 1, 0, 1) }),
      batch('d', 'some-new-word', { items: 10 }),
      batch('e', 'succeeded', { items: 7 }),
    ]).book;
    expect(totals).toEqual({
      batches: 5,
      drafts: 1,
      open: 2,
      finished: 2,
      troubled: 1,
      items: 267,
      settled: 25 + 50 + 7,
      succeeded: 68,
      failed: 6,
      skipped: 0,
      canceled: 1,
    });
  });

  test('a deleted draft takes back what was accepted into it, and nothing else', () => {
    const state = fold([chunk(500), chunk(500, { batch: batchId('b2') }), batch('b1', 'deleted', { items: 500 })]);
    expect(state.items.accepted).toBe(500);
    expect([state.book.totals.batches, state.book.totals.items]).toEqual([1, 500]);
    expect(fold([batch('unheard-of', 'deleted', { items: 9 })], state).items.accepted).toBe(500);
  });

  test('a draft of an earlier try that is deleted takes back what that try had told of it', () => {
    const resumed = started({ resumed: { records: 900, items: 700 } });
    const state = fold([
      resumed,
      batch('b1', 'draft', { items: 200 }),
      chunk(100),
      batch('b1', 'deleted', { items: 300 }),
    ]);
    expect(state.items.accepted).toBe(500);
    expect(fold([batch('b3', 'draft', { items: 0 }), chunk(300, { batch: batchId('b3') })], state).items.accepted).toBe(
      800,
    );
  });

  test('the last word about each batch decides the totals, in any order of events', () => {
    const anyBatch = fc.record({
      id: fc.integer({ min: 0, max: 30 }).map((n) => `batch-${n}`),
      status: fc.constantFrom('draft', 'queued', 'processing', 'succeeded', 'partial', 'failed', 'weird', 'deleted'),
      done: fc.integer({ min: 0, max: 50 }),
    });
    fc.assert(
      fc.property(fc.array(anyBatch, { maxLength: 200 }), (words) => {
        const state = fold(
          words.map(({ id, status, done }) => batch(id, status, { items: 50, counts: counts(50, done) })),
        );
        const last = new Map(words.map((word) => [word.id, word]));
        const alive = [...last.values()].filter(({ status }) => status !== 'deleted');
        const { totals } = state.book;
        expect(totals.batches).toBe(alive.length);
        expect(totals.items).toBe(50 * alive.length);
        expect(totals.succeeded).toBe(alive.reduce((sum, { done }) => sum + done, 0));
        expect(totals.drafts + totals.open + totals.finished).toBe(alive.length);
      }),
    );
  });

  test('finished ones are let go beyond a bound, and their share of the totals stays', () => {
    let state = initialState(0);
    for (let i = 0; i < 60_000; i++) {
      state = reduce(state, batch(`batch-${i}`, 'succeeded', { items: 10, counts: counts(10, 10) }), i);
    }
    expect(state.book.totals.succeeded).toBe(600_000);
    expect(state.book.totals.batches).toBe(60_000);
    expect(state.book.tracked).toBeLessThan(21_000);
    expect(state.book.buckets.reduce((sum, bucket) => sum + bucket.length, 0)).toBe(state.book.tracked);
  });
});

describe('the share of the upload', () => {
  const reading = [started({ totalBytes: 1000 }), phase('uploading')];
  test.each<[string, RunEvent[], number | undefined]>([
    ['nothing read', [], 0],
    ['half read, all of it accepted', [read({ items: 10, bytes: 500 }), chunk(10)], 0.5],
    ['half read, half of it accepted', [read({ items: 10, bytes: 500 }), chunk(5)], 0.25],
    [
      'known and refused items count as settled',
      [read({ items: 4, bytes: 500 }), { type: 'known', items: 3 }, rejected('x', { stage: 'remote' })],
      0.5,
    ],
    ['rows that give no item', [read({ records: 9, rejected: 9, bytes: 500 })], 0.5],
    ['all read, more may come', [read({ items: 10, bytes: 1000 }), chunk(10)], 0.999],
    ['a file that grew', [read({ items: 10, bytes: 5000 }), chunk(10)], 0.999],
    [
      'input ended, the last chunk not answered',
      [read({ items: 10, bytes: 1000 }), chunk(9), { type: 'input-end' }],
      0.9,
    ],
    ['everything', [read({ items: 10, bytes: 1000 }), chunk(10), { type: 'input-end' }], 1],
    ['an empty input', [{ type: 'input-end' }], 1],
  ])('%s', (_, events, share) => {
    expect(uploadShare(fold([...reading, ...events]))).toBe(share);
  });

  test('is unknown for a pipe until it ends', () => {
    const piped = [started({ totalBytes: undefined }), phase('uploading'), read({ items: 4, bytes: 9 }), chunk(2)];
    expect(uploadShare(fold(piped))).toBeUndefined();
    expect(uploadShare(fold([...piped, { type: 'input-end' }]))).toBe(0.5);
  });

  test('a resumed run begins where the earlier one stopped', () => {
    expect(uploadShare(fold([started({ totalBytes: 1000, skippedBytes: 900 })]))).toBe(0.9);
  });

  test('of a check is what was read: nothing is sent', () => {
    expect(uploadShare(fold([started({ command: 'check' }), read({ items: 10, bytes: 500 })]))).toBe(0.5);
  });

  test('stays within 0 and 1 and reaches 1 only after the input has ended', () => {
    const anyEvent = fc.oneof(
      fc.nat(2000).map((bytes) => read({ items: 3, bytes })),
      fc.nat(10).map((items) => chunk(items)),
      fc.constant(batch('b1', 'deleted')),
      fc.nat(5).map((items): RunEvent => ({ type: 'known', items })),
    );
    fc.assert(
      fc.property(fc.array(anyEvent), (events) => {
        const share = uploadShare(fold([...reading, ...events])) ?? 0;
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThan(1);
      }),
    );
  });
});

describe('pace and estimate', () => {
  test('of the upload come from the last seconds', () => {
    const events: Timed[] = [
      [0, started({ totalBytes: 10_000 })],
      [0, phase('uploading')],
    ];
    for (let s = 1; s <= 5; s++) {
      events.push([s * 1000, read({ items: 100, bytes: 1000 })], [s * 1000, chunk(100)]);
    }
    const state = fold(events);
    expect(uploadPace(state, 5_000)).toBe(100);
    expect(uploadEta(state, 5_000)).toBe(5);
    expect(uploadPace(state, 60_000)).toBe(0);
    expect(uploadEta(fold([[5_000, phase('stopping')]], state), 5_000)).toBeUndefined();
  });

  test('of processing count what was settled while we watched, not what earlier tries had settled', () => {
    const events: Timed[] = [
      [0, started()],
      [0, phase('processing')],
      [1_000, batch('b1', 'processing', { items: 1000, counts: counts(1000, 800) })],
      [11_000, batch('b1', 'processing', { items: 1000, counts: counts(1000, 900) })],
    ];
    const state = fold(events);
    expect(processPace(state, 11_000)).toBeCloseTo(100 / 11, 5);
    expect(processEta(state, 11_000)).toBeCloseTo(11, 5);
    expect(processShare(state)).toBe(0.9);
  });

  test('processing is not complete while a batch is unfinished, whatever its counts say', () => {
    const all = { items: 10, counts: counts(10, 10) };
    expect(processShare(fold([batch('b1', 'processing', all)]))).toBe(0.999);
    expect(processShare(fold([batch('b1', 'succeeded', all)]))).toBe(1);
    expect(processShare(fold([]))).toBeUndefined();
  });

  test('processing begins with the first batch that is no draft', () => {
    expect(processingBegan(fold([chunk(5), batch('b1', 'draft', { items: 5 })]))).toBe(false);
    expect(processingBegan(fold([batch('b1', 'queued', { items: 5 })]))).toBe(true);
  });
});

describe('the reason for waiting', () => {
  test('is told with the seconds left, and no longer than it holds', () => {
    const state = fold([[1_000, { type: 'waiting', reason: 'rate-limited', ms: 14_000 }]]);
    const wait = currentWait(state, 1_001);
    expect(wait && waitText(wait, 1_001)).toBe('rate limited, 14 s');
    expect(currentWait(state, 15_000)).toBeUndefined();
  });

  test.each([
    ['what holds us up wins over asking the service', 'service', 90_000, 'rate-limited', 1_000, 'rate-limited'],
    ['asking the service does not hide a rate limit', 'rate-limited', 1_000, 'service', 90_000, 'rate-limited'],
    ['of two equal ones the later end', 'settling', 5_000, 'retry', 1_000, 'settling'],
    ['a longer one replaces a shorter one', 'retry', 1_000, 'settling', 5_000, 'settling'],
  ] as const)('%s', (_, first, firstMs, second, secondMs, shown) => {
    const state = fold([
      { type: 'waiting', reason: first, ms: firstMs },
      { type: 'waiting', reason: second, ms: secondMs },
    ]);
    expect(currentWait(state, 1)?.reason).toBe(shown);
  });

  test('that is over is replaced by any other', () => {
    const state = fold([
      [0, { type: 'waiting', reason: 'rate-limited', ms: 1_000 }],
      [2_000, { type: 'waiting', reason: 'service', ms: 500 }],
    ]);
    expect(currentWait(state, 2_100)?.reason).toBe('service');
  });
});
