/**
 * What became of a batch that was handed over earlier: asked once, and put on record. Used for the batches of earlier imports at the start of
 * another one, and by whoever wants to know how an import stands.
 */
import type { BatchCounts, Observe } from '../events.js';
import type { StoredBatch } from '../ledger/batches.js';
import type { Ledger } from '../ledger/ledger.js';
import { Marks } from '../ledger/marks.js';
import type { BatchId } from '../model.js';
import { RemoteError, type BatchSummary, type RemoteApi } from '../remote/api.js';
import { step } from '../steps.js';
import { TERMINAL_BATCH_STATUSES } from '../wire.js';
import { GONE } from './books-of-run.js';
import { FailedItems, marksOfBatch } from './failed-items.js';

export interface SettleDeps {
  readonly api: RemoteApi;
  readonly ledger: Ledger;
  readonly observe: Observe;
  /** The marks of the batch's project, where they are open already. */
  readonly marks?: Marks | undefined;
}

/**
 * Asks for a batch once and records what the service says. Failed and canceled items are listed once it is finished. A batch that turned
 * invalid is left as it is, and its run is opened again: it must be made anew from its sources. What happened to a draft is for its run to find
 * out: that is only told. Throws RemoteError when nobody answers.
 */
export async function settleBatch(deps: SettleDeps, batch: StoredBatch, signal?: AbortSignal): Promise<StoredBatch> {
  const { ledger, api } = deps;
  if (batch.batchId === undefined) return batch;
  if (!IN_FLIGHT.has(batch.state)) return lookAt(deps, batch, signal);
  step('poll.asking');
  const summary = await ask(api, batch.batchId as BatchId, signal);
  step('poll.answered');
  if (summary === undefined) await lose(deps, batch);
  else if (summary.status === 'invalid') {
    ledger.batches.seen(batch.row, summary.status, undefined);
    ledger.runs.setState(batch.run, 'open');
    deps.observe({
      type: 'notice',
      level: 'warning',
      code: 'batch-invalid',
      message: `batch ${batch.batchId} of run ${batch.run} turned invalid: a user, graph or thread is missing`,
      hint: `zep-import resume ${batch.run} makes it anew`,
    });
  } else if (summary.status !== 'draft' && summary.status !== '') await see(deps, batch, summary, signal);
  step('poll.recorded');
  return ledger.batches.byRow(batch.row) ?? batch;
}

/** Asks once for each batch that earlier imports into a project have handed over and that is not finished. */
export async function settleEarlier(deps: SettleDeps, project: string, signal?: AbortSignal): Promise<void> {
  for (const batch of deps.ledger.batches.unfinished(project, '')) {
    if (IN_FLIGHT.has(batch.state)) await settleBatch(deps, batch, signal);
  }
}

/** How a batch is that we did not hand over. */
async function lookAt({ api, ledger }: SettleDeps, batch: StoredBatch, signal?: AbortSignal): Promise<StoredBatch> {
  const summary = await ask(api, batch.batchId as BatchId, signal);
  if (summary === undefined) return { ...batch, status: GONE };
  ledger.batches.seen(batch.row, summary.status, summary.counts ?? batch.counts);
  return ledger.batches.byRow(batch.row) ?? batch;
}

/** A batch whose process call nobody heard is for its run to find out about: it may still be a draft. */
const IN_FLIGHT: ReadonlySet<string> = new Set(['started']);
/** So many answers in a row that a batch does not exist are believed. */
const GONE_READS = 3;

async function ask(api: RemoteApi, id: BatchId, signal?: AbortSignal): Promise<BatchSummary | undefined> {
  for (let read = 1; ; read++) {
    try {
      return await api.getBatch(id, signal);
    } catch (error) {
      if (!(error instanceof RemoteError) || error.status !== 404) throw error;
      if (read >= GONE_READS) return undefined;
    }
  }
}

async function lose(deps: SettleDeps, batch: StoredBatch): Promise<void> {
  const { ledger } = deps;
  const gone = marksOfBatch(ledger, batch.row);
  await withMarks(deps, batch, (marks) => {
    if (gone.length > 0) marks.withdraw(gone);
    ledger.batches.seen(batch.row, GONE, batch.counts);
    ledger.batches.setState(batch.row, 'lost');
  });
}

/** Records in one transaction, together with what it means for the marks. */
async function withMarks(
  { ledger, marks }: SettleDeps,
  batch: StoredBatch,
  record: (marks: Marks) => void,
): Promise<void> {
  if (marks !== undefined) {
    ledger.db.record(() => record(marks));
    return;
  }
  const opened = new Marks(ledger.db, ledger.runs.byId(batch.run)?.project ?? '', ledger.folder);
  try {
    ledger.db.record(() => record(opened));
  } finally {
    await opened.close();
  }
}

async function see(deps: SettleDeps, batch: StoredBatch, summary: BatchSummary, signal?: AbortSignal): Promise<void> {
  const { ledger, api } = deps;
  const { batches } = ledger;
  if (!TERMINAL_BATCH_STATUSES.has(summary.status)) {
    batches.seen(batch.row, summary.status, summary.counts ?? batch.counts);
    batches.setState(batch.row, 'started');
    return;
  }
  const counts = await finalCounts(api, batch, summary, signal);
  const failed = new FailedItems(ledger, batch.row);
  for (const status of ['failed', 'canceled'] as const) {
    if (counts[status] === 0) continue;
    for await (const item of api.listItems(batch.batchId as BatchId, { status }, signal)) {
      if (item.status === status) failed.add(item);
    }
  }
  await withMarks(deps, batch, (marks) => {
    failed.record(marks);
    batches.seen(batch.row, summary.status, counts);
    batches.setState(batch.row, 'terminal');
  });
}

/** The service's counters where they add up, else what its list of items says. */
export async function finalCounts(
  api: RemoteApi,
  batch: { readonly batchId: string | undefined; readonly items: number },
  summary: BatchSummary,
  signal?: AbortSignal,
): Promise<BatchCounts> {
  const { counts, itemCount } = summary;
  if (counts !== undefined && settledItems(counts) === batch.items && (itemCount ?? batch.items) === batch.items)
    return counts;
  return countItems(api, batch.batchId as BatchId, signal);
}

/** How many items of a batch the service is done with. */
export function settledItems(counts: BatchCounts | undefined): number {
  return counts === undefined ? 0 : counts.succeeded + counts.failed + counts.skipped + counts.canceled;
}

/** Counts the items of a batch one by one. */
export async function countItems(api: RemoteApi, batch: BatchId, signal?: AbortSignal): Promise<BatchCounts> {
  const counts = { total: 0, succeeded: 0, failed: 0, skipped: 0, canceled: 0 };
  for await (const { status } of api.listItems(batch, {}, signal)) {
    counts.total += 1;
    if (status === 'succeeded' || status === 'failed' || status === 'skipped' || status === 'canceled')
      counts[status] += 1;
  }
  return counts;
}
