/** Gives a run up: its drafts are deleted and what was in them is unknown to the project again. What was processed stays. */
import type { Observe } from '../events.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Marks } from '../ledger/marks.js';
import type { StoredRun } from '../ledger/runs.js';
import type { BatchId } from '../model.js';
import { RemoteError, type RemoteApi } from '../remote/api.js';
import { marksOfBatch } from './failed-items.js';

export interface GiveUpDeps {
  readonly api: RemoteApi;
  readonly ledger: Ledger;
  readonly marks: Marks | undefined;
  readonly observe: Observe;
}

export interface GivenUp {
  /** Items in drafts that were deleted. */
  readonly deleted: number;
  /** Items that the service has: they stay. */
  readonly kept: number;
}

const DRAFTS: ReadonlySet<string> = new Set(['refilling', 'open', 'closed', 'starting', 'rebuilding']);

/** Deletes the drafts of a run, those too that its books do not know, and closes it. Throws RemoteError when the service does not answer. */
export async function giveUpRun(deps: GiveUpDeps, run: StoredRun, signal?: AbortSignal): Promise<GivenUp> {
  const { api, ledger } = deps;
  let deleted = 0;
  let kept = 0;
  for (const batch of ledger.batches.of(run.id)) {
    if (batch.state === 'started' || batch.state === 'terminal') kept += batch.items;
    if (!DRAFTS.has(batch.state)) continue;
    if (batch.batchId !== undefined && !(await isDeleted(api, batch.batchId as BatchId, signal))) {
      // Somebody processed it: then it is no draft, and what is in it stays.
      ledger.batches.setState(batch.row, 'started');
      kept += batch.items;
      continue;
    }
    ledger.db.durable(() => {
      const marks = marksOfBatch(ledger, batch.row);
      if (marks.length > 0) deps.marks?.withdraw(marks);
      ledger.batches.forget(batch.row);
    });
    deleted += batch.items;
  }
  for await (const batch of api.listBatches({ status: 'draft' }, signal)) {
    if (batch.metadata['zi_run'] === run.id) await isDeleted(api, batch.batchId, signal);
  }
  closeRun(ledger, run.id);
  return { deleted, kept };
}

/** Closes a run that is not gone on with. A retry of which nothing stays at the service leaves what it was to send to the run that it is of. */
export function closeRun(ledger: Ledger, run: string): void {
  const parent = ledger.runs.byId(run)?.parent;
  ledger.db.durable(() => {
    ledger.runs.setState(run, 'closed');
    if (parent !== undefined && ledger.batches.accepted(run) === 0) ledger.rejects.giveBack(run, parent);
  });
}

async function isDeleted(api: RemoteApi, batch: BatchId, signal?: AbortSignal): Promise<boolean> {
  try {
    await api.deleteBatch(batch, signal);
    return true;
  } catch (error) {
    if (error instanceof RemoteError && error.status === 409) return false;
    throw error;
  }
}
