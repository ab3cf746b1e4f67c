/** Where a run stands, and what a person does next: facts in, answer out. */
import type { RunBooks, RunCondition } from '../run-report.js';

export interface ConditionFacts {
  readonly state: 'open' | 'delivered' | 'closed';
  /** All its input is settled. */
  readonly isComplete: boolean;
  /** A living process works on it. */
  readonly isRunning: boolean;
  /** Batches that the service is at work on. */
  readonly atWork: number;
  readonly books: Pick<RunBooks, 'inDrafts' | 'unhandled' | 'outcomes'>;
}

export function conditionOf({ state, isComplete, isRunning, atWork, books }: ConditionFacts): RunCondition {
  const { unhandled, outcomes, inDrafts } = books;
  if (isRunning && state === 'open') return 'running';
  if (state === 'open') return isComplete && inDrafts > 0 ? 'staged' : 'unfinished';
  if (atWork > 0) return 'processing';
  if (unhandled.failures > 0 || outcomes.lost > 0) return 'completed-with-errors';
  if (state === 'closed') return 'closed';
  return unhandled.rejects > 0 ? 'completed-with-errors' : 'completed';
}

export interface NextFacts {
  readonly run: string;
  readonly condition: RunCondition;
  readonly staged: boolean;
  readonly unhandled: RunBooks['unhandled'];
}

/** The words of the command that goes on from here; undefined when nothing is left to do. */
export function nextStep({ run, condition, staged, unhandled }: NextFacts): readonly string[] | undefined {
  switch (condition) {
    case 'running':
    case 'processing':
      return ['status', run, '--watch'];
    case 'unfinished':
      return ['resume', run];
    case 'staged':
      return [staged ? 'commit' : 'resume', run];
    case 'completed-with-errors':
      return unhandled.rejects + unhandled.failures > 0 ? ['retry', run] : ['audit', run];
    case 'completed':
    case 'closed':
      return undefined;
  }
}
