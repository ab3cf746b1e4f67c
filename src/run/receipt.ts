/**
 * The receipt of a run: for every accepted item its row, its place at the service and what became of it; then every rejected row. A batch at a
 * time is in memory, whatever the size of the run. Rule: nothing is called succeeded that might not have.
 */
import type { StoredBatch, StoredChunk } from '../ledger/batches.js';
import type { Ledger } from '../ledger/ledger.js';
import type { StoredReject } from '../ledger/rejects.js';
import { failuresOfBatch } from '../ledger/report-queries.js';
import type { ReceiptLine } from '../run-report.js';
import type { ListedItems } from './batch-items.js';
import { GONE, holdsItems } from './books-of-run.js';

/** The items of a batch as the service lists them now; undefined when it has no such batch. */
export type AskBatch = (batch: string) => Promise<ListedItems | undefined>;

interface Outcome {
  readonly status: string;
  readonly error?: string | undefined;
  /** As the service lists it now. */
  readonly episodeUuid?: string | undefined;
}

const LINES_AT_ONCE = 500;

/** Batches in their order, items in theirs, then rejects in the order of the input. With `ask`, states are those of this moment. */
export async function* receiptOf(
  ledger: Ledger,
  run: string,
  ask: AskBatch | undefined,
): AsyncGenerator<readonly ReceiptLine[]> {
  const names = new Map(ledger.runs.sources(run).map((source) => [source.index, source.id]));
  const nameOf = (source: number): string => names.get(source) ?? '';
  for (const batch of ledger.batches.of(run).filter(holdsItems)) {
    const outcomeOf = ask === undefined ? knownOutcomes(ledger, batch) : await freshOutcomes(batch, ask);
    for (const chunk of ledger.batches.chunks(batch.row)) yield acceptedLines(batch, chunk, nameOf, outcomeOf);
  }
  yield* rejectedLines(ledger, run, nameOf);
}

/** What the ledger can vouch for. A service that skipped items says so in its counters alone: which ones, only its list tells. */
function knownOutcomes(ledger: Ledger, batch: StoredBatch): (index: number) => Outcome {
  const failures = failuresOfBatch(ledger, batch.row);
  const others: Outcome = { status: restOf(batch, failures.size) };
  return (index) => {
    const failure = failures.get(index);
    return failure === undefined ? others : { status: failure.status, error: failure.message };
  };
}

function restOf({ state, status, items, counts }: StoredBatch, listedFailures: number): string {
  if (state === 'lost') return GONE;
  if (state !== 'terminal') return 'accepted';
  if (status === 'invalid') return 'invalid';
  if (counts === undefined || counts.failed + counts.canceled !== listedFailures) return 'unknown';
  if (counts.succeeded + listedFailures === items) return 'succeeded';
  return counts.succeeded + counts.skipped + listedFailures === items ? 'succeeded or skipped' : 'unknown';
}

async function freshOutcomes({ batchId }: StoredBatch, ask: AskBatch): Promise<(index: number) => Outcome> {
  const listed = batchId === undefined ? undefined : await ask(batchId);
  if (listed === undefined) return () => ({ status: GONE });
  return (index) => listed.items[index] ?? { status: 'missing' };
}

function acceptedLines(
  { batchId }: StoredBatch,
  chunk: StoredChunk,
  nameOf: (source: number) => string,
  outcomeOf: (index: number) => Outcome,
): ReceiptLine[] {
  const lines: ReceiptLine[] = [];
  for (const { source, line, ordinal, item, part } of chunk.positions()) {
    const index = chunk.first + lines.length;
    const { status, error, episodeUuid } = outcomeOf(index);
    lines.push({
      source: nameOf(source),
      line,
      ordinal,
      item,
      part,
      batch: batchId,
      index,
      episodeUuid: chunk.uuids?.[lines.length] ?? episodeUuid,
      status,
      error,
    });
  }
  return lines;
}

/** Further faults of one record are no rows of their own. */
function* rejectedLines(
  ledger: Ledger,
  run: string,
  nameOf: (source: number) => string,
): Generator<readonly ReceiptLine[]> {
  let lines: ReceiptLine[] = [];
  for (const reject of ledger.rejects.of(run)) {
    if (reject.no > 0) continue;
    lines.push(rejectedLine(reject, nameOf));
    if (lines.length < LINES_AT_ONCE) continue;
    yield lines;
    lines = [];
  }
  if (lines.length > 0) yield lines;
}

function rejectedLine(
  { source, line, ordinal, item, part, message }: StoredReject,
  nameOf: (source: number) => string,
): ReceiptLine {
  const isWhole = item < 0;
  return {
    source: nameOf(source),
    line,
    ordinal,
    item: isWhole ? undefined : item,
    part: isWhole ? undefined : part,
    batch: undefined,
    index: undefined,
    episodeUuid: undefined,
    status: 'rejected',
    error: message,
  };
}
