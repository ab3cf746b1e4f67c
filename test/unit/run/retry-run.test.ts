import { beforeEach, describe, expect, it } from 'vitest';
import { Ledger } from '../../../src/ledger/ledger.js';
import { bytesOf, Marks } from '../../../src/ledger/marks.js';
import type { Item, MapOutput, RecordFate, SourceRecord } from '../../../src/model.js';
import { forget, listOf, moveTo, takenBy, wantedOf } from '../../../src/run/retry-run.js';
import { Selection } from '../../../src/run/selection.js';
import { newRun, position, reject } from '../../support/books.js';
import { hashWords } from '../../support/hash-store.js';
import { openBatch, uuid } from '../../support/ledgers.js';

let ledger: Ledger;
let batch: number;
const mark = (n: number): Uint32Array => Uint32Array.of(...hashWords(n, 4), 5);

beforeEach(async () => {
  ledger = await Ledger.open(':memory:');
  ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z');
  batch = openBatch(ledger, 'run-1', 'B');
  const rows = [10, 11, 12];
  const chunk = ledger.batches.intendChunk({
    ...{ batch, first: 0, items: 3, digest: 'd', positions: rows.map((n) => ({ ...position(n), item: 1, part: 2 })) },
    last: { source: 0, ordinal: 12 },
    marks: bytesOf(Uint32Array.from(rows.flatMap((n) => [...mark(n)]))),
  });
  ledger.batches.chunkAccepted(chunk, { uuids: rows.map(uuid), slots: '' });
  ledger.rejects.put('run-1', [
    reject(1),
    reject(1, { no: 1, code: 'blank-text' }),
    reject(2, { item: 0, occurrence: 3, code: 'blank-text' }),
  ]);
  ledger.rejects.putFailures([
    { batch, index: 1, status: 'failed', code: 'boom', message: 'no', mark: bytesOf(mark(11)) },
    { batch, index: 2, status: 'canceled', code: undefined, message: 'gone', mark: bytesOf(mark(12)) },
  ]);
});

function listed(only?: string, state = 'open'): { readonly rejects: number[]; readonly failures: number[] } {
  const { rejects, failures } = listOf(ledger, 'run-1', state, only);
  return { rejects: rejects.map(({ ordinal }) => ordinal), failures: failures.map(({ index }) => index) };
}

describe('the list of what there is to send again', () => {
  it('has every rejected row and failed item once, or those that are asked for', () => {
    expect(listed()).toEqual({ rejects: [1, 2], failures: [1, 2] });
    expect(listed('rejected')).toEqual({ rejects: [1, 2], failures: [] });
    expect(listed('failed')).toEqual({ rejects: [], failures: [1, 2] });
    expect(listed('code=blank-text')).toEqual({ rejects: [2], failures: [] });
    expect(listed('code=boom')).toEqual({ rejects: [], failures: [1] });
    expect(listed('code=canceled')).toEqual({ rejects: [], failures: [2] });
  });

  it('is handed to a retry as a whole, and is its own until it is dealt with', () => {
    moveTo(ledger, 'run-1', listOf(ledger, 'run-1', 'open', 'failed'), takenBy('retry-1'));
    expect(listed()).toEqual({ rejects: [1, 2], failures: [] });
    expect(listed(undefined, takenBy('retry-1'))).toEqual({ rejects: [], failures: [1, 2] });
    moveTo(ledger, 'run-1', listOf(ledger, 'run-1', takenBy('retry-1'), undefined), 'retried');
    expect(listed(undefined, takenBy('retry-1'))).toEqual({ rejects: [], failures: [] });
  });

  it('that is forgotten leaves failed items known, so that no import sends them again', () => {
    const marks = new Marks(ledger.db, 'p', undefined);
    marks.fail(Uint32Array.from([...mark(11), ...mark(12)]));
    expect(marks.find(mark(11))).toBe('failed');
    forget(ledger, 'run-1', listOf(ledger, 'run-1', 'open', 'code=boom'), marks);
    expect([marks.find(mark(11)), marks.find(mark(12))]).toEqual(['same', 'failed']);
    expect(listed()).toEqual({ rejects: [1, 2], failures: [2] });
    expect(new Marks(ledger.db, 'p', undefined).find(mark(11))).toBe('same');
  });

  it('names the place of each in the input, and what it was known by', () => {
    const wanted = wantedOf(ledger, listOf(ledger, 'run-1', 'open', undefined), () => false);
    expect(
      wanted.map(({ ordinal, item, part, occurrence, mark: by }) => [ordinal, item, part, occurrence, by]),
    ).toEqual([
      [1, -1, 0, undefined, undefined],
      [2, 0, 0, 3, undefined],
      [11, 1, 2, undefined, mark(11)],
      [12, 1, 2, undefined, mark(12)],
    ]);
  });
});

const source = { id: 's', index: 0, format: 'jsonl', bytes: 1, compression: 'none' } as const;
const record = (ordinal: number): SourceRecord => ({
  kind: 'record',
  value: undefined,
  position: { source, ordinal, line: 1, byteStart: 0, byteEnd: 1 },
});

/** Each record becomes items 0 and 1, of which the second has parts 0 to 2. */
const mapper = {
  map({ position: at }: SourceRecord, out: MapOutput): RecordFate {
    const item = (index: number, part?: number): Item => ({
      wire: { type: 'graph_episode', data: 'd', data_type: 'text', graph_id: 'g' },
      ...{ owner: undefined, position: at, index, time: { ms: undefined, flags: 0 } },
      ...(part === undefined ? {} : { part: { index: part, of: 3 } }),
    });
    out.items.push(item(0), item(1, 0), item(1, 1), item(1, 2));
    return 'mapped';
  },
};

describe('the rows of a list', () => {
  function mapped(ordinal: number, ignoresParts = false): string[] {
    const selection = new Selection(
      wantedOf(ledger, listOf(ledger, 'run-1', 'open', undefined), () => false),
      ignoresParts,
    );
    const out: MapOutput = { items: [], rejections: [] };
    selection.mapper(mapper).map(record(ordinal), out);
    return out.items.map(({ index, part }) => `${index}:${part?.index ?? 0}`);
  }

  it('give the items that are listed, and no other of their record', () => {
    expect(mapped(2)).toEqual(['0:0']);
    expect(mapped(11)).toEqual(['1:2']);
    expect(mapped(11, true)).toEqual(['1:0', '1:1', '1:2']);
  });

  it('give all items of a record that was rejected as a whole', () => {
    expect(mapped(1)).toEqual(['0:0', '1:0', '1:1', '1:2']);
  });

  it('are skipped when none of their items is listed', () => {
    const selection = new Selection(
      wantedOf(ledger, listOf(ledger, 'run-1', 'open', undefined), () => false),
      false,
    );
    const out: MapOutput = { items: [], rejections: [] };
    expect(selection.mapper(mapper).map(record(3), out)).toBe('skipped');
    expect(out.items).toEqual([]);
  });
});
