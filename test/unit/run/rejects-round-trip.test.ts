import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AppError } from '../../../src/errors.js';
import { RejectsFiles } from '../../../src/run/rejects-files.js';
import type { SourceOptions } from '../../../src/sources/index.js';
import {
  expectedReadings,
  readBack,
  rejectRows,
  tempFile,
  tempFolder,
  type Reading,
  type Rejected,
} from './rejects-support.js';

/** Rejects every row of which `bad` is true (by number, repeating) and reads the rejects files again with the same options. */
async function expectRoundTrip(
  name: string,
  content: Uint8Array,
  options: SourceOptions,
  bad: readonly boolean[],
  again?: (row: Rejected) => Reading,
): Promise<void> {
  const files = RejectsFiles.open(tempFolder(), []);
  let rejected: Rejected[];
  try {
    rejected = await rejectRows(files, [tempFile(name, content)], options, (index) => bad[index % bad.length] ?? false);
  } catch (error) {
    // No row of column names, or two of one name: nothing can be rejected.
    expect(['unreadable-source', 'duplicate-columns']).toContain((error as AppError).code);
    return fc.pre(false);
  }
  // Where the first row tells the number of columns, another must not come first; a row over several lines cannot be kept from it.
  fc.pre(
    options.csv?.header !== false || !rejected.some(({ raw, reading }) => reading === 'rejected' && /[\r\n]/.test(raw)),
  );
  fc.pre(rejected.length > 0);
  files.flush();
  const shown = files.paths.map((path) => readFileSync(path, 'latin1'));
  expect({ read: await readBack(files.paths, options), shown }).toEqual({
    read: expectedReadings(files, rejected, again),
    shown,
  });
}

const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

type Encode = (text: string) => Buffer;

const ENCODINGS: readonly { readonly encoding?: string; readonly encode: Encode }[] = [
  { encode: (text) => Buffer.from(text) },
  { encode: (text) => Buffer.from(`\uFEFF${text}`) },
  { encode: (text) => Buffer.from(`\uFEFF${text}`, 'utf16le') },
  { encoding: 'utf-16be', encode: (text) => Buffer.from(text, 'utf16le').swap16() },
  { encoding: 'windows-1252', encode: (text) => Buffer.from(text, 'latin1') },
  { encoding: 'windows-1253', encode: (text) => Buffer.from(text, 'latin1') },
  { encode: (text) => Buffer.from(text, 'latin1') },
];

/** Raised by hand for a long search. */
const RUNS = 120;
const bad = fc.array(fc.boolean(), { minLength: 1, maxLength: 8 });
const parts = (list: readonly string[], maxLength = 40): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...list), { maxLength }).map((some) => some.join(''));

describe('rejected rows, read again as their sources were', () => {
  const dialects: readonly (readonly [string, SourceOptions['csv'] & object])[] = [
    ['as most files are', {}],
    ['with escapes and comments', { escape: '\\', comment: '#' }],
    ['with blanks to trim and short rows', { trim: true, ragged: 'allow', delimiter: ',' }],
    ['without quotes', { quote: '', delimiter: ';' }],
    ['with other quotes and empty cells kept', { quote: "'", empty: 'keep' }],
    ['with long delimiters', { delimiter: '||' }],
    ['with long delimiters and escapes', { delimiter: '||', escape: '\\', comment: '#' }],
    ['with column names given', { columns: ['x', 'y'] }],
    ['with column names replaced', { columns: ['x', 'y'], header: true, delimiter: ',' }],
    ['without column names', { header: false, delimiter: ',' }],
  ];
  const tokens = ['a', 'é', ',', ',', ';', '|', '||', '"', '""', "'", '\n', '\n', '\r\n', '\r', ' ', '\\', '#'];
  const hostile = ['\0', '\uFEFF', '\u2028', '€', 'sep=;\n', 'x'.repeat(30), '\n1,2\n', '\n"x",y\n', '\n5",z\n'];
  const table = fc
    .tuple(
      fc.constantFrom('', 'sep=;\r\n', 'a,b\n', 'a;b\r\n', 'a||b\n', '"a";b,c\r', "'a';'b'\n", '\n#\na,b\n', 'a\0,b\n'),
      parts([...tokens, ...hostile]),
    )
    .map((both) => both.join(''));

  it.each(dialects)('CSV %s gives the rejected rows and nothing else', async (_, csv) => {
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom(...ENCODINGS),
        bad,
        fc.constantFrom(20, 1000),
        fc.constantFrom(9, 70, 100_000),
        fc.constantFrom('t.csv', 't.tsv'),
        async (text, { encoding, encode }, isBad, maxRecordBytes, blockBytes, name) => {
          // A comment line beyond the limit is a row too long, and nothing but a comment when it is cut.
          fc.pre(csv.comment === undefined || maxRecordBytes > 100);
          const options = { csv, maxRecordBytes, blockBytes, ...(encoding === undefined ? {} : { encoding }) };
          await expectRoundTrip(name, encode(text), options, isBad);
        },
      ),
      { numRuns: RUNS },
    );
  });

  const json = [
    '{"a":1}',
    '{"é":"€"}',
    '[]',
    '7',
    'tru',
    '"x\u2028y"',
    '"a\nb"',
    '{"b":\r\n2}',
    '{',
    '}',
    '[',
    ']',
    '"',
    '\\',
  ];
  const between = [',', ',', ',\n  ', '\n', '\r\n', ' ', '\r', '\0', '\uFEFF', '{"long":"xxxxxxxxxxxxxxxxxxxx"}', ':'];

  /** What is sound by itself is read, whatever stood around it. */
  const soundOrRejected = ({ raw, reading }: Rejected): Reading => {
    if (reading !== 'rejected') return reading;
    try {
      return isWellFormed(raw) ? { value: JSON.parse(raw) as unknown } : 'rejected';
    } catch {
      return 'rejected';
    }
  };

  it.each([
    ['lines', 'jsonl', '', '', {}],
    ['an array', 'json', '[', ']', {}],
    ['an array inside a document', 'json', '{"x":[2],"rows":[\n  {"a":0},\n  ', ']}', { path: 'rows' }],
    ['values one after another', 'json', '{"a":0}{"a":1}\n', '', {}],
  ] as const)('JSON as %s gives the rejected rows, whatever is sound in them, and nothing else', async (...row) => {
    const [, format, before, after, given] = row;
    await fc.assert(
      fc.asyncProperty(
        parts([...json, ...between, ...between]),
        fc.constantFrom(...ENCODINGS),
        bad,
        fc.constantFrom(20, 1000),
        fc.constantFrom(9, 70, 100_000),
        async (text, { encoding, encode }, isBad, maxRecordBytes, blockBytes) => {
          const options = { ...given, maxRecordBytes, blockBytes, ...(encoding === undefined ? {} : { encoding }) };
          await expectRoundTrip(`t.${format}`, encode(before + text + after), options, isBad, soundOrRejected);
        },
      ),
      { numRuns: RUNS },
    );
  });
});
