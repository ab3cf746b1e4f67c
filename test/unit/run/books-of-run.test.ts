import { afterEach, beforeEach, expect, it } from 'vitest';
import { Ledger } from '../../../src/ledger/ledger.js';
import type { BatchState } from '../../../src/ledger/batches.js';
import type { RunBooks } from '../../../src/run-report.js';
import { booksOf } from '../../../src/run/books-of-run.js';
import { newRun, position, reject, totals } from '../../support/books.js';

let ledger: Ledger;
beforeEach(async () => {
  ledger = await Ledger.open(':memory:');
  ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z');
});
afterEach(() => ledger.close());

function batch(items: number, state: BatchState, status = 'draft', counts?: object): number {
  const row = ledger.batches.intend({ run: 'run-1', lane: 0, number: 1, attempt: 'a' });
  ledger.batches.opened(row, `B${row}`);
  if (items > 0) {
    const positions = Array.from({ length: items }, (_, n) => position(n));
    const last = { source: 0, ordinal: items - 1 };
    const chunk = ledger.batches.intendChunk({
      batch: row,
      first: 0,
      items,
      digest: 'd',
      positions,
      last,
      marks: undefined,
    });
    ledger.batches.chunkAccepted(chunk, { uuids: positions.map(() => undefined), slots: '' });
  }
  const none = { total: items, succeeded: 0, failed: 0, skipped: 0, canceled: 0 };
  ledger.batches.seen(row, status, counts === undefined ? undefined : { ...none, ...counts });
  ledger.batches.setState(row, state);
  return row;
}

function books(): RunBooks {
  const run = ledger.runs.byId('run-1');
  if (run === undefined) throw new Error('no run');
  return booksOf(ledger, run);
}

it('every accepted item has one outcome, and is in a draft or handed over', () => {
  batch(10, 'terminal', 'partial', { succeeded: 7, failed: 1, skipped: 1, canceled: 1 });
  batch(10, 'started', 'processing', { succeeded: 4 });
  batch(10, 'closed');
  batch(10, 'open');
  batch(10, 'lost', 'processing', { succeeded: 4 });
  batch(10, 'terminal', 'succeeded', { succeeded: 9 });
  batch(10, 'rebuilding');
  const { items, outcomes, handedOver, inDrafts } = books();
  expect(outcomes).toEqual({ succeeded: 24, failed: 1, skipped: 1, canceled: 1, open: 36, lost: 7 });
  expect(items.accepted).toBe(Object.values(outcomes).reduce((sum, n) => sum + n, 0));
  expect({ handedOver, inDrafts }).toEqual({ handedOver: 40, inDrafts: 30 });
});

it('what was taken back, or is being put into another place, is not accepted', () => {
  batch(5, 'deleted');
  batch(5, 'refilling');
  batch(0, 'intended');
  batch(0, 'lost');
  expect(books()).toMatchObject({ items: { accepted: 0 }, handedOver: 0, inDrafts: 0 });
});

it('rejected items are those of the mapping, those without a destination, and those that the service refused', () => {
  ledger.rejects.put('run-1', [
    reject(1),
    reject(2, { item: 0 }),
    reject(3, { item: 0 }),
    reject(4, { item: 1, refused: true }),
    reject(4, { item: 2, refused: true }),
  ]);
  expect(books()).toMatchObject({ isFinal: false, records: undefined, items: { produced: undefined, rejected: 4 } });
  const place = { source: 0, ordinal: 5, line: 6, byteStart: 50 };
  const counted = totals({
    read: 5,
    mapped: 4,
    rejectedRecords: 1,
    produced: 6,
    known: 2,
    mapRejected: 1,
    misplaced: 1,
  });
  ledger.runs.setStand('run-1', { frontier: { place, totals: counted }, totals: counted, spools: undefined });
  expect(books().isFinal).toBe(false);
  ledger.runs.setComplete('run-1');
  expect(books()).toMatchObject({
    isFinal: true,
    records: { read: 5, mapped: 4, skipped: 0, rejected: 1, partlyRejected: 3 },
    items: { produced: 6, accepted: 0, known: 2, rejected: 4 },
    unhandled: { rejects: 5, failures: 0 },
  });
});
