/**
 * Which items need not be sent because the project holds them. Every mapped item is met here once, in input order, because equal items are told
 * apart by counting. A known key with new content is sent again or left, as was asked for; that a key comes twice in one run with different
 * content is told with both places.
 */
import type { Observe } from '../events.js';
import { EncodedBlock } from '../lanes/encoded-block.js';
import type { Identities } from '../lanes/identity.js';
import type { CountedItems } from '../ledger/counted-items.js';
import type { SpillingTable } from '../ledger/hash-store/spilling-table.js';
import { ABSENT } from '../ledger/hash-store/entry.js';
import { HashTable } from '../ledger/hash-store/hash-table.js';
import type { Marks } from '../ledger/marks.js';
import type { Item, SourceInfo } from '../model.js';
import type { Books } from './books.js';

export type OnChanged = 'send' | 'skip';

export interface KnownOptions {
  readonly identities: Identities;
  readonly marks: Marks;
  readonly counted: CountedItems;
  /** What a source is called for ever; undefined for a stream. */
  readonly pathOf: (source: SourceInfo) => string | undefined;
  readonly onChanged: OnChanged;
  readonly observe: Observe;
  readonly nameOf: (source: number) => string;
  /** Keys that were decided on, when that is in another order than that of the input. */
  readonly decided?: SpillingTable | undefined;
  /** Set when items are sent again: what each was known by. */
  readonly recalled?: ((item: Item) => Recalled) | undefined;
}

/** What an item that is sent again was known by. */
export interface Recalled {
  readonly mark: Uint32Array | undefined;
  readonly occurrence: number | undefined;
}

/** What an item was found to be when it was met, to be decided on at another moment. */
export interface Met {
  readonly mark: Uint32Array;
  /** Which of several equal items it is; undefined when items are told apart by key. */
  readonly occurrence: number | undefined;
  /** Where its key was met before in this run. */
  readonly repeats: { readonly source: number; readonly line: number } | undefined;
  /** The project held it before anything of this try was sent. */
  readonly isHeld: boolean;
}

/** So many repeated keys are told one by one. */
const MOST_TOLD = 5;
/** With more marks than this, those of items that are placed are forgotten. */
const MOST_UNPLACED = 64 * 1024;

export class KnownItems {
  readonly #options: KnownOptions;
  readonly #passed = new EncodedBlock();
  /** Occurrence numbers of items on their way, by item: only where they are not 0. */
  readonly #occurrences = new WeakMap<Item, number>();
  /** Marks that were reserved for items which may be rejected yet, because their thread may belong to somebody else. */
  readonly #unplaced = new HashTable();
  /** The mark of the item that was wanted last, when it repeats one of those: whether it must be sent is to be asked of `wantsRepeated`. */
  repeated: Uint32Array | undefined;
  #known = 0;
  #updated = 0;
  #failed = 0;
  #told = 0;

  constructor(options: KnownOptions) {
    this.#options = options;
  }

