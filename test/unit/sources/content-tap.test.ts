import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.js';
import type { ContentTap, Source } from '../../../src/model.js';
import { discoverSources, type SourceOptions } from '../../../src/sources/index.js';
import { cut, drain, essence, tempFile, tempFolder, zstdFrame, type Outcome } from './support.js';

/** Knows the first bytes of a content by heart, in stretches of any size, and writes down what else it is shown. */
class RecordingTap implements ContentTap {
  readonly knownTo: number;
  taken = Buffer.alloc(0);
  begun: readonly [number, number] | undefined;
  ended: number | undefined;

  constructor(
    private readonly known: Buffer,
    private readonly stretchBytes: number,
    readonly fromStart = false,
  ) {
    this.knownTo = known.length;
  }

  stretch(at: number): { from: number; to: number } {
    if (at >= this.knownTo) throw new RangeError('nothing is known there');
    const from = at - (at % this.stretchBytes);
    return { from, to: Math.min(from + this.stretchBytes, this.knownTo) };
  }

  begin(at: number, line: number): void {
    this.begun = [at, line];
  }

  check(bytes: Uint8Array, at: number): void {
    const { from, to } = this.stretch(at);
    expect(from).toBe(at);
    if (this.known.compare(bytes, 0, bytes.length, from, to) !== 0) throw this.#changed();
  }

  async take(bytes: Uint8Array, at: number): Promise<void> {
    expect(at).toBe(this.knownTo + this.taken.length);
    // Only after a while: what is lent must stay as it is until then.
    await Promise.resolve();
    this.taken = Buffer.concat([this.taken, bytes]);
  }

  end(at: number): void {
    this.ended = at;
    if (at < this.knownTo) throw this.#changed();
  }

  get seen(): Buffer {
    return Buffer.concat([this.known, this.taken]);
  }

  #changed(): AppError {
    return new AppError('it changed', { code: 'source-changed', disposition: 'ledger' });
  }
}

const RECORDS = Array.from({ length: 40 }, (_, i) => ({ i: `${i}`, é: `${'x'.repeat(i % 7)}€ ${i}` }));
const jsonl = RECORDS.map((record) => `${JSON.stringify(record)}\n`).join('');
const elements = jsonl.trim().replaceAll('\n', ',\n');
const FORMATS: readonly (readonly [string, string, SourceOptions])[] = [
  ['t.jsonl', jsonl, {}],
  ['t.csv', `i,é\n${RECORDS.map((each) => `${each.i},${each.é}`).join('\n')}\n`, {}],
  ['t.csv', `i;é\r\n${RECORDS.map((each) => `${each.i};"${each.é}\n;"`).join('\r\n')}`, {}],
  ['t.tsv', `i\té\n${RECORDS.map((each) => `${each.i}\t${each.é}`).join('\n')}\n`, {}],
  ['t.json', `[\n${elements}\n]\n`, {}],
  ['t.json', `{"x":[1],"rows":[${elements}],"y":2}`, { path: 'rows' }],
  ['t.json', jsonl.replaceAll('\n', ' '), {}],
];

const ENCODINGS: Readonly<Record<string, (text: string) => Buffer>> = {
  'utf-8': (text) => Buffer.from(text),
  'utf-8 with a mark': (text) => Buffer.from(`\uFEFF${text}`),
  'utf-16le': (text) => Buffer.from(text, 'utf16le'),
  'utf-16le with a mark': (text) => Buffer.from(`\uFEFF${text}`, 'utf16le'),
  'utf-16be with a mark': (text) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16(),
  'windows-1252': (text) =>
    Buffer.from(Array.from(text, (character) => (character === '€' ? '\u0080' : character)).join(''), 'latin1'),
};

const COMPRESSIONS: Readonly<Record<string, (content: Buffer) => Buffer>> = {
  '': (content) => content,
  '.gz': (content) => Buffer.concat([zlib.gzipSync(content.subarray(0, 99)), zlib.gzipSync(content.subarray(99))]),
  '.br': (content) => zlib.brotliCompressSync(content),
  '.zst': (content) => zstdFrame([content]),
};

interface Sample {
  readonly name: string;
  readonly content: Buffer;
  readonly packed: Buffer;
  readonly options: SourceOptions;
}

function sampleOf(format: number, encoding: string, compression: string): Sample {
  const [name = '', text = '', options = {}] = FORMATS[format] ?? [];
  const content = ENCODINGS[encoding]?.(text) ?? Buffer.alloc(0);
  const packed = COMPRESSIONS[compression]?.(content) ?? content;
  return {
    name: name + compression,
    content,
    packed,
    options: encoding === 'windows-1252' ? { ...options, encoding } : options,
  };
}

async function opened(path: string, options: SourceOptions): Promise<Source> {
  const [source] = await discoverSources([path], options);
  if (source === undefined) throw new Error('no source');
  return source;
}

/** What a whole reading gives from the record with this ordinal on. */
function behind(whole: Outcome, ordinal: number): unknown {
  return essence({ ...whole, entries: whole.entries.slice(ordinal), raws: whole.raws.slice(ordinal) });
}

const samples = fc
  .tuple(
    fc.nat(FORMATS.length - 1),
    fc.constantFrom(...Object.keys(ENCODINGS)),
    fc.constantFrom(...Object.keys(COMPRESSIONS)),
  )
  .map((choice) => sampleOf(...choice));

