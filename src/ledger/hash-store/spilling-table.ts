/**
 * A map from 128-bit keys to 32-bit values of any size in bounded memory, for as long as a process needs it: what does not fit moves to sorted
 * files that are on no record.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ABSENT } from './entry.js';
import { HashTable } from './hash-table.js';
import { writingError } from './problems.js';
import { SegmentSet } from './segment-set.js';
import { writeSegment } from './segment-writer.js';

/** So many keys are kept in memory. */
const MOST_RECENT = 256 * 1024;

export class SpillingTable {
  readonly #folder: () => string;
  readonly #name: string;
  readonly #recent = new HashTable();
  readonly #segments = new SegmentSet();
  readonly #mostRecent: number;
  #path: string | undefined;
  #files = 0;

  /** `folder` names where files go, under names that begin with `name`; it is made when it is needed, and removed by `close`. */
  constructor(folder: () => string, name: string, mostRecent = MOST_RECENT) {
    this.#folder = folder;
    this.#name = name;
    this.#mostRecent = mostRecent;
  }

  get(key: Uint32Array): number {
    const recent = this.#recent.get(key);
    return recent === ABSENT && this.#files > 0 ? this.#segments.get(key) : recent;
  }

  set(key: Uint32Array, value: number): void {
    this.#recent.set(key, 0, value);
  }

  /** Call it now and then: moves to a file what is too much for memory. Rejects with AppError `disk-full` or `ledger-write` where it cannot. */
  async tidy(): Promise<void> {
    if (this.#recent.size < this.#mostRecent) return;
    const path = this.#next();
    this.#segments.add(path, writeSegment(path, this.#recent));
    this.#recent.clear();
    for (;;) {
      const range = this.#segments.mergeCandidates();
      if (range === undefined) return;
      const { replaced } = await this.#segments.merge(this.#next(), range.from, range.to);
      for (const each of replaced) rmSync(each, { force: true });
    }
  }

  close(): void {
    this.#segments.close();
    if (this.#path !== undefined) rmSync(this.#path, { recursive: true, force: true });
  }

  #next(): string {
    if (this.#path === undefined) {
      const path = this.#folder();
      try {
        mkdirSync(path, { recursive: true, mode: 0o700 });
      } catch (error) {
        throw writingError(path, error);
      }
      this.#path = path;
    }
    return join(this.#path, `${this.#name}-${this.#files++}.segment`);
  }
}
