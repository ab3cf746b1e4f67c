/**
 * What there is to send again of a run: rows that were rejected and items that failed, as its books list them. While a retry is under way they are
 * its own; when everything was handed over, they are dealt with, whatever became of them there.
 */
import { itemOf } from '../ledger/batches.js';
import type { Ledger } from '../ledger/ledger.js';
import { wordsOf, type Marks } from '../ledger/marks.js';
import type { StoredFailure, StoredReject } from '../ledger/rejects.js';
import type { Wanted } from './selection.js';

/** `rejected`, `failed`, `code=CODE`, or everything. */
export type Only = string | undefined;

export interface RetryList {
  readonly rejects: readonly StoredReject[];
  readonly failures: readonly StoredFailure[];
}

/** The state of what a retry has taken over. */
export function takenBy(retry: string): string {
  return `in ${retry}`;
}

/** What is listed of a run in a state, narrowed down by `only`. Further faults of one record are not rows of their own. */
export function listOf(ledger: Ledger, run: string, state: string, only: Only): RetryList {
  const code = only?.startsWith('code=') === true ? only.slice('code='.length) : undefined;
  const rejects = [...ledger.rejects.of(run)].filter(
    (each) => each.state === state && each.no === 0 && only !== 'failed' && (code === undefined || each.code === code),
  );
  const failures = ledger.rejects
    .failuresOf(run)
    .filter(
      (each) =>
        each.state === state && only !== 'rejected' && (code === undefined || (each.code ?? each.status) === code),
    );
  return { rejects, failures };
}

/** The same as places in the input. A failed item whose chunk is not on record any more cannot be found. */
export function wantedOf(
  ledger: Ledger,
  { rejects, failures }: RetryList,
  isDocument: (source: number) => boolean,
): readonly Wanted[] {
  const wanted: Wanted[] = rejects.map(({ source, ordinal, line, byteStart, item, part, occurrence, stage }) => ({
    source,
    ordinal,
    line,
    byteStart,
    item,
    part,
    occurrence,
    mark: undefined,
    ...(stage === 'read' && ordinal === 0 && isDocument(source) ? { toEnd: true } : {}),
  }));
  for (const { batch, index, mark } of failures) {
    const chunk = ledger.batches.chunkOf(batch, index);
    const found = chunk === undefined ? undefined : itemOf(chunk, index);
    if (found === undefined) continue;
    const { source, ordinal, line, byteStart, item, part } = found.position;
    wanted.push({
      ...{ source, ordinal, line, byteStart, item, part },
      occurrence: undefined,
      mark: mark === undefined ? undefined : wordsOf(mark),
    });
  }
  return wanted;
}

/** Moves everything on a list to another state, in one transaction. */
export function moveTo(ledger: Ledger, run: string, { rejects, failures }: RetryList, state: string): void {
  ledger.db.durable(() => {
    for (const reject of rejects) ledger.rejects.setRejectState(run, reject, state);
    for (const { batch, index } of failures) ledger.rejects.setFailureState(batch, index, state);
  });
}

/** Takes everything on a list off it: failed items are held to be in the project, so that no import sends them again. */
export function forget(ledger: Ledger, run: string, list: RetryList, marks: Marks): void {
  const failed = list.failures.flatMap(({ mark }) => (mark === undefined ? [] : [...wordsOf(mark)]));
  ledger.db.durable(() => {
    if (failed.length > 0) marks.settle(Uint32Array.from(failed));
    moveTo(ledger, run, list, 'forgotten');
  });
}
