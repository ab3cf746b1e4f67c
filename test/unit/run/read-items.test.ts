import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Frontier, Totals } from '../../../src/ledger/runs.js';
import type {
  Item,
  MapOutput,
  ReadEntry,
  RecordBlock,
  RecordFate,
  Rejection,
  Source,
  SourceInfo,
} from '../../../src/model.js';
import { Books } from '../../../src/run/books.js';
import { readItems, type ItemBlock, type ReadOptions } from '../../../src/run/read-items.js';

/** What becomes of a record: an array is one that becomes so many items, each of which is good or rejected. */
type Kind = 'skipped' | 'rejected' | 'unreadable' | readonly boolean[];

const info = (index: number): SourceInfo => ({
  id: `s${index}`,
  index,
  format: 'jsonl',
  bytes: 1,
  compression: 'none',
});

function rejection(position: Rejection['position'], item?: number): Rejection {
  const base: Rejection = {
    kind: 'rejected',
    stage: 'map',
    code: 'missing-field',
    message: 'text is missing',
    position,
  };
  return item === undefined ? base : { ...base, item };
}

/** A source of such records that is cut into blocks of `size`, whichever record it begins with. */
function sourceOf(kinds: readonly Kind[], index: number, size: number, inexact = 0): Source {
  const source = info(index);
  const entryOf = (kind: Kind, ordinal: number): ReadEntry => {
    const position = { source, ordinal, line: ordinal * 2 + 1, byteStart: ordinal * 10, byteEnd: ordinal * 10 + 9 };
    return kind === 'unreadable'
      ? { ...rejection(position), stage: 'read' }
      : { kind: 'record', value: kind, position };
  };
  return {
    info: source,
    async *read(signal, from): AsyncGenerator<RecordBlock> {
      for (let at = from?.ordinal ?? 0; at < kinds.length; at += size) {
        if (signal.aborted) return;
        const entries = kinds.slice(at, at + size).map((kind, i) => entryOf(kind, at + i));
        await Promise.resolve();
        yield {
          ...{ source, entries, head: undefined, raw: () => '' },
          bytesRead: (at + entries.length) * 10,
          inexactNumbers: inexact * entries.length,
        };
      }
    },
  };
}

const mapper = {
  map(
    { value, position }: { readonly value: unknown; readonly position: Item['position'] },
    out: MapOutput,
  ): RecordFate {
    const kind = value as Kind;
    if (kind === 'skipped') return 'skipped';
    if (typeof kind === 'string') {
      out.rejections.push(rejection(position), rejection(position));
      return 'rejected';
    }
    for (const [index, isGood] of kind.entries()) {
      if (!isGood) {
        out.rejections.push(rejection(position, index));
        continue;
      }
      out.items.push({
        wire: { type: 'graph_episode', data: 'd', data_type: 'text', graph_id: 'g' },
        ...{ owner: undefined, position, index, time: { ms: undefined, flags: 0 } },
      });
    }
    return 'mapped';
  },
};

interface Try {
  readonly books: Books;
  readonly blocks: ItemBlock[];
  readonly passed: string[];
  readonly told: string[];
}

const nameOf = ({ position, index }: Item): string => `${position.source.index}:${position.ordinal}:${index}`;
const namesOf = (blocks: readonly ItemBlock[]): string[] => blocks.flatMap(({ items }) => items.map(nameOf));

async function read(sources: readonly Source[], options: ReadOptions, totals?: Totals, most = Infinity): Promise<Try> {
  const told: string[] = [];
  const books = new Books({
    maxErrors: { kind: 'unlimited' },
    nowMs: 0,
    observe: () => undefined,
    record: ({ position, item }, { no }) =>
      told.push(`${position.source.index}:${position.ordinal}:${item ?? '-'}:${no}`),
    totals,
  });
  const blocks: ItemBlock[] = [];
  const passed: string[] = [];
  const deps = {
    sources,
    mapper,
    books,
    observe: () => undefined,
    onPassed: (item: Item) => passed.push(nameOf(item)),
  };
  for await (const block of readItems(deps, options, new AbortController().signal)) {
    blocks.push(block);
    if (blocks.length >= most) break;
  }
  return { books, blocks, passed, told };
}

/** A limit ends the reading somewhere in a block, whose bytes were read all the same: then bytes depend on how blocks are cut. */
function countsOf({ books }: Try, limit: number): Record<string, number> {
  const counts = books.totals();
  return limit === Infinity ? counts : { ...counts, bytesRead: 0, bytesBefore: 0 };
}

const isBefore = (name: string, { source, ordinal }: Pick<Frontier, 'source' | 'ordinal'>): boolean => {
  const [s = 0, o = 0] = name.split(':').map(Number);
  return s < source || (s === source && o < ordinal);
};

const kind: fc.Arbitrary<Kind> = fc.oneof(
  fc.constantFrom<Kind>('skipped', 'rejected', 'unreadable'),
  fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }),
  fc.constant<Kind>([true]),
);
const input = fc.record({
  sources: fc.array(fc.array(kind, { maxLength: 14 }), { minLength: 1, maxLength: 3 }),
  sizes: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })),
  skip: fc.nat(6),
  limit: fc.oneof(fc.constant(Infinity), fc.nat(30)),
  stop: fc.integer({ min: 1, max: 20 }),
  frontier: fc.nat(19),
  begin: fc.nat(19),
});

const made = (sources: readonly (readonly Kind[])[], size: number): Source[] =>
  sources.map((kinds, index) => sourceOf(kinds, index, size));

