import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMapping } from '../../../src/mapping/index.js';
import { AppError } from '../../../src/errors.js';
import { maskNames } from '../../../src/mapping/expression/mask.js';
import { compareNaturally } from '../../../src/mapping/expression/values.js';
import { mapRows, mapWith, message } from './map-rows.js';

const EVERYTHING = `where: 'status != "deleted"'
key: "{{ id }}"
items:
  - type: thread_message
    thread_id: "t-{{ id }}"
    user_id: "{{ customer.id }}"
    role: { from: role, map: { a: user }, default: norole }
    name: "{{ name }}"
    content: "{{ text }}"
    created_at: { from: at, format: [iso, epoch_s, "dd/MM/yyyy"], zone: Europe/Berlin }
    metadata: { n: "{{ n }}", b: { from: b, type: boolean, default: false }, t: "{{ lower(name) + n }}" }
  - type: graph_episode
    graph_id: "{{ id }}"
    data: "{{ row }}"
    metadata: "{{ meta }}"
    oversize: split
    when: 'n > 1 && tags.exists(t, t.startsWith("x"))'
`;

describe('mapping is total', () => {
  const row = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        id: fc.jsonValue(),
        status: fc.jsonValue(),
        customer: fc.jsonValue(),
        role: fc.jsonValue(),
        name: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
        text: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
        at: fc.oneof(
          fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
          fc.double(),
          fc.jsonValue(),
        ),
        n: fc.oneof(fc.integer(), fc.jsonValue()),
        b: fc.jsonValue(),
        tags: fc.oneof(fc.array(fc.string()), fc.jsonValue()),
        meta: fc.jsonValue(),
      },
      { requiredKeys: [] },
    ),
  );

  test('whatever the row, the answer is items, rejections and a fate that agrees with them', () => {
    const mapper = parseMapping(`version: 1\n${EVERYTHING}`, 'm').compile({});
    fc.assert(
      fc.property(row, (value) => {
        const { items, rejections, fates } = mapWith(mapper, [value]);
        const expected = items.length > 0 ? 'mapped' : rejections.length > 0 ? 'rejected' : 'skipped';
        expect(fates).toEqual([expected]);
        for (const { wire } of items) {
          expect(Object.values(wire).every((each) => each !== undefined && each !== null)).toBe(true);
          if (wire.type === 'thread_message') expect(wire.content.trim()).not.toBe('');
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('the same row gives the same items, whatever was mapped before it', () => {
    const mapping = parseMapping(`version: 1\n${EVERYTHING}`, 'm');
    const used = mapping.compile({});
    fc.assert(
      fc.property(row, row, (before, value) => {
        mapWith(used, [before]);
        const again = mapWith(used, [value]);
        const fresh = mapWith(mapping.compile({}), [value]);
        expect([again.items, again.rejections]).toEqual([fresh.items, fresh.rejections]);
      }),
      { numRuns: 500 },
    );
  });

  test('a row nested a hundred thousand deep is rejected, not a crash', () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
    const episode = (data: string): string =>
      `item: { type: graph_episode, graph_id: g, data: ${JSON.stringify(data)}, oversize: split }\n`;
    for (const data of [
      '{{ row.a }}',
      '{{ json(row.a) }}',
      '{{ flatten(row.a) }}',
      '{{ row.a == row.b }}',
      '{{ hash(row.a) }}',
    ]) {
      const { fates } = mapRows(episode(data), [{ a: deep, b: JSON.parse(JSON.stringify([1])) as unknown }]);
      expect(['mapped', 'rejected']).toContain(fates[0]);
    }
    const twice = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
    expect(mapRows(episode('{{ row.a == row.b }}'), [{ a: deep, b: twice }]).rejections[0]?.code).toBe('too-deep');
    expect(mapRows(episode('{{ row.a }}'), [{ a: deep }]).rejections[0]?.code).toBe('too-deep');
  });

  test('a megabyte in one field is handled by its rule', () => {
    const text = 'word '.repeat(200_000);
    expect(mapRows(message('{{ a }}'), [{ a: text }]).items.length).toBe(Math.ceil(1_000_000 / 4095));
    expect(mapRows(message('c', 'name: "{{ a }}"'), [{ a: text }]).rejections[0]?.message).toContain(
      '1,000,000 characters',
    );
  });

  test('rejections hold nothing of the row but names, and words of a small set', () => {
    const secret = 'S3CRET'.repeat(20);
    const row = {
      id: 1,
      text: secret,
      name: secret,
      at: secret,
      n: secret,
      b: secret,
      meta: { a: { [secret]: 1 } },
      tags: [secret],
    };
    const { rejections } = mapRows(EVERYTHING, [row]);
    expect(rejections.length).toBeGreaterThan(0);
    for (const { message: text } of rejections) expect(text).not.toContain('S3CRET');
  });
});

describe('any text as a mapping file', () => {
  test('is a mapping or a usage error', () => {
    const piece = fc.constantFrom(
      'version: 1\n',
      'item:',
      '  type: ',
      'thread_message\n',
      '{{',
      '}}',
      ' x ',
      '"',
      "'",
      '!',
      '&a',
      '*a',
      ': ',
      '- ',
      '\n',
      '\t',
      '|',
      '>',
      '%',
      '@',
      '{',
      '}',
      '[',
      ']',
      ',',
      '#',
      '?',
      'where: ',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(text, (source) => {
        try {
          parseMapping(source, 'm.yaml');
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
          expect((error as AppError).code).toBe('mapping-invalid');
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('any text as an expression is an expression or a mistake with a place', () => {
    const piece = fc.constantFrom(
      'a',
      'in',
      ' ',
      '.',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '"""',
      'r"',
      '\\',
      '//',
      '\n',
      '1',
      '0x',
      '1e',
      '==',
      '!',
      '&&',
      '?',
      ':',
      ',',
      'map',
      'größe',
      'package',
      '`',
      '-',
      '😀',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const expression = pieces.join('');
        expect(maskNames(expression)).toHaveLength(expression.length);
        try {
          mapRows(`where: ${JSON.stringify(expression)}\n${message('x')}`, [{ a: 1 }]);
        } catch (error) {
          expect((error as Error).message).toMatch(/^map\.yaml:2:\d+ where: /);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('natural order is an order', () => {
    const text = fc.stringMatching(/^[a-c0-2]{0,6}$/);
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        expect(Math.sign(compareNaturally(a, b))).toBe(-Math.sign(compareNaturally(b, a)) + 0);
        if (compareNaturally(a, b) <= 0 && compareNaturally(b, c) <= 0)
          expect(compareNaturally(a, c)).toBeLessThanOrEqual(0);
        expect(compareNaturally(a, b) === 0).toBe(a === b);
      }),
      { numRuns: 2000 },
    );
  });
});
