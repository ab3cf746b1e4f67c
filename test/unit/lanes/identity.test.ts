import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EncodedBlock } from '../../../src/lanes/encoded-block.js';
import { Identities } from '../../../src/lanes/identity.js';
import type { Item, SourceInfo } from '../../../src/model.js';
import type { WireItem } from '../../../src/wire.js';

const PATH = '/data/chats.jsonl';
const source = (index = 0): SourceInfo => ({ id: `s${index}`, index, format: 'jsonl', bytes: 1, compression: 'none' });

interface Facts extends Partial<Omit<Item, 'wire'>> {
  readonly dated?: boolean;
  readonly in?: number;
}

const EPISODE: WireItem = { type: 'graph_episode', data: 'the same words', data_type: 'text', graph_id: 'g' };

function item(wire: WireItem = EPISODE, { dated = true, in: index = 0, ...over }: Facts = {}): Item {
  return {
    wire: dated ? { ...wire, created_at: '2024-05-01T00:00:00Z' } : wire,
    owner: undefined,
    position: { source: source(index), ordinal: 0, line: 1, byteStart: 0, byteEnd: 1 },
    index: 0,
    time: { ms: dated ? 1_714_521_600_000 : undefined, flags: 0 },
    ...over,
  };
}

const MESSAGE: WireItem = { type: 'thread_message', thread_id: 't', role: 'user', content: 'hello' };

class Counts {
  readonly #seen = new Map<string, number>();
  next(words: Uint32Array): number {
    const key = words.subarray(0, 4).join(' ');
    const count = this.#seen.get(key) ?? 0;
    this.#seen.set(key, count + 1);
    return count;
  }
}

let identities: Identities;
beforeAll(async () => {
  identities = await Identities.create(new Counts());
});
beforeEach(async () => {
  identities = await Identities.create(new Counts());
});

const block = new EncodedBlock();
function bytesOf(each: Item): Buffer {
  block.clear();
  block.add(each);
  return block.bytes(0);
}

/** The mark of an item as words; undefined when it cannot be known again. */
function markOf(each: Item, path: string | undefined = PATH, of = identities): readonly number[] | undefined {
  return of.identify(each, bytesOf(each), path) ? [...of.mark] : undefined;
}

const inStream = (each: Item): readonly number[] | undefined =>
  identities.identify(each, bytesOf(each), undefined) ? [...identities.mark] : undefined;

const identity = (each: Item, path?: string): readonly number[] | undefined => markOf(each, path)?.slice(0, 4);

describe('the marks that lie in ledgers for years', () => {
  it.each([
    ['a dated item', item(), [3450861255, 2011362901, 1992032481, 1961848738, 0]],
    ['an undated item of a file', item(EPISODE, { dated: false }), [1315075314, 261667622, 431964224, 3051935802, 0]],
    [
      'an item with a key',
      item(EPISODE, { key: 'ticket-7' }),
      [948494731, 1441202085, 1906284302, 167746172, 1303377607],
    ],
  ])('are the same in every version: %s', (_name, each, expected) => {
    expect(markOf(each)).toEqual(expected);
  });

  it('are the same in every version: the second and the 300th of equal items', () => {
    const marks = Array.from({ length: 300 }, () => markOf(item()));
    expect(marks[0]).toEqual([3450861255, 2011362901, 1992032481, 1961848738, 0]);
    expect(marks[1]).toEqual([1654516271, 1177328488, 3418100597, 259305512, 0]);
    expect(marks[299]).toEqual([3863458807, 3077594484, 477264278, 1296177132, 0]);
  });

  it('are the same in every version: those of a text that is not ASCII, and of a message', () => {
    expect(markOf(item({ ...EPISODE, data: 'Zoë 🙂' }))).toEqual([518035782, 3716849452, 2640397459, 3441492885, 0]);
    expect(markOf(item(MESSAGE, { key: 'Zoë' }))).toEqual([2622169670, 2330661900, 562563098, 69841615, 10957640]);
  });
});

describe('an item without a key', () => {
  it('is known by its bytes and by which of the equal ones of its source it is: the second "ok" is not the first', () => {
    const marks = Array.from({ length: 400 }, () => markOf(item())?.join());
    expect(new Set(marks).size).toBe(400);
    expect(identities.occurrence).toBe(399);
  });

  it('has the same marks when the same source is read again', async () => {
    const items = [item(), item(), item({ ...EPISODE, data: 'other' }), item(EPISODE, { dated: false }), item()];
    const first = items.map((each) => markOf(each));
    const again = await Identities.create(new Counts());
    expect(items.map((each) => markOf(each, PATH, again))).toEqual(first);
    expect(new Set(first.map(String)).size).toBe(5);
  });

  it('and with a time of its own is the same in every source, and in a stream', () => {
    const here = identity(item());
    expect(identity(item(EPISODE, { in: 1 }), '/data/elsewhere.jsonl')).toEqual(here);
    expect(inStream(item(EPISODE, { in: 2 }))?.slice(0, 4)).toEqual(here);
  });

  it('and without a time is another in every source, by the path of that', () => {
    const undated = (index: number): Item => item(EPISODE, { dated: false, in: index });
    const here = identity(undated(0));
    expect(identity(undated(1), '/data/elsewhere.jsonl')).not.toEqual(here);
    expect(identity(undated(2), PATH)).not.toBeUndefined();
  });

  it('and without a time cannot be known again in a stream', () => {
    expect(inStream(item(EPISODE, { dated: false }))).toBeUndefined();
    expect(identities.occurrence).toBeUndefined();
  });

  it('is counted in its own source: equal items of two sources do not push each other on', () => {
    const a = markOf(item());
    markOf(item());
    expect(markOf(item(EPISODE, { in: 1 }), '/data/elsewhere.jsonl')).toEqual(a);
    expect(identities.occurrence).toBe(0);
  });

  it('is another when anything of it differs: destination, words, time, metadata', () => {
    const variants = [
      item(),
      item({ ...EPISODE, graph_id: 'h' }),
      item({ type: 'graph_episode', data: 'the same words', data_type: 'text', user_id: 'g' }),
      item({ ...EPISODE, data: 'the same words ' }),
      item({ ...EPISODE, metadata: { a: 1 } }),
      item({ ...EPISODE, created_at: '2024-05-01T00:00:01Z' }, { dated: false, time: { ms: 1, flags: 0 } }),
    ];
    expect(new Set(variants.map((each) => String(identity(each)))).size).toBe(variants.length);
  });
});

