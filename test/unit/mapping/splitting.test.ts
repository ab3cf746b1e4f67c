import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countCharacters, isLonger } from '../../../src/mapping/items/characters.js';
import { splitJson } from '../../../src/mapping/items/split-json.js';
import { splitText } from '../../../src/mapping/items/split-text.js';

describe('splitting text', () => {
  const prose = fc
    .array(
      fc.constantFrom('word', 'a', '😀', '. ', '! ', ' ', '\n', '\n\n', '\r\n', '\r\n\r\n', '日本語。', 'é', '👨‍👩‍👧', '…'),
      {
        minLength: 1,
        maxLength: 300,
      },
    )
    .map((pieces) => pieces.join(''));

  test('keeps every character, fits the limit, never cuts a surrogate pair and makes no blank part', () => {
    fc.assert(
      fc.property(prose, fc.integer({ min: 5, max: 60 }), (text, limit) => {
        fc.pre(text.trim() !== '');
        const parts = splitText(text, limit);
        if (parts === undefined) return;
        expect(parts.join('')).toBe(text);
        for (const part of parts) {
          expect([...part].length).toBeLessThanOrEqual(limit);
          expect(part.trim()).not.toBe('');
          expect(/^[\udc00-\udfff]|[\ud800-\udbff]$/.test(part)).toBe(false);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('gives up only where so much white space stands that a part would be blank', () => {
    fc.assert(
      fc.property(prose, fc.integer({ min: 5, max: 60 }), (text, limit) => {
        fc.pre(text.trim() !== '');
        const longest = Math.max(0, ...(text.match(/\s+/g) ?? []).map((run) => run.length));
        if (longest < limit / 2 - 1) expect(splitText(text, limit)).toBeDefined();
      }),
      { numRuns: 1000 },
    );
  });

  test('cuts behind a paragraph, else behind a sentence, else behind a word, else anywhere', () => {
    expect(splitText('One. Two.\n\nThree. Four.', 14)).toEqual(['One. Two.\n\n', 'Three. Four.']);
    expect(splitText('One. Two.\r\n\r\nThree.', 14)).toEqual(['One. Two.\r\n\r\n', 'Three.']);
    expect(splitText('First one. Second one. Third', 24)).toEqual(['First one. Second one. ', 'Third']);
    expect(splitText('aaa bbb ccc ddd', 9)).toEqual(['aaa bbb ', 'ccc ddd']);
    expect(splitText('abcdefghij', 4)).toEqual(['abcd', 'efgh', 'ij']);
    expect(splitText('😀😀😀', 2)).toEqual(['😀😀', '😀']);
    expect(splitText('これは文です。次の文です。', 8)).toEqual(['これは文です。', '次の文です。']);
  });

  test('a single line end inside CRLF text is no paragraph', () => {
    expect(splitText('Ab\r\nCd. Ef gh', 10)).toEqual(['Ab\r\nCd. ', 'Ef gh']);
  });

  test('white space at the end goes with the text before it', () => {
    expect(splitText('aaaaaaaaaa\n\n', 10)?.join('')).toBe('aaaaaaaaaa\n\n');
    expect(splitText(`a${' '.repeat(30)}`, 10)).toBeUndefined();
  });

  test('a text far over the limit is split in a time that grows with its length', () => {
    const text = 'Lorem ipsum dolor sit amet. '.repeat(40_000);
    const parts = splitText(text, 4096) ?? [];
    expect(parts.join('')).toBe(text);
    expect(splitText('\n \t'.repeat(3000) + 'x'.repeat(30_000), 10_000)?.join('').length).toBe(39_000);
  });
});

describe('counting characters', () => {
  test('counts code points as they are, also of broken text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), fc.integer({ min: 0, max: 60 }), (text, limit) => {
        expect(countCharacters(text)).toBe([...text].length);
        expect(isLonger(text, limit)).toBe([...text].length > limit);
      }),
    );
  });
});

describe('splitting JSON', () => {
  /** Paths of all leaves with their values; places in lists left out. */
  function leaves(value: unknown, path: string): string[] {
    if (typeof value !== 'object' || value === null) return [`${path}=${JSON.stringify(value)}`];
    const entries = Object.entries(value);
    if (entries.length === 0) return [`${path}=${JSON.stringify(value)}`];
    return entries.flatMap(([key, each]) => leaves(each, Array.isArray(value) ? `${path}[]` : `${path}.${key}`));
  }

  test('every part is JSON within the limit, and together they have the leaves of the whole in their order', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.integer({ min: 20, max: 80 }), (value, limit) => {
        const parts = splitJson(value, limit);
        if (parts === undefined) return;
        for (const part of parts) expect([...part].length).toBeLessThanOrEqual(limit);
        expect(parts.flatMap((part) => leaves(JSON.parse(part), ''))).toEqual(
          leaves(JSON.parse(JSON.stringify(value)), ''),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test('splits at members, inside members where one alone is too long, and not inside a leaf', () => {
    expect(splitJson({ a: 1, b: 2, c: 3 }, 14)).toEqual(['{"a":1,"b":2}', '{"c":3}']);
    expect(splitJson({ a: { b: 1, c: 2 }, d: 3 }, 14)).toEqual(['{"a":{"b":1}}', '{"a":{"c":2}}', '{"d":3}']);
    expect(splitJson([1, 2, 3], 5)).toEqual(['[1,2]', '[3]']);
    expect(splitJson({ a: 'x'.repeat(50) }, 20)).toBeUndefined();
  });
});
