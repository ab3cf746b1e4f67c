import { expect, it } from 'vitest';
import { systemClock, type Clock } from '../../../src/clock.js';
import type { RunCondition, RunReport } from '../../../src/run-report.js';
import { followRun } from '../../../src/run/follow-run.js';
import { runReport } from '../progress/run-reports.js';

/** Looks that come one after the other, the last for ever, on a clock that does not wait. */
function scene(...conditions: RunCondition[]): {
  readonly slept: number[];
  readonly clock: Clock;
  readonly look: () => Promise<RunReport>;
  readonly shown: RunReport[];
  readonly show: (report: RunReport) => void;
} {
  const slept: number[] = [];
  const shown: RunReport[] = [];
  let next = 0;
  return {
    slept,
    shown,
    show: (report) => shown.push(report),
    clock: {
      ...systemClock,
      sleep: async (ms, signal) => {
        slept.push(ms);
        signal?.throwIfAborted();
      },
    },
    look: async () => runReport({ condition: conditions[Math.min(next++, conditions.length - 1)] ?? 'completed' }),
  };
}

it('ends with the first look at which nothing moves', async () => {
  const { look, show, shown, clock, slept } = scene('running', 'processing', 'completed');
  const last = await followRun({ look, show, clock }, new AbortController().signal);
  expect(last?.condition).toBe('completed');
  expect(shown.map(({ condition }) => condition)).toEqual(['running', 'processing', 'completed']);
  expect(slept).toHaveLength(2);
});

it('looks once at a run that nobody works on', async () => {
  for (const condition of ['unfinished', 'staged', 'completed-with-errors', 'closed'] as const) {
    const { look, show, clock, slept } = scene(condition);
    expect((await followRun({ look, show, clock }, new AbortController().signal))?.condition).toBe(condition);
    expect(slept).toEqual([]);
  }
});

it('waits a second at first and never more than fifteen', async () => {
  const moving = Array.from({ length: 20 }, () => 'processing' as const);
  const { look, show, clock, slept } = scene(...moving, 'completed');
  await followRun({ look, show, clock }, new AbortController().signal);
  expect(slept[0]).toBe(1_000);
  expect(slept).toEqual([...slept].sort((a, b) => a - b));
  expect(slept.at(-1)).toBe(15_000);
});

it('gives the last look back when it is stopped, and nothing when there was none', async () => {
  const stop = new AbortController();
  const { look, clock } = scene('processing');
  const show = (): void => stop.abort('interrupt');
  expect((await followRun({ look, show, clock }, stop.signal))?.condition).toBe('processing');
  const never = (): Promise<RunReport> => {
    stop.signal.throwIfAborted();
    return look();
  };
  expect(await followRun({ look: never, show, clock }, stop.signal)).toBeUndefined();
});

it('does not hide an error behind a stop', async () => {
  const { show, clock } = scene();
  const look = (): Promise<RunReport> => Promise.reject(new Error('broken'));
  await expect(followRun({ look, show, clock }, new AbortController().signal)).rejects.toThrow('broken');
});