describe('an item with a key', () => {
  const keyed = (over: Partial<Facts> = {}, wire: WireItem = EPISODE): Item => item(wire, { key: 'k', ...over });

  it('is known by key, type, destination, template and part, and by nothing else', () => {
    const same = [
      keyed(),
      keyed({ dated: false }),
      keyed({ index: 3 }),
      keyed({ template: 0, part: { index: 0, of: 2 } }),
      keyed({}, { ...EPISODE, data: 'other words' }),
    ];
    expect(new Set(same.map((each) => String(identity(each)))).size).toBe(1);
    expect(inStream(keyed())?.slice(0, 4)).toEqual(identity(keyed()));
    expect(identity(keyed(), '/data/elsewhere.jsonl')).toEqual(identity(keyed()));
    const others = [
      keyed(),
      keyed({ key: 'k2' }),
      keyed({ template: 1 }),
      keyed({ part: { index: 1, of: 2 } }),
      keyed({}, { ...EPISODE, graph_id: 'h' }),
      keyed({}, { type: 'graph_episode', data: 'd', data_type: 'text', user_id: 'g' }),
      keyed({}, { ...MESSAGE, thread_id: 'g' }),
    ];
    expect(new Set(others.map((each) => String(identity(each)))).size).toBe(others.length);
  });

  it('cannot be made the same as another by what its key holds', () => {
    const tricky = ['k","graph_episode', 'k', 'k\u0000', '"k"'].map((key) => String(identity(keyed({ key }))));
    expect(new Set(tricky).size).toBe(4);
  });

  it('is not counted: it is the same however often it comes', () => {
    expect(markOf(keyed())).toEqual(markOf(keyed()));
    expect(identities.occurrence).toBeUndefined();
  });

  it('tells new content apart', () => {
    const [before, after] = [markOf(keyed()), markOf(keyed({}, { ...EPISODE, data: 'other words' }))];
    expect(after?.slice(0, 4)).toEqual(before?.slice(0, 4));
    expect(after?.[4]).not.toBe(before?.[4]);
    expect(before?.[4]).toBeLessThan(0x7fffffff);
  });
});

describe('an item that is sent again', () => {
  const recalled = (
    known: { readonly mark?: readonly number[]; readonly occurrence?: number },
    each = item(),
    isFree: (mark: Uint32Array) => boolean = () => false,
  ): readonly number[] => {
    const mark = known.mark === undefined ? undefined : Uint32Array.from(known.mark);
    identities.recall(each, bytesOf(each), PATH, { mark, occurrence: known.occurrence }, isFree);
    return [...identities.mark];
  };
  let marks: (readonly number[])[];
  beforeEach(async () => {
    marks = Array.from({ length: 5 }, () => markOf(item()) ?? []);
    identities = await Identities.create({ next: () => 0 });
  });

  it('out of its turn is the one it was among equal ones, by its mark or by its number', () => {
    expect(recalled({ mark: marks[3] ?? [] })).toEqual(marks[3]);
    expect(identities.occurrence).toBe(3);
    expect(recalled({ occurrence: 4 })).toEqual(marks[4]);
    expect(recalled({})).toEqual(marks[0]);
  });

  it('with other content by now is the first of its kind that the project does not hold', () => {
    const mended = item({ ...EPISODE, data: 'mended' });
    const [first = [], second = []] = [recalled({ occurrence: 0 }, mended), recalled({ occurrence: 1 }, mended)];
    expect(recalled({ mark: marks[3] ?? [] }, mended, () => true)).toEqual(first);
    expect(recalled({ mark: marks[3] ?? [] }, mended, (mark) => mark[0] !== first[0])).toEqual(second);
    expect(recalled({ mark: marks[3] ?? [] }, mended, () => false)).toEqual(first);
  });

  it('with a key is known by that', () => {
    const keyed = item(EPISODE, { key: 'k' });
    expect(recalled({ mark: marks[3] ?? [] }, keyed)).toEqual(markOf(keyed));
  });

  it('and cannot be known again is said to be so', () => {
    const undated = item(EPISODE, { dated: false });
    expect(
      identities.recall(undated, bytesOf(undated), undefined, { mark: undefined, occurrence: 1 }, () => true),
    ).toBe(false);
  });
});
