import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, expect, it } from 'vitest';
import { RewindableInput } from '../../../src/cli/rewindable-input.js';

const usual = process.env['TMPDIR'];
const folder = mkdtempSync(join(tmpdir(), 'zi-rewind-'));
afterEach(() => {
  if (usual === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = usual;
  rmSync(folder, { recursive: true, force: true });
});

it('gives the input from its beginning again, and what it keeps of it cannot be read by others', async () => {
  process.env['TMPDIR'] = folder;
  const pieces = Array.from({ length: 50 }, (_, n) => Buffer.from(`secret line ${n}\n`.repeat(n + 1)));
  const input = new RewindableInput(Readable.from(pieces, { objectMode: false }));
  const first = input.stream()[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let seen = 0;
  while (seen < 2_000) {
    const next = await first.next();
    if (next.done === true) break;
    seen += next.value.length;
  }
  const kept = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(kept).toHaveLength(1);
  for (const entry of kept) expect(readFileSync(join(entry.parentPath, entry.name), 'latin1')).not.toContain('secret');
  input.rewind();
  const again: Buffer[] = [];
  for await (const piece of input.stream()) again.push(piece as Buffer);
  expect(Buffer.concat(again).equals(Buffer.concat(pieces))).toBe(true);
  await input.close();
});
