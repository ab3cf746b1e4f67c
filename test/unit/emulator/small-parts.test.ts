/** The pure parts: times, ids, routes, keys, the rate window. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { itemIds } from '../../../src/emulator/ids.js';
import { createKeyring } from '../../../src/emulator/keys.js';
import { createRateLimit } from '../../../src/emulator/rate-limit.js';
import { isRfc3339 } from '../../../src/emulator/rfc3339.js';
import { createRouter } from '../../../src/emulator/router.js';
import { longerThan } from '../../../src/emulator/validate-fields.js';

describe('event times', () => {
  test.each([
    '2024-06-15T10:30:00Z',
    '2024-02-29T23:59:59.123456789+05:30',
    '1999-12-31T00:00:00-23:59',
    '0001-01-01T00:00:00Z',
  ])('%s is accepted', (time) => expect(isRfc3339(time)).toBe(true));

  test.each([
    '2025-01-03',
    '2024-06-15T10:30:00',
    '2024-06-15 10:30:00Z',
    '2024-06-15t10:30:00z',
    '2023-02-29T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-06-31T00:00:00Z',
    '2024-06-15T24:00:00Z',
    '2024-06-15T10:30:60Z',
    '2024-06-15T10:30:00.Z',
    '2024-06-15T10:30:00,5Z',
    '2024-06-15T10:30:00+0200',
    '2024-06-15T10:30:00+24:00',
    '2024-06-15T10:30:00Zulu',
    '20240615T103000Z',
    '1718447400',
    '',
  ])('%j is refused', (time) => expect(isRfc3339(time)).toBe(false));

  test('every instant that Date can write is accepted', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (date) =>
        isRfc3339(date.toISOString()),
      ),
    );
  });
});

describe('lengths', () => {
  test('a character is a code point, also outside the basic plane', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.integer({ min: 0, max: 40 }), (text, max) => {
        expect(longerThan(text, max, 'code-points')).toBe(Array.from(text).length > max);
        expect(longerThan(text, max, 'bytes')).toBe(Buffer.byteLength(text) > max);
      }),
    );
  });
});

describe('ids', () => {
  test('an episode uuid leads back to its chunk and index, is a version 4 uuid, and sorts in the order of adding', () => {
    const ids = itemIds('0123456789abcd');
    const place = fc.record({
      chunk: fc.integer({ min: 1, max: 2 ** 46 }),
      index: fc.integer({ min: 0, max: 0xffff }),
    });
    fc.assert(
      fc.property(place, place, (a, b) => {
        const [one, other] = [a, b].map(({ chunk, index }) => ids.ofChunk(chunk).episode(index));
        expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(ids.locate(one ?? '')).toEqual(a);
        const order = a.chunk - b.chunk || a.index - b.index;
        expect(Math.sign(order)).toBe((one ?? '') < (other ?? '') ? -1 : one === other ? 0 : 1);
        expect(ids.ofChunk(a.chunk).item(a.index)).not.toBe(one);
      }),
    );
  });

  test('the uuid of another data file leads nowhere', () => {
    expect(itemIds('0123456789abce').locate(itemIds('0123456789abcd').ofChunk(1).episode(0))).toBeUndefined();
    expect(itemIds('0123456789abcd').locate('not a uuid')).toBeUndefined();
  });
});

describe('routes', () => {
  const handler = (): never => {
    throw new Error('not called');
  };
  const match = createRouter([
    { operation: 'get', method: 'GET', path: '/things/:id', handler },
    { operation: 'list', method: 'GET', path: '/things/special', handler },
    { operation: 'items', method: 'GET', path: '/things/:id/parts', handler },
    { operation: 'create', method: 'POST', path: '/things', handler },
  ]);

  test('any id comes through a path unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (id) => {
        fc.pre(id !== 'special');
        const found = match('GET', `/things/${encodeURIComponent(id)}/parts`);
        expect(found).toMatchObject({ kind: 'found', params: [id] });
      }),
    );
  });

  test('a literal wins over a parameter, a wrong method names the right ones, nonsense is told apart', () => {
    expect(match('GET', '/things/special')).toMatchObject({ route: { operation: 'list' } });
    expect(match('GET', '/things/a%2Fb')).toMatchObject({ route: { operation: 'get' }, params: ['a/b'] });
    expect(match('PUT', '/things')).toEqual({ kind: 'method', allow: 'POST' });
    expect(match('GET', '/things/')).toEqual({ kind: 'none' });
    expect(match('GET', '/things/%zz')).toEqual({ kind: 'bad-path' });
    expect(match('GET', '/nothing')).toEqual({ kind: 'none' });
  });
});

describe('keys', () => {
  const open = (name: string): { no: number; name: string; uuid: string; createdAt: number } => ({
    no: name.length,
    name,
    uuid: name,
    createdAt: 0,
  });

  test('without configured keys any key opens the one project, and no key opens nothing', () => {
    const projectOf = createKeyring([], open);
    expect(projectOf('Api-Key anything')?.name).toBe('local');
    for (const header of [undefined, '', 'Api-Key', 'Api-Key ', 'Bearer anything'])
      expect(projectOf(header)).toBeUndefined();
  });

  test('a configured key opens its own project and every other key is refused', () => {
    const keys = [
      { key: 'a', project: 'one' },
      { key: 'b', project: 'two' },
    ];
    const projectOf = createKeyring(keys, open);
    expect(projectOf('Api-Key a')?.name).toBe('one');
    expect(projectOf('api-key b')?.name).toBe('two');
    expect(projectOf('Api-Key c')).toBeUndefined();
  });
});

describe('the rate window', () => {
  const minute = Date.parse('2026-01-01T10:00:00Z');

  test('ends on the whole minute, counts refused calls, and says when to come back', () => {
    const decide = createRateLimit({ perMinute: 2, headers: true });
    expect(decide(minute + 10_000).headers).toMatchObject({ 'x-ratelimit-limit': '2', 'x-ratelimit-remaining': '1' });
    expect(decide(minute + 10_000).refusal).toBeUndefined();
    const refused = decide(minute + 15_500).refusal;
    expect(refused).toMatchObject({ status: 429, body: 'Rate limit exceeded for FREE plan\n' });
    expect(refused?.headers).toMatchObject({
      'retry-after': '45',
      'x-ratelimit-remaining': '-1',
      'x-ratelimit-reset': String(minute / 1000 + 60),
    });
    expect(decide(minute + 60_000).refusal).toBeUndefined();
  });

  test('without headers only the refusal tells of it', () => {
    const decide = createRateLimit({ perMinute: 1, headers: false });
    expect(decide(minute)).toEqual({ refusal: undefined, headers: {} });
    expect(decide(minute).refusal?.headers).not.toHaveProperty('retry-after');
  });

  test('a clock that goes back opens a new window', () => {
    const decide = createRateLimit({ perMinute: 1, headers: true });
    decide(minute);
    expect(decide(minute).refusal).toBeDefined();
    expect(decide(minute - 3_600_000).refusal).toBeUndefined();
  });
});
