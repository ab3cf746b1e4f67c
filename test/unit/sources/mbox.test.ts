import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { discoverSources, type SourceOptions } from '../../../src/sources/index.js';
import { drain, tempFile, tempFolder, type Outcome } from './support.js';

const mail = (n: number, body: string): string =>
  `From a@b.c Tue May  6 11:05:0${n % 10} 2025\nFrom: ana <a@b.c>\nSubject: s${n}\nDate: Tue, 06 May 2025 11:05:00 -0700\nMessage-ID: <${n}@x>\n\n${body}\n\n`;

async function read(content: string, options: SourceOptions = {}): Promise<Outcome> {
  const [source] = await discoverSources([await tempFile('in.mbox', content)], options);
  if (source === undefined) throw new Error('no source');
  return await drain(source);
}

describe('a mailbox', () => {
  it('gives mail after mail, with its place, and a line of text that begins with From stays text', async () => {
    const content =
      mail(1, 'Hello.\n>From here on\nFrom now on, at 10:00') +
      mail(2, 'Second.\n\nFrom the desk of nobody') +
      mail(3, '>>From quoted');
    const { records, rejections, values, raws, bytesRead } = await read(content);
    expect(rejections).toEqual([]);
    expect(values.map((value) => (value as { text: string }).text)).toEqual([
      'Hello.\nFrom here on\nFrom now on, at 10:00',
      'Second.\n\nFrom the desk of nobody',
      '>From quoted',
    ]);
    for (const { position } of records) {
      expect(content.slice(position.byteStart, position.byteEnd)).toMatch(/^From a@b\.c Tue/);
      expect(content.slice(0, position.byteStart).split('\n').length).toBe(position.line);
    }
    expect(values[1]).toMatchObject({ subject: 's2', kind: 'mbox', message_id: '<2@x>' });
    expect(new Set(values.map((value) => (value as { document_id: string }).document_id)).size).toBe(3);
    expect(raws.map((raw) => JSON.parse(raw) as unknown)).toEqual(values);
    expect(bytesRead).toBe(content.length);
  });

  it('is the same however it is cut into reads, and can be entered at every mail', async () => {
    const content = Array.from({ length: 7 }, (_, n) => mail(n, `Text ${'x'.repeat(n * 30)}\n\nmore`)).join('');
    const whole = await read(content);
    expect(whole.records).toHaveLength(7);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 8, max: 600 }), fc.integer({ min: 0, max: 6 }), async (blockBytes, at) => {
        const path = join(await tempFolder(), 'in.mbox');
        await writeFile(path, content);
        const [source] = await discoverSources([path], { blockBytes });
        const from = whole.records[at]?.position;
        const part = source === undefined ? undefined : await drain(source, from);
        expect(part?.records.map(({ position }) => position.byteStart)).toEqual(
          whole.records.slice(at).map(({ position }) => position.byteStart),
        );
      }),
      { numRuns: 15 },
    );
  });

  it('rejects a mail that is too large and one that is none, with their lines, and reads on', async () => {
    const content =
      mail(1, 'x'.repeat(400_000)) +
      mail(2, 'fine') +
      'From a@b.c Tue May  6 11:05:00 2025\nrubbish\n\n' +
      mail(4, 'end');
    const { records, rejections } = await read(content, { maxDocumentBytes: 2_000 });
    expect(records.map(({ position }) => position.ordinal)).toEqual([1, 3]);
    expect(rejections.map(({ code, position }) => [code, position.ordinal, position.line])).toEqual([
      ['document-too-large', 0, 1],
      ['damaged', 2, 17],
    ]);
  });
});
