import { describe, expect, it } from 'vitest';
import { parseMapping } from '../../../src/mapping/index.js';
import type { MapOutput, SourceInfo, SourceRecord } from '../../../src/model.js';
import { CoverageCounter } from '../../../src/run/coverage.js';

const source: SourceInfo = { id: 'a.jsonl', index: 0, format: 'jsonl', bytes: 1, compression: 'none' };

function counted(mapping: string, rows: readonly unknown[]): CoverageCounter {
  const compiled = parseMapping(`version: 1\n${mapping}`, 'm.yaml');
  const coverage = new CoverageCounter(compiled.readsColumns ? { used: compiled.columnsUsed, isAll: true } : undefined);
  const mapper = compiled.compile({});
  rows.forEach((value, ordinal) => {
    const record: SourceRecord = {
      kind: 'record',
      value,
      position: { source, ordinal, line: ordinal + 1, byteStart: 0, byteEnd: 1 },
    };
    const out: MapOutput = { items: [], rejections: [] };
    coverage.countRecord(record);
    mapper.map(record, out);
    for (const item of out.items) coverage.countItem(item);
  });
  return coverage;
}

const EPISODE =
  "item: { type: graph_episode, graph_id: g, data: '{{ text }}', created_at: { from: at, required: false }, metadata: { tag: '{{ tag }}' } }\n";

describe('coverage', () => {
  it('names columns that the mapping does not read, those in most records first', () => {
    const { unused } = counted(EPISODE, [
      { text: 'a', x: 1 },
      { text: 'b', x: 1, y: 2 },
    ]).result();
    expect(unused).toEqual([
      { column: 'x', records: 2 },
      { column: 'y', records: 1 },
    ]);
  });

  it('names what the mapping reads and no record has, with what may have been meant', () => {
    const coverage = counted(EPISODE, [{ text: 'a', att: '2024-05-01T00:00:00Z', tag: 'x' }]);
    expect(coverage.result().absent).toEqual(['at']);
    expect(coverage.notices()).toMatchObject([{ code: 'absent-column', hint: 'did you mean att?' }]);
  });

  it('names fields that some items are without', () => {
    const { sparse } = counted(EPISODE, [
      { text: 'a', tag: 'x' },
      { text: 'b', at: '2024-05-01T00:00:00Z' },
      { text: 'c' },
    ]).result();
    expect(sparse).toEqual([
      { field: 'metadata.tag', items: 1, of: 3 },
      { field: 'created_at', items: 1, of: 3 },
    ]);
  });

  it('says nothing of columns when rows lie inside of the records, or the record is taken whole', () => {
    const rows = [{ list: [{ text: 'a' }], other: 1 }];
    const each = counted("each: list\nitem: { type: graph_episode, graph_id: g, data: '{{ text }}' }\n", rows).result();
    const whole = counted("item: { type: graph_episode, graph_id: g, data: '{{ row }}' }\n", rows).result();
    expect([each.unused, each.absent, whole.unused]).toEqual([[], [], []]);
  });

  it('remembers a bounded number of columns', () => {
    const rows = Array.from({ length: 5_000 }, (_, n) => ({
      text: 'a',
      at: '2024-05-01T00:00:00Z',
      tag: 't',
      [`c${n}`]: 1,
    }));
    const { unused, moreUnused } = counted(EPISODE, rows).result();
    expect(unused).toHaveLength(20);
    expect(moreUnused).toBeLessThanOrEqual(2_000);
  });
});
