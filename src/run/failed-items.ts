/**
 * Items that the service took and could not process: traced to the rows they came from, put on record, and told apart among the marks, so that
 * they are neither forgotten nor sent again of themselves.
 */
import type { StoredChunk } from '../ledger/batches.js';
import type { Ledger, StoredPosition } from '../ledger/ledger.js';
import { MARK_BYTES, wordsOf, type Marks } from '../ledger/marks.js';
import type { StoredFailure } from '../ledger/rejects.js';
import type { BatchItem } from '../remote/api.js';

export interface TracedItem {
  readonly position: StoredPosition | undefined;
  readonly uuid: string | undefined;
  readonly message: string;
}

export class FailedItems {
  readonly #ledger: Ledger;
  readonly #batch: number;
  readonly #failures: Omit<StoredFailure, 'state'>[] = [];
  #chunk: StoredChunk | undefined;
  #positions: readonly StoredPosition[] = [];

  constructor(ledger: Ledger, batch: number) {
    this.#ledger = ledger;
    this.#batch = batch;
  }

  add(item: BatchItem): TracedItem {
    const message =
      item.error?.message ??
      (item.status === 'canceled' ? 'canceled: its user, graph or thread was deleted' : 'no reason given');
    if (item.index === undefined) return { position: undefined, uuid: item.episodeUuid, message };
    const chunk = this.#chunkOf(item.index);
    const at = item.index - (chunk?.first ?? 0);
    this.#failures.push({
      batch: this.#batch,
      index: item.index,
      status: item.status,
      code: item.error?.code,
      message,
      mark: chunk?.marks?.slice(at * MARK_BYTES, (at + 1) * MARK_BYTES),
    });
    return { position: chunk && this.#positions[at], uuid: item.episodeUuid ?? chunk?.uuids?.[at], message };
  }

  /** Puts on record what was added; call it in the transaction that ends the batch. */
  record(marks: Marks | undefined): void {
    this.#ledger.rejects.putFailures(this.#failures);
    const failed = this.#failures.flatMap(({ mark }) => (mark === undefined ? [] : [...wordsOf(mark)]));
    if (failed.length > 0) marks?.fail(Uint32Array.from(failed));
  }

  #chunkOf(index: number): StoredChunk | undefined {
    const known = this.#chunk;
    if (known !== undefined && index >= known.first && index < known.first + known.items) return known;
    this.#chunk = this.#ledger.batches.chunkOf(this.#batch, index);
    this.#positions = this.#chunk === undefined ? [] : [...this.#chunk.positions()];
    return this.#chunk;
  }
}

/** The marks of everything in a batch, five words an item; empty when its items have none. */
export function marksOfBatch(ledger: Ledger, batch: number): Uint32Array {
  const all: Uint32Array[] = [];
  for (const { marks } of ledger.batches.chunks(batch)) if (marks !== undefined) all.push(wordsOf(marks));
  const joined = new Uint32Array(all.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const each of all) {
    joined.set(each, at);
    at += each.length;
  }
  return joined;
}
