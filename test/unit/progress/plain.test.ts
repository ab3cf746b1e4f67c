import { describe, expect, test } from 'vitest';
import { rendererUnderTest, type UnderTest } from './renderer-under-test.js';
import {
  batch,
  chunk,
  counts,
  exitError,
  HOSTILE,
  itemFailed,
  memoryStream,
  phase,
  read,
  rejected,
  started,
  summary,
} from './samples.js';

async function plain(
  over: Parameters<typeof rendererUnderTest>[0] = {},
): Promise<{ r: UnderTest; lines: () => string[] }> {
  const stream = memoryStream();
  const r = await rendererUnderTest({ mode: 'plain', stream, ...over });
  return { r, lines: stream.lines };
}

describe('plain output', () => {
  test('begins with project, host, origin of the key and values that were not typed', async () => {
    const { r, lines } = await plain();
    r.observe(started({ settings: [{ name: 'limit', value: '100', origin: 'ZEP_IMPORT_LIMIT' }] }));
    expect(lines()).toEqual([
      'zep-import run: project acme at api.example.org, key from ZEP_API_KEY, run run-1, 1 source (1 kB), limit = 100 from ZEP_IMPORT_LIMIT',
    ]);
  });

  test('has a line per change of phase, however fast they follow', async () => {
    const { r, lines } = await plain();
    for (const name of ['starting', 'uploading', 'uploading', 'processing', 'done'] as const) r.observe(phase(name));
    expect(lines().map((line) => line.split(/[ ,]/)[0])).toEqual(['uploading', 'processing', 'done']);
  });

  test('while items are sorted tells how much was read, and then how much of it was sent', async () => {
    const { r, lines } = await plain({ quiet: false });
    r.observe(started({ totalBytes: 1000 }));
    r.observe(phase('sorting'));
    r.observe(read({ records: 4, mapped: 4, items: 4, bytes: 500 }));
    r.observe(phase('stopping'));
    r.observe(phase('sorting'));
    r.observe(read({ records: 4, mapped: 4, items: 4, bytes: 500 }));
    r.observe({ type: 'input-end' });
    r.observe(phase('uploading'));
    expect(lines().slice(1)).toEqual([
      expect.stringMatching(/^sorting by time 0%, 0 items/),
      expect.stringMatching(/^stopping/),
      expect.stringMatching(/^sorting by time 50%, 500 B of 1 kB read, 4 items/),
      expect.stringMatching(/^uploading 0%, 1 kB of 1 kB read, 0 items accepted/),
    ]);
  });

  test('between phases has at most one line in ten seconds, and fewer in a long run', async () => {
    const { r, lines } = await plain();
    r.observe(started());
    r.observe(phase('uploading'));
    const before = lines().length;
    const during = (seconds: number): number => {
      const already = lines().length;
      for (let s = 0; s < seconds; s++) {
        for (let i = 0; i < 20; i++) r.observe(chunk(500));
        r.pass(1000);
      }
      return lines().length - already;
    };
    expect(during(9)).toBe(0);
    const early = during(591);
    expect(early).toBeGreaterThanOrEqual(58);
    expect(early).toBeLessThanOrEqual(60);
    expect(during(3000)).toBeLessThanOrEqual(101);
    expect(during(3600)).toBeLessThanOrEqual(61);
    expect(before).toBe(2);
  });

  test('says something once a minute when nothing changes', async () => {
    const { r, lines } = await plain();
    r.observe(started());
    r.observe(phase('processing'));
    r.pass(10_000);
    const before = lines().length;
    r.pass(300_000);
    expect(lines().length - before).toBeGreaterThanOrEqual(4);
    expect(lines().length - before).toBeLessThanOrEqual(5);
  });

  test('shows the first five distinct rejects with file and line, then one count', async () => {
    const { r, lines } = await plain();
    for (let i = 0; i < 317; i++) r.observe(rejected(`reason ${i % 20}`, { item: 1, field: 'created_at' }));
    expect(lines()).toHaveLength(5);
    expect(lines()[0]).toBe('rejected tickets.csv:812 (item 2, created_at): reason 0 [map missing-field]');
    r.close();
    r.close();
    expect(lines().slice(5)).toEqual(['and 312 more rejected']);
  });

  test('shows the first five distinct failed items with row and batch, then one count', async () => {
    const { r, lines } = await plain();
    for (let i = 0; i < 8; i++) r.observe(itemFailed(`reason ${i}`));
    r.observe(itemFailed('no place known', { position: undefined }));
    r.close();
    expect(lines()[0]).toBe('failed tickets.csv:812 (batch b1, item 5): reason 0 [boom]');
    expect(lines().slice(5)).toEqual(['and 4 more failed at the service']);
  });

  test('does not flood with notices of one kind, and counts what it held back', async () => {
    const { r, lines } = await plain();
    for (let i = 0; i < 5000; i++) {
      r.observe({
        type: 'notice',
        level: 'warning',
        code: 'key-repeats',
        message: `key ${i} repeats`,
        hint: undefined,
      });
    }
    r.observe({ type: 'notice', level: 'info', code: 'other', message: 'limit learned', hint: 'nothing to do' });
    r.close();
    expect(lines().slice(5)).toEqual([
      'limit learned',
      '  nothing to do',
      'and 4,995 more notices of this kind: key-repeats',
    ]);
  });

  test('tells batches that ended badly or say an unknown word, and each only once', async () => {
    const { r, lines } = await plain();
    r.observe(batch('b1', 'succeeded', { items: 2, counts: counts(2, 2) }));
    r.observe(batch('b2', 'partial', { items: 9, counts: counts(9, 7, 1, 0, 1) }));
    r.observe(batch('b2', 'partial', { items: 9, counts: counts(9, 7, 1, 0, 1) }));
    r.observe(batch('b3', 'hibernating'));
    r.observe(batch('b4', 'hibernating'));
    expect(lines()).toEqual([
      'batch 1 (b2): partial, 7 of 9 succeeded, 1 failed, 1 canceled',
      'batch 1 (b3): hibernating; this version does not know that status and goes on asking',
    ]);
  });

  test('tells every add call and every step of a batch only when verbose', async () => {
    const { r, lines } = await plain({ verbose: true });
    r.observe(chunk(500, { lane: 2 }));
    r.observe(batch('b1', 'processing', { counts: counts(500, 3) }));
    expect(lines()).toEqual(['lane 2: 500 items accepted, batch b1', 'batch 1 (b1): processing, 3 of 500 succeeded']);
  });

  test('that is quiet tells the error that ends the run and nothing else', async () => {
    const { r, lines } = await plain({ quiet: true, mode: 'auto' });
    for (const event of [started(), phase('uploading'), rejected('x'), chunk(5), exitError()]) r.observe(event);
    r.pass(120_000);
    r.close();
    expect(lines()).toEqual(['error: the service does not answer [unavailable]', '  zep-import resume run-1']);
  });

  test('holds no control characters, whatever comes from outside and whatever FORCE_COLOR says', async () => {
    const stream = memoryStream();
    const r = await rendererUnderTest({
      mode: 'plain',
      stream,
      env: { FORCE_COLOR: '1' },
      verbose: true,
      summary: true,
    });
    r.observe(
      started({ project: HOSTILE, host: HOSTILE, settings: [{ name: HOSTILE, value: HOSTILE, origin: HOSTILE }] }),
    );
    r.observe(rejected(HOSTILE, { code: HOSTILE, field: HOSTILE }));
    r.observe(itemFailed(HOSTILE, { status: HOSTILE, code: HOSTILE }));
    r.observe(batch(HOSTILE, HOSTILE));
    r.observe({ type: 'notice', level: 'warning', code: HOSTILE, message: HOSTILE, hint: HOSTILE });
    r.observe({
      type: 'summary',
      summary: summary({ run: HOSTILE, notes: [HOSTILE], files: [HOSTILE], next: HOSTILE }),
    });
    r.observe(exitError(HOSTILE));
    expect(stream.text().replaceAll('\n', '')).toMatch(/^[^\p{Cc}\p{Cs}\u202e\u2028]+$/u);
    expect(stream.lines().filter((line) => line.includes('owned')).length).toBeGreaterThan(8);
  });

  test('ends with the last lines only when it is asked to', async () => {
    for (const [asked, expected] of [
      [true, 1],
      [false, 0],
    ] as const) {
      const { r, lines } = await plain({ summary: asked });
      r.observe(started());
      r.observe({ type: 'summary', summary: summary() });
      expect(lines().filter((line) => line.startsWith('Done:'))).toHaveLength(expected);
      expect(r.timers.size).toBe(0);
    }
  });
});

test('none is silent but for the error that ends the run', async () => {
  const stream = memoryStream();
  const r = await rendererUnderTest({ mode: 'none', stream });
  for (const event of [started(), phase('uploading'), rejected('x'), exitError('gone')]) r.observe(event);
  r.close();
  expect(stream.lines()).toEqual(['error: gone [unavailable]', '  zep-import resume run-1']);
});
