/**
 * Which items of an input a run would not send because the same input holds them already: a check that foretells costs must not count them.
 * Told apart like in a run. What was met is kept in memory, and beyond that in sorted files of a folder of its own.
 */
import { Identities } from '../lanes/identity.js';
import { ABSENT } from '../ledger/hash-store/entry.js';
import { SpillingTable } from '../ledger/hash-store/spilling-table.js';
import type { Item } from '../model.js';
import type { OnChanged } from './known-items.js';

export class Repeats {
  readonly #onChanged: OnChanged;
  readonly #counts: SpillingTable;
  readonly #marks: SpillingTable;
  readonly #words = new Uint32Array(4);
  #identities: Identities | undefined;

  /** `folder` names where files go when they are needed; it is made then, and removed by `close`. */
  static async create(onChanged: OnChanged, folder: () => string): Promise<Repeats> {
    const repeats = new Repeats(onChanged, folder);
    repeats.#identities = await Identities.create({ next: (...words) => repeats.#next(words) });
    return repeats;
  }

  private constructor(onChanged: OnChanged, folder: () => string) {
    this.#onChanged = onChanged;
    this.#counts = new SpillingTable(folder, 'counts');
    this.#marks = new SpillingTable(folder, 'marks');
  }

  /** True when a run would send the item: nothing equal to it stands before it. `bytes`: as it is sent. */
  isNew(item: Item, bytes: Uint8Array): boolean {
    const { mark } = this.#identities ?? {};
    if (mark === undefined || this.#identities?.identify(item, bytes, item.position.source.file?.path) !== true)
      return true;
    const known = this.#marks.get(mark);
    if (known !== ABSENT && (known === mark[4] || this.#onChanged === 'skip')) return false;
    this.#marks.set(mark, mark[4] ?? 0);
    return true;
  }

  /** Call it between blocks: gives the memory back that more than a certain number of items need. */
  async tidy(): Promise<void> {
    await this.#counts.tidy();
    await this.#marks.tidy();
  }

  close(): void {
    this.#counts.close();
    this.#marks.close();
  }

  #next(words: readonly number[]): number {
    this.#words.set(words);
    const before = this.#counts.get(this.#words);
    const count = before === ABSENT ? 0 : before;
    this.#counts.set(this.#words, count + 1);
    return count;
  }
}
