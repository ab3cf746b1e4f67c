import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SourceOptions } from '../../../src/sources/index.js';
import { cut, essence, readPieces } from './support.js';

const bytesOf = (text: string): Buffer => Buffer.from(text, 'utf8');

/** Texts made of the tokens that matter to a format, in any order: mostly damaged, sometimes sound. */
const tokens = (...list: string[]): fc.Arbitrary<Buffer> =>
  fc.array(fc.constantFrom(...list), { maxLength: 40 }).map((parts) => bytesOf(parts.join('')));

const places = fc.array(fc.nat(400), { maxLength: 12 });
const blockBytes = fc.integer({ min: 1, max: 64 });

async function sameForAnySplit(bytes: Buffer, cuts: readonly number[], options: SourceOptions): Promise<void> {
  const { blockBytes: _, ...whole } = options;
  const expected = essence(await readPieces([bytes], whole));
  expect(essence(await readPieces(cut(bytes, cuts), options))).toEqual(expected);
}

const jsonl = tokens(
  '{"a":1}',
  '{"b":"é"}',
  '\n',
  '\r\n',
  '  ',
  '\uFEFF',
  '"x\u2028y"',
  '12345678901234567890',
  '{',
  '\r',
  'x'.repeat(30),
);
const json = tokens(
  ...[
    '[',
    ']',
    '{"a":1}',
    '{',
    '}',
    ',',
    '\n',
    ' ',
    '"é"',
    '"',
    '\\',
    '1e400',
    'true',
    ':',
    '\n  {"b":2}',
    ',\n  {"c":[{}]}',
    'x'.repeat(25),
  ],
);
const csv = tokens('a', 'é', ',', ',', '"', '""', '\n', '\n', '\r\n', '\r', ';', ' ', '\\', '#', 'x'.repeat(25));

describe('the cut of the input into reads', () => {
  it('changes nothing about JSON lines', async () => {
    await fc.assert(
      fc.asyncProperty(jsonl, places, blockBytes, fc.constantFrom(20, 1000), async (bytes, cuts, block, max) =>
        sameForAnySplit(bytes, cuts, { format: 'jsonl', blockBytes: block, maxRecordBytes: max }),
      ),
      { numRuns: 400 },
    );
  });

  it('changes nothing about JSON documents', async () => {
    await fc.assert(
      fc.asyncProperty(json, places, blockBytes, fc.constantFrom(20, 1000), async (bytes, cuts, block, max) =>
        sameForAnySplit(bytes, cuts, { format: 'json', blockBytes: block, maxRecordBytes: max }),
      ),
      { numRuns: 1000 },
    );
  });

  it('changes nothing about an array inside a JSON document', async () => {
    const wrapped = fc
      .tuple(json, json)
      .map(([inside, after]) =>
        Buffer.concat([bytesOf('{"meta":{"x":[1,"],"]},\n"data":{"items":'), inside, bytesOf('}}'), after]),
      );
    await fc.assert(
      fc.asyncProperty(wrapped, places, blockBytes, async (bytes, cuts, block) =>
        sameForAnySplit(bytes, cuts, { format: 'json', path: 'data.items', blockBytes: block }),
      ),
      { numRuns: 400 },
    );
  });

  it('changes nothing about plain CSV', async () => {
    await fc.assert(
      fc.asyncProperty(csv, places, blockBytes, fc.constantFrom(20, 1000), async (bytes, cuts, block, max) =>
        sameForAnySplit(bytes, cuts, {
          format: 'csv',
          csv: { columns: ['a', 'b'], delimiter: ',', ragged: 'allow' },
          blockBytes: block,
          maxRecordBytes: max,
        }),
      ),
      { numRuns: 1000 },
    );
  });

  it.each([';', ',', ',,'])('changes nothing about CSV in other dialects (delimiter %s)', async (delimiter) => {
    await fc.assert(
      fc.asyncProperty(csv, places, blockBytes, async (bytes, cuts, block) =>
        sameForAnySplit(bytes, cuts, {
          format: 'csv',
          csv: { columns: ['a', 'b'], delimiter, escape: '\\', comment: '#', trim: delimiter === ',', ragged: 'allow' },
          blockBytes: block,
        }),
      ),
      { numRuns: 600 },
    );
  });

  it.each(['utf-16le', 'utf-16be', 'windows-1252'])('changes nothing about text in %s', async (encoding) => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 80 }),
        jsonl,
        places,
        blockBytes,
        async (noise, text, cuts, block) => {
          const bytes = Buffer.concat([Buffer.from(text.toString('utf8'), 'utf16le'), noise]);
          await sameForAnySplit(bytes, cuts, { format: 'jsonl', encoding, blockBytes: block });
        },
      ),
      { numRuns: 200 },
    );
  });
});
