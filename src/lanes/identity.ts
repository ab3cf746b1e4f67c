/**
 * What tells an item apart from all others, across runs. With a `key` in the mapping it is the key; else it is the item's own bytes and which
 * of the equal items of its source it is: the second identical "ok" of a chat is not the first.
 *
 * A mark is 128 bits of identity and 31 bits of content. Identity holds for the destination, the type, the place among the mapping's items and
 * the part. Without a key and without a time of its own an item is only known again in the same source, and nowhere when that is a stream.
 * These hashes lie in ledgers for years: never change them.
 */
import xxhash from 'xxhash-wasm';
import type { Item } from '../model.js';
import { MARK_WORDS } from './encoded-block.js';

const SECOND_SEED = 0x9e3779b97f4a7c15n;
const CONTENT_BITS = 0x7fffffff;
/** Occurrence numbers up to this one have their hashes kept. */
const KEPT_OCCURRENCES = 256;
/** So many equal items are looked through for the one that is meant. */
const MOST_RECALLED = 1_000;

export interface OccurrenceCounter {
  /** How often these four words, which are only lent, were asked for before. */
  next(words: Uint32Array): number;
}

type Hash64 = (bytes: Uint8Array, seed: bigint) => bigint;

export class Identities {
  /** The mark of the item that was identified last. */
  readonly mark = new Uint32Array(MARK_WORDS);
  /** Which of the equal items of its source it was, 0-based; undefined when items are told apart by key. */
  occurrence: number | undefined;
  readonly #hash64: Hash64;
  readonly #counter: OccurrenceCounter;
  readonly #first = new Uint32Array(MARK_WORDS);
  readonly #words = new Uint32Array(4);
  readonly #both = new BigUint64Array(this.#words.buffer);
  /** How many equal items of a source were recalled of which nobody knows which they were. */
  readonly #turns = new Map<string, number>();
  readonly #saltOfSource: (Uint32Array | undefined)[] = [];
  readonly #saltOfOccurrence: (Uint32Array | undefined)[] = [];

  private constructor(hash64: Hash64, counter: OccurrenceCounter) {
    this.#hash64 = hash64;
    this.#counter = counter;
  }

  static async create(counter: OccurrenceCounter): Promise<Identities> {
    const hasher = await xxhash();
    return new Identities((bytes, seed) => hasher.h64Raw(bytes, seed), counter);
  }

  /**
   * Fills `mark` for an item and its bytes; false when the item cannot be known again. `path`: what its source is called for ever (an absolute
   * path), undefined for a stream. Call it once for every mapped item, in input order, because equal items are counted.
   */
  identify(item: Item, bytes: Uint8Array, path: string | undefined): boolean {
    if (item.key !== undefined) {
      this.occurrence = undefined;
      this.#byKey(item, item.key, bytes);
      return true;
    }
    const isDated = item.time.ms !== undefined;
    if (!isDated && path === undefined) {
      this.occurrence = undefined;
      return false;
    }
    this.#byContent(item, bytes, path, isDated);
    return true;
  }

