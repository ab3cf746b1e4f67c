import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countCharacters } from '../../../src/mapping/items/characters.js';
import {
  BOUNDARIES,
  DEFAULT_SPLIT,
  splitPassages,
  type Boundary,
  type Passage,
} from '../../../src/mapping/items/split-passages.js';

const LIMIT = 10_000;
const split = (text: string, size: number, overlap = 0, at: readonly Boundary[] = BOUNDARIES): readonly string[] =>
  (splitPassages(text, { size, overlap, at: new Set(at) }, LIMIT) ?? []).map((passage) => passage.text);

/** The rules that hold for any text. */
function expectSound(text: string, passages: readonly Passage[], size: number, overlap: number): void {
  expect(passages.map((passage) => passage.text.slice(passage.repeated)).join('')).toBe(text);
  for (const [i, { text: part, from, repeated }] of passages.entries()) {
    expect(part.slice(repeated)).toBe(text.slice(from, from + part.length - repeated));
    expect(text.slice(0, from).endsWith(part.slice(0, repeated))).toBe(true);
    expect(countCharacters(part.slice(0, repeated))).toBeLessThanOrEqual(overlap);
    if (i > 0) expect(from - repeated).toBeGreaterThanOrEqual(passages[i - 1]?.from ?? 0);
    expect(part.trim()).not.toBe('');
    expect(/^[\udc00-\udfff]|[\ud800-\udbff]$/.test(part)).toBe(false);
    const content = i === 0 ? part.trim() : part.trimEnd();
    expect(countCharacters(content)).toBeLessThanOrEqual(size);
  }
}

const pieces = fc.constantFrom(
  ...[
    'word',
    'a',
    '😀',
    '. ',
    '! ',
    ' ',
    '\n',
    '\n\n',
    '\r\n',
    '\r\n\r\n',
    '日本語。',
    'é',
    '👨‍👩‍👧',
    '…',
    '\n# Title\n',
    '\n## Two\n\n',
  ],
  ...[
    'Line\n====\n',
    '```\n',
    '\n| a | b |\n',
    '    code',
    '\t',
    '\u00a0',
    'a\u0301\u0302\u0303',
    'https://example.org/a/long/path?with=query',
  ],
);
const prose = fc.array(pieces, { minLength: 1, maxLength: 400 }).map((all) => all.join(''));

