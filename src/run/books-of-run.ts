/**
 * The books of a run as the ledger has them: what its reader counted, what the service accepted, what it made of it. One definition for
 * status, audit and receipts, so that they cannot tell different stories.
 */
import type { Ledger } from '../ledger/ledger.js';
import type { BatchState, StoredBatch } from '../ledger/batches.js';
import { failureCounts } from '../ledger/report-queries.js';
import type { StoredRun } from '../ledger/runs.js';
import type { RunBooks } from '../run-report.js';
import { TERMINAL_BATCH_STATUSES } from '../wire.js';

/** What a batch is called that the service does not know. */
export const GONE = 'gone';

const HOLDING: ReadonlySet<BatchState> = new Set([
  'open',
  'closed',
  'starting',
  'started',
  'terminal',
  'rebuilding',
  'lost',
]);

/** Whether what was accepted into this batch counts as accepted: it was not taken back, and is not being put in another place. */
export function holdsItems(batch: StoredBatch): boolean {
  return HOLDING.has(batch.state) && (batch.items > 0 || batch.state !== 'lost');
}

/** The service was told to process it, or did so unasked. */
export function isHandedOver({ state, status }: StoredBatch): boolean {
  if (state === 'started' || state === 'terminal' || state === 'lost') return true;
  return state !== 'rebuilding' && !['', 'draft', 'invalid', GONE].includes(status);
}

/** The service is at work on it. */
export function isAtWork(batch: StoredBatch): boolean {
  if (batch.state === 'terminal' || !isHandedOver(batch)) return false;
  return batch.state !== 'lost' && batch.status !== GONE && !TERMINAL_BATCH_STATUSES.has(batch.status);
}

/** `batches` are those of the run, with what is known of them by now. */
export function booksOf(
  ledger: Ledger,
  run: StoredRun,
  batches: readonly StoredBatch[] = ledger.batches.of(run.id),
): RunBooks {
  const rejects = ledger.rejects.counts(run.id);
  const held = batches.filter(holdsItems);
  const { totals } = run;
  const of = (name: string): number => totals?.[name] ?? 0;
  return {
    isFinal: run.complete && totals !== undefined,
    records:
      totals === undefined
        ? undefined
        : {
            read: of('read'),
            mapped: of('mapped'),
            skipped: of('skipped'),
            rejected: of('rejectedRecords'),
            partlyRejected: rejects.partly,
          },
    items: {
      produced: totals === undefined ? undefined : of('produced'),
      accepted: held.reduce((sum, batch) => sum + batch.items, 0),
      known: totals === undefined ? undefined : of('known'),
      rejected: totals === undefined ? rejects.items : of('mapRejected') + of('misplaced') + rejects.refused,
    },
    outcomes: outcomesOf(held),
    handedOver: itemsOf(held.filter(isHandedOver)),
    inDrafts: itemsOf(held.filter((batch) => !isHandedOver(batch))),
    unhandled: { rejects: rejects.open, failures: failureCounts(ledger, run.id).open },
  };
}

function itemsOf(batches: readonly StoredBatch[]): number {
  return batches.reduce((sum, batch) => sum + batch.items, 0);
}

function outcomesOf(batches: readonly StoredBatch[]): RunBooks['outcomes'] {
  const sums = { succeeded: 0, failed: 0, skipped: 0, canceled: 0, open: 0, lost: 0 };
  for (const batch of batches) {
    const { counts } = batch;
    sums.succeeded += counts?.succeeded ?? 0;
    sums.failed += counts?.failed ?? 0;
    sums.skipped += counts?.skipped ?? 0;
    sums.canceled += counts?.canceled ?? 0;
    const settled = counts === undefined ? 0 : counts.succeeded + counts.failed + counts.skipped + counts.canceled;
    const left = Math.max(0, batch.items - settled);
    if (batch.state === 'lost' || batch.state === 'terminal' || batch.status === GONE) sums.lost += left;
    else sums.open += left;
  }
  return sums;
}
