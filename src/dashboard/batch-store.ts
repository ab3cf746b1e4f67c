/**
 * The project's batches as the service last described them, and what must be asked next: the newest are listed in every round (one call tells a
 * hundred of them, and whatever is new), older ones are asked about one by one, only while they can still change, and ever more seldom while
 * they do not. Where that would cost more calls than listing everything, everything is listed.
 */
import type { BatchSummary } from '../remote/api.js';
import { TERMINAL_BATCH_STATUSES } from '../wire.js';

export interface KnownBatch {
  readonly summary: BatchSummary;
  /** When it was first seen, in the order of the service's list: larger is newer. */
  readonly rank: number;
  /** Monotonic; when it is asked about again, and how long that was put off. */
  readonly dueAt: number;
  readonly waitMs: number;
}

export interface RoundPlan {
  readonly isFull: boolean;
  /** Batches that are not among the newest and may have news. */
  readonly ask: readonly string[];
}

/** So many of the newest are listed in every round: a page. */
export const HEAD = 100;
const PAGE = 100;
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 60_000;
const RELIST_MS = 10 * 60_000;
/** So many single questions in one round at most: the rest comes in the next. */
const ASKED_A_ROUND = 20;

export class BatchStore {
  readonly #batches = new Map<string, KnownBatch>();
  #sorted: readonly KnownBatch[] | undefined;
  #listedAt: number | undefined;
  #top = 0;
  #version = 0;

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#batches.size;
  }

  /** Everything was listed at least once. */
  get isListed(): boolean {
    return this.#listedAt !== undefined;
  }

  get(id: string): BatchSummary | undefined {
    return this.#batches.get(id)?.summary;
  }

  /** Newest first. */
  all(): readonly KnownBatch[] {
    this.#sorted ??= [...this.#batches.values()].sort(newestFirst);
    return this.#sorted;
  }

  plan(now: number): RoundPlan {
    if (this.#listedAt === undefined || now - this.#listedAt > RELIST_MS) return { isFull: true, ask: [] };
    const older = this.all()
      .slice(HEAD)
      .filter(({ summary, dueAt }) => canChange(summary.status) && dueAt <= now)
      .sort((a, b) => a.dueAt - b.dueAt);
    const pages = Math.ceil(Math.max(0, this.size - HEAD) / PAGE);
    if (older.length > pages) return { isFull: true, ask: [] };
    return { isFull: false, ask: older.slice(0, ASKED_A_ROUND).map(({ summary }) => summary.batchId) };
  }

  /** Takes in what the service says of a batch. True when that is news. `place` is its place in the list, where it came from one. */
  put(summary: BatchSummary, now: number, place?: number): boolean {
    const before = this.#batches.get(summary.batchId);
    const isNews = before === undefined || signature(before.summary) !== signature(summary);
    const waitMs = isNews ? FIRST_WAIT_MS : Math.min(LONGEST_WAIT_MS, before.waitMs * 1.5);
    const rank = before?.rank ?? (this.isListed ? ++this.#top : -(place ?? 0));
    this.#batches.set(summary.batchId, { summary, rank, dueAt: now + waitMs, waitMs });
    this.#sorted = undefined;
    if (isNews) this.#version++;
    return isNews;
  }

  /** Everything was listed: what the list did not hold is gone. */
  listed(seen: ReadonlySet<string>, now: number): void {
    for (const id of this.#batches.keys()) if (!seen.has(id)) this.drop(id);
    if (this.#listedAt === undefined) this.#version++;
    this.#listedAt = now;
  }

  drop(id: string): void {
    if (!this.#batches.delete(id)) return;
    this.#sorted = undefined;
    this.#version++;
  }
}

/** Whether the service may say something else of a batch tomorrow. */
export function canChange(status: string): boolean {
  return !TERMINAL_BATCH_STATUSES.has(status);
}

/** The service works on it, as opposed to a draft that waits for somebody. */
export function isMoving(status: string): boolean {
  return canChange(status) && status !== 'draft' && status !== '';
}

export function signature({ status, itemCount, counts, completedAt }: BatchSummary): string {
  const numbers = counts === undefined ? '' : Object.values(counts).join(',');
  return `${status} ${itemCount ?? ''} ${numbers} ${completedAt ?? ''}`;
}

function newestFirst(a: KnownBatch, b: KnownBatch): number {
  const [left, right] = [a.summary.createdAt ?? '', b.summary.createdAt ?? ''];
  if (left !== right) return left < right ? 1 : -1;
  return b.rank - a.rank;
}
