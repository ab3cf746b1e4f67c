/**
 * What earlier tries of a run left at the service, taken up again: drafts that were being made or made anew are brought to their end, adds
 * without an answer are settled, complete batches are handed over, and a lane goes on with the draft it was filling. After this the ledger says
 * for every item whether the service holds it.
 */
import type { StoredBatch } from '../ledger/batches.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Draft, Drafts } from './drafts.js';
import type { Handover } from './handover.js';
import type { Uploader } from './uploader.js';

export interface ResumeOptions {
  readonly drafts: Drafts;
  readonly handover: Handover;
  readonly uploader: Uploader;
  /** The lanes are the same as before: each may go on with its draft. */
  readonly continues: boolean;
  readonly batchSize: number;
  readonly stop: AbortSignal;
  readonly signal: AbortSignal;
}

const GONE: ReadonlySet<string> = new Set(['deleted', 'intended', 'refilling']);

export async function resumeDrafts(ledger: Ledger, run: string, options: ResumeOptions): Promise<void> {
  const { drafts, stop, signal } = options;
  for (const batch of ledger.batches.of(run)) {
    if (batch.state === 'refilling') await drafts.abandon(batch, signal);
    // The create call had no answer: if it made a draft, that is found by its name at the end.
    else if (batch.state === 'intended') ledger.batches.setState(batch.row, 'lost');
  }
  const left = ledger.batches.of(run).filter(({ state, items, batchId }) => {
    return !GONE.has(state) && !(state === 'lost' && items === 0) && batchId !== undefined;
  });
  // Each may have to wait for an add that is still on its way: they wait together.
  const resumed = await Promise.all(
    left.map(async (batch) => ({ row: batch.row, draft: await drafts.resume(batch, stop, signal) })),
  );
  for (const batch of left) options.uploader.numbersFrom(batch.lane, batch.number);
  const filling = options.continues ? lastOpen(ledger, resumed) : new Set<Draft>();
  for (const { draft } of resumed) {
    const batch = ledger.batches.byRow(draft.row);
    if (batch === undefined) continue;
    if (batch.state === 'open' && draft.accepted === 0 && !draft.taken) await drafts.discard(draft, signal);
    else if (filling.has(draft) && isLanes(draft, options)) options.uploader.adopt(draft);
    else adopt(options.handover, draft, batch);
  }
}

function isLanes(draft: Draft, { batchSize, uploader }: ResumeOptions): boolean {
  return draft.accepted < batchSize && !draft.taken && uploader.takesAllOf(draft.lane, draft.slots);
}

/** The draft that each lane was filling. */
function lastOpen(ledger: Ledger, resumed: readonly { readonly draft: Draft }[]): ReadonlySet<Draft> {
  const byLane = new Map<number, Draft>();
  for (const { draft } of resumed) {
    if (ledger.batches.byRow(draft.row)?.state === 'open') byLane.set(draft.lane, draft);
  }
  return new Set(byLane.values());
}

function adopt(handover: Handover, draft: Draft, batch: StoredBatch): void {
  if (batch.state === 'open') handover.submit(draft);
  else handover.adopt(draft, batch);
}
