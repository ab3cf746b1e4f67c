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
  #identities: Identities | undefined;
  /** What the item that was asked for last is known by. */
  #mark: Uint32Array = new Uint32Array(5);
  /** It can be known again. */
  #isNamed = false;

  /** `folder` names where files go when they are needed; it is made then, and removed by `close`. */
  static async create(onChanged: OnChanged, folder: () => string): Promise<Repeats> {
    const repeats = new Repeats(onChanged, folder);
    repeats.#identities = await Identities.create({ next: (words) => repeats.#next(words) });
    return repeats;
  }

  private constructor(onChanged: OnChanged, folder: () => string) {
    this.#onChanged = onChanged;
    this.#counts = new SpillingTable(folder, 'counts');
    this.#marks = new SpillingTable(folder, 'marks');
  }

  /**
   * True when a run would not send the item because one that is equal was remembered. Call it once for every item, in the order of a run.
   * `bytes`: as it is sent.
   */
  isKnown(item: Item, bytes: Uint8Array): boolean {
    const { mark } = this.#identities ?? {};
    this.#isNamed = this.#identities?.identify(item, bytes, item.position.source.file?.path) === true;
    if (mark === undefined || !this.#isNamed) return false;
    const known = this.#marks.get(mark);
    this.#mark = mark;
    if (known === ABSENT || known === mark[4] || this.#onChanged === 'skip') return known !== ABSENT;
    this.#mark = this.#identities?.versionOf(mark) ?? mark;
    return this.#marks.get(this.#mark) !== ABSENT;
  }

  /** The item that was asked for last would be sent: it was not rejected. */
  remember(): void {
    if (this.#isNamed) this.#marks.set(this.#mark, this.#mark[4] ?? 0);
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

  #next(words: Uint32Array): number {
    const before = this.#counts.get(words);
    const count = before === ABSENT ? 0 : before;
    this.#counts.set(words, count + 1);
    return count;
  }
}
