/**
 * Which items of a sorted run an earlier try has settled. Such a run is read from its beginning by every try, and what was sent lies anywhere in
 * it: so the places in the ledger are sorted like the input, on disk when there are many, and met with it.
 */
import type { Ledger } from '../../ledger/ledger.js';
import type { Item, Position } from '../../model.js';
import { isBefore, type Place } from '../frontier.js';
import { ExternalSorter, type SortedRecord, type SorterOptions } from './external-sorter.js';

const NOTHING = new Uint8Array(0);

export class SettledInOrder {
  readonly #sorter: ExternalSorter;
  readonly #batches: AsyncGenerator<readonly SortedRecord[]>;
  #batch: readonly SortedRecord[] = [];
  #at = 0;
  readonly #keys = new Set<string>();

  static async of(ledger: Ledger, run: string, options: SorterOptions): Promise<SettledInOrder> {
    const sorter = new ExternalSorter(options);
    const place = Buffer.alloc(8);
    const add = (position: Place & { readonly item: number; readonly part: number }): void | Promise<void> => {
      place.writeUInt32LE(position.item, 0);
      place.writeUInt32LE(position.part, 4);
      return sorter.add(position.source, position.ordinal, place, NOTHING);
    };
    try {
      for (const chunk of ledger.batches.chunksFrom(run, 0, 0)) {
        for (const position of chunk.positions()) await add(position);
      }
      for (const reject of ledger.rejects.refusedFrom(run, 0, 0)) await add(reject);
      await sorter.finish();
    } catch (error) {
      await sorter.close();
      throw error;
    }
    return new SettledInOrder(sorter);
  }

  private constructor(sorter: ExternalSorter) {
    this.#sorter = sorter;
    this.#batches = sorter.sorted();
  }

  /** Call it before items up to this place are asked for. Those before the last such place are forgotten. */
  async reach(to: Position | undefined): Promise<void> {
    this.#keys.clear();
    if (to === undefined) return;
    const end: Place = { source: to.source.index, ordinal: to.ordinal };
    for (;;) {
      const record = this.#batch[this.#at];
      if (record === undefined) {
        const next = await this.#batches.next();
        if (next.done === true) return;
        this.#batch = next.value;
        this.#at = 0;
        continue;
      }
      if (isBefore(end, { source: record.a, ordinal: record.b })) return;
      this.#keys.add(keyOf(record.a, record.b, record.bytes.readUInt32LE(0), record.bytes.readUInt32LE(4)));
      this.#at += 1;
    }
  }

  /** True, once, for an item that needs no more doing. */
  take({ position, index, part }: Item): boolean {
    return (
      this.#keys.size > 0 && this.#keys.delete(keyOf(position.source.index, position.ordinal, index, part?.index ?? 0))
    );
  }

  async close(): Promise<void> {
    await this.#batches.return(undefined);
    await this.#sorter.close();
  }
}

function keyOf(source: number, ordinal: number, item: number, part: number): string {
  return `${source}:${ordinal}:${item}:${part}`;
}
