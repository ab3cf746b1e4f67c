/**
 * Records of which something happened, each told once, however far apart the moments are: in memory, and of very many in sorted files of a folder
 * of its own.
 */
import { ABSENT } from '../ledger/hash-store/entry.js';
import { SpillingTable } from '../ledger/hash-store/spilling-table.js';
import type { Position } from '../model.js';

const WORD = 2 ** 32;

export class RecordsMet {
  readonly #table: SpillingTable;
  readonly #key = new Uint32Array(4);

  /** `folder` names where files go when they are needed; it is made then, and removed by `close`. */
  constructor(folder: () => string) {
    this.#table = new SpillingTable(folder, 'records');
  }

  /** True the first time that it is asked for a record. */
  meet({ source, ordinal }: Position): boolean {
    const key = this.#key;
    key[0] = ordinal % WORD;
    key[1] = Math.floor(ordinal / WORD);
    key[2] = source.index;
    if (this.#table.get(key) !== ABSENT) return false;
    this.#table.set(key, 0);
    return true;
  }

  /** Call it now and then: gives the memory back that more than a certain number of records need. */
  tidy(): Promise<void> {
    return this.#table.tidy();
  }

  close(): void {
    this.#table.close();
  }
}