describe('the content of a source', () => {
  const all = FORMATS.flatMap((_, format) =>
    Object.keys(ENCODINGS).flatMap((encoding) =>
      Object.keys(COMPRESSIONS).map((compression) => [format, encoding, compression] as const),
    ),
  );

  it.each(all)('passes its tap once, whole and in order (format %i, %s, packed %s)', async (...choice) => {
    const { name, content, packed, options } = sampleOf(...choice);
    const source = await opened(await tempFile(name, packed), options);
    const whole = await drain(source);
    expect([whole.error, whole.records.length]).toEqual([undefined, RECORDS.length]);
    const tap = new RecordingTap(Buffer.alloc(0), 1);
    const tapped = await drain(source, undefined, tap);
    expect(essence(tapped)).toEqual(essence(whole));
    expect([tap.seen.equals(content), tap.ended]).toEqual([true, content.length]);
    expect(tapped.bytesRead).toBe(whole.bytesRead);
  });

  it('passes it so however much of it is known, wherever reading begins and however small the reads are', async () => {
    const folder = await tempFolder();
    await fc.assert(
      fc.asyncProperty(
        samples,
        fc.nat(),
        fc.integer({ min: 1, max: 4000 }),
        fc.integer({ min: 1, max: 600 }),
        fc.option(fc.nat(RECORDS.length - 1), { nil: undefined }),
        fc.boolean(),
        async ({ name, content, packed, options }, known, stretchBytes, blockBytes, ordinal, fromStart) => {
          const path = join(folder, name);
          await writeFile(path, packed);
          const source = await opened(path, { ...options, blockBytes });
          const whole = await drain(source);
          const from = ordinal === undefined ? undefined : whole.entries[ordinal]?.position;
          const tap = new RecordingTap(content.subarray(0, known % (content.length + 1)), stretchBytes, fromStart);
          const tapped = await drain(source, from, tap);
          expect(essence(tapped)).toEqual(behind(whole, ordinal ?? 0));
          expect([tap.seen.equals(content), tap.ended]).toEqual([true, content.length]);
          const enters = from !== undefined && !fromStart && !/(gz|br|zst)$/.test(name);
          expect(tap.begun).toEqual(enters ? [from.byteStart, from.line] : undefined);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('passes it so from a pipe, however it is cut into reads', async () => {
    await fc.assert(
      fc.asyncProperty(
        samples.filter(({ name }) => !name.endsWith('.br')),
        fc.array(fc.nat(6000), { maxLength: 12 }),
        fc.nat(),
        fc.integer({ min: 1, max: 4000 }),
        fc.integer({ min: 1, max: 600 }),
        fc.option(fc.nat(RECORDS.length - 1), { nil: undefined }),
        async ({ name, content, packed, options }, cuts, known, stretchBytes, blockBytes, ordinal) => {
          const format = name.includes('.jsonl') ? 'jsonl' : name.includes('.json') ? 'json' : 'csv';
          const all = { ...options, format, blockBytes } as const;
          const pipe = (): SourceOptions => ({ ...all, stdin: Readable.from(cut(packed, cuts), { objectMode: true }) });
          const whole = await drain(await opened('-', pipe()));
          const from = ordinal === undefined ? undefined : whole.entries[ordinal]?.position;
          const tap = new RecordingTap(content.subarray(0, known % (content.length + 1)), stretchBytes);
          const tapped = await drain(await opened('-', pipe()), from, tap);
          expect(essence(tapped)).toEqual(behind(whole, ordinal ?? 0));
          expect([tap.seen.equals(content), tap.ended]).toEqual([true, content.length]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('that differs from what is known is handed on up to the stretch before, and the failure is not swallowed', async () => {
    const folder = await tempFolder();
    await fc.assert(
      fc.asyncProperty(
        samples,
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 600 }),
        async ({ name, content, packed, options }, known, place, stretchBytes, blockBytes) => {
          const path = join(folder, name);
          await writeFile(path, packed);
          const source = await opened(path, { ...options, blockBytes });
          const whole = await drain(source);
          const before = Buffer.from(content.subarray(0, 1 + (known % content.length)));
          const at = place % before.length;
          before[at] = (before[at] ?? 0) ^ 0x20;
          const { entries, error } = await drain(source, undefined, new RecordingTap(before, stretchBytes));
          expect(error).toMatchObject({ code: 'source-changed' });
          const limit = at - (at % stretchBytes);
          for (const { position } of entries) expect(position.byteEnd).toBeLessThanOrEqual(limit);
          expect(entries).toEqual(whole.entries.slice(0, entries.length));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('that ends before what is known of it is an error, and what is new behind it is not told', async () => {
    const source = await opened(await tempFile('t.jsonl', jsonl), {});
    const tap = new RecordingTap(Buffer.from(`${jsonl}x`), 1000);
    expect((await drain(source, undefined, tap)).error).toMatchObject({ code: 'source-changed' });
    expect(tap.taken.length).toBe(0);
  });

  it('that a tap cannot take ends the reading with the error of the tap', async () => {
    const source = await opened(await tempFile('t.jsonl', jsonl), { blockBytes: 100 });
    const tap = new RecordingTap(Buffer.alloc(0), 1);
    const full = new AppError('the disk is full', { code: 'disk-full', disposition: 'ledger' });
    tap.take = () => Promise.reject(full);
    const outcome = await drain(source, undefined, tap);
    expect([outcome.error, outcome.entries.length]).toEqual([full, 0]);
  });
});
