/**
 * The status machine, without storage and without time: the states of an item, which may follow which, how they are counted, and what a
 * batch is when all its items are at an end. Counters always sum to the number of items; an item at an end stays there.
 */
import type { BatchStatus, ItemStatus, WireProgress } from '../../wire.js';

/** The byte that stands for an item's state is its index here. */
export const STATES = [
  'pending',
  'queued',
  'processing',
  'succeeded',
  'failed',
  'skipped',
  'canceled',
] as const satisfies readonly ItemStatus[];

export const PENDING = 0;
export const QUEUED = 1;
export const PROCESSING = 2;
export const SUCCEEDED = 3;
export const FAILED = 4;
export const SKIPPED = 5;
export const CANCELED = 6;

export function isFinal(state: number): boolean {
  return state >= SUCCEEDED;
}

/** What was stored in a thread or graph, though nothing may have been extracted from it. */
export function isStored(state: number): boolean {
  return state === SUCCEEDED || state === SKIPPED;
}

/** How many items are in each state, by its byte. */
export type ItemCounts = readonly number[];

export function countStates(states: Uint8Array): number[] {
  const counts = STATES.map(() => 0);
  for (const state of states) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

/** Any failed and any succeeded: partial; failed and none succeeded: failed; all canceled: canceled; else succeeded. */
export function finalStatus(counts: ItemCounts): BatchStatus {
  const failed = counts[FAILED] ?? 0;
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (failed > 0) return (counts[SUCCEEDED] ?? 0) > 0 ? 'partial' : 'failed';
  return total > 0 && counts[CANCELED] === total ? 'canceled' : 'succeeded';
}

/** The progress object of a batch that was handed over; `percent_complete` goes from 0 to 100. */
export function progressOf(counts: ItemCounts): Required<WireProgress> {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const at = (state: number): number => counts[state] ?? 0;
  const done = at(SUCCEEDED) + at(FAILED) + at(SKIPPED) + at(CANCELED);
  return {
    total_items: total,
    queued_items: at(PENDING) + at(QUEUED),
    processing_items: at(PROCESSING),
    succeeded_items: at(SUCCEEDED),
    failed_items: at(FAILED),
    skipped_items: at(SKIPPED),
    canceled_items: at(CANCELED),
    percent_complete: total === 0 ? 100 : (100 * done) / total,
  };
}
