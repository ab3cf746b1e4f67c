/**
 * Which items behind the place where reading begins are settled already: lanes run ahead of one another, so when a run goes on, some of what it
 * reads again was accepted before, or refused. Bounded by how far a lane may run ahead.
 */
import type { Ledger } from '../ledger/ledger.js';
import type { Frontier } from '../ledger/runs.js';
import type { Item } from '../model.js';
import { isBefore } from './frontier.js';

export class SettledItems {
  readonly #keys = new Set<string>();

  constructor(ledger: Ledger, run: string, from: Frontier | undefined) {
    const place = from ?? { source: 0, ordinal: 0 };
    for (const chunk of ledger.batches.chunksFrom(run, place.source, place.ordinal)) {
      for (const position of chunk.positions()) {
        if (!isBefore(position, place))
          this.#keys.add(keyOf(position.source, position.ordinal, position.item, position.part));
      }
    }
    for (const { source, ordinal, item, part } of ledger.rejects.refusedFrom(run, place.source, place.ordinal)) {
      this.#keys.add(keyOf(source, ordinal, item, part));
    }
  }

  get size(): number {
    return this.#keys.size;
  }

  /** True, once, for an item that needs no more doing. */
  take({ position, index, part }: Item): boolean {
    return (
      this.#keys.size > 0 && this.#keys.delete(keyOf(position.source.index, position.ordinal, index, part?.index ?? 0))
    );
  }
}

function keyOf(source: number, ordinal: number, item: number, part: number): string {
  return `${source}:${ordinal}:${item}:${part}`;
}
