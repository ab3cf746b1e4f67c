/**
 * What is known of every batch, and their totals. Immutable like the rest of the state; batches lie in small buckets so that one more
 * word about one batch copies a few hundred references, not thousands of entries. Beyond MAX_TRACKED finished batches are let go (their
 * share of the totals stays), which bounds memory however many batches a run has.
 */
import { TERMINAL_BATCH_STATUSES } from '../wire.js';
import type { BatchCounts } from '../events.js';

export interface KnownBatch {
  readonly batch: string;
  readonly lane: number;
  readonly number: number;
  /** As the service words it; empty while only adds were seen. */
  readonly status: string;
  /** Items as the last batch event told them. */
  readonly items: number;
  /** Items accepted into it by this process. */
  readonly accepted: number;
  readonly counts: BatchCounts | undefined;
}

export interface BatchTotals {
  readonly batches: number;
  readonly drafts: number;
  /** Handed over and not finished; unknown statuses count here, never as success. */
  readonly open: number;
  readonly finished: number;
  /** Finished otherwise than `succeeded`. */
  readonly troubled: number;
  readonly items: number;
  /** Items of which the service will say no more. */
  readonly settled: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly canceled: number;
}

export interface BatchBook {
  readonly buckets: readonly (readonly KnownBatch[])[];
  readonly tracked: number;
  readonly totals: BatchTotals;
}

const BUCKETS = 256;
const MAX_TRACKED = 20_000;

const NOTHING: BatchTotals = {
  batches: 0,
  drafts: 0,
  open: 0,
  finished: 0,
  troubled: 0,
  items: 0,
  settled: 0,
  succeeded: 0,
  failed: 0,
  skipped: 0,
  canceled: 0,
};

export const EMPTY_BOOK: BatchBook = {
  buckets: Array.from({ length: BUCKETS }, () => []),
  tracked: 0,
  totals: NOTHING,
};

export function findBatch(book: BatchBook, batch: string): KnownBatch | undefined {
  return book.buckets[bucketOf(batch)]?.find((known) => known.batch === batch);
}

/** The book with this entry in place of what was known of the same batch; `undefined` takes the batch out. */
export function putBatch(book: BatchBook, batch: string, entry: KnownBatch | undefined): BatchBook {
  const at = bucketOf(batch);
  const bucket = book.buckets[at] ?? [];
  const old = bucket.find((known) => known.batch === batch);
  const crowded = book.tracked >= MAX_TRACKED;
  const kept = bucket.filter((known) => known.batch !== batch && !(crowded && isTerminal(known.status)));
  if (entry !== undefined) kept.push(entry);
  const buckets = book.buckets.slice();
  buckets[at] = kept;
  const totals = combine(combine(book.totals, weigh(old), -1), weigh(entry), 1);
  return { buckets, tracked: book.tracked - bucket.length + kept.length, totals };
}

export function isTerminal(status: string): boolean {
  return TERMINAL_BATCH_STATUSES.has(status);
}

/** Nothing is being done with the batch yet: a draft, or one of which only adds were seen. */
export function isDraft(status: string): boolean {
  return status === 'draft' || status === '';
}

function weigh(entry: KnownBatch | undefined): BatchTotals {
  if (entry === undefined) return NOTHING;
  const { status, counts } = entry;
  const finished = isTerminal(status);
  const items = Math.max(entry.items, entry.accepted, counts?.total ?? 0);
  const told = counts === undefined ? 0 : counts.succeeded + counts.failed + counts.skipped + counts.canceled;
  return {
    batches: 1,
    drafts: isDraft(status) ? 1 : 0,
    open: isDraft(status) || finished ? 0 : 1,
    finished: finished ? 1 : 0,
    troubled: finished && status !== 'succeeded' ? 1 : 0,
    items,
    settled: finished ? items : Math.min(items, told),
    succeeded: counts?.succeeded ?? 0,
    failed: counts?.failed ?? 0,
    skipped: counts?.skipped ?? 0,
    canceled: counts?.canceled ?? 0,
  };
}

function combine(a: BatchTotals, b: BatchTotals, sign: 1 | -1): BatchTotals {
  return {
    batches: a.batches + sign * b.batches,
    drafts: a.drafts + sign * b.drafts,
    open: a.open + sign * b.open,
    finished: a.finished + sign * b.finished,
    troubled: a.troubled + sign * b.troubled,
    items: a.items + sign * b.items,
    settled: a.settled + sign * b.settled,
    succeeded: a.succeeded + sign * b.succeeded,
    failed: a.failed + sign * b.failed,
    skipped: a.skipped + sign * b.skipped,
    canceled: a.canceled + sign * b.canceled,
  };
}

function bucketOf(batch: string): number {
  let hash = 0;
  for (let i = 0; i < batch.length; i++) hash = (hash * 31 + batch.charCodeAt(i)) | 0;
  return (hash >>> 0) % BUCKETS;
}
