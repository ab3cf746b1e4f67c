/** Ready-made reports of earlier runs for tests. */
import type { RunBooks, RunReport } from '../../../src/run-report.js';

export function runBooks(over: Partial<RunBooks> = {}): RunBooks {
  return {
    isFinal: true,
    records: { read: 1300, mapped: 1234, skipped: 60, rejected: 6, partlyRejected: 2 },
    items: { produced: 1240, accepted: 1230, known: 8, rejected: 2 },
    outcomes: { succeeded: 1230, failed: 0, skipped: 0, canceled: 0, open: 0, lost: 0 },
    handedOver: 1230,
    inDrafts: 0,
    unhandled: { rejects: 0, failures: 0 },
    ...over,
  };
}

export function runReport(over: Partial<RunReport> = {}): RunReport {
  return {
    run: '20260101-000000-aaaaaa',
    name: undefined,
    condition: 'completed',
    lastStatus: 'completed',
    host: 'api.example.org',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T01:00:00.000Z',
    sources: ['tickets.csv'],
    books: runBooks(),
    step: undefined,
    next: undefined,
    state: 'delivered',
    parent: undefined,
    project: 'p',
    tries: 1,
    isComplete: true,
    stoppedAt: undefined,
    batches: [],
    errors: [],
    files: [],
    staleness: undefined,
    ...over,
  };
}
