/**
 * What was met so far in a run, in little memory: how often each item of each source was, or where each key was last. A table that moves to
 * sorted files as it fills. A file reaches up to a place in the input, so that a run that is resumed from before that place can do without it:
 * an item is counted once, however often its row is read.
 */
import { join } from 'node:path';
import type { LedgerDatabase } from './database.js';
import { ABSENT } from './hash-store/entry.js';
import { HashTable } from './hash-store/hash-table.js';
import type { Frontier } from './runs.js';
import { StoredSegments } from './stored-segments.js';

/** Some blocks below the power of two at which the table doubles. */
const MOST_RECENT = 60_000;
/** The largest value of a table. */
const MOST = 0xfffffffe;

export class CountedItems {
  readonly #recent = new HashTable();
  readonly #key = new Uint32Array(4);
  readonly #segments: StoredSegments | undefined;
  /** Where counting goes on: from here the input must be read again; undefined = from its beginning. */
  readonly from: Frontier | undefined;

  /**
   * Opens the counts of a run that goes on from `frontier` (from its beginning when undefined). `folder` is the run's; undefined keeps
   * everything in memory.
   */
  constructor(db: LedgerDatabase, run: string, folder: string | undefined, frontier: Frontier | undefined) {
    if (folder === undefined) return;
    this.#segments = new StoredSegments(db, run, join(folder, 'counted'));
    const places = this.#segments.untils.map((text) =>
      text === undefined ? undefined : (JSON.parse(text) as Frontier),
    );
    const usable = places.filter((place) => isAtOrBefore(place, frontier)).length;
    this.#segments.dropFrom(usable);
    this.from = places[usable - 1];
  }

  /** How often the item with these four words was met before; counts it. */
  next(words: Uint32Array): number {
    const count = Math.max(0, this.#get(words));
    this.#recent.set(words, 0, count + 1);
    return count;
  }

  /** Where the key with these words was met last, by source and line; remembers this place. */
  meet(
    mark: Uint32Array,
    source: number,
    line: number,
  ): { readonly source: number; readonly line: number } | undefined {
    const key = this.#key;
    for (let i = 0; i < 4; i++) key[i] = mark[i] ?? 0;
    const before = this.#get(key);
    this.#recent.set(key, 0, Math.min(line, MOST));
    // The source stands under a key of its own; where there is none, it is the first one.
    if (source === 0 && before === ABSENT) return undefined;
    key[0] = ~(mark[0] ?? 0);
    const from = before === ABSENT ? 0 : Math.max(0, this.#get(key));
    this.#recent.set(key, 0, source);
    return before === ABSENT ? undefined : { source: from, line: before };
  }

  #get(key: Uint32Array): number {
    const recent = this.#recent.get(key);
    return recent !== ABSENT || this.#segments === undefined ? recent : this.#segments.get(key);
  }

  get isFull(): boolean {
    return this.#segments !== undefined && this.#recent.size >= MOST_RECENT;
  }

  /** Everything that was counted lies before `place`. `settledTo`: a next try begins there or later. */
  flush(place: Frontier, settledTo: Frontier): void {
    const segments = this.#segments;
    if (segments === undefined || this.#recent.size === 0) return;
    segments.add(this.#recent, JSON.stringify(place));
    this.#recent.clear();
    const settled = segments.untils.filter((text) => isAtOrBefore(JSON.parse(text ?? 'null') as Frontier, settledTo));
    segments.tidy(settled.length);
  }

  async close(): Promise<void> {
    await this.#segments?.close();
  }
}

function isAtOrBefore(place: Frontier | undefined, limit: Frontier | undefined): boolean {
  if (place === undefined || limit === undefined) return false;
  return place.source < limit.source || (place.source === limit.source && place.ordinal <= limit.ordinal);
}
