import { describe, expect, it } from 'vitest';
import { encodeRaw } from '../../../src/raw-text.js';
import { discoverSources } from '../../../src/sources/index.js';
import { readPieces, readText, tempFile } from './support.js';

const TEXT = '{"t":"naïve € 東京 𝄞"}\n{"t":"second"}\n';
const bigEndian = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

const cases: readonly (readonly [string, Buffer, string | undefined])[] = [
  ['UTF-8', Buffer.from(TEXT), undefined],
  ['UTF-8 with a mark', Buffer.from(`\uFEFF${TEXT}`), undefined],
  ['UTF-16 little endian with a mark', Buffer.from(`\uFEFF${TEXT}`, 'utf16le'), undefined],
  ['UTF-16 big endian with a mark', bigEndian(`\uFEFF${TEXT}`), undefined],
  ['UTF-16 little endian by its pattern', Buffer.from(TEXT, 'utf16le'), undefined],
  ['UTF-16 big endian by its pattern', bigEndian(TEXT), undefined],
  ['UTF-16 by name', Buffer.from(TEXT, 'utf16le'), 'utf-16le'],
  ['UTF-16 by name with a mark', Buffer.from(`\uFEFF${TEXT}`, 'utf16le'), 'utf-16'],
  ['UTF-8 with a mark, another encoding named', Buffer.from(`\uFEFF${TEXT}`), 'windows-1252'],
  ['UTF-16 with a mark, another encoding named', bigEndian(`\uFEFF${TEXT}`), 'utf-8'],
  ['UTF-16 with a mark, the other byte order named', bigEndian(`\uFEFF${TEXT}`), 'utf-16le'],
];

