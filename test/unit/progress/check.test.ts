import { describe, expect, test } from 'vitest';
import { paceOf, type CheckReport } from '../../../src/check-report.js';
import { checkJson } from '../../../src/progress/check-json.js';
import { checkText } from '../../../src/progress/check-text.js';
import { HOSTILE, NO_TIME_TROUBLE } from './samples.js';

function report(over: Partial<CheckReport> = {}): CheckReport {
  return {
    records: { read: 1300, mapped: 1300, skipped: 0, rejected: 0, partlyRejected: 0 },
    items: { total: 1240, episodes: 1000, messages: 240, parts: 12, known: 0, rejected: 0 },
    rejects: [],
    destinations: { users: 12, graphs: 1, threads: 300, unownedThreads: 20 },
    calls: {
      setup: { users: 12, graphs: 1, threads: 300, threadOwners: 20 },
      project: 1,
      create: 1,
      add: 3,
      verify: 1,
      process: 1,
      follow: 1,
      total: 341,
      most: 341,
    },
    batches: 1,
    batchesMost: 1,
    credits: 5000,
    bytesToSend: 1_230_000,
    bytesRead: 999,
    durationMs: 1200,
    time: NO_TIME_TROUBLE,
    coverage: { unused: [], moreUnused: 0, absent: [], sparse: [] },
    inexactNumbers: 0,
    notices: [],
    pace: paceOf(341, undefined),
    exitCode: 0,
    next: 'zep-import data.csv -m map.yaml',
    ...over,
  };
}

const PLAIN = { color: false, columns: undefined };

describe('the report of a check', () => {
  test('says what an import would do and cost, and that nothing was sent', () => {
    expect(checkText(report(), PLAIN).split('\n')).toEqual([
      'Check: all 1,300 rows can be imported. Nothing was sent.',
      '  records    1,300 read = 1,300 mapped + 0 skipped + 0 rejected',
      '  items      1,240: 1,000 episodes, 240 thread messages (12 parts of longer texts)',
      '  to         12 users, 1 graph, 300 threads (20 threads without an owner in the mapping)',
      '  calls      341 or more: 1 for the project, 12 for users, 1 for graphs, 300 for threads, 20 for owners of threads, 1 to create batches, 3 to add items, 1 to verify them, 1 to process, 1 or more to follow',
      '  time       at least 1 min 8 s at 300 calls a minute',
      '             at least 34 s at 600 calls a minute',
      '             at least 20 s at 1,000 calls a minute',
      '  batches    1',
      '  cost       5,000 credits (one for each started 350 bytes of an item), 1.2 MB to send',
      '  checked    999 B in 1.2 s',
      '',
      'Next: zep-import data.csv -m map.yaml',
      '',
    ]);
  });

  test.each<[string, Partial<CheckReport>, string]>([
    [
      'rejected rows',
      { records: { read: 1300, mapped: 1295, skipped: 0, rejected: 5, partlyRejected: 1 } },
      'Check: 6 of 1,300 rows would be rejected. Nothing was sent.',
    ],
    [
      'an empty source',
      { records: { read: 0, mapped: 0, skipped: 0, rejected: 0, partlyRejected: 0 } },
      'Check: the sources hold no records, or --skip and --limit leave none. Nothing was sent.',
    ],
    [
      'a mapping that keeps nothing',
      { items: { total: 0, episodes: 0, messages: 0, parts: 0, known: 0, rejected: 0 } },
      'Check: the mapping keeps no record. Nothing was sent.',
    ],
    [
      'failed examples',
      { tests: { passed: 3, failed: 1 } },
      'Check: all 1,300 rows can be imported; 1 test of the mapping failed. Nothing was sent.',
    ],
  ])('says first what is wrong: %s', (_, over, line) => {
    expect(checkText(report(over), PLAIN).split('\n')[0]).toBe(line);
  });

  test('names reasons, notices and what to do about them', () => {
    const text = checkText(
      report({
        rejects: [{ stage: 'map', code: 'missing-field', message: 'content is missing', count: 5, first: 'a.csv:7' }],
        notices: [{ level: 'warning', code: 'no-identity', message: 'neither key nor created_at', hint: 'add a key' }],
      }),
      PLAIN,
    );
    expect(text).toContain('Would be rejected\n  5 x content is missing [map missing-field] (first: a.csv:7)\n');
    expect(text).toContain('Worth a look\n  neither key nor created_at\n    add a key\n');
  });

  test('shows outside words harmless', () => {
    const text = checkText(
      report({ notices: [{ level: 'info', code: HOSTILE, message: HOSTILE, hint: HOSTILE }], next: HOSTILE }),
      PLAIN,
    );
    expect(text.replaceAll('\n', '')).toMatch(/^[^\p{Cc}\p{Cs}\u202e\u2028]+$/u);
  });

  test('as JSON has the public names in snake case', () => {
    expect(checkJson(report({ tests: { passed: 1, failed: 0 } }))).toMatchObject({
      type: 'check',
      exit_code: 0,
      read: 1300,
      rejected: 0,
      items: { total: 1240, episodes: 1000, messages: 240, parts: 12, known: 0 },
      destinations: { users: 12, graphs: 1, threads: 300, unowned_threads: 20 },
      calls: {
        setup: { thread_owners: 20 },
        project: 1,
        create: 1,
        add: 3,
        verify: 1,
        process: 1,
        follow: 1,
        total: 341,
        most: 341,
      },
      batches: 1,
      batches_most: 1,
      credits: 5000,
      bytes: { read: 999, to_send: 1_230_000 },
      pace: [
        { calls_per_minute: 300, minutes: 1.14 },
        { calls_per_minute: 600, minutes: 0.57 },
        { calls_per_minute: 1000, minutes: 0.34 },
      ],
      tests: { passed: 1, failed: 0 },
    });
  });

  test('says how many batches there may be when lanes are added', () => {
    const text = checkText(report({ batches: 4, batchesMost: 9 }), PLAIN);
    expect(text).toContain('  batches    4 to 9, as lanes are added when a batch overflows (--concurrency fixes it)\n');
  });

  test('names a time once when a faster pace changes nothing', () => {
    const text = checkText(report({ pace: paceOf(4, undefined) }), PLAIN);
    expect(text.match(/at least 1 s/g)).toHaveLength(1);
  });

  test('of the tests of a mapping alone says nothing of rows', () => {
    const text = checkText(report({ tests: { passed: 3, failed: 0 }, testsOnly: true, next: undefined }), PLAIN);
    expect(text).toBe('Check: 3 tests of the mapping passed. Nothing was sent.\n  tests      3 passed, 0 failed\n');
  });

  test('prices the calls at the limit that was given', () => {
    expect(paceOf(600, 60)).toEqual([{ callsPerMinute: 60, minutes: 10 }]);
  });
});
