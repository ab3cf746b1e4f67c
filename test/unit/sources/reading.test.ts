import { readFileSync } from 'node:fs';
import { readdir, truncate } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { gzipSync } from 'node:zlib';
import { discoverSources, type SourceOptions } from '../../../src/sources/index.js';
import { drain, essence, readText, tempFile } from './support.js';

const lines = (count: number): string =>
  Array.from({ length: count }, (_, i) => `{"i":${i},"é":"${'x'.repeat(i % 70)}"}\n`).join('');

describe('JSON lines', () => {
  it('are split at line feeds only, with or without carriage returns, blank lines and a last line end', async () => {
    const outcome = await readText('t.jsonl', '\uFEFF{"a":"x\u2028y"}\r\n\n   \n{"a":2}\n\r\n"three"');
    expect(outcome.values).toEqual([{ a: 'x\u2028y' }, { a: 2 }, 'three']);
    expect(outcome.records.map((r) => [r.position.ordinal, r.position.line])).toEqual([
      [0, 1],
      [1, 4],
      [2, 6],
    ]);
    expect(outcome.raws).toEqual(['{"a":"x\u2028y"}', '{"a":2}', '"three"']);
    expect(outcome.records[0]?.position.byteStart).toBe(3);
  });

  it('that are no JSON are rejected with place and reason, and never quoted', async () => {
    const outcome = await readText('t.jsonl', '{"secret":}\n{"ok":1}\n{"a":1}}\n');
    expect(outcome.values).toEqual([{ ok: 1 }]);
    expect(outcome.rejections.map((r) => [r.position.line, r.code, r.message])).toEqual([
      [1, 'invalid-json', 'not valid JSON: expected a value, at column 11'],
      [3, 'invalid-json', 'not valid JSON: there is more text after the end of the value, at column 8'],
    ]);
    expect(outcome.raws[0]).toBe('{"secret":}');
  });

  it('beyond the limit are rejected with their place, and reading goes on in bounded memory', async () => {
    const long = `{"a":"${'x'.repeat(3_000_000)}"}`;
    const outcome = await readText('t.jsonl', `{"a":1}\n${long}\n{"a":3}\n`, {
      maxRecordBytes: 100_000,
      blockBytes: 4096,
    });
    expect(outcome.values).toEqual([{ a: 1 }, { a: 3 }]);
    expect(outcome.rejections[0]?.position).toMatchObject({
      line: 2,
      ordinal: 1,
      byteStart: 8,
      byteEnd: 8 + long.length,
    });
    expect(outcome.raws[1]).toMatch(/^\{"a":"x{1018}… \[cut\]$/);
  });
});

describe('reading a source', () => {
  const cases: readonly (readonly [string, string, SourceOptions])[] = [
    ['t.jsonl', lines(1500), {}],
    ['t.csv', `i,é\n${Array.from({ length: 1500 }, (_, i) => `${i},"a\n${i}"`).join('\n')}\n`, {}],
    [
      'dialect.csv',
      `i;é\n${Array.from({ length: 1500 }, (_, i) => `${i};'a\n\\'${i}'`).join('\n')}\n`,
      { csv: { quote: "'", escape: '\\' } },
    ],
    ['t.json', `[\n${lines(1500).trim().replaceAll('\n', ',\n')}\n]`, {}],
    ['in.json', `{"x":[1],"rows":[${lines(1500).trim().replaceAll('\n', ',\n')}],"y":2}`, { path: 'rows' }],
    ['values.json', lines(1500).replaceAll('\n', ' '), {}],
    ['t.jsonl.gz', lines(1500), {}],
  ];

  it.each(cases)(
    '%s from a record in the middle gives that record and all behind it, as a whole reading does',
    async (name, text, options) => {
      const path = await tempFile(name, name.endsWith('.gz') ? gzipSync(text) : text);
      const [source] = await discoverSources([path], options);
      if (source === undefined) throw new Error('no source');
      const whole = await drain(source);
      expect(whole.records).toHaveLength(1500);
      for (const index of [0, 1, 777, 1499]) {
        const position = whole.entries[index]?.position;
        const rest = await drain(source, position);
        const expected = { ...whole, entries: whole.entries.slice(index), raws: whole.raws.slice(index) };
        expect(essence(rest)).toEqual(essence(expected));
      }
    },
  );

  it('UTF-16 can be entered in the middle as well', async () => {
    const path = await tempFile('t.jsonl', Buffer.from(`\uFEFF${lines(600)}`, 'utf16le'));
    const [source] = await discoverSources([path], {});
    if (source === undefined) throw new Error('no source');
    const whole = await drain(source);
    const rest = await drain(source, whole.entries[400]?.position);
    expect(essence(rest)).toEqual(
      essence({ ...whole, entries: whole.entries.slice(400), raws: whole.raws.slice(400) }),
    );
  });

  it('gives blocks of at most 500 entries, in order, with a running total that ends at the size', async () => {
    const path = await tempFile('t.jsonl', lines(5000));
    const [source] = await discoverSources([path], {});
    let next = 0;
    let read = 0;
    for await (const block of source?.read(new AbortController().signal) ?? []) {
      expect(block.entries.length).toBeLessThanOrEqual(500);
      expect(block.bytesRead).toBeGreaterThanOrEqual(read);
      read = block.bytesRead;
      for (const entry of block.entries) expect(entry.position.ordinal).toBe(next++);
    }
    expect([next, read]).toEqual([5000, readFileSync(path).length]);
  });

  it('closes the file when the consumer stops early, fails or the signal is aborted', async () => {
    const path = await tempFile('t.jsonl', lines(20_000));
    const [source] = await discoverSources([path], {});
    if (source === undefined) throw new Error('no source');
    const before = await openFiles();
    for await (const block of source.read(new AbortController().signal)) if (block.entries.length > 0) break;
    const failing = async (): Promise<void> => {
      for await (const _ of source.read(new AbortController().signal)) throw new Error('enough');
    };
    await expect(failing()).rejects.toThrow('enough');
    const controller = new AbortController();
    const aborted = async (): Promise<void> => {
      for await (const _ of source.read(controller.signal)) controller.abort(new Error('stopped'));
    };
    await expect(aborted()).rejects.toThrow('stopped');
    expect(await openFiles()).toBe(before);
  });

  it('ends the wait for a pipe that gives nothing as soon as the signal is aborted', async () => {
    let given = 0;
    const stdin = new Readable({
      read() {
        if (given++ === 0) this.push(Buffer.from(lines(3000)));
      },
    });
    const [source] = await discoverSources(['-'], { stdin, format: 'jsonl' });
    const controller = new AbortController();
    const reading = async (): Promise<void> => {
      for await (const _ of source?.read(controller.signal) ?? [])
        setTimeout(() => controller.abort(new Error('stopped')), 5);
    };
    await expect(reading()).rejects.toThrow('stopped');
    expect(stdin.destroyed).toBe(true);
  });

  it('a stream that fails in the middle is an error after its whole rows, never a normal end', async () => {
    const stdin = Readable.from(
      (async function* () {
        yield Buffer.from(lines(2000));
        throw new Error('cable cut');
      })(),
    );
    const [source] = await discoverSources(['-'], { stdin, format: 'jsonl' });
    const outcome = source === undefined ? undefined : await drain(source);
    expect(outcome?.error).toMatchObject({ code: 'unreadable-source', disposition: 'usage' });
    expect(String(outcome?.error)).toContain('cable cut');
    expect(outcome?.records).toHaveLength(2000);
  });

  it('a file that shrank since it was found is an error after the rows that are left', async () => {
    const path = await tempFile('t.jsonl', '{"a":1}\n{"a":2}\n');
    const [source] = await discoverSources([path], {});
    await truncate(path, 8);
    const outcome = source === undefined ? undefined : await drain(source);
    expect(outcome?.values).toEqual([{ a: 1 }]);
    expect(outcome?.error).toMatchObject({ code: 'unreadable-source' });
  });
});

async function openFiles(): Promise<number> {
  return (await readdir('/proc/self/fd').catch(() => [])).length;
}
