import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Ledger } from '../../../src/ledger/ledger.js';
import {
  failureCounts,
  failuresOfBatch,
  openFailureGroups,
  openRejectGroups,
  retriesOf,
} from '../../../src/ledger/report-queries.js';
import { newRun, position, reject } from '../../support/books.js';

let ledger: Ledger;
beforeEach(async () => {
  ledger = await Ledger.open(':memory:');
  ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z');
});
afterEach(() => ledger.close());

function batchOf(run: string, items: number, marks?: Uint8Array): number {
  const batch = ledger.batches.intend({ run, lane: 0, number: 1, attempt: `a-${run}` });
  ledger.batches.opened(batch, `B-${run}`);
  const positions = Array.from({ length: items }, (_, n) => position(n));
  const last = { source: 0, ordinal: items - 1 };
  const chunk = ledger.batches.intendChunk({ batch, first: 0, items, digest: 'd', positions, last, marks });
  ledger.batches.chunkAccepted(chunk, { uuids: positions.map(() => undefined), slots: '' });
  return batch;
}

const failure = (batch: number, index: number, message: string) => ({
  batch,
  index,
  status: 'failed',
  code: 'bad',
  message,
  mark: undefined,
});

describe('what nobody has dealt with', () => {
  it('is grouped by what it says, most frequent first, with the place where it was first met', () => {
    ledger.rejects.put('run-1', [reject(9), reject(4), reject(6, { message: 'other\0' }), reject(2, { source: 1 })]);
    expect(openRejectGroups(ledger, 'run-1', 10)).toEqual([
      { stage: 'map', code: 'missing-field', message: 'data is missing', count: 3, first: { source: 0, line: 5 } },
      { stage: 'map', code: 'missing-field', message: 'other\0', count: 1, first: { source: 0, line: 7 } },
    ]);
    expect(openRejectGroups(ledger, 'run-1', 1)).toHaveLength(1);
    const batch = batchOf('run-1', 10);
    ledger.rejects.putFailures([failure(batch, 7, 'x'), failure(batch, 3, 'x'), failure(batch, 1, 'y')]);
    expect(openFailureGroups(ledger, 'run-1', 10)).toEqual([
      { status: 'failed', code: 'bad', message: 'x', count: 2, first: { batch, index: 3 } },
      { status: 'failed', code: 'bad', message: 'y', count: 1, first: { batch, index: 1 } },
    ]);
  });

  it('leaves out what was sent again or forgotten, and what belongs to another run', () => {
    ledger.runs.begin(newRun('run-2', { parent: 'run-1' }), '2026-01-02T00:00:00Z');
    const batch = batchOf('run-1', 3);
    ledger.rejects.putFailures([failure(batch, 0, 'x'), failure(batch, 1, 'x'), failure(batchOf('run-2', 1), 0, 'z')]);
    ledger.rejects.setFailureState(batch, 0, 'retried');
    ledger.rejects.put('run-1', [reject(1)]);
    ledger.rejects.setState('run-1', 'open', 'forgotten');
    expect(openRejectGroups(ledger, 'run-1', 10)).toEqual([]);
    expect(openFailureGroups(ledger, 'run-1', 10).map(({ count }) => count)).toEqual([1]);
    expect(failureCounts(ledger, 'run-1')).toEqual({ all: 2, open: 1 });
    expect([...failuresOfBatch(ledger, batch).keys()]).toEqual([0, 1]);
    expect(retriesOf(ledger, 'run-1')).toEqual([{ id: 'run-2', state: 'open' }]);
  });
});

it('a run that is forgotten leaves its marks to the project, also those that are on no file yet', () => {
  const marks = Uint8Array.from({ length: 40 }, (_, n) => n);
  batchOf('run-1', 2, marks);
  ledger.runs.begin(newRun('run-2'), '2026-01-02T00:00:00Z');
  batchOf('run-2', 2, marks.slice().reverse());
  ledger.runs.forget('run-1');
  const log = ledger.db.sql
    .prepare(
      `SELECT mark_log.project, coalesce(mark_log.marks, chunks.marks) AS marks FROM mark_log
         LEFT JOIN chunks ON chunks.id = mark_log.chunk ORDER BY mark_log.id`,
    )
    .all();
  expect(log.map((row) => row['project'])).toEqual(['p', 'p']);
  expect(log[0]?.['marks']).toEqual(marks);
  expect(log[1]?.['marks']).toEqual(marks.slice().reverse());
  expect(ledger.runs.byId('run-1')).toBeUndefined();
  expect(ledger.batches.of()).toHaveLength(1);
});
