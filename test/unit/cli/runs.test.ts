import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { folderOfRun } from '../../../src/run/prune-runs.js';
import { newRun, place, reject, type Place } from '../../support/books.js';

let at: Place;
beforeEach(async () => {
  at = await place();
});
afterEach(() => at.close());

const DAY_MS = 86_400_000;
const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();
const ids = (): string[] => at.ledger.runs.all().map((run) => run.id);

/** A run that is over, with a folder. */
async function over(id: string, days = 100): Promise<void> {
  await at.past(id, { batches: [2], startedAt: daysAgo(days) });
  await at.zep(['status', id]);
  const folder = join(at.state, 'runs', id);
  mkdirSync(join(folder, 'counted'), { recursive: true });
  writeFileSync(join(folder, 'summary.json'), '{}');
}

async function prune(...args: string[]): Promise<{ pruned: string[]; kept: Record<string, string>; freed: number }> {
  const { stdout, code } = await at.zep(['runs', 'prune', '-o', 'json', ...args]);
  expect(code).toBe(0);
  const told = JSON.parse(stdout) as {
    pruned: { run: string; bytes: number }[];
    kept: { run: string; code: string }[];
  };
  return {
    pruned: told.pruned.map(({ run }) => run),
    kept: Object.fromEntries(told.kept.map(({ run, code: why }) => [run, why])),
    freed: told.pruned.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

describe('runs', () => {
  it('lists all runs, newest first, with where each stands and what to type next', async () => {
    await at.past('run-a', { name: 'nightly', batches: [3], rejects: [reject(5), reject(6)] });
    await at.past('run-b', { batches: [4], until: 'draft', state: 'open' });
    await at.zep(['status', 'run-a']);
    const { stdout, stderr, code } = await at.zep(['runs', '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'runs',
      more: false,
      runs: [
        { run: 'run-b', name: null, status: 'staged', accepted: 4, rejected: 0, failed: 0, open: 4 },
        {
          run: 'run-a',
          name: 'nightly',
          status: 'completed-with-errors',
          accepted: 3,
          rejected: 2,
          failed: 0,
          open: 0,
        },
      ],
    });
    expect(stdout.indexOf('"type"')).toBe(1);
    expect(stderr).toMatch(/^next: zep-import resume run-b /m);
    expect(code).toBe(0);
    const table = await at.zep(['runs', '--limit', '1']);
    expect(table.stdout).toMatch(/run-b +drafts wait +.*rows\.jsonl +4 +0 +0 +4 +resume/);
    expect(table.stdout).not.toContain('run-a');
    expect(table.stderr).toContain('--limit');
  });

  it('a state folder without a ledger holds no runs, and none is made', async () => {
    const empty = join(at.state, 'empty');
    const listed = await at.offline(['runs', '--state-dir', empty]);
    expect(listed).toMatchObject({ code: 0, stdout: 'no runs yet\n' });
    const json = await at.offline(['runs', '-o', 'json', '--state-dir', empty]);
    expect(JSON.parse(json.stdout)).toEqual({ type: 'runs', runs: [], more: false });
    for (const command of ['status', 'audit', 'receipt']) {
      const { code, stdout, stderr } = await at.offline([command, '-o', 'json', '--state-dir', empty]);
      expect(code).toBe(4);
      expect(JSON.parse(stdout)).toMatchObject({ type: 'error', code: 'no-runs', exit_code: 4 });
      expect(stderr).toContain('no runs yet');
    }
    expect(existsSync(empty)).toBe(false);
  });
});

describe('runs prune', () => {
  it('does nothing without being told which runs may go', async () => {
    await over('run-a');
    expect((await at.zep(['runs', 'prune'])).code).toBe(2);
    expect((await at.zep(['runs', 'prune', '--older-than', '90'])).code).toBe(2);
    expect(ids()).toEqual(['run-a']);
  });

  it('keeps the newest N, or the younger ones, or both', async () => {
    for (const [id, days] of [
      ['run-a', 100],
      ['run-b', 50],
      ['run-c', 1],
    ] as const)
      await over(id, days);
    expect(await prune('--keep', '2', '-n')).toMatchObject({
      pruned: ['run-a'],
      kept: { 'run-c': 'newest', 'run-b': 'newest' },
    });
    expect(await prune('--older-than', '90d', '-n')).toMatchObject({ pruned: ['run-a'] });
    expect(await prune('--older-than', '12h', '-n')).toMatchObject({ pruned: ['run-c', 'run-b', 'run-a'] });
    expect(await prune('--keep', '1', '--older-than', '90d', '-n')).toMatchObject({
      pruned: ['run-a'],
      kept: { 'run-c': 'newest', 'run-b': 'young' },
    });
    expect(ids()).toEqual(['run-c', 'run-b', 'run-a']);
    expect(await prune('--keep', '0')).toMatchObject({ pruned: ['run-c', 'run-b', 'run-a'], freed: 6 });
    expect(ids()).toEqual([]);
    expect(readdirSync(join(at.state, 'runs'))).toEqual([]);
  });

  it('keeps every run that is not over, or of which something could still be sent, and says why', async () => {
    await at.past('open', { batches: [2], until: 'draft', state: 'open' });
    await at.past('at-work', { batches: [2], until: 'started' });
    await over('rejects');
    at.ledger.rejects.put('rejects', [reject(3)]);
    await over('failures');
    const [batch] = at.ledger.batches.of('failures');
    at.ledger.rejects.putFailures([
      { batch: batch?.row ?? 0, index: 0, status: 'failed', code: undefined, message: 'x', mark: undefined },
    ]);
    await over('retried');
    at.ledger.rejects.put('retried', [reject(3)]);
    at.ledger.rejects.setState('retried', 'open', 'retried');
    at.ledger.runs.begin(newRun('its-retry', { parent: 'retried' }), daysAgo(0));
    await over('free');
    const { pruned, kept } = await prune('--keep', '0');
    expect(pruned).toEqual(['free']);
    expect(kept).toEqual({
      open: 'not-delivered',
      'at-work': 'at-work',
      rejects: 'not-retried',
      failures: 'not-retried',
      retried: 'retry-open',
      'its-retry': 'not-delivered',
    });
    const text = await at.zep(['runs', 'prune', '--keep', '0', '-n']);
    expect(text.stdout).toMatch(/stays {3}rejects: 1 rejected row could still be sent \(zep-import retry rejects/);
    expect(text.stdout).toMatch(/stays {3}open: it is not delivered \(zep-import resume open/);
  });

  it('deletes nothing outside the folder of runs: not through odd ids, not through links', async () => {
    const folder = join(at.state, 'runs');
    for (const odd of ['', '.', '..', '../x', 'a/b', 'a\\b', '/etc', 'a\0b', 'x/../y']) {
      expect(folderOfRun(folder, odd)).toBeUndefined();
    }
    expect(folderOfRun(folder, '20260101-000000-aaaaaa')).toBe(join(folder, '20260101-000000-aaaaaa'));
    const outside = mkdtempSync(join(tmpdir(), 'zi-outside-'));
    writeFileSync(join(outside, 'precious'), 'x');
    await over('run-a');
    symlinkSync(outside, join(folder, 'run-a', 'link'));
    await at.past('run-b', { batches: [1] });
    await at.zep(['status', 'run-b']);
    symlinkSync(outside, join(folder, 'run-b'));
    await over('..');
    rmSync(join(at.state, 'summary.json'), { force: true });
    expect((await prune('--keep', '0')).pruned).toEqual(['..', 'run-b', 'run-a']);
    expect(readdirSync(outside)).toEqual(['precious']);
    expect(existsSync(join(at.state, 'ledger.db'))).toBe(true);
    expect(readdirSync(folder)).not.toContain('run-a');
    rmSync(outside, { recursive: true });
  });
});
