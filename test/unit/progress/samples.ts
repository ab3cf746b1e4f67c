/** Ready-made events, reports and parts for the tests of this folder. */
import type { Clock } from '../../../src/clock.js';
import type { RunEvent, RunSummary, TimeSafety } from '../../../src/events.js';
import type { BatchId, Position, Rejection } from '../../../src/model.js';

type EventOf<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;

export const NO_TIME_TROUBLE: TimeSafety = {
  dated: 0,
  undated: 0,
  naive: 0,
  dst: 0,
  future: 0,
  before1990: 0,
  epoch1970: 0,
  outOfOrder: 0,
  outOfOrderDestinations: [],
};

export function started(over: Partial<EventOf<'started'>> = {}): RunEvent {
  return {
    type: 'started',
    run: 'run-1',
    command: 'run',
    project: 'acme',
    host: 'api.example.org',
    keyOrigin: 'ZEP_API_KEY',
    sources: 1,
    totalBytes: 1000,
    ...over,
  };
}

export function phase(name: EventOf<'phase'>['phase']): RunEvent {
  return { type: 'phase', phase: name };
}

export function read(over: Partial<EventOf<'read'>> = {}): RunEvent {
  const nothing = { records: 0, mapped: 0, skipped: 0, rejected: 0, items: 0, bytes: 0 };
  return { type: 'read', source: 'tickets.csv', ...nothing, ...over };
}

export function chunk(items: number, over: Partial<EventOf<'chunk'>> = {}): RunEvent {
  return { type: 'chunk', phase: 'accepted', lane: 0, batch: batchId('b1'), items, ...over };
}

export function batch(id: string, status: string, over: Partial<EventOf<'batch'>> = {}): RunEvent {
  return { type: 'batch', batch: batchId(id), lane: 0, number: 1, status, items: 0, counts: undefined, ...over };
}

export function counts(
  total: number,
  succeeded: number,
  failed = 0,
  skipped = 0,
  canceled = 0,
): EventOf<'batch'>['counts'] {
  return { total, succeeded, failed, skipped, canceled };
}

export function position(line = 812, source = 'tickets.csv'): Position {
  const info = { id: source, index: 0, format: 'csv', bytes: 1000, compression: 'none' } as const;
  return { source: info, ordinal: line - 2, line, byteStart: 10, byteEnd: 20 };
}

export function rejected(message: string, over: Partial<Rejection> = {}): RunEvent {
  const rejection: Rejection = {
    kind: 'rejected',
    stage: 'map',
    code: 'missing-field',
    message,
    position: position(),
    ...over,
  };
  return { type: 'rejected', rejection };
}

export function itemFailed(message: string, over: Partial<EventOf<'item-failed'>> = {}): RunEvent {
  return {
    type: 'item-failed',
    batch: batchId('b1'),
    index: 5,
    status: 'failed',
    message,
    code: 'boom',
    episodeUuid: 'u-1',
    position: position(),
    item: 0,
    ...over,
  };
}

export function exitError(message = 'the service does not answer'): RunEvent {
  return { type: 'exit-error', code: 'unavailable', message, hint: 'zep-import resume run-1', exitCode: 6 };
}

export function summary(over: Partial<RunSummary> = {}): RunSummary {
  return {
    run: 'run-1',
    status: 'completed',
    exitCode: 0,
    records: { read: 10, mapped: 10, skipped: 0, rejected: 0, partlyRejected: 0 },
    items: {
      produced: 10,
      accepted: 10,
      known: 0,
      rejected: 0,
      succeeded: 10,
      failed: 0,
      skipped: 0,
      canceled: 0,
      open: 0,
    },
    created: { users: 0, graphs: 0, threads: 0 },
    calls: { total: 4, add: 1, repeated: 0, rateLimited: 0 },
    bytes: { read: 1000, sent: 2000 },
    batches: [],
    time: NO_TIME_TROUBLE,
    inexactNumbers: 0,
    errors: [],
    durationMs: 1500,
    files: [],
    notes: [],
    next: undefined,
    ...over,
  };
}

export function batchId(id: string): BatchId {
  return id as BatchId;
}

export interface ManualClock extends Clock {
  advance(ms: number): void;
}

export function manualClock(): ManualClock {
  let nowMs = 1_000_000;
  return {
    now: () => nowMs,
    date: () => Date.UTC(2026, 0, 2, 3, 4, 5) + nowMs - 1_000_000,
    random: () => 0.5,
    sleep: () => Promise.resolve(),
    advance(ms) {
      nowMs += ms;
    },
  };
}

/** Collects what is written, in memory, as a stream that is no terminal. */
export function memoryStream(): {
  readonly write: (text: string) => boolean;
  readonly text: () => string;
  readonly lines: () => string[];
} {
  let text = '';
  return {
    write(part) {
      text += part;
      return true;
    },
    text: () => text,
    lines: () => text.split('\n').slice(0, -1),
  };
}

/** Escape sequences, line breaks, direction overrides, lone surrogates: all that outside text must not do to an output. */
export const HOSTILE = 'a\u001b[2J\u001b]0;owned\u0007b\r\nc\u202ed\u009b31me\u2028f\ud800g\u0000h\u200b';
