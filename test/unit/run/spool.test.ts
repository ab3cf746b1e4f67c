import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Spool } from '../../../src/run/spool.js';

describe('the copy of standard input', () => {
  it('that cannot be written ends the import with what, where and what next, and nothing else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zi-spool-'));
    const path = join(folder, 'missing', 'stdin.gz');
    const spool = new Spool(Readable.from(Array.from({ length: 50 }, () => Buffer.alloc(100_000, 120))), path);
    const reading = async (): Promise<void> => {
      for await (const piece of spool.stream) void piece;
    };
    await expect(reading()).rejects.toMatchObject({
      code: 'spool-unwritable',
      message: expect.stringContaining(path) as string,
      hint: expect.stringContaining('--state-dir') as string,
    });
    await expect(spool.flushed()).rejects.toMatchObject({ code: 'spool-unwritable' });
    rmSync(folder, { recursive: true });
  });
});
