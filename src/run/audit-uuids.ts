/** Whether the episodes that the service lists are those that it promised when it accepted them. */
import type { StoredBatch } from '../ledger/batches.js';
import type { Ledger } from '../ledger/ledger.js';
import type { ListedItems } from './batch-items.js';

export interface UuidFacts {
  /** Items whose uuid the ledger knows. */
  readonly compared: number;
  readonly equal: number;
  /** Indexes of the first few that differ. */
  readonly different: readonly number[];
}

const MOST_NAMED = 5;

export function checkUuids(ledger: Ledger, batch: StoredBatch, listed: ListedItems): UuidFacts {
  let compared = 0;
  let equal = 0;
  const different: number[] = [];
  for (const { first, uuids } of ledger.batches.chunks(batch.row)) {
    for (const [offset, uuid] of (uuids ?? []).entries()) {
      if (uuid === undefined) continue;
      compared += 1;
      if (listed.items[first + offset]?.episodeUuid === uuid) equal += 1;
      else if (different.length < MOST_NAMED) different.push(first + offset);
    }
  }
  return { compared, equal, different };
}
