import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Spool, spoolTap, type SpoolState } from '../../../src/run/spool.js';
import { createContentTrails, discoverSources, type BeginTrail, type TrailState } from '../../../src/sources/index.js';

const folder = mkdtempSync(join(tmpdir(), 'zi-spool-'));
let begin: BeginTrail;
beforeAll(async () => {
  begin = await createContentTrails();
});
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const newPath = (): string => join(folder, `${files++}.gz`);

const LINES = Array.from({ length: 30_000 }, (_, i) => `{"i":${i},"text":"${'x'.repeat((i * 7) % 90)}"}\n`);
const CONTENT = Buffer.from(LINES.join(''));

async function takeAll(spool: Spool, content: Buffer, from: number, pieceBytes: number): Promise<void> {
  for (let at = from; at < content.length; at += pieceBytes)
    await spool.take(content.subarray(at, at + pieceBytes), at);
}

/** No member yet is no content. */
function contentOf(path: string): Buffer {
  const packed = readFileSync(path);
  return packed.length === 0 ? packed : gunzipSync(packed);
}

/** The numbers of the records a reading of the spool gives, to its end or to where it breaks. */
async function numbersIn(path: string): Promise<number[]> {
  const [source] = await discoverSources([path], { format: 'jsonl' });
  const numbers: number[] = [];
  try {
    for await (const block of source?.read(new AbortController().signal) ?? []) {
      for (const entry of block.entries) {
        if (entry.kind === 'record') numbers.push((entry.value as { i: number }).i);
      }
    }
  } catch (error) {
    expect(error).toMatchObject({ code: 'unreadable-source' });
  }
  return numbers;
}

