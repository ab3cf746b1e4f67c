import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Chunker, itemAt, sliceBody, type Chunk } from '../../../src/lanes/chunker.js';
import type { Item, SourceInfo } from '../../../src/model.js';

const source: SourceInfo = { id: 'a.jsonl', index: 0, format: 'jsonl', bytes: 1, compression: 'none' };

function item(ordinal: number, data: string): Item {
  return {
    wire: { type: 'graph_episode', data, data_type: 'text', graph_id: 'g' },
    owner: undefined,
    position: { source, ordinal, line: ordinal + 1, byteStart: 0, byteEnd: 1 },
    index: 0,
    time: { ms: undefined, flags: 0 },
  };
}

function chunksOf(texts: readonly string[], limits: { items: number; bytes: number }): Chunk[] {
  const chunker = new Chunker(0, limits);
  const chunks: Chunk[] = [];
  texts.forEach((text, ordinal) => {
    const full = chunker.add(item(ordinal, text), 1);
    if (full !== undefined) chunks.push(full);
  });
  const last = chunker.take();
  return last === undefined ? chunks : [...chunks, last];
}

const bodies = (chunks: readonly Chunk[]): string[] =>
  chunks.flatMap((chunk) =>
    (JSON.parse(chunk.body.toString()) as { items: { data: string }[] }).items.map((each) => each.data),
  );

describe('the chunker', () => {
  it('keeps every item once, in order, as valid JSON, and keeps the limits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 200 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 40, max: 4_000 }),
        (texts, items, bytes) => {
          const chunks = chunksOf(texts, { items, bytes });
          expect(bodies(chunks)).toEqual(texts);
          for (const chunk of chunks) {
            expect(chunk.refs.length).toBeLessThanOrEqual(items);
            expect(chunk.refs.length).toBeGreaterThan(0);
          }
          expect(chunks.flatMap((chunk) => chunk.refs.map((ref) => ref.position.ordinal))).toEqual(
            texts.map((_, i) => i),
          );
        },
      ),
    );
  });

  it('gives every slice of a chunk as a body of its own', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 12 }),
        fc.nat(11),
        fc.nat(12),
        (texts, a, b) => {
          const [chunk] = chunksOf(texts, { items: 100, bytes: 1e9 });
          const from = Math.min(a, texts.length - 1);
          const to = Math.max(from + 1, Math.min(b, texts.length));
          if (chunk === undefined) throw new Error('no chunk');
          const sliced = JSON.parse(sliceBody(chunk, from, to).toString()) as { items: { data: string }[] };
          const expected = JSON.parse(chunk.body.toString()) as { items: { data: string }[] };
          expect(sliced.items).toEqual(expected.items.slice(from, to));
          expect(itemAt(chunk, from)).toEqual(expected.items[from]);
        },
      ),
    );
  });

  it('sends one item that is larger than the byte limit alone instead of losing it', () => {
    const chunks = chunksOf(['small', 'x'.repeat(5_000), 'small'], { items: 10, bytes: 1_000 });
    expect(chunks.map((chunk) => chunk.refs.length)).toEqual([1, 1, 1]);
  });

  it('gives each chunk memory of its own, so that a body being sent never changes', () => {
    const chunks = chunksOf(['a'.repeat(50), 'b'.repeat(50), 'c'.repeat(50)], { items: 1, bytes: 1e9 });
    expect(new Set(chunks.map((chunk) => chunk.body.buffer)).size).toBe(3);
  });
});
