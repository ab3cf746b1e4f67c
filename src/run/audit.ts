/**
 * Proves the books of a run from the service's own records. Nothing is taken from what the ledger remembers of the service: every batch is
 * asked about, and listed where its counters are absent or do not add up. Nothing is written either.
 */
import type { StoredBatch } from '../ledger/batches.js';
import type { Ledger } from '../ledger/ledger.js';
import type { StoredRun } from '../ledger/runs.js';
import type { RemoteApi } from '../remote/api.js';
import type { AuditReport } from '../run-report.js';
import { idOf, inputChecks, placeChecks, serviceChecks, uuidCheck } from './audit-checks.js';
import { prove } from './audit-proof.js';
import { holdsItems } from './books-of-run.js';
import { inParallel } from './in-parallel.js';
import { checkPositions } from './positions-unique.js';
import type { SortSettings } from './sort/time-order.js';

export interface AuditOptions {
  /** Compare the uuid of every item as well: lists every batch. */
  readonly isDeep: boolean;
  /** A living process works on the run: drafts may grow while they are looked at. */
  readonly isRunning: boolean;
  /** Where places of items are sorted, when there are many that are not in the order of the input. */
  readonly sort?: SortSettings | undefined;
}

/** So many places that are out of order are looked at in memory. */
const MOST_IN_MEMORY = 100_000;

const ASKED_AT_ONCE = 8;

/** Throws RemoteError when the service cannot be asked: half a proof is none. */
export async function auditRun(
  { api, ledger }: { readonly api: RemoteApi; readonly ledger: Ledger },
  run: StoredRun,
  options: AuditOptions,
  signal?: AbortSignal,
): Promise<Omit<AuditReport, 'next'>> {
  const held = ledger.batches.of(run.id).filter(holdsItems);
  const moving = held.filter((batch) => isMoving(ledger, batch, options));
  const settled = held.filter((batch) => !moving.includes(batch));
  const proofs = await inParallel(settled, Math.min(ASKED_AT_ONCE, Math.max(1, api.concurrencyHint())), (batch) =>
    prove(api, ledger, batch, options.isDeep, signal),
  );
  const sort = options.sort === undefined ? undefined : { ...options.sort, above: MOST_IN_MEMORY };
  const positions = await checkPositions(ledger, held, sort);
  return {
    run: run.id,
    name: run.name,
    project: run.project,
    checks: [
      ...inputChecks(ledger, run),
      ...serviceChecks(proofs, moving),
      ...placeChecks(positions, held, ledger, run),
      ...(options.isDeep ? [uuidCheck(proofs)] : []),
    ],
    batches: held.length,
    gone: proofs.filter((proof) => proof.itemCount === undefined).map(({ batch }) => idOf(batch)),
    listed: proofs.filter((proof) => proof.isListed).length,
    isDeep: options.isDeep,
  };
}

/** What it holds is not settled: it is made anew, an add to it is in doubt, or another process fills it. */
function isMoving(ledger: Ledger, batch: StoredBatch, { isRunning }: AuditOptions): boolean {
  if (batch.state === 'rebuilding') return true;
  if (batch.state !== 'open' && batch.state !== 'closed' && batch.state !== 'starting') return false;
  return isRunning || ledger.batches.intendedChunks(batch.row).length > 0;
}
