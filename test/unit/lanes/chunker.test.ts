import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Chunker, itemAt, sliceBody, type Chunk } from '../../../src/lanes/chunker.js';
import { EncodedBlock, MARK_WORDS } from '../../../src/lanes/encoded-block.js';
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

const markOf = (n: number): Uint32Array => Uint32Array.of(n + 1, n, 0xffffffff - n, 7, n);

interface Cut {
  readonly items: number;
  readonly bytes: number;
  /** Items of one block: its memory is used again for the next. */
  readonly block?: number;
  readonly isMarked?: (ordinal: number) => boolean;
}

function chunksOf(texts: readonly string[], { block: size = 7, isMarked = () => false, ...limits }: Cut): Chunk[] {
  const chunker = new Chunker(0, limits);
  const block = new EncodedBlock();
  const chunks: Chunk[] = [];
  for (let start = 0; start < texts.length; start += size) {
    block.clear();
    for (const [i, text] of texts.slice(start, start + size).entries()) {
      block.add(item(start + i, text));
      if (isMarked(start + i)) block.setMark(i, markOf(start + i));
    }
    for (const index of block.items.keys()) {
      const full = chunker.add(block, index, 1);
      if (full !== undefined) chunks.push(full);
    }
  }
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
        fc.integer({ min: 1, max: 60 }),
        (texts, items, bytes, block) => {
          const chunks = chunksOf(texts, { items, bytes, block });
          expect(bodies(chunks)).toEqual(texts);
          for (const chunk of chunks) {
            expect(chunk.refs.length).toBeLessThanOrEqual(items);
            expect(chunk.refs.length).toBeGreaterThan(0);
            if (chunk.refs.length > 1) expect(chunk.body.length).toBeLessThanOrEqual(bytes);
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
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(50));
    const chunks = chunksOf(texts, { items: 1, bytes: 1e9, block: 1 });
    expect(new Set(chunks.map((chunk) => chunk.body.buffer)).size).toBe(3);
    expect(bodies(chunks)).toEqual(texts);
  });

  it('gives every item its own mark, and zeros to one that has none', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 40 }),
        (marked, items, block) => {
          const isMarked = (ordinal: number): boolean => marked[ordinal] === true;
          const texts = marked.map((_, n) => `item ${n}`);
          for (const { refs, marks } of chunksOf(texts, { items, bytes: 1e9, block, isMarked })) {
            const ordinals = refs.map((ref) => ref.position.ordinal);
            const expected = ordinals.flatMap((n) => (isMarked(n) ? [...markOf(n)] : [0, 0, 0, 0, 0]));
            expect(marks && [...marks]).toEqual(ordinals.some(isMarked) ? expected : undefined);
          }
        },
      ),
    );
  });
});

describe('a block of encoded items', () => {
  it('holds the exact bytes of every item, however many and however long they are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 30 }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 30_000 }),
        (texts, times) => {
          const block = new EncodedBlock();
          for (const [n, text] of texts.entries()) block.add(item(n, text.repeat(1 + (times % (n + 2)))));
          for (const [n, each] of block.items.entries()) {
            expect(block.bytes(n).toString()).toBe(JSON.stringify(each.wire));
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('keeps the marks of more items than it had room for, and those of an item it took back are gone', () => {
    const block = new EncodedBlock();
    for (let n = 0; n < 2_000; n++) {
      block.add(item(n, 'x'));
      block.setMark(n, markOf(n));
    }
    expect(block.mark(1_999)).toEqual(markOf(1_999));
    block.drop();
    block.add(item(3_000, 'y'));
    expect(block.mark(1_999)).toBeUndefined();
    expect(block.bytes(1_999).toString()).toContain('"y"');
    expect(block.bytes(1_998).toString()).toContain('"x"');
    for (let n = 0; n < 1_999; n++) expect(block.mark(n)).toEqual(markOf(n));
    expect(block.mark(0)).toHaveLength(MARK_WORDS);
    block.clear();
    block.add(item(0, 'z'));
    expect(block.items).toHaveLength(1);
    expect(block.mark(0)).toBeUndefined();
  });
});
