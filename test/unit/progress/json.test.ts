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

type Fields = Record<string, unknown>;

async function json(
  over: Parameters<typeof rendererUnderTest>[0] = {},
): Promise<{ r: UnderTest; events: () => Fields[] }> {
  const stream = memoryStream();
  const r = await rendererUnderTest({ mode: 'json', stream, ...over });
  return { r, events: () => stream.lines().map((line) => JSON.parse(line) as Fields) };
}

const ofType = (events: readonly Fields[], type: string): Fields[] => events.filter((event) => event.type === type);

describe('json progress', () => {
  test('every line has type, time and run', async () => {
    const { r, events } = await json();
    r.observe({ type: 'notice', level: 'info', code: 'c', message: 'early', hint: undefined });
    for (const event of [
      started(),
      phase('uploading'),
      rejected('x'),
      itemFailed('y'),
      batch('b1', 'draft'),
      exitError(),
    ]) {
      r.observe(event);
    }
    expect(events().map(({ type }) => type)).toEqual([
      'notice',
      'status',
      'status',
      'reject',
      'item_failed',
      'batch',
      'status',
      'exit_error',
    ]);
    expect(events()[0]).toEqual({
      type: 'notice',
      ts: '2026-01-02T03:04:05.000Z',
      run: null,
      level: 'info',
      code: 'c',
      message: 'early',
      hint: null,
    });
    for (const event of events().slice(1))
      expect(event).toMatchObject({ ts: '2026-01-02T03:04:05.000Z', run: 'run-1' });
  });

  test('a reject names the place in bytes and lines, the stage and the code', async () => {
    const { r, events } = await json();
    r.observe(rejected(HOSTILE, { item: 2, field: 'created_at' }));
    expect(events()[0]).toMatchObject({
      source: 'tickets.csv',
      line: 812,
      ordinal: 810,
      byte_start: 10,
      byte_end: 20,
      item: 2,
      stage: 'map',
      code: 'missing-field',
      field: 'created_at',
      message: HOSTILE,
    });
  });

  test('every reject is told: none is sampled', async () => {
    const { r, events } = await json();
    for (let i = 0; i < 1000; i++) r.observe(rejected('same'));
    expect(ofType(events(), 'reject')).toHaveLength(1000);
  });

  test('a failed item names batch, index, words of the service and the row it came from', async () => {
    const { r, events } = await json();
    r.observe(itemFailed('no such graph'));
    r.observe(
      itemFailed('unknown row', { position: undefined, item: undefined, code: undefined, episodeUuid: undefined }),
    );
    expect(events()[0]).toMatchObject({
      type: 'item_failed',
      batch: 'b1',
      index: 5,
      status: 'failed',
      code: 'boom',
      message: 'no such graph',
      episode_uuid: 'u-1',
      source: 'tickets.csv',
      line: 812,
      item: 0,
    });
    expect(events()[1]).toMatchObject({ source: null, line: null, item: null, code: null, episode_uuid: null });
  });

  test('a batch is told when something about it changed, not at every poll', async () => {
    const { r, events } = await json();
    const states = [
      batch('b1', 'draft', { items: 5 }),
      batch('b1', 'draft', { items: 5 }),
      batch('b1', 'processing', { items: 5, counts: counts(5, 1) }),
      batch('b1', 'processing', { items: 5, counts: counts(5, 1) }),
      batch('b1', 'processing', { items: 5, counts: counts(5, 2) }),
    ];
    for (const event of states) r.observe(event);
    expect(ofType(events(), 'batch').map(({ status, succeeded }) => [status, succeeded])).toEqual([
      ['draft', null],
      ['processing', 1],
      ['processing', 2],
    ]);
  });

  test('status comes first, at each change of phase, last, and between them at most once a second', async () => {
    const { r, events } = await json();
    r.observe(started());
    r.observe(phase('uploading'));
    for (let s = 0; s < 10; s++) {
      for (let i = 0; i < 50; i++) r.observe(chunk(500));
      r.pass(1000);
    }
    r.pass(60_000);
    expect(ofType(events(), 'status')).toHaveLength(2 + 10);
    r.observe(chunk(500));
    r.observe({ type: 'summary', summary: summary() });
    expect(events().slice(-2)).toMatchObject([{ type: 'status', phase: 'done' }, { type: 'summary' }]);
    expect(r.timers.size).toBe(0);
  });

  test('a status holds the whole state in snake case', async () => {
    const { r, events } = await json();
    r.observe(started());
    r.observe(read({ records: 10, mapped: 10, items: 10, bytes: 400 }));
    r.observe(chunk(5));
    r.observe({ type: 'waiting', reason: 'rate-limited', ms: 13_500, detail: 'window' });
    r.observe(phase('uploading'));
    expect(events().at(-1)).toMatchObject({
      phase: 'uploading',
      command: 'run',
      project: 'acme',
      host: 'api.example.org',
      key_origin: 'ZEP_API_KEY',
      bytes: { read: 400, total: 1000 },
      items: { produced: 10, accepted: 5 },
      upload: { percent: 20, items_per_second: null, eta_seconds: null },
      processing: { batches: 1, drafts: 1, items: 5, settled: 0 },
      waiting: { reason: 'rate-limited', detail: 'window', seconds_left: 14 },
    });
  });

  test('the summary is the public one, and quiet leaves only it and the error', async () => {
    const { r, events } = await json({ quiet: true });
    r.observe(started());
    r.observe(rejected('x'));
    r.observe({ type: 'summary', summary: summary({ exitCode: 6, status: 'failed' }) });
    r.observe(exitError());
    expect(events()).toMatchObject([
      { type: 'summary', run: 'run-1', status: 'failed', exit_code: 6, ts: '2026-01-02T03:04:05.000Z' },
      { type: 'exit_error', code: 'unavailable', exit_code: 6, hint: 'zep-import resume run-1' },
    ]);
  });

  test('a reader that does not keep up loses lines, is told how many, and never the end', async () => {
    const stream = { ...memoryStream(), writableLength: 0 };
    const r = await rendererUnderTest({ mode: 'json', stream });
    r.observe(started());
    stream.writableLength = 100_000_000;
    for (let i = 0; i < 1000; i++) r.observe(rejected('lost'));
    r.observe(exitError());
    const events = stream.lines().map((line) => JSON.parse(line) as Fields);
    expect(events).toHaveLength(3);
    expect(events[1]).toMatchObject({ type: 'notice', code: 'events-dropped' });
    expect(events[1]?.message).toMatch(/^\d+ events were not written/);
    expect(events[2]).toMatchObject({ type: 'exit_error' });
  });
});
