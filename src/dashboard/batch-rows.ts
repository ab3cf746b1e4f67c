/** Batches as rows of the page: counts that add up whatever the service left out, the meaning of each status, filter and totals. Pure. */
import type { BatchSummary } from '../remote/api.js';
import { isMoving } from './batch-store.js';
import type { BatchRow, ItemCounts, Tone, Totals } from './view-models.js';

export const NO_ITEMS: ItemCounts = {
  all: 0,
  succeeded: 0,
  failed: 0,
  skipped: 0,
  canceled: 0,
  open: 0,
  inDrafts: 0,
};

export interface RowContext {
  readonly runTitleOf: (run: string) => string | undefined;
  readonly runOf: (
    batch: string,
  ) => { readonly run: string; readonly lane: number; readonly number: number } | undefined;
  readonly perSecond: (batch: string) => number | undefined;
}

export function settledOf({ counts }: Pick<BatchSummary, 'counts'>): number {
  return counts === undefined ? 0 : counts.succeeded + counts.failed + counts.skipped + counts.canceled;
}

export function countsOf(summary: Pick<BatchSummary, 'counts' | 'itemCount' | 'status'>): ItemCounts {
  const { counts, status } = summary;
  const all = Math.max(counts?.total ?? 0, summary.itemCount ?? 0, settledOf(summary));
  if (status === 'draft' || status === 'invalid' || status === '') return { ...NO_ITEMS, all, inDrafts: all };
  const { succeeded = 0, failed = 0, skipped = 0, canceled = 0 } = counts ?? {};
  return {
    all,
    succeeded,
    failed,
    skipped,
    canceled,
    open: all - succeeded - failed - skipped - canceled,
    inDrafts: 0,
  };
}

/** Unknown words of the service move: they are never taken for a success. */
export function toneOf(status: string, counts?: ItemCounts): Tone {
  switch (status) {
    case 'draft':
    case '':
      return 'idle';
    case 'succeeded':
      return counts !== undefined && counts.skipped + counts.canceled + counts.failed > 0 ? 'warning' : 'good';
    case 'partial':
    case 'canceled':
      return 'warning';
    case 'failed':
    case 'invalid':
    case 'gone':
      return 'bad';
    default:
      return 'busy';
  }
}

export function itemTone(status: string): Tone {
  switch (status) {
    case 'succeeded':
      return 'good';
    case 'failed':
      return 'bad';
    case 'skipped':
    case 'canceled':
      return 'warning';
    case 'processing':
      return 'busy';
    default:
      return 'idle';
  }
}

export function batchRow(summary: BatchSummary, context: RowContext): BatchRow {
  const counts = countsOf(summary);
  const told = context.runOf(summary.batchId);
  const run = told?.run ?? text(summary.metadata['zi_run']);
  return {
    id: summary.batchId,
    status: summary.status === '' ? 'unknown' : summary.status,
    tone: toneOf(summary.status, counts),
    counts,
    created: summary.createdAt,
    processed: summary.processedAt,
    completed: summary.completedAt,
    run,
    runTitle: run === undefined ? undefined : context.runTitleOf(run),
    lane: told?.lane ?? whole(summary.metadata['zi_lane']),
    number: told?.number ?? whole(summary.metadata['zi_no']),
    perSecond: isMoving(summary.status) ? context.perSecond(summary.batchId) : undefined,
  };
}

/** Every word of `query` occurs in the batch's id, run, status or metadata. */
export function matchesBatch(summary: BatchSummary, runTitle: string | undefined, query: string): boolean {
  const words = wordsOf(query);
  if (words.length === 0) return true;
  const hay = [summary.batchId, summary.status, runTitle ?? '', ...Object.values(summary.metadata).map(String)]
    .join(' ')
    .toLowerCase();
  return words.every((word) => hay.includes(word));
}

export function wordsOf(query: string): string[] {
  return query.toLowerCase().split(/\s+/).filter(Boolean);
}

export function addCounts(a: ItemCounts, b: ItemCounts): ItemCounts {
  return {
    all: a.all + b.all,
    succeeded: a.succeeded + b.succeeded,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    canceled: a.canceled + b.canceled,
    open: a.open + b.open,
    inDrafts: a.inDrafts + b.inDrafts,
  };
}

export function batchTotals(summaries: Iterable<BatchSummary>): Pick<Totals, 'batches' | 'items'> {
  const batches = { all: 0, drafts: 0, open: 0, troubled: 0 };
  let items = NO_ITEMS;
  for (const summary of summaries) {
    const counts = countsOf(summary);
    batches.all += 1;
    if (summary.status === 'draft') batches.drafts += 1;
    else if (isMoving(summary.status)) batches.open += 1;
    const tone = toneOf(summary.status, counts);
    if (tone === 'bad' || tone === 'warning') batches.troubled += 1;
    items = addCounts(items, counts);
  }
  return { batches, items };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function whole(value: unknown): number | undefined {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}