describe('splitting into passages', () => {
  it('keeps every character, and exceeds neither the size nor the overlap, for any text', () => {
    fc.assert(
      fc.property(
        prose,
        fc.integer({ min: 10, max: 120 }),
        fc.integer({ min: 0, max: 50 }),
        fc.subarray([...BOUNDARIES]),
        (text, size, share, at) => {
          fc.pre(text.trim() !== '');
          const overlap = Math.floor((size * share) / 100);
          const passages = splitPassages(text, { size, overlap, at: new Set(at) }, LIMIT);
          expect(passages).toBeDefined();
          expectSound(text, passages ?? [], size, overlap);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('keeps every character of random text, with half characters too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 2000 }), fc.integer({ min: 10, max: 80 }), (text, size) => {
        fc.pre(text.trim() !== '');
        const passages = splitPassages(text, { size, overlap: 4, at: DEFAULT_SPLIT.at }, LIMIT);
        expectSound(text, passages ?? [], size, 4);
      }),
      { numRuns: 500 },
    );
  });

  it('begins a part at a heading, once the part before it is worth one, and repeats nothing there', () => {
    const text = `# One\n\n${'First. '.repeat(8)}\n\n## Two\n\n${'Second. '.repeat(8)}`;
    expect(split(text, 100, 10)).toEqual([`# One\n\n${'First. '.repeat(8)}\n\n`, `## Two\n\n${'Second. '.repeat(8)}`]);
    expect(split('# A\n\nshort\n\n# B\n\nshort too\n\n# C\n\nand so on', 45)).toEqual([
      '# A\n\nshort\n\n# B\n\nshort too\n\n',
      '# C\n\nand so on',
    ]);
  });

  it('knows underlined headings, and takes neither rules nor what stands in code for one', () => {
    const filler = 'Words of a paragraph. '.repeat(3);
    expect(split(`${filler}\n\nTitle\n=====\n\n${filler}`, 110)[1]).toBe(`Title\n=====\n\n${filler}`);
    expect(split(`${filler}\n\n\`\`\`\n# no title\n\n# none\n\`\`\`\n\nEnd. ${filler}`, 110)[1]).toMatch(/^End/);
  });

  it('never leaves a heading alone at the end of a part', () => {
    const text = `${'Sentence one here. '.repeat(4)}\n\n### Heading\n\n${'Body text. '.repeat(9)}`;
    for (let size = 60; size < 200; size++) {
      for (const part of split(text, size, 0, ['paragraphs', 'sentences'])) {
        expect(part.trimEnd().endsWith('### Heading')).toBe(false);
      }
    }
  });

  it('cuts at paragraphs, else sentences, else words, else characters as people see them', () => {
    expect(split('One one. Two two.\n\nThree three. Four.', 20)).toEqual([
      'One one. Two two.\n\n',
      'Three three. Four.',
    ]);
    expect(split('First one. Second one. Third', 24)).toEqual(['First one. Second one. ', 'Third']);
    expect(split('aaa bbb ccc ddd', 9)).toEqual(['aaa bbb ', 'ccc ddd']);
    expect(split('これは文です。次の文です。', 9)).toEqual(['これは文です。', '次の文です。']);
    expect(split('👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧', 12)).toEqual(['👨‍👩‍👧👨‍👩‍👧', '👨‍👩‍👧']);
    expect(split('One one. Two two.\n\nThree three.', 24, 0, [])).toEqual(['One one. Two two.\n\nThree ', 'three.']);
  });

  it('repeats the last sentence or the last words of the part before', () => {
    const text = 'The cat sat on the mat. It was red. Then the dog came in and barked at it for a while.';
    expect(split(text, 60, 20)).toEqual([
      'The cat sat on the mat. It was red. ',
      'It was red. Then the dog came in and barked at it for a ',
      'barked at it for a while.',
    ]);
    expect(split('The cat sat on the mat. It was red.\n\nThen the dog came in and barked.', 55, 20)[1]).toBe(
      'It was red.\n\nThen the dog came in and barked.',
    );
  });

  it('leaves a text alone that is not longer than the size', () => {
    expect(split('One.\n\nTwo.', 50)).toEqual(['One.\n\nTwo.']);
  });

  it('takes white space of any length up to the limit of the service, and gives up beyond it', () => {
    const gap = '\n'.repeat(5_000);
    expect(split(`${'a '.repeat(40)}${gap}b`, 50).join('')).toBe(`${'a '.repeat(40)}${gap}b`);
    expect(splitPassages(`a${'\n'.repeat(10_001)}b`, DEFAULT_SPLIT, LIMIT)).toBeUndefined();
  });

  it.each([
    ['one line', 'x'.repeat(2_000_000)],
    ['one mark upon the other', `a${'\u0301'.repeat(1_000_000)}`],
    ['headings only', '# h\n'.repeat(300_000)],
    ['an open code block', `\`\`\`\n${'a\n\n'.repeat(300_000)}`],
    ['blank lines', `a${'\n'.repeat(9_000)}`.repeat(200)],
    ['one sentence', 'word '.repeat(400_000)],
  ])('takes time in proportion to the text: %s', (_, text) => {
    const passages = splitPassages(text, DEFAULT_SPLIT, LIMIT) ?? [];
    expect(passages.reduce((sum, { text: part, repeated }) => sum + part.length - repeated, 0)).toBe(text.length);
  });

  const markdown = '../shared/data/zep-ingest-examples';
  it('keeps every character of real texts', ({ skip }) => {
    const files = realTexts(markdown);
    skip(files.length === 0, 'the real inputs are not here');
    for (const text of files) {
      for (const size of [100, 500, 1_000]) {
        const passages = splitPassages(text, { ...DEFAULT_SPLIT, size }, LIMIT);
        expectSound(text, passages ?? [], size, DEFAULT_SPLIT.overlap);
      }
    }
  });
});

function realTexts(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(md|txt|eml|json)$/.test(entry.name))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
      .filter((text) => text.trim() !== '');
  } catch {
    return [];
  }
}