describe('encodings', () => {
  it.each(cases)('%s is read, and positions count the bytes of the file', async (_, bytes, encoding) => {
    const outcome = await readText('t.jsonl', bytes, { encoding });
    expect(outcome.values).toEqual([{ t: 'naïve € 東京 𝄞' }, { t: 'second' }]);
    expect(outcome.bytesRead).toBe(bytes.length);
    const second = outcome.records[1]?.position;
    const unit = bytes.length > 60 ? 2 : 1;
    expect(second?.byteEnd).toBe(bytes.length - unit);
    expect((second?.byteEnd ?? 0) - (second?.byteStart ?? 0)).toBe('{"t":"second"}'.length * unit);
    expect(outcome.raws[1]).toBe('{"t":"second"}');
  });

  it.each(['windows-1252', 'latin1', 'iso-8859-1', 'cp1252'])(
    'every byte of %s means what the web takes it for',
    async (encoding) => {
      const high = Buffer.from(Array.from({ length: 128 }, (_, i) => 128 + i));
      const outcome = await readText('t.csv', Buffer.concat([Buffer.from('a;b\nx;'), high, Buffer.from('\ny;z\n')]), {
        encoding,
      });
      const [first, second] = outcome.values as { b: string }[];
      expect(first?.b).toHaveLength(128);
      expect(first?.b.slice(0, 16)).toBe('€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f');
      expect(first?.b.slice(16, 32)).toBe('\u0090‘’“”•–—˜™š›œ\u009džŸ');
      expect(first?.b.slice(32)).toBe(high.subarray(32).toString('latin1'));
      expect(second).toEqual({ a: 'y', b: 'z' });
      expect(outcome.records[1]?.position).toMatchObject({ byteStart: 135, byteEnd: 138, line: 3 });
    },
  );

  it('other one-byte encodings work by name', async () => {
    const outcome = await readText('t.csv', Buffer.from([0x61, 0x0a, 0xcf, 0xf0, 0xe8]), { encoding: 'windows-1251' });
    expect(outcome.values).toEqual([{ a: 'При' }]);
  });

  it('a CSV in UTF-16 is read with its delimiter found', async () => {
    const outcome = await readText('t.csv', Buffer.from('\uFEFFid\tname\r\n1\tⱡ一ਗĀ\r\n', 'utf16le'));
    expect(outcome.values).toEqual([{ id: '1', name: 'ⱡ一ਗĀ' }]);
  });

  it('half a character and lone surrogates reject their row, not the file', async () => {
    const lone = Buffer.from([
      ...Buffer.from('{"a":"', 'utf16le'),
      0x00,
      0xd8,
      ...Buffer.from('"}\n{"a":1}\n', 'utf16le'),
    ]);
    const outcome = await readText('t.jsonl', lone);
    expect(outcome.rejections.map((r) => r.code)).toEqual(['invalid-encoding']);
    expect(outcome.values).toEqual([{ a: 1 }]);
    const cut = await readText(
      't.jsonl',
      Buffer.concat([Buffer.from('{"a":1}\n{"a":2}', 'utf16le'), Buffer.from([0x7d])]),
    );
    expect(cut.values).toEqual([{ a: 1 }]);
    expect(cut.rejections).toHaveLength(1);
  });

  it('a JSON line that is not valid UTF-8 is rejected with its place', async () => {
    const outcome = await readText(
      't.jsonl',
      Buffer.concat([Buffer.from('{"a":1}\n{"a":"'), Buffer.from([0xe9]), Buffer.from('"}\n{"a":3}\n')]),
    );
    expect(outcome.values).toEqual([{ a: 1 }, { a: 3 }]);
    expect(outcome.rejections[0]).toMatchObject({ code: 'invalid-encoding', position: { line: 2, byteStart: 8 } });
  });

  it('a mark wins over a name also for the format that is found out from the content', async () => {
    const outcome = await readText('t', Buffer.from(`\uFEFF${TEXT}`), { encoding: 'utf-16le' });
    expect(outcome.values).toEqual([{ t: 'naïve € 東京 𝄞' }, { t: 'second' }]);
  });

  it('nobody is advised to name an encoding where that would change nothing', async () => {
    const bytes = Buffer.from('\uFEFF{"a":"\xff"}\n', 'latin1');
    const marked = await readText('t.jsonl', Buffer.concat([Buffer.from('\uFEFF'), bytes.subarray(1)]));
    expect(marked.rejections[0]?.message).toContain('byte order mark');
    const named = await readText('t.jsonl', bytes.subarray(1), { encoding: 'utf-8' });
    expect(named.rejections[0]?.message).toContain('given encoding');
    const neither = await readText('t.jsonl', bytes.subarray(1));
    expect(neither.rejections[0]?.message).toContain('encoding: windows-1252');
  });

  it.each([
    ['UTF-8', Buffer.from(TEXT), undefined, undefined],
    ['UTF-8 with a mark', Buffer.from(`\uFEFF${TEXT}`), undefined, '\uFEFF'],
    ['UTF-16', Buffer.from(TEXT, 'utf16le'), undefined, '\uFEFF'],
    ['a one-byte encoding', Buffer.from('{"a":1}\n'), 'windows-1252', '\uFEFF'],
  ])('rows of a source in %s that are written as UTF-8 need the right mark', async (_, bytes, encoding, head) => {
    const [source] = await discoverSources([await tempFile('t.jsonl', bytes)], { encoding });
    for await (const block of source?.read(new AbortController().signal) ?? []) expect(block.head).toBe(head);
  });

  it('the text of a row keeps bytes that could not be decoded', async () => {
    const bytes = Buffer.from('\xe9 \xf0\x9d\x84 caf\xc3\xa9 \xed\xa0\x80\xff', 'latin1');
    const outcome = await readText('t.jsonl', bytes);
    expect(encodeRaw(outcome.raws[0] ?? '')).toEqual(bytes);
    expect(outcome.raws[0]).toContain(' café ');
  });

  it.each(['shift_jis', 'klingon'])('the unknown encoding %s is refused with what is known', async (encoding) => {
    await expect(readText('t.csv', 'a\n', { encoding })).rejects.toMatchObject({ code: 'unknown-encoding' });
  });

  it('transcoding does not depend on how small the reads are', async () => {
    for (const blockBytes of [1, 2, 3, 7, 20]) {
      const bytes = Buffer.from(`\uFEFF${TEXT}`, 'utf16le');
      const outcome = await readPieces(
        [...bytes].map((byte) => Buffer.from([byte])),
        { format: 'jsonl', blockBytes },
      );
      expect(outcome.values).toEqual([{ t: 'naïve € 東京 𝄞' }, { t: 'second' }]);
    }
  });
});