  /** An item of a record that is passed over: it counts, nothing else. */
  pass(item: Item): void {
    this.#passed.clear();
    this.#passed.add(item);
    if (this.#identify(item, this.#passed)) this.#meet(item);
  }

  /** True when items are sent again: then what they are known by does not come of their turn, and `meet` is of no use. */
  get recalls(): boolean {
    return this.#options.recalled !== undefined;
  }

  /** Meets the last item of a block in its turn; whether it must be sent is asked later, of `wantsMet`. Undefined: it cannot be known again. */
  meet(item: Item, block: EncodedBlock): Met | undefined {
    const { identities, marks } = this.#options;
    if (!this.#identify(item, block)) return undefined;
    const repeats = this.#meet(item);
    const known = marks.find(identities.mark);
    const isHeld = known === 'same' || known === 'changed';
    return { mark: identities.mark.slice(), occurrence: identities.occurrence, repeats, isHeld };
  }

  /** As `wants`, of an item that was met before and is not settled. */
  wantsMet(item: Item, block: EncodedBlock, met: Met | undefined): boolean {
    this.repeated = undefined;
    return met === undefined || this.#decide(item, block, met);
  }

  /** Whether the last item of a block must be sent; then it has its mark, and is reserved. `isSettled`: an earlier try has dealt with it. */
  wants(item: Item, block: EncodedBlock, isSettled: boolean): boolean {
    const { identities } = this.#options;
    const hasMark = this.#identify(item, block);
    const repeats = hasMark ? this.#meet(item) : undefined;
    this.repeated = undefined;
    if (isSettled) return false;
    if (!hasMark) return true;
    return this.#decide(item, block, { mark: identities.mark, occurrence: identities.occurrence, repeats });
  }

  /** `isHeld`: see `Met`; undefined when items come in input order, where a key that was met before says it. */
  #decide(
    item: Item,
    block: EncodedBlock,
    { mark: byKey, occurrence, repeats, isHeld }: Omit<Met, 'isHeld'> & Partial<Pick<Met, 'isHeld'>>,
  ): boolean {
    const { marks, onChanged } = this.#options;
    if (occurrence !== undefined && occurrence > 0) this.#occurrences.set(item, occurrence);
    const isUnsure = item.wire.type === 'thread_message' && item.owner !== undefined;
    const isRepeat =
      occurrence === undefined && (isHeld === undefined ? repeats !== undefined : this.#cameBefore(byKey));
    let known = marks.find(byKey);
    let mark = byKey;
    if (known === 'changed' || known === 'failed-changed') {
      if (isRepeat) this.#tellRepeated(item, repeats);
      const version = this.#options.identities.versionOf(byKey);
      const knownVersion = marks.find(version);
      if (knownVersion !== 'unknown') known = knownVersion;
      // The versions of a key that one run brings stand side by side: what is known of one must not hide the others.
      if (knownVersion !== 'unknown' || (isRepeat && onChanged === 'send')) mark = version;
      // What failed is not in the project: that its content was mended makes it new.
      if (known === 'failed-changed') known = 'unknown';
    }
    if (known !== 'unknown' && !(known === 'failed' && this.#options.recalled !== undefined)) {
      if (known !== 'changed' || onChanged === 'skip') {
        if (isUnsure && this.#unplaced.get(mark) !== ABSENT) {
          this.repeated = mark.slice();
          return true;
        }
        this.#known += 1;
        if (known === 'failed') this.#failed += 1;
        return false;
      }
      this.#updated += 1;
    }
    marks.reserve(mark);
    block.setMark(block.items.length - 1, mark);
    if (isUnsure) this.#unplaced.set(mark, 0, 0);
    return true;
  }

  /** In the order of time, an item that an earlier try has settled: its key was there. */
  settled({ mark, occurrence }: Met): void {
    if (occurrence === undefined) this.#cameBefore(mark);
  }

  /** In the order of time: whether the key was decided on before in this run. */
  #cameBefore(mark: Uint32Array): boolean {
    const { decided } = this.#options;
    if (decided === undefined || decided.get(mark) !== ABSENT) return decided !== undefined;
    decided.set(mark, 0);
    return false;
  }

  /** Whether an item with a `repeated` mark must be sent, now that those before it are placed: then it is reserved. */
  wantsRepeated(mark: Uint32Array): boolean {
    const { marks } = this.#options;
    if (marks.find(mark) !== 'unknown') return false;
    marks.reserve(mark);
    return true;
  }

  /** Call it when a block was placed; `waiting` are those that are not yet. */
  placed(waiting: ReadonlySet<EncodedBlock>): void {
    const unplaced = this.#unplaced;
    if (unplaced.size === 0 || (waiting.size > 0 && unplaced.size < MOST_UNPLACED)) return;
    unplaced.clear();
    for (const block of waiting) {
      for (let i = 0; i < block.items.length; i++) {
        const mark = block.mark(i);
        if (mark !== undefined) unplaced.set(mark, 0, 0);
      }
    }
  }

  /** Which of several equal items of its source an item is, 0-based. */
  occurrenceOf(item: Item): number {
    return this.#occurrences.get(item) ?? 0;
  }

  /** Hands over what was counted since the last call. */
  addTo(books: Books): void {
    books.known += this.#known;
    books.updated += this.#updated;
    books.failedBefore += this.#failed;
    this.#known = 0;
    this.#updated = 0;
    this.#failed = 0;
  }

  #identify(item: Item, block: EncodedBlock): boolean {
    const { identities, pathOf, recalled, marks } = this.#options;
    const bytes = block.bytes(block.items.length - 1);
    const path = pathOf(item.position.source);
    if (recalled === undefined) return identities.identify(item, bytes, path);
    return identities.recall(item, bytes, path, recalled(item), (mark) => marks.find(mark) === 'unknown');
  }

  #meet({ key, position }: Item): { readonly source: number; readonly line: number } | undefined {
    if (key === undefined || this.#options.recalled !== undefined) return undefined;
    const { counted, identities } = this.#options;
    return counted.meet(identities.mark, position.source.index, position.line);
  }

  #tellRepeated({ position }: Item, before: Met['repeats']): void {
    this.#told += 1;
    if (this.#told > MOST_TOLD) return;
    const { observe, nameOf, onChanged } = this.#options;
    const other = before === undefined ? 'a row that is older' : `${nameOf(before.source)}:${before.line}`;
    const does = onChanged === 'skip' ? 'the second is left out' : 'both are sent';
    observe({
      type: 'notice',
      level: 'warning',
      code: 'key-repeated',
      message: `${position.source.id}:${position.line} has the key of ${other} and other content: ${does}`,
      hint:
        this.#told === MOST_TOLD
          ? 'more of these are not told; the mapping needs a key that differs'
          : 'if they are two things, the mapping needs a key that differs',
    });
  }
}
