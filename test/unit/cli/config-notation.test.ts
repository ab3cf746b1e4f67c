import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPlain } from '../../../src/cli/config/plain-reader.js';
import { readYaml } from '../../../src/cli/config/yaml-reader.js';

/** Pieces of lines that a config file may hold, and that come near to what YAML reads otherwise. */
const key = fc.oneof(
  { weight: 5, arbitrary: fc.stringMatching(/^[a-z][a-zA-Z0-9_-]{0,5}$/) },
  fc.constantFrom('a', 'chunk-size', 'null', 'true', 'y', '1', "'q'"),
);
const value = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('', '', './a', '200', 'two words', "'q'", '"d"') },
  fc.constantFrom(
    ...['', '1', '007', '1e3', 'true', 'False', '~', 'null', './a b/c.yaml', '~/key', '5%', 'a, b', '64MiB'],
  ),
  fc.constantFrom(
    ...["'q # q'", '"d: d"', "'it''s'", '"a\\nb"', '[a, b]', '{ a: b }', '- a', '&x a', '*x', '!t a', '| ', '>'],
  ),
  fc.constantFrom(
    ...['a: b', 'a:', 'http://h:1/p?q', 'a #b', 'a# b', '@a', '`a', '%a', 'a  b', '---', '...', '.inf', '0x1F', 'x '],
  ),
  fc.string({ maxLength: 6 }),
);
const comment = fc.constantFrom('', '', '', ' # note', '  #', '#no');
const line = fc
  .tuple(
    fc.constantFrom('', '', '', '', '  ', '  ', '    ', ' ', '\t'),
    key,
    fc.constantFrom(': ', ': ', ': ', ': ', ': ', ':', ':  ', ' : '),
    value,
    comment,
  )
  .map((parts) => parts.join(''));
const text = fc.array(fc.oneof({ weight: 8, arbitrary: line }, fc.constantFrom('', '# only', '---', '  ')), {
  maxLength: 8,
});

describe('the everyday form of a config file', () => {
  it('is read exactly as YAML reads it, places too, or left to YAML', () => {
    let taken = 0;
    fc.assert(
      fc.property(text, (lines) => {
        const whole = lines.join('\n');
        const plain = readPlain(whole);
        if (plain === undefined) return;
        taken += 1;
        expect(readYaml(whole)).toEqual({ map: plain });
      }),
      { numRuns: 15_000 },
    );
    expect(taken).toBeGreaterThan(500);
  });

  it('is what people write', () => {
    const read = readPlain(
      "# note\nchunk-size: 200\nprofiles:\n  staging:\n    api-key-file: '~/k' # there\n\nwait: false\n",
    );
    expect(read?.entries.map(({ key: name }) => name)).toEqual(['chunk-size', 'profiles', 'wait']);
    expect(read?.entries[1]?.value).toMatchObject({
      kind: 'map',
      entries: [
        {
          key: 'staging',
          line: 4,
          value: { entries: [{ key: 'api-key-file', value: { text: '~/k', isQuoted: true } }] },
        },
      ],
    });
  });
});

describe('a config file in any other form of YAML', () => {
  it('is read, JSON too', () => {
    const json = readYaml('{ "chunk-size": 200, "create-missing": ["users", "graphs"] }');
    expect(json).toMatchObject({
      map: {
        entries: [
          { key: 'chunk-size', value: { text: '200' } },
          { value: { kind: 'list', items: [{ text: 'users' }, {}] } },
        ],
      },
    });
    expect(readYaml('')).toEqual({ map: { kind: 'map', line: 1, column: 1, entries: [] } });
  });

  it.each([
    ['a: 1\na: 2\n', 2, 'twice'],
    ['a: !x 1\n', 1, 'tag'],
    ['a: &x 1\nb: *x\n', 2, 'aliases'],
    ['- a\n', 1, 'a map'],
    ['a: [1\n', 2, ''],
    ['? [a]\n: b\n', 1, 'a key must be text'],
  ])('tells what is wrong and where: %j', (wrong, at, words) => {
    const read = readYaml(wrong);
    expect(read).toMatchObject({ mistakes: [{ line: at }] });
    expect(JSON.stringify(read)).toContain(words);
  });
});
