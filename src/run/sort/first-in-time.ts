/** The first few of any number of items in the order of their time, in the memory of twice as many. */
import type { Item } from '../../model.js';
import { TimeKeys } from './time-key.js';

interface Kept {
  readonly item: Item;
  readonly ms: number;
  readonly rest: number;
}

export class FirstInTime {
  readonly #most: number;
  readonly #keys = new TimeKeys();
  #kept: Kept[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes the next item of the input. */
  add(item: Item): void {
    this.#keys.take(item);
    this.#kept.push({ item, ms: this.#keys.ms, rest: this.#keys.rest });
    if (this.#kept.length >= this.#most * 2) this.#cut();
  }

  items(): readonly Item[] {
    this.#cut();
    return this.#kept.map(({ item }) => item);
  }

  /** Sorting keeps the order of equal ones, so those that came first stay first. */
  #cut(): void {
    this.#kept.sort((x, y) => (x.ms === y.ms ? x.rest - y.rest : x.ms < y.ms ? -1 : 1));
    this.#kept.splice(this.#most);
  }
}
