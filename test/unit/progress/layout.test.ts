import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/events.js';
import { processLine, uploadLine, type View } from '../../../src/progress/layout.js';
import { createPaint } from '../../../src/progress/paint.js';
import { initialState, reduce, type ProgressState } from '../../../src/progress/state.js';
import { statusText } from '../../../src/progress/status-text.js';
import { displayWidth } from '../../../src/progress/width.js';
import { batch, chunk, counts, HOSTILE, phase, read, rejected, started } from './samples.js';

function view(columns: number, over: Partial<View> = {}): View {
  return { nowMs: 5_000, columns, unicode: true, paint: createPaint(false), ...over };
}

function busy(extra: readonly RunEvent[] = []): ProgressState {
  const events = [
    started({ totalBytes: 2_600_000 }),
    phase('uploading'),
    { type: 'lanes', lanes: 4 } as const,
    read({ items: 1000, bytes: 1_300_000 }),
    chunk(900),
    rejected('x'),
    ...extra,
  ];
  return events.reduce<ProgressState>((state, event, at) => reduce(state, event, at * 100), initialState(0));
}

const RATE_LIMITED: RunEvent = { type: 'waiting', reason: 'rate-limited', ms: 19_000 };
const PROCESSING = batch('b1', 'processing', { items: 900, counts: counts(900, 300, 3, 1) });

describe('the upload bar', () => {
  test('shows share, items, pace, end, lanes, rejects and the reason for waiting', () => {
    const line = uploadLine(busy([RATE_LIMITED]), view(140));
    expect(line).toMatch(
      /^upload {6}━+╸?─+ {3}45% {2}900 items {2}1\.3 MB {2}[\d,]+\/s {2}ETA \d+ s {2}4 lanes {2}1 rejected/,
    );
    expect(line).toMatch(/rate limited, \d+ s$/);
  });

  test('leaves out what matters least on a narrow terminal, the reason for waiting last', () => {
    const state = busy([RATE_LIMITED]);
    expect(uploadLine(state, view(60))).toMatch(/^upload.* 45% .*1 rejected {2}rate limited, \d+ s$/);
    expect(uploadLine(state, view(40))).toMatch(/^upload {7}45% {2}rate limited, \d+ s$/);
    expect(uploadLine(state, view(20))).toBe('upload       45%');
    expect(uploadLine(state, view(8))).toBe('upload…');
  });

  test('of a pipe has no percentage; something moves instead', () => {
    const piped = [started({ totalBytes: undefined }), phase('uploading'), read({ items: 5, bytes: 4_000 })];
    const state = piped.reduce<ProgressState>((folded, event) => reduce(folded, event, 0), initialState(0));
    const [early, later] = [uploadLine(state, view(80)), uploadLine(state, view(80, { nowMs: 6_000 }))];
    expect(early).not.toMatch(/%/);
    expect(early).toContain('4 kB');
    expect(early).not.toBe(later);
  });

  test('is drawn with plain characters where the locale has no others', () => {
    expect(uploadLine(busy(), view(100, { unicode: false }))).toMatch(/^[\x20-\x7e]+$/);
  });

  test('of a check says that it reads', () => {
    const state = reduce(initialState(0), started({ command: 'check' }), 0);
    expect(uploadLine(state, view(80))).toMatch(/^read /);
  });
});

describe('the processing bar', () => {
  test('is one for all batches and names failures', () => {
    const state = busy([
      PROCESSING,
      batch('b2', 'succeeded', { items: 100, counts: counts(100, 100) }),
      phase('processing'),
    ]);
    const line = processLine(state, view(120));
    expect(line).toMatch(/^processing {2}━+/);
    expect(line).toContain('40%');
    expect(line).toContain('404 of 1,000 items');
    expect(line).toContain('1 of 2 batches');
    expect(line).toContain('3 failed');
    expect(line).toContain('1 skipped or canceled');
  });
});

describe('any line', () => {
  test('is narrower than the terminal, whatever the state, width and words', () => {
    const big = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    const anyEvent: fc.Arbitrary<RunEvent> = fc.oneof(
      big.map((items) => chunk(items)),
      big.map((bytes) => read({ bytes, items: bytes })),
      big.map((items) => batch('b1', 'processing', { items, counts: counts(items, items, 1) })),
      fc
        .string({ unit: 'binary' })
        .map((detail) => ({ type: 'waiting', reason: 'retry', ms: 60_000, detail }) as const),
      fc.constantFrom('uploading', 'processing', 'stopping', 'done').map((name) => phase(name)),
      big.map((lanes) => ({ type: 'lanes', lanes }) as const),
      fc.constant<RunEvent>({ type: 'input-end' }),
    );
    fc.assert(
      fc.property(fc.array(anyEvent), fc.integer({ min: 1, max: 250 }), fc.boolean(), (events, columns, color) => {
        const state = busy(events);
        const shown = view(columns, { paint: createPaint(color) });
        for (const line of [uploadLine(state, shown), processLine(state, shown)]) {
          expect(displayWidth(line)).toBeLessThanOrEqual(Math.max(1, columns - 1));
        }
      }),
    );
  });
});

describe('the status in words', () => {
  test.each<[string, RunEvent[], RegExp]>([
    [
      'uploading',
      [],
      /^uploading 45%, 1\.3 MB of 2\.6 MB read, 900 items accepted, [\d,]+\/s, ETA \d+ s, 4 lanes, 1 rejected$/,
    ],
    ['waiting', [RATE_LIMITED], /, 1 rejected, rate limited, \d+ s$/],
    ['both at once', [PROCESSING], /, 4 lanes, processing 33%, 3 failed, 1 skipped, 1 rejected$/],
    [
      'processing',
      [PROCESSING, phase('processing')],
      /^processing 33%, 304 of 900 items, 0 of 1 batch finished, .*1 rejected$/,
    ],
    [
      'stopping',
      [phase('stopping')],
      /^stopping: finishing what is in flight, 1\.3 MB of 2\.6 MB read, 900 items accepted, 1 rejected$/,
    ],
  ])('%s', (_, events, text) => {
    expect(statusText(busy(events), 5_000)).toMatch(text);
  });

  test('holds no control character, whatever a detail says', () => {
    const state = busy([{ type: 'waiting', reason: 'retry', ms: 99_000, detail: HOSTILE }]);
    expect(statusText(state, 5_000)).toMatch(/^\P{Cc}+$/u);
  });
});
