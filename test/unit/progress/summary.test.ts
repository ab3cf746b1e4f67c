import { describe, expect, test } from 'vitest';
import type { RunSummary } from '../../../src/events.js';
import { summaryJson } from '../../../src/progress/summary-json.js';
import { summaryText } from '../../../src/progress/summary.js';
import { counts, HOSTILE, NO_TIME_TROUBLE, summary } from './samples.js';

const PLAIN = { color: false, columns: undefined };

function text(over: Partial<RunSummary> = {}): string {
  return summaryText(summary(over), PLAIN);
}

function items(over: Partial<RunSummary['items']>): RunSummary['items'] {
  return { ...summary().items, ...over };
}

function records(over: Partial<RunSummary['records']>): RunSummary['records'] {
  return { ...summary().records, ...over };
}

describe('the first of the last lines tells the truth', () => {
  test.each<[string, Partial<RunSummary>, string]>([
    ['all well', {}, 'Done: 10 items accepted and processed.'],
    ['skipped', { items: items({ succeeded: 7, skipped: 3 }) }, 'Done, but not all of it: 3 skipped by the service.'],
    [
      'canceled and open',
      { items: items({ succeeded: 7, canceled: 2, open: 1 }) },
      'Done, but not all of it: 2 canceled and 1 still open at the service.',
    ],
    [
      'nothing new',
      { items: items({ accepted: 0, known: 10, succeeded: 0 }) },
      'Nothing new: all 10 items were imported before.',
    ],
    [
      'an empty source',
      { records: records({ read: 0, mapped: 0 }), items: items({ produced: 0, accepted: 0, succeeded: 0 }) },
      'Nothing to import: the sources hold no records, or --skip and --limit leave none.',
    ],
    [
      'all rows left out by the mapping',
      { records: records({ mapped: 0, skipped: 10 }), items: items({ produced: 0, accepted: 0, succeeded: 0 }) },
      'Nothing to import: the mapping kept none of 10 records.',
    ],
    [
      'with errors',
      {
        status: 'completed-with-errors',
        records: records({ mapped: 8, rejected: 1, partlyRejected: 1 }),
        items: items({ failed: 3 }),
      },
      'Finished with errors: 2 rows rejected and 3 items failed.',
    ],
    [
      'handed over',
      { status: 'accepted', items: items({ open: 10 }) },
      'Handed over: 10 items accepted; not waited for, the service works on.',
    ],
    ['staged', { status: 'staged' }, 'Staged: 10 items in drafts, not processed yet.'],
    [
      'staged in part',
      {
        status: 'staged',
        batches: [
          { batch: 'b1', lane: 0, number: 1, status: 'queued', items: 6, counts: undefined },
          { batch: 'b2', lane: 0, number: 2, status: 'draft', items: 4, counts: undefined },
        ],
      },
      'Staged: 4 of 10 items in drafts, not processed yet.',
    ],
    [
      'too many rejects',
      { status: 'too-many-rejects', records: records({ rejected: 101 }) },
      'Stopped: too many rejected rows (--max-errors); 101 rows rejected.',
    ],
    ['interrupted', { status: 'interrupted' }, 'Interrupted: 10 items accepted, books closed.'],
    [
      'tired of waiting',
      { status: 'wait-timeout', items: items({ open: 4 }) },
      'Stopped waiting (--wait-timeout): everything is handed over, 4 items still open at the service.',
    ],
    ['out of time', { status: 'max-duration' }, 'Stopped at --max-duration: 10 items accepted, books closed.'],
    ['failed', { status: 'failed' }, 'Failed: 10 items accepted before the error.'],
  ])('%s', (_, over, line) => {
    expect(text(over).split('\n')[0]).toBe(line);
  });

  test('what was mapped and went nowhere is counted too', () => {
    const stopped = text({ status: 'failed', items: items({ produced: 25, accepted: 10, known: 0, rejected: 1 }) });
    expect(stopped).toContain('25 produced = 10 accepted + 0 already known + 1 rejected + 14 not sent');
    expect(text()).not.toContain('not sent');
  });

  test('no number is cut to fit a narrow terminal', () => {
    const wide = summaryText(
      summary({
        batches: [
          { batch: 'b'.repeat(36), lane: 0, number: 1, status: 'succeeded', items: 2500, counts: counts(2500, 2500) },
        ],
      }),
      { color: false, columns: 60 },
    );
    expect(wide).toContain('2,500 succeeded');
  });
});

