/**
 * Counts the items that come too late for their place: older than an item of the same destination that was sent by an earlier try or an earlier
 * run, behind which they end. Items are met in the order of their time. Memory: 24 bytes a destination.
 */
import { NumberColumn } from '../../lanes/key-index.js';

export class LateItems {
  /** Of the items that are sent now and that nothing sent before was found behind: the time of the newest, how many have it, how many are older. */
  readonly #newest = new NumberColumn();
  readonly #atNewest = new NumberColumn();
  readonly #older = new NumberColumn();
  count = 0;

  /** An item is sent now. */
  sent(destination: number, ms: number | undefined): void {
    if (ms === undefined) return;
    const newest = this.#newest.get(destination);
    const atNewest = numberAt(this.#atNewest, destination);
    if (newest === ms) {
      this.#atNewest.set(destination, atNewest + 1);
      return;
    }
    this.#older.set(destination, numberAt(this.#older, destination) + atNewest);
    this.#newest.set(destination, ms);
    this.#atNewest.set(destination, 1);
  }

  /** An item was sent before. */
  held(destination: number, ms: number | undefined): void {
    if (ms === undefined) return;
    this.count += numberAt(this.#older, destination);
    this.#older.set(destination, 0);
    if (!(this.#newest.get(destination) < ms)) return;
    this.count += numberAt(this.#atNewest, destination);
    this.#atNewest.set(destination, 0);
  }
}

function numberAt(column: NumberColumn, index: number): number {
  const value = column.get(index);
  return Number.isNaN(value) ? 0 : value;
}
