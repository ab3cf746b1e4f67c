import { describe, expect, it } from 'vitest';
import type { RunCondition } from '../../../src/run-report.js';
import { statusJson } from '../../../src/progress/run-json.js';
import { changesBetween } from '../../../src/progress/run-changes.js';
import { liveText, runReportText } from '../../../src/progress/run-report-text.js';
import { runsText } from '../../../src/progress/runs-text.js';
import { runBooks, runReport } from './run-reports.js';
import { HOSTILE } from './samples.js';

const PLAIN = { color: false, columns: undefined };
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;
const batch = (status: string, done: number) => ({
  batch: 'B1',
  lane: 0,
  number: 1,
  status,
  items: 10,
  counts: { total: 10, succeeded: done, failed: 0, skipped: 0, canceled: 0 },
});
const CONDITIONS: readonly RunCondition[] = [
  'running',
  'unfinished',
  'staged',
  'processing',
  'completed-with-errors',
  'completed',
  'closed',
];

describe('the report of a run', () => {
  it('begins with the truth in words', () => {
    const first = (...of: Parameters<typeof runReport>): string =>
      runReportText(runReport(...of), PLAIN).split('\n')[0] ?? '';
    const outcomes = { succeeded: 900, failed: 0, skipped: 0, canceled: 0, open: 330, lost: 0 };
    expect(first()).toBe('Done: 1,230 items accepted and processed; 8 rejected, which was dealt with.');
    expect(first({ condition: 'processing', books: runBooks({ outcomes }) })).toBe(
      'Handed over: the service works on 330 of 1,230 items.',
    );
    expect(
      first({
        condition: 'completed-with-errors',
        books: runBooks({ unhandled: { rejects: 6, failures: 1 }, outcomes: { ...outcomes, open: 0, lost: 330 } }),
      }),
    ).toBe(
      'Over, with errors: 6 rows rejected, 1 item failed or canceled, of 330 items the service does not say what became.',
    );
    expect(first({ condition: 'unfinished', isComplete: false, stoppedAt: 'tickets.csv:812' })).toBe(
      'Not finished: 1,230 accepted, input is left from tickets.csv:812 on.'.replace('1,230', '1,230 items'),
    );
    expect(first({ condition: 'staged', books: runBooks({ inDrafts: 1230 }) })).toBe(
      'Staged: 1,230 items in drafts, not processed yet.',
    );
  });

  it('says when the service was not asked, and why', () => {
    const text = runReportText(runReport({ staleness: 'no API key' }), PLAIN);
    expect(text).toContain('not fresh  no API key; this is what the ledger knows');
    expect(statusJson(runReport({ staleness: 'no API key' }), 0)).toMatchObject({
      fresh: false,
      stale_because: 'no API key',
    });
  });

  it('claims no sums of a run whose input is not read to its end', () => {
    const text = runReportText(runReport({ condition: 'unfinished', books: runBooks({ isFinal: false }) }), PLAIN);
    expect(text).toContain('1,230 accepted so far, 8 already known, 2 rejected');
    expect(text).not.toContain('produced =');
  });

  it('fits a small terminal while it is followed', () => {
    for (const condition of CONDITIONS) {
      const lines = liveText(runReport({ condition, staleness: 'x', batches: [batch('processing', 3)] }), PLAIN);
      expect(lines.trimEnd().split('\n').length).toBeLessThanOrEqual(12);
    }
  });

  it('shows hostile names, messages and paths harmlessly', () => {
    for (const condition of CONDITIONS) {
      const report = runReport({
        condition,
        run: HOSTILE,
        name: HOSTILE,
        project: HOSTILE,
        host: HOSTILE,
        sources: [HOSTILE, HOSTILE],
        startedAt: HOSTILE,
        lastStatus: HOSTILE,
        parent: HOSTILE,
        stoppedAt: HOSTILE,
        isComplete: false,
        staleness: HOSTILE,
        files: [HOSTILE],
        batches: [{ ...batch(HOSTILE, 1), batch: HOSTILE }],
        errors: [{ stage: HOSTILE, code: HOSTILE, message: HOSTILE, count: 1, first: HOSTILE }],
        step: ['retry', HOSTILE],
      });
      const told = [runReportText(report, PLAIN), runsText([report], PLAIN), ...changesBetween(undefined, report)];
      for (const text of told) expect(text).not.toMatch(CONTROL);
    }
  });
});

describe('the changes of a run that is followed', () => {
  it('are told once each, and nothing when nothing moved', () => {
    const first = runReport({ condition: 'processing', batches: [batch('queued', 0)] });
    const second = runReport({ condition: 'processing', batches: [batch('processing', 4)] });
    const last = runReport({ condition: 'completed', batches: [batch('succeeded', 10)] });
    expect(changesBetween(undefined, first)).toHaveLength(1);
    expect(changesBetween(first, first)).toEqual([]);
    expect(changesBetween(first, second)).toEqual(['batch B1: processing, 4 of 10 items done']);
    expect(changesBetween(second, last)[0]).toBe('batch B1: succeeded, 10 of 10 items done');
    expect(changesBetween(second, last)[1]).toMatch(/^Done: /);
  });

  it('name the loss of the service and its return', () => {
    const near = runReport();
    const far = runReport({ staleness: 'the service is not available' });
    expect(changesBetween(near, far)).toEqual(['not fresh: the service is not available']);
    expect(changesBetween(far, near)).toEqual(['fresh again']);
  });
});