  /**
   * As `identify`, for an item that is met out of its turn: `known` is what it was known by, `occurrence` which of the equal ones it was. When its
   * content is another by now, it is the first that `isFree`. Of a record that gave no item, nothing is known of any: equal ones are counted then.
   */
  recall(
    item: Item,
    bytes: Uint8Array,
    path: string | undefined,
    known: { readonly mark: Uint32Array | undefined; readonly occurrence: number | undefined },
    isFree: (mark: Uint32Array) => boolean,
  ): boolean {
    if (!this.identify(item, bytes, path)) return false;
    if (item.key !== undefined) {
      if (known.mark !== undefined && this.#isVersion(known.mark)) this.mark.set(this.versionOf(this.mark));
      return true;
    }
    const first = this.mark.slice();
    if (known.occurrence !== undefined) this.#setOccurrence(first, known.occurrence);
    else if (known.mark === undefined) this.#setOccurrence(first, this.#turnOf(item, first));
    if (known.mark === undefined) return true;
    let free: number | undefined;
    for (let n = 0; n <= MOST_RECALLED; n++) {
      this.#setOccurrence(first, n);
      if (isSameItem(this.mark, known.mark)) return true;
      if (free === undefined && isFree(this.mark)) free = n;
    }
    this.#setOccurrence(first, free ?? 0);
    return true;
  }

  /**
   * What an item with a key is known by when its key came before in the same run with other content: this version of it. `mark` is its mark by the
   * key alone.
   */
  versionOf(mark: Uint32Array): Uint32Array {
    const version = mark.slice();
    const salt = this.#salt(`version ${mark[4] ?? 0}`);
    for (let i = 0; i < 4; i++) version[i] = ((mark[i] ?? 0) ^ (salt[i] ?? 0)) >>> 0;
    return version;
  }

  /** Whether this is the mark of a version of what was identified last. */
  #isVersion(mark: Uint32Array): boolean {
    const base = this.mark.slice();
    base[4] = (mark[4] ?? 0) & CONTENT_BITS;
    return isSameItem(this.versionOf(base), mark);
  }

  #turnOf({ position }: Item, first: Uint32Array): number {
    const words = `${position.source.index} ${first.join(' ')}`;
    const turn = this.#turns.get(words) ?? 0;
    this.#turns.set(words, turn + 1);
    return turn;
  }

  #setOccurrence(first: Uint32Array, n: number): void {
    this.mark.set(first);
    this.occurrence = n;
    if (n === 0) return;
    const more = this.#occurrenceSalt(n);
    for (let i = 0; i < 4; i++) this.mark[i] = ((first[i] ?? 0) ^ (more[i] ?? 0)) >>> 0;
  }

  #byKey(item: Item, key: string, bytes: Uint8Array): void {
    const { wire } = item;
    const destination =
      wire.type === 'thread_message'
        ? `t:${wire.thread_id}`
        : wire.graph_id !== undefined
          ? `g:${wire.graph_id}`
          : `u:${wire.user_id ?? ''}`;
    const facts = [key, wire.type, destination, String(item.template ?? 0), String(item.part?.index ?? 0)];
    this.#both[0] = this.#hash64(bytes, 0n);
    const content = (this.#words[0] ?? 0) & CONTENT_BITS;
    this.#hash(Buffer.from(JSON.stringify(facts)));
    this.mark.set(this.#words);
    this.mark[4] = content === CONTENT_BITS ? 0 : content;
  }

  #byContent(item: Item, bytes: Uint8Array, path: string | undefined, isDated: boolean): void {
    const salt = this.#sourceSalt(item.position.source.index, path ?? '');
    this.#hash(bytes);
    const [h0 = 0, h1 = 0, h2 = 0, h3 = 0] = this.#words;
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = salt;
    const first = this.#first;
    first[0] = h0 ^ s0;
    first[1] = h1 ^ s1;
    first[2] = h2 ^ s2;
    first[3] = h3 ^ s3;
    const n = this.#counter.next(first);
    if (isDated) first.set(this.#words);
    this.#setOccurrence(first, n);
  }

  #sourceSalt(index: number, path: string): Uint32Array {
    return (this.#saltOfSource[index] ??= this.#salt(`source ${path}`));
  }

  #occurrenceSalt(n: number): Uint32Array {
    if (n > KEPT_OCCURRENCES) return this.#salt(`occurrence ${n}`);
    return (this.#saltOfOccurrence[n] ??= this.#salt(`occurrence ${n}`));
  }

  #salt(text: string): Uint32Array {
    this.#hash(Buffer.from(text));
    return this.#words.slice();
  }

  #hash(bytes: Uint8Array): void {
    this.#both[0] = this.#hash64(bytes, 0n);
    this.#both[1] = this.#hash64(bytes, SECOND_SEED);
  }
}

function isSameItem(a: Uint32Array, b: Uint32Array): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3];
}
