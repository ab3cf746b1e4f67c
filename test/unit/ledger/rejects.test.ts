import { beforeEach, describe, expect, it } from 'vitest';
import { Ledger } from '../../../src/ledger/ledger.js';
import { newRun, reject } from '../../support/books.js';
import { openBatch } from '../../support/ledgers.js';

let ledger: Ledger;
beforeEach(async () => {
  ledger = await Ledger.open(':memory:');
  for (const id of ['run-1', 'run-2']) ledger.runs.begin(newRun(id), '2026-01-01T00:00:00Z');
});

const places = (run = 'run-1'): string[] =>
  [...ledger.rejects.of(run)].map(({ source, ordinal, item, part, no }) => [source, ordinal, item, part, no].join(':'));

describe('rejected rows', () => {
  it('are told as they were put, whatever their messages hold', () => {
    const message = 'not\0text \u{1f642} "quoted"\n';
    const put = reject(3, { ...{ item: 2, part: 1, no: 4, refused: true, stage: 'remote', code: 'refused' }, message });
    const other = reject(4, { field: 'data', occurrence: 7, place: { file: 1, offset: 2 ** 40, length: 9 } });
    ledger.rejects.put('run-1', [put, other]);
    expect([...ledger.rejects.of('run-1')]).toEqual([
      { ...put, state: 'open' },
      { ...other, state: 'open' },
    ]);
    expect([...ledger.rejects.of('run-2')]).toEqual([]);
  });

  it('come in the order of the input, each once, however many there are', () => {
    const all = Array.from({ length: 1_203 }, (_, n) => reject(n % 401, { source: 2 - Math.floor(n / 401) }));
    ledger.rejects.put('run-1', all);
    ledger.rejects.put('run-1', [reject(0, { item: 1 }), reject(0, { item: 0, part: 1 }), reject(0, { no: 1 })]);
    const told = places();
    expect(told).toHaveLength(1_206);
    expect(told.slice(0, 5)).toEqual(['0:0:-1:0:0', '0:0:-1:0:1', '0:0:0:1:0', '0:0:1:0:0', '0:1:-1:0:0']);
    expect(told.at(-1)).toBe('2:400:-1:0:0');
    expect(new Set(told).size).toBe(1_206);
  });

  it('of a row that is read again are taken back, but not what the service refused at its turn', () => {
    const refused = { item: 0, refused: true };
    ledger.rejects.put('run-1', [
      reject(1),
      reject(5),
      reject(6, refused),
      reject(0, { source: 1 }),
      reject(2, refused),
    ]);
    ledger.rejects.put('run-2', [reject(9)]);
    expect(ledger.rejects.withdrawFrom('run-1', 0, 5)).toBe(2);
    expect(places()).toEqual(['0:1:-1:0:0', '0:2:0:0:0', '0:6:0:0:0']);
    expect(ledger.rejects.refusedFrom('run-1', 0, 3).map(({ ordinal }) => ordinal)).toEqual([6]);
    expect(places('run-2')).toHaveLength(1);
  });

  it('are counted as rows once, however many faults each has', () => {
    ledger.rejects.put('run-1', [reject(1), reject(1, { no: 1 }), reject(1, { no: 2 })]);
    ledger.rejects.put('run-1', [
      reject(2, { item: 0 }),
      reject(2, { item: 3 }),
      reject(4, { item: 0, refused: true }),
    ]);
    expect(ledger.rejects.counts('run-1')).toEqual({ records: 1, items: 3, refused: 1, partly: 2, open: 4 });
    ledger.rejects.setState('run-1', 'open', 'retried');
    expect(ledger.rejects.counts('run-1').open).toBe(0);
  });

  it('know where their rows lie, and which of them lie nowhere yet', () => {
    const nowhere = { file: -1, offset: 0, length: 0 };
    ledger.rejects.put('run-1', [reject(1), reject(2, { place: nowhere }), reject(3, { place: nowhere })]);
    expect([...ledger.rejects.unwritten('run-1')].map(({ ordinal }) => ordinal)).toEqual([2, 3]);
    expect(ledger.rejects.placeOf('run-1', 0, 2)).toBeUndefined();
    const [second] = [...ledger.rejects.unwritten('run-1')];
    if (second === undefined) throw new Error('none');
    ledger.rejects.move('run-1', [{ reject: second, place: { file: 1, offset: 5, length: 7 } }]);
    expect(ledger.rejects.placeOf('run-1', 0, 2)).toEqual({ file: 1, offset: 5, length: 7 });
    expect([...ledger.rejects.unwritten('run-1')].map(({ ordinal }) => ordinal)).toEqual([3]);
  });
});

describe('failed items', () => {
  const failure = (batch: number, index: number, message = 'no') => ({
    ...{ batch, index, message, status: 'failed', code: 'processing_failed' },
    mark: Uint8Array.of(index),
  });

  it('that are told twice are listed once, and what was done about them stands', () => {
    const batch = openBatch(ledger, 'run-1', 'B');
    ledger.rejects.putFailures([failure(batch, 2), failure(batch, 0)]);
    ledger.rejects.setFailureState(batch, 0, 'forgotten');
    ledger.rejects.putFailures([failure(batch, 0, 'still no'), failure(batch, 2)]);
    expect(ledger.rejects.failuresOf('run-1')).toEqual([
      { ...failure(batch, 0, 'still no'), state: 'forgotten' },
      { ...failure(batch, 2), state: 'open' },
    ]);
  });

  it('that nobody has dealt with are counted by import and by project', () => {
    ledger.runs.begin(newRun('again', { key: 'key-of-run-1' }), '2026-01-02T00:00:00Z');
    ledger.runs.begin(newRun('elsewhere', { project: 'q' }), '2026-01-02T00:00:00Z');
    const [a, b] = [openBatch(ledger, 'run-1', 'A'), openBatch(ledger, 'run-2', 'B')];
    const c = openBatch(ledger, 'elsewhere', 'C');
    ledger.rejects.putFailures([failure(a, 0), failure(a, 1), failure(a, 2), failure(b, 0), failure(c, 0)]);
    ledger.rejects.setFailureState(a, 1, 'in another-run');
    expect(ledger.rejects.openFailuresOf('key-of-run-1', 'again')).toBe(2);
    expect(ledger.rejects.openFailuresOf('key-of-run-1', 'run-1')).toBe(0);
    expect(ledger.rejects.openFailures('p')).toEqual([
      { run: 'run-1', items: 2 },
      { run: 'run-2', items: 1 },
    ]);
  });
});
