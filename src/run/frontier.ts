/**
 * Up to which place everything is settled. A run that goes on reads from here: the beginning of the block that holds the first item which is
 * still on its way, or of the last block when none is. Each place comes with what had been counted before it, so that a record is counted once,
 * however often it is read.
 */
import type { Frontier } from '../ledger/runs.js';

export interface Settled {
  readonly place: Frontier;
  readonly totals: Record<string, number>;
}

/** A place in the input; `source` is the index. */
export interface Place {
  readonly source: number;
  readonly ordinal: number;
}

export class FrontierQueue {
  readonly #blocks: Settled[] = [];
  #at = 0;

  constructor(first: Settled | undefined) {
    if (first !== undefined) this.#blocks.push(first);
  }

  /** The items of a block are about to be handed on. */
  enter(block: Settled): void {
    this.#blocks.push(block);
  }

  /** `pending`: the first item that is on its way; undefined when all that was handed on is settled. Undefined before the first block. */
  settledTo(pending: Place | undefined): Settled | undefined {
    for (;;) {
      const next = this.#blocks[this.#at + 1];
      if (next === undefined || (pending !== undefined && isBefore(pending, next.place))) break;
      this.#at += 1;
    }
    if (this.#at > 256) {
      this.#blocks.splice(0, this.#at);
      this.#at = 0;
    }
    return this.#blocks[this.#at];
  }
}

export function isBefore(a: Place, b: Place): boolean {
  return a.source < b.source || (a.source === b.source && a.ordinal < b.ordinal);
}