describe('the copy of standard input', () => {
  it('that cannot be written ends the import with what, where and what next, and nothing else', async () => {
    const path = join(folder, 'missing', 'stdin.gz');
    await expect(Spool.open(path)).rejects.toMatchObject({
      code: 'spool-unwritable',
      disposition: 'ledger',
      message: expect.stringContaining(path) as string,
      hint: expect.stringContaining('--state-dir') as string,
    });
  });

  it.skipIf(!existsSync('/dev/full'))(
    'says that the disk is full, to whoever gives it more or relies on it',
    async () => {
      const spool = await Spool.open('/dev/full');
      const full = { code: 'disk-full', message: expect.stringContaining('/dev/full') as string };
      await spool.take(Buffer.from('a'), 0);
      await expect(spool.flushed()).rejects.toMatchObject(full);
      await expect(async () => spool.take(Buffer.from('b'), 1)).rejects.toMatchObject(full);
      await expect(spool.close()).rejects.toMatchObject(full);
    },
  );

  it('can be read only by its owner', async () => {
    const path = newPath();
    const spool = await Spool.open(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await spool.remove();
    expect(existsSync(path)).toBe(false);
  });

  it('holds all of the content, once and in order, however it came and however often it was flushed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 700_000 }), fc.boolean(), fc.nat(100)), { maxLength: 12 }),
        async (steps) => {
          const path = newPath();
          const spool = await Spool.open(path);
          let at = 0;
          for (const [length, flushes, again] of steps) {
            const from = Math.max(0, at - again);
            // What is lent is only lent.
            const lent = Buffer.from(CONTENT.subarray(from, at + length));
            await spool.take(lent, from);
            lent.fill(0);
            at = Math.min(CONTENT.length, at + length);
            if (!flushes) continue;
            expect(await spool.flushed()).toEqual({ contentBytes: at, fileBytes: statSync(path).size });
            expect(contentOf(path).equals(CONTENT.subarray(0, at))).toBe(true);
          }
          expect((await spool.close()).contentBytes).toBe(at);
          expect(contentOf(path).equals(CONTENT.subarray(0, at))).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('lets little wait to be written, however fast the input is', async () => {
    const path = newPath();
    const spool = await Spool.open(path);
    const piece = Buffer.alloc(64 * 1024, 'some text ');
    for (let at = 0; at < 64 * 1024 * 1024; at += piece.length) {
      await spool.take(piece, at);
      expect(at + piece.length - spool.written.contentBytes).toBeLessThanOrEqual(2 * 1024 * 1024);
    }
    await spool.remove();
  });

  it('gives all that was flushed although the file is torn anywhere behind it, and goes on from there', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: LINES.length }),
        fc.integer({ min: 0, max: 2_000_000 }),
        fc.nat(),
        fc.boolean(),
        async (lines, more, tear, garbage) => {
          const path = newPath();
          const first = await Spool.open(path);
          const flushedTo = LINES.slice(0, lines).join('').length;
          await takeAll(first, CONTENT.subarray(0, flushedTo), 0, 100_000);
          const kept = await first.flushed();
          expect(kept).toMatchObject({ contentBytes: flushedTo });
          await takeAll(first, CONTENT.subarray(0, flushedTo + more), flushedTo, 100_000);
          const { fileBytes } = await first.close();
          truncateSync(path, kept.fileBytes + (tear % (fileBytes - kept.fileBytes + 1)));
          const numbers = await numbersIn(path);
          expect(numbers.length).toBeGreaterThanOrEqual(lines);
          expect(numbers.every((number, index) => number === index)).toBe(true);

          if (garbage) writeFileSync(path, Buffer.concat([readFileSync(path), gzipSync('torn').subarray(0, 12)]));
          const second = await Spool.open(path, kept);
          expect(second.written).toEqual(kept);
          await takeAll(second, CONTENT, 0, 130_000);
          await second.close();
          expect(contentOf(path).equals(CONTENT)).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
  });

  it.each([undefined, 100])('of which less is left than was kept (%s bytes) begins anew', async (left) => {
    const path = newPath();
    if (left !== undefined) writeFileSync(path, gzipSync(CONTENT).subarray(0, left));
    const spool = await Spool.open(path, { contentBytes: 5_000, fileBytes: 101 });
    expect(spool.written).toEqual({ contentBytes: 0, fileBytes: 0 });
    await takeAll(spool, CONTENT, 0, 1_000_000);
    await spool.close();
    expect(contentOf(path).equals(CONTENT)).toBe(true);
  });

  it('must not leave anything out', async () => {
    const spool = await Spool.open(newPath());
    expect(() => spool.take(Buffer.from('b'), 1)).toThrow(RangeError);
    await spool.remove();
  });
});

describe('a source that is kept while it is read', () => {
  async function readThrough(
    packed: Buffer,
    spool: Spool,
    trail: ReturnType<BeginTrail>,
    until: number,
  ): Promise<number[]> {
    const stdin = Readable.from(
      Array.from({ length: Math.ceil(packed.length / 5_000) }, (_, i) => packed.subarray(i * 5_000, (i + 1) * 5_000)),
    );
    const [source] = await discoverSources(['-'], { stdin, format: 'jsonl' });
    const numbers: number[] = [];
    for await (const block of source?.read(new AbortController().signal, undefined, spoolTap(spool, trail)) ?? []) {
      for (const entry of block.entries) if (entry.kind === 'record') numbers.push((entry.value as { i: number }).i);
      if (numbers.length >= until) break;
    }
    return numbers;
  }

  it('is whole in its spool after a second reading, although the spool was behind the trail when the first was killed', async () => {
    for (const [packed, until] of [
      [CONTENT, 9_000],
      [gzipSync(CONTENT), 20_000],
      [CONTENT, LINES.length],
    ] as const) {
      const path = newPath();
      const first = await Spool.open(path);
      const trail = begin('stdin');
      await readThrough(packed, first, trail, until);
      const news = trail.news();
      const written: SpoolState = first.written;
      expect(written.contentBytes).toBeLessThanOrEqual(trail.covered);
      await first.close();

      const second = await Spool.open(path, written);
      const kept: TrailState = news ?? { hashes: new Uint8Array(0), tail: undefined };
      const numbers = await readThrough(packed, second, begin('stdin', kept), LINES.length);
      expect(numbers).toHaveLength(LINES.length);
      await second.flushed();
      expect(contentOf(path).equals(CONTENT)).toBe(true);
      await second.remove();
    }
  });

  it('is not kept when it is not what it was', async () => {
    const spool = await Spool.open(newPath());
    const trail = begin('stdin');
    trail.take(CONTENT, 0);
    const known = trail.news();
    const changed = Buffer.from(CONTENT);
    changed[400_000] = 0;
    await expect(readThrough(changed, spool, begin('stdin', known), LINES.length)).rejects.toMatchObject({
      code: 'source-changed',
    });
    expect((await spool.flushed()).contentBytes).toBe(400_000 - (400_000 % 65_536));
    await spool.remove();
  });

  it('is refused a spool that holds more than its trail knows', async () => {
    const spool = await Spool.open(newPath());
    await spool.take(CONTENT, 0);
    await spool.flushed();
    expect(() => spoolTap(spool, begin('stdin'))).toThrow(RangeError);
    await spool.remove();
  });
});
