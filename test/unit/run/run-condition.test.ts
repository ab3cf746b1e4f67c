import { describe, expect, it } from 'vitest';
import { exitCodeOfCondition } from '../../../src/cli/exit-codes.js';
import { conditionOf, nextStep, type ConditionFacts } from '../../../src/run/run-condition.js';

const NOTHING = { succeeded: 0, failed: 0, skipped: 0, canceled: 0, open: 0, lost: 0 };

function facts(over: Partial<ConditionFacts> = {}, lost = 0, rejects = 0, failures = 0, inDrafts = 0): ConditionFacts {
  const books = { inDrafts, unhandled: { rejects, failures }, outcomes: { ...NOTHING, lost } };
  return { state: 'delivered', isComplete: true, isRunning: false, atWork: 0, books, ...over };
}

describe('where a run stands', () => {
  it('done only when it is delivered, the service is done, and nothing was rejected, failed or lost', () => {
    expect(conditionOf(facts())).toBe('completed');
    expect(conditionOf(facts({}, 0, 1))).toBe('completed-with-errors');
    expect(conditionOf(facts({}, 0, 0, 1))).toBe('completed-with-errors');
    expect(conditionOf(facts({}, 1))).toBe('completed-with-errors');
    expect(conditionOf(facts({ atWork: 1 }, 0, 1, 1))).toBe('processing');
  });

  it('an open run is running, staged when all its input is in drafts, else not finished', () => {
    expect(conditionOf(facts({ state: 'open', isRunning: true }))).toBe('running');
    expect(conditionOf(facts({ state: 'open' }, 0, 0, 0, 5))).toBe('staged');
    expect(conditionOf(facts({ state: 'open' }))).toBe('unfinished');
    expect(conditionOf(facts({ state: 'open', isComplete: false }, 0, 0, 0, 5))).toBe('unfinished');
  });

  it('a run that was given up is not reproached with rows that its successor may have taken, but with items that failed', () => {
    expect(conditionOf(facts({ state: 'closed' }, 0, 3))).toBe('closed');
    expect(conditionOf(facts({ state: 'closed' }, 0, 0, 1))).toBe('completed-with-errors');
    expect(conditionOf(facts({ state: 'closed', atWork: 1 }))).toBe('processing');
  });
});

it('the command to type next goes on from there, and there is none when nothing is left to do', () => {
  const step = (condition: ReturnType<typeof conditionOf>, staged = false, rejects = 0): string | undefined =>
    nextStep({ run: 'r', condition, staged, unhandled: { rejects, failures: 0 } })?.join(' ');
  expect(step('running')).toBe('status r --watch');
  expect(step('processing')).toBe('status r --watch');
  expect(step('unfinished')).toBe('resume r');
  expect(step('staged')).toBe('resume r');
  expect(step('staged', true)).toBe('commit r');
  expect(step('completed-with-errors', false, 1)).toBe('retry r');
  expect(step('completed-with-errors')).toBe('audit r');
  expect(step('completed')).toBeUndefined();
  expect(step('closed')).toBeUndefined();
});

it('the exit code of status: 0 done, 10 errors, 12 at work, 14 drafts wait', () => {
  expect(exitCodeOfCondition('completed', false)).toBe(0);
  expect(exitCodeOfCondition('closed', true)).toBe(0);
  expect(exitCodeOfCondition('completed-with-errors', false)).toBe(10);
  expect(exitCodeOfCondition('processing', false)).toBe(12);
  expect(exitCodeOfCondition('running', true)).toBe(12);
  expect(exitCodeOfCondition('staged', true)).toBe(14);
  expect(exitCodeOfCondition('unfinished', true)).toBe(14);
  expect(exitCodeOfCondition('unfinished', false)).toBe(0);
});
