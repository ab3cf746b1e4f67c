import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Item, SourceInfo } from '../../../../src/model.js';
import { FirstInTime } from '../../../../src/run/sort/first-in-time.js';
import { LateItems } from '../../../../src/run/sort/late-items.js';
import { restOf } from '../../../../src/run/sort/time-key.js';
import { inTimeOrder, TimeOrder } from '../../../../src/run/sort/time-order.js';

let base: string;
beforeEach(() => (base = mkdtempSync(join(tmpdir(), 'zi-order-'))));
afterEach(() => rmSync(base, { recursive: true, force: true }));

const source: SourceInfo = { id: 's', index: 0, format: 'jsonl', bytes: 1, compression: 'none' };
const never = new AbortController().signal;

interface Drawn {
  readonly graph: number;
  readonly second: number | undefined;
  readonly micros: string;
  readonly parts: number;
}

function itemsOf(drawn: readonly Drawn[]): Item[] {
  return drawn.flatMap(({ graph, second, micros, parts }, ordinal) =>
    Array.from({ length: parts }, (_, part): Item => {
      const created_at = second === undefined ? {} : { created_at: `2024-05-01T00:00:0${second}.000${micros}Z` };
      return {
        wire: {
          type: 'graph_episode',
          data: `${ordinal}/${part} \u2028😀`,
          data_type: 'text',
          graph_id: `g${graph}`,
          ...created_at,
        },
        owner: undefined,
        position: { source, ordinal, line: ordinal + 1, byteStart: ordinal * 10, byteEnd: ordinal * 10 + 9 },
        index: 0,
        ...(parts === 1 ? {} : { part: { index: part, of: parts } }),
        time: { ms: second === undefined ? undefined : Date.UTC(2024, 4, 1, 0, 0, second), flags: 0 },
      };
    }),
  );
}

const drawn = fc.array(
  fc.record({
    graph: fc.nat(2),
    second: fc.option(fc.nat(4), { nil: undefined, freq: 4 }),
    micros: fc.constantFrom('', '1', '09', '099', '1000'),
    parts: fc.constantFrom(1, 1, 1, 3),
  }),
  { maxLength: 80, size: 'max' },
);

async function sorted(items: readonly Item[], memoryBytes = 2_000): Promise<Item[]> {
  const found: Item[] = [];
  const blocks = (async function* () {
    await Promise.resolve();
    for (let at = 0; at < items.length; at += 7) yield { items: items.slice(at, at + 7) };
  })();
  const options = { folder: join(base, 'x'), memoryBytes, signal: never };
  for await (const some of inTimeOrder(blocks, [{ info: source, read: () => blocks as never }], options)) {
    found.push(...some.items);
  }
  expect(readdirSync(base)).toEqual([]);
  return found;
}

describe('items in the order of their time', () => {
  it('are what they were, each graph in order: dated by time, equal ones and undated ones behind what stood before them', async () => {
    await fc.assert(
      fc.asyncProperty(drawn, fc.constantFrom(400, 3_000, 1_000_000), async (rows, memoryBytes) => {
        const items = itemsOf(rows);
        const found = await sorted(items, memoryBytes);
        for (const graph of [0, 1, 2]) {
          const mine = items.filter(({ wire }) => 'graph_id' in wire && wire.graph_id === `g${graph}`);
          let before = '';
          const keyed = mine.map((item) => ({
            item,
            key: (before = item.wire.created_at?.padEnd(40, '0').replaceAll('Z', '0') ?? before),
          }));
          const wanted = keyed.sort((x, y) => (x.key < y.key ? -1 : x.key > y.key ? 1 : 0)).map(({ item }) => item);
          expect(found.filter(({ wire }) => 'graph_id' in wire && wire.graph_id === `g${graph}`)).toEqual(wanted);
        }
        const first = new FirstInTime(5);
        for (const item of items) first.add(item);
        expect(first.items()).toEqual(found.slice(0, 5));
      }),
      { numRuns: 25 },
    );
  });

  it('share an order where they share a graph: messages of threads of one user, and episodes of that user', async () => {
    const message = (ordinal: number, thread: string, owner: string | undefined, second: number | undefined): Item => ({
      wire: { type: 'thread_message', thread_id: thread, role: 'user', content: String(ordinal) },
      owner,
      position: { source, ordinal, line: 1, byteStart: 0, byteEnd: 1 },
      index: 0,
      time: { ms: second, flags: 0 },
    });
    const items = [
      message(0, 't1', 'u', 9),
      message(1, 't2', 'u', undefined),
      message(2, 't3', undefined, 3),
      message(3, 't2', 'u', 1),
      message(4, 't3', undefined, undefined),
    ];
    const found = await sorted(items);
    expect(found.map(({ position }) => position.ordinal)).toEqual([3, 2, 4, 0, 1]);
  });

  it('keep what they are known by, and settled ones their place alone', async () => {
    const order = new TimeOrder({ folder: join(base, 'x'), memoryBytes: 1_000_000, signal: never });
    const [one, two] = itemsOf([
      { graph: 1, second: 2, micros: '', parts: 1 },
      { graph: 1, second: 1, micros: '', parts: 1 },
    ]);
    if (one === undefined || two === undefined) throw new Error('two are made');
    const met = {
      mark: Uint32Array.of(1, 2, 3, 4, 0xffffffff),
      occurrence: 3,
      repeats: { source: 1, line: 2 ** 40 },
      isHeld: true,
    };
    const whole: Item = { ...one, owner: 'ü\ud800', key: 'k\udc00', template: 2, time: { ms: one.time.ms, flags: 3 } };
    await order.add(whole, Buffer.from(JSON.stringify(whole.wire)), false, met);
    await order.add(two, Buffer.from('not wanted'), true);
    await order.finish();
    const found = [];
    for await (const some of order.sorted(() => source)) found.push(...some);
    expect(found).toEqual([
      { isSettled: true, destination: 0, ms: two.time.ms },
      { item: whole, bytes: Buffer.from(JSON.stringify(whole.wire)), destination: 0, isSettled: false, met },
    ]);
    await order.close();
  });
});

it('what a time says beyond its milliseconds counts to the last digit', () => {
  expect(
    [
      '2024-01-01T00:00:00Z',
      '2024-01-01T00:00:00.123Z',
      '2024-01-01T00:00:00.1239+01:00',
      '2024-01-01T00:00:00.123000000001Z',
    ].map(restOf),
  ).toEqual([0, 0, 900_000_000, 1]);
  expect(restOf(undefined)).toBe(0);
});

it('digits end where the offset begins: times of fewer than three digits are compared as what they say', () => {
  const times = ['00.5+02:00', '00.12-09:30', '00.5001+02:00', '00.123456+02:00', '00.123+02:00', '00Z', '00+02:00'];
  expect(times.map((time) => restOf(`2024-01-01T00:00:${time}`))).toEqual([0, 0, 100_000_000, 456_000_000, 0, 0, 0]);
});

it('items are late when one of their graph that is newer was sent before', () => {
  const late = new LateItems();
  late.sent(0, 1);
  late.sent(0, 2);
  late.sent(0, 2);
  late.held(1, 9);
  expect(late.count).toBe(0);
  late.held(0, 2);
  expect(late.count).toBe(1);
  late.held(0, 3);
  expect(late.count).toBe(3);
  late.sent(0, 4);
  late.held(0, undefined);
  late.held(0, 4);
  expect(late.count).toBe(3);
});