describe('an input that is read in two tries', () => {
  it('gives the books and the items of one, wherever the second begins to read and however blocks are cut', async () => {
    await fc.assert(
      fc.asyncProperty(input, async ({ sources, sizes, skip, limit, stop, frontier, begin }) => {
        const whole = await read(made(sources, sizes[0]), { skip, limit });
        const first = await read(made(sources, sizes[1]), { skip, limit }, undefined, stop);
        const settled = first.blocks.flatMap(({ start }) => (start === undefined ? [] : [start]));
        const from = settled[frontier % Math.max(1, settled.length)];
        const places = first.blocks.flatMap(({ place }) => (place === undefined ? [] : [place]));
        const earlier = places.filter(
          (place) => from !== undefined && !isBefore(`${from.place.source}:${from.place.ordinal}`, place),
        );
        const entered = begin % 3 === 0 ? undefined : earlier[begin % Math.max(1, earlier.length)];
        const options = { skip, limit, from: from?.place, begin: entered };
        const second = await read(made(sources, sizes[2]), options, from?.totals);

        expect(countsOf(second, limit)).toEqual(countsOf(whole, limit));
        const end = from?.place ?? { source: 0, ordinal: 0 };
        const kept = <T extends string>(names: readonly T[]): T[] => names.filter((name) => isBefore(name, end));
        expect([...kept(namesOf(first.blocks)), ...namesOf(second.blocks)]).toEqual(namesOf(whole.blocks));
        expect([...kept(first.told), ...second.told]).toEqual(whole.told);
        // What is passed over is met all the same, once, from where reading begins.
        const met = namesOf((await read(made(sources, 3), { skip: 0, limit: Infinity })).blocks);
        const skipped = met.filter(
          (name) => isBefore(name, end) && !(entered !== undefined && isBefore(name, entered)),
        );
        if (from !== undefined) expect(second.passed).toEqual(skipped);
        else expect(second.passed).toEqual(whole.passed);
      }),
      { numRuns: 500 },
    );
  });

  it('is not read at all where all of it is settled', async () => {
    const sources = [['skipped', [true]], [[true]]] as const;
    const whole = await read(made(sources, 10), { skip: 0, limit: Infinity });
    const last = whole.blocks.at(-1)?.start;
    const again = await read(
      made(sources, 10),
      { skip: 0, limit: Infinity, from: last?.place, begin: last?.place },
      last?.totals,
    );
    expect(namesOf(again.blocks)).toEqual(['1:0:0']);
    expect(again.passed).toEqual([]);
  });

  it('counts numbers that were kept as text once', async () => {
    const sources = (size: number): Source[] => [
      sourceOf(
        Array.from({ length: 12 }, () => [true]),
        0,
        size,
        1,
      ),
    ];
    const first = await read(sources(4), { skip: 0, limit: Infinity }, undefined, 2);
    const from = first.blocks[1]?.start;
    const second = await read(sources(4), { skip: 0, limit: Infinity, from: from?.place }, from?.totals);
    expect(second.books.inexactNumbers).toBe(12);
  });
});

describe('skip and limit', () => {
  it('hold over all sources', async () => {
    const sources = made(
      [
        [[true], [true]],
        [[true], 'skipped'],
        [[true], [true], [true]],
      ],
      2,
    );
    const { books, blocks, passed } = await read(sources, { skip: 3, limit: 3 });
    expect(passed).toEqual(['0:0:0', '0:1:0', '1:0:0']);
    expect(namesOf(blocks)).toEqual(['2:0:0', '2:1:0']);
    expect(books.totals()).toMatchObject({ read: 3, mapped: 2, skipped: 1, produced: 2 });
  });

  it('a limit of nothing reads nothing', async () => {
    const { books, blocks } = await read(made([[[true]]], 1), { skip: 0, limit: 0 });
    expect([books.read, blocks]).toEqual([0, []]);
  });
});

describe('rows that all fail in the same way', () => {
  const failing = {
    map(
      { position, value }: { readonly value: unknown; readonly position: Item['position'] },
      out: MapOutput,
    ): RecordFate {
      if (value !== 'rejected') return mapper.map({ value, position }, out);
      out.rejections.push({ ...rejection(position), code: 'expression', message: 'amount is text' });
      return 'rejected';
    },
  };
  async function codeOf(kinds: readonly Kind[], options: Partial<ReadOptions> = {}, totals?: Totals): Promise<string> {
    const books = new Books({
      ...{ maxErrors: { kind: 'unlimited' }, nowMs: 0, observe: () => undefined, record: () => undefined, totals },
    });
    const deps = { sources: [sourceOf(kinds, 0, 30)], mapper: failing, books, observe: () => undefined };
    try {
      const reading = readItems(deps, { skip: 0, limit: Infinity, ...options }, new AbortController().signal);
      for await (const block of reading) void block;
      return `read ${books.read}`;
    } catch (error) {
      return (error as { code: string }).code;
    }
  }
  const bad = Array.from({ length: 150 }, (): Kind => 'rejected');

  it('from the first on are a mistake in the mapping; after one good row they are bad rows', async () => {
    expect(await codeOf(bad)).toBe('mapping-expression');
    expect(await codeOf([[true], ...bad])).toBe('read 151');
  });

  it('are bad rows too in a run that goes on and had good ones', async () => {
    const kinds: Kind[] = [[true], ...bad];
    const from = { source: 0, ordinal: 1, line: 3, byteStart: 10 };
    expect(await codeOf(kinds, { from, begin: from }, { read: 1, mapped: 1 })).toBe('read 151');
  });
});
