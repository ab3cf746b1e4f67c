import { describe, expect, it } from 'vitest';
import * as zlib from 'node:zlib';
import { cut, readPieces, readText, zstdFrame } from './support.js';

const ROWS = Array.from({ length: 3000 }, (_, i) => ({ id: i, text: `row ${i} ${'abc'.repeat(i % 50)}` }));
const TEXT = ROWS.map((row) => `${JSON.stringify(row)}\n`).join('');

/** `zstd -19` of `{"a":1}\n` repeated 40 times: compressed blocks and a checksum, as the zstd program writes them. */
const REAL_ZSTD = Buffer.from('KLUv/QRofQAAQHsiYSI6MX0KAQA11csFrR+CMg==', 'base64');

const half = (text: string, part: 0 | 1): Buffer => {
  const middle = text.indexOf('\n', text.length / 2) + 1;
  return Buffer.from(part === 0 ? text.slice(0, middle) : text.slice(middle));
};
const slices = (text: string): Buffer[] => {
  const bytes = Buffer.from(text);
  return cut(
    bytes,
    Array.from({ length: Math.floor(bytes.length / 100_000) }, (_, i) => (i + 1) * 100_000),
  ).map((b) => Buffer.from(b));
};

const packed: readonly (readonly [string, string, Buffer])[] = [
  ['gzip', 't.jsonl.gz', zlib.gzipSync(TEXT)],
  [
    'gzip of several members',
    't.jsonl.gz',
    Buffer.concat([zlib.gzipSync(half(TEXT, 0)), zlib.gzipSync(half(TEXT, 1))]),
  ],
  ['brotli', 't.jsonl.br', zlib.brotliCompressSync(TEXT)],
  ['zstd', 't.jsonl.zst', zstdFrame(slices(TEXT))],
  [
    'zstd of several frames with a skippable one between',
    't.jsonl.zst',
    Buffer.concat([
      zstdFrame(slices(half(TEXT, 0).toString())),
      Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]),
      zstdFrame(slices(half(TEXT, 1).toString())),
    ]),
  ],
  ['gzip the name does not tell', 't.jsonl', zlib.gzipSync(TEXT)],
  ['zstd the name does not tell', 't.jsonl', zstdFrame(slices(TEXT))],
  ['a name that says gzip over content that is plain', 't.jsonl.gz', Buffer.from(TEXT)],
];

describe('compressed sources', () => {
  it.each(packed)('%s is unpacked on the way', async (_, name, bytes) => {
    const outcome = await readText(name, bytes);
    expect(outcome.error).toBeUndefined();
    expect(outcome.values).toEqual(ROWS);
    expect(outcome.bytesRead).toBe(bytes.length);
    expect(outcome.records[1]?.position.byteStart).toBe(TEXT.indexOf('\n') + 1);
  });

  it.each(packed.filter(([, name]) => name !== 't.jsonl.br'))(
    '%s is unpacked from a pipe in small pieces',
    async (_, __, bytes) => {
      const outcome = await readPieces(
        cut(
          bytes,
          Array.from({ length: 300 }, (_, i) => i * 97),
        ),
        { format: 'jsonl' },
      );
      expect(outcome.values).toEqual(ROWS);
    },
  );

  it('what the zstd program wrote is read', async () => {
    const outcome = await readText('t.zst', REAL_ZSTD);
    expect(outcome.values).toEqual(Array.from({ length: 40 }, () => ({ a: 1 })));
  });

  it('the format inside a compressed file without another suffix is found by content', async () => {
    const outcome = await readText('dump.gz', zlib.gzipSync('id,name\n1,x\n2,y\n'));
    expect(outcome.values).toEqual([
      { id: '1', name: 'x' },
      { id: '2', name: 'y' },
    ]);
  });

  it.each(packed.slice(0, 5))(
    '%s that is cut short gives what came before and then an error, never a normal end',
    async (_, name, bytes) => {
      const outcome = await readText(name, bytes.subarray(0, Math.floor(bytes.length * 0.7)));
      expect(outcome.error).toMatchObject({ code: 'unreadable-source', disposition: 'usage' });
      expect(outcome.rejections).toEqual([]);
      expect(outcome.records.length).toBeGreaterThan(0);
      expect(outcome.records.length).toBeLessThan(ROWS.length);
      expect(outcome.values).toEqual(ROWS.slice(0, outcome.records.length));
    },
  );

  it.each(['t.json.gz', 't.csv.gz', 't.jsonl.gz'])(
    'a short %s that is cut short still gives its whole rows',
    async (name) => {
      const text = name.includes('csv')
        ? 'a,b\n1,2\n3,4\n'
        : name.includes('jsonl')
          ? '{"a":1}\n{"a":2}\n'
          : '[{"a":1},{"a":2},{"a":3}]';
      const bytes = zlib.gzipSync(text);
      const outcome = await readText(name, bytes.subarray(0, bytes.length - 4));
      expect(outcome.error).toMatchObject({ code: 'unreadable-source' });
      expect(outcome.records.length).toBeGreaterThanOrEqual(2);
    },
  );

  it.each([
    ['t.jsonl.gz', Buffer.concat([zlib.gzipSync(TEXT), Buffer.from('garbage')])],
    ['t.jsonl.zst', Buffer.concat([zstdFrame(slices(TEXT)), Buffer.from('garbage')])],
    ['t.jsonl.br', Buffer.from(TEXT)],
  ])('%s that is damaged is an error', async (name, bytes) => {
    expect((await readText(name, bytes)).error).toMatchObject({ code: 'unreadable-source' });
  });

  it('a zstd window too large for memory is refused before it is allocated', async () => {
    const huge = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x01, 0x00, 0x00]);
    const outcome = await readText('t.jsonl.zst', huge);
    expect(String(outcome.error)).toContain('window');
  });

  it('a small file that unpacks to a gigabyte without a line end costs one rejection and no memory', async () => {
    const blocks = Array.from({ length: 8192 }, () => ({ byte: 0x78, times: 131_072 }));
    const bomb = Buffer.concat([zstdFrame(blocks), zstdFrame([Buffer.from('\n{"a":1}\n')])]);
    const before = process.memoryUsage.rss();
    const outcome = await readText('t.jsonl.zst', bomb, { maxRecordBytes: 1024 * 1024 });
    expect(outcome.values).toEqual([{ a: 1 }]);
    expect(outcome.rejections.map((r) => [r.code, r.position.byteEnd])).toEqual([['record-too-long', 8192 * 131_072]]);
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1024 * 1024);
  });

  it('an empty compressed file is empty', async () => {
    for (const name of ['t.jsonl.gz', 't.jsonl.br', 't.jsonl.zst']) {
      const outcome = await readText(name, '');
      expect([outcome.entries, outcome.error]).toEqual([[], undefined]);
    }
  });
});
