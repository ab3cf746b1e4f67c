/**
 * What the service says of one batch: how many items it holds and what became of them, from its counters where they add up, else from the list
 * of its items.
 */
import type { BatchCounts } from '../events.js';
import type { StoredBatch } from '../ledger/batches.js';
import type { Ledger } from '../ledger/ledger.js';
import type { BatchId } from '../model.js';
import { RemoteError, type BatchSummary, type RemoteApi } from '../remote/api.js';
import { TERMINAL_BATCH_STATUSES } from '../wire.js';
import { checkUuids, type UuidFacts } from './audit-uuids.js';
import { listItems, type ListedItems } from './batch-items.js';

export interface Proof {
  readonly batch: StoredBatch;
  /** Undefined when the service has no such batch. */
  readonly itemCount: number | undefined;
  readonly counts: Omit<BatchCounts, 'total'> & { readonly open: number };
  readonly isListed: boolean;
  readonly uuids: UuidFacts;
}

const NOTHING = { succeeded: 0, failed: 0, skipped: 0, canceled: 0, open: 0 };
const NO_UUIDS: UuidFacts = { compared: 0, equal: 0, different: [] };

/** `isDeep` compares the uuids of all items and lists them for that. */
export async function prove(
  api: RemoteApi,
  ledger: Ledger,
  batch: StoredBatch,
  isDeep: boolean,
  signal: AbortSignal | undefined,
): Promise<Proof> {
  const summary = batch.batchId === undefined ? undefined : await ask(api, batch.batchId, signal);
  if (batch.batchId === undefined || summary === undefined) {
    return { batch, itemCount: undefined, counts: NOTHING, isListed: false, uuids: NO_UUIDS };
  }
  const told = countsOf(summary);
  const listed = told === undefined || isDeep ? await listItems(api, batch.batchId, signal) : undefined;
  return {
    batch,
    itemCount: summary.itemCount ?? listed?.counts.total,
    counts: told ?? withOpen(listed?.counts),
    isListed: listed !== undefined,
    uuids: listed === undefined || !isDeep ? NO_UUIDS : checkUuids(ledger, batch, listed),
  };
}

async function ask(api: RemoteApi, batch: string, signal: AbortSignal | undefined): Promise<BatchSummary | undefined> {
  try {
    return await api.getBatch(batch as BatchId, signal);
  } catch (error) {
    if (error instanceof RemoteError && error.status === 404) return undefined;
    throw error;
  }
}

/** Undefined when the service's counters are absent or do not add up: then its items must be listed. */
function countsOf({ status, itemCount, counts }: BatchSummary): Proof['counts'] | undefined {
  if (itemCount === undefined) return undefined;
  if (status === 'draft' || status === 'invalid') return { ...NOTHING, open: itemCount };
  const isOver = TERMINAL_BATCH_STATUSES.has(status);
  if (counts === undefined) return isOver ? undefined : { ...NOTHING, open: itemCount };
  const { succeeded, failed, skipped, canceled } = counts;
  const open = itemCount - succeeded - failed - skipped - canceled;
  if (open < 0 || (isOver && open > 0)) return undefined;
  return { succeeded, failed, skipped, canceled, open };
}

function withOpen(counts: ListedItems['counts'] | undefined): Proof['counts'] {
  if (counts === undefined) return NOTHING;
  const { total, succeeded, failed, skipped, canceled } = counts;
  return { succeeded, failed, skipped, canceled, open: total - succeeded - failed - skipped - canceled };
}