describe('the last lines', () => {
  test('hold the books, the work and nothing that is zero', () => {
    expect(text({ created: { users: 1, graphs: 0, threads: 2 } }).split('\n')).toEqual([
      'Done: 10 items accepted and processed.',
      '  run        run-1',
      '  records    10 read = 10 mapped + 0 skipped + 0 rejected',
      '  items      10 produced = 10 accepted + 0 already known + 0 rejected',
      '  processed  10 succeeded',
      '  created    1 user, 2 threads',
      '  calls      4 (1 with items)',
      '  bytes      1 kB read, 2 kB sent',
      '  duration   1.5 s, 6.7/s',
      '',
    ]);
  });

  test('end with the command to type next', () => {
    const lines = text({
      next: 'zep-import retry run-1',
      files: ['/x/rejects.csv'],
      notes: ['Two drafts were deleted.'],
    });
    expect(lines.trimEnd().split('\n').slice(-6)).toEqual([
      'Written',
      '  /x/rejects.csv',
      '',
      'Two drafts were deleted.',
      '',
      'Next: zep-import retry run-1',
    ]);
  });

  test('name every doubt about times and numbers', () => {
    const lines = text({
      inexactNumbers: 1,
      time: {
        dated: 1,
        undated: 1,
        naive: 2,
        dst: 3,
        future: 4,
        before1990: 5,
        epoch1970: 6,
        outOfOrder: 8,
        outOfOrderDestinations: [{ destination: 'user ada', items: 7 }],
      },
    });
    for (const words of [
      '1 item without created_at',
      '2 items dated by a text without zone',
      '3 items at a local time that daylight saving',
      '4 items dated in the future',
      '5 items dated before 1990',
      '6 items dated in January 1970',
      '8 items older than the item before them in the same destination: user ada (7)',
      '1 number kept as text, since a double cannot hold it exactly',
    ]) {
      expect(lines).toContain(words);
    }
    expect(text({ time: NO_TIME_TROUBLE })).not.toContain('Worth a look');
  });

  test('group the first errors with counts and say how many more there are', () => {
    const errors = Array.from({ length: 13 }, (_, i) => ({
      stage: 'map',
      code: 'missing-field',
      message: `field ${i} is missing`,
      count: i === 0 ? 1200 : 1,
      first: `a.csv:${i}`,
    }));
    const lines = text({ errors }).split('\n');
    expect(lines).toContain('  1,200 x field 0 is missing [map missing-field] (first: a.csv:0)');
    expect(lines).toContain('      1 x field 9 is missing [map missing-field] (first: a.csv:9)');
    expect(lines).toContain('  and 3 more kinds of error (3 times)');
  });

  test('list ten batches, those in trouble first, and count the others', () => {
    const batches = Array.from({ length: 1500 }, (_, number) => ({
      batch: `id-${number}`,
      lane: 0,
      number,
      status: number === 1400 ? 'partial' : 'succeeded',
      items: 1000,
      counts: number === 1400 ? counts(1000, 990, 10) : counts(1000, 1000),
    }));
    const lines = text({ batches }).trimEnd().split('\n');
    const from = lines.findIndex((line) => line.startsWith('Batch'));
    expect(lines[from + 1]).toBe('1,400  id-1400  partial    1,000  990 succeeded, 10 failed');
    expect(lines[from + 2]).toBe('    0  id-0     succeeded  1,000  1,000 succeeded');
    expect(lines[from + 11]).toBe('and 1,490 more batches');
    expect(lines).toHaveLength(from + 12);
  });

  test('hold no control characters from outside, with and without colour', () => {
    const hostile = summary({
      run: HOSTILE,
      batches: [{ batch: HOSTILE, lane: 0, number: 1, status: HOSTILE, items: 1, counts: undefined }],
      errors: [{ stage: HOSTILE, code: HOSTILE, message: HOSTILE, count: 1, first: HOSTILE }],
      files: [HOSTILE],
      notes: [HOSTILE],
      next: HOSTILE,
      time: { ...NO_TIME_TROUBLE, outOfOrder: 1, outOfOrderDestinations: [{ destination: HOSTILE, items: 1 }] },
    });
    expect(summaryText(hostile, PLAIN).replaceAll('\n', '')).toMatch(/^[^\p{Cc}\p{Cs}\u202e\u2028]+$/u);
    const colored = summaryText(hostile, { color: true, columns: 80 });
    expect(colored).toContain('\u001b[');
    expect(colored.replaceAll(/\u001b\[\d+m/g, '').replaceAll('\n', '')).toMatch(/^[^\p{Cc}\p{Cs}\u202e\u2028]+$/u);
  });
});

describe('the summary as JSON', () => {
  test('has the public names, in snake case, at the top', () => {
    const json = summaryJson(
      summary({
        records: records({ rejected: 2, partlyRejected: 1 }),
        batches: [{ batch: 'b', lane: 1, number: 2, status: 'partial', items: 3, counts: counts(3, 2, 1) }],
      }),
    );
    expect(json).toMatchObject({
      type: 'summary',
      run: 'run-1',
      status: 'completed',
      exit_code: 0,
      read: 10,
      accepted: 10,
      rejected: 3,
      records: { read: 10, mapped: 10, skipped: 0, rejected: 2, partly_rejected: 1 },
      items: { produced: 10, accepted: 10, known: 0, succeeded: 10, open: 0 },
      calls: { total: 4, add: 1, repeated: 0, rate_limited: 0 },
      batches: [{ batch: 'b', lane: 1, number: 2, status: 'partial', items: 3, total: 3, succeeded: 2, failed: 1 }],
      time: { before_1990: 0, epoch_1970: 0, out_of_order: 0, out_of_order_destinations: [] },
      duration_ms: 1500,
      next: null,
    });
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
  });

  test('has only snake case keys, at every depth', () => {
    const keys: string[] = [];
    JSON.stringify(summaryJson(summary()), (key, value: unknown) => {
      keys.push(key);
      return value;
    });
    expect(keys.filter((key) => !/^[a-z0-9_]*$/.test(key))).toEqual([]);
  });
});
