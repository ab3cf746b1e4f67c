import { beforeEach, describe, expect, it } from 'vitest';
import { Ledger, type StoredPosition } from '../../../src/ledger/ledger.js';
import type { Frontier } from '../../../src/ledger/runs.js';
import type { Item } from '../../../src/model.js';
import { SettledItems } from '../../../src/run/settled-items.js';
import { newRun, position, reject } from '../../support/books.js';
import { openBatch, uuid } from '../../support/ledgers.js';

let ledger: Ledger;
let batch: number;
beforeEach(async () => {
  ledger = await Ledger.open(':memory:');
  ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z');
  batch = openBatch(ledger, 'run-1', 'B');
});

function intend(positions: readonly StoredPosition[], to = batch): number {
  return ledger.batches.intendChunk({
    batch: to,
    first: ledger.batches.byRow(to)?.items ?? 0,
    items: positions.length,
    digest: 'd',
    positions,
    last: positions.at(-1) ?? { source: 0, ordinal: 0 },
    marks: undefined,
  });
}

function accept(positions: readonly StoredPosition[], to = batch): void {
  ledger.batches.chunkAccepted(intend(positions, to), { uuids: positions.map((_, n) => uuid(n)), slots: '' });
}

function item(ordinal: number, index = 0, part?: number, source = 0): Item {
  return {
    wire: { type: 'graph_episode', data: 'd', data_type: 'text', graph_id: 'g' },
    owner: undefined,
    position: {
      source: { id: 's', index: source, format: 'jsonl', bytes: 1, compression: 'none' },
      ...{ ordinal, line: 1, byteStart: 0, byteEnd: 1 },
    },
    index,
    ...(part === undefined ? {} : { part: { index: part, of: 9 } }),
    time: { ms: undefined, flags: 0 },
  };
}

const from = (ordinal: number, source = 0): Frontier => ({
  source,
  ordinal,
  line: ordinal + 1,
  byteStart: ordinal * 10,
});

describe('an item that is read again', () => {
  it('needs no more doing when it was accepted, once; the others do', () => {
    accept([position(1), { ...position(2), item: 3 }, { ...position(4), part: 1 }, { ...position(0), source: 1 }]);
    const settled = new SettledItems(ledger, 'run-1', undefined);
    expect(settled.size).toBe(4);
    expect([item(0), item(1), item(1), item(2), item(2, 3)].map((each) => settled.take(each))).toEqual([
      ...[false, true, false, false, true],
    ]);
    expect([item(4), item(4, 0, 1), item(0, 0, undefined, 1)].map((each) => settled.take(each))).toEqual([
      false,
      true,
      true,
    ]);
    expect(settled.size).toBe(0);
  });

  it('is looked for from where reading begins, not before', () => {
    accept([position(1), position(2), position(5)]);
    accept([position(6)]);
    const settled = new SettledItems(ledger, 'run-1', from(5));
    expect(settled.size).toBe(2);
    expect([item(2), item(5), item(6)].map((each) => settled.take(each))).toEqual([false, true, true]);
    expect(new SettledItems(ledger, 'run-1', from(0, 1)).size).toBe(0);
  });

  it('must be sent when its add was never answered for, and when its draft was deleted', () => {
    intend([position(1)]);
    const gone = openBatch(ledger, 'run-1', 'C', 0, 2);
    accept([position(2)], gone);
    ledger.batches.forget(gone);
    expect(new SettledItems(ledger, 'run-1', undefined).size).toBe(0);
  });

  it('needs no more doing while its draft is being made anew, and is not taken twice from old and new', () => {
    accept([position(1)]);
    ledger.batches.intendRebuild(batch);
    const row = ledger.batches.intend({ run: 'run-1', lane: 0, number: 1, attempt: 'again', plan: batch });
    ledger.batches.opened(row, 'D');
    accept([position(1)], row);
    expect(new SettledItems(ledger, 'run-1', undefined).size).toBe(1);
  });

  it('needs no more doing when the service refused it at its turn; a row that the mapping rejects is rejected again', () => {
    ledger.rejects.put('run-1', [reject(1, { item: 0, part: 2, refused: true }), reject(2, { item: 0 }), reject(3)]);
    const settled = new SettledItems(ledger, 'run-1', undefined);
    expect([item(1, 0, 2), item(2), item(3)].map((each) => settled.take(each))).toEqual([true, false, false]);
  });

  it('is of its own run', () => {
    ledger.runs.begin(newRun('run-2'), '2026-01-02T00:00:00Z');
    accept([position(1)], openBatch(ledger, 'run-2', 'E'));
    expect(new SettledItems(ledger, 'run-1', undefined).size).toBe(0);
  });
});
