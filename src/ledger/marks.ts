/**
 * What a project holds: a mark an item, with what became of it. New marks are kept in memory and, by way of the accepted chunks and the log of
 * changes, in the ledger; from time to time they move to a sorted file. Asking costs no SQL.
 *
 * A mark is made when the service accepts its item and lasts until it is withdrawn. An item that failed stays known, and is told apart: it is
 * not sent again of itself.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { LedgerDatabase } from './database.js';
import { ABSENT, ENTRY_WORDS, REMOVED } from './hash-store/entry.js';
import { HashTable } from './hash-store/hash-table.js';
import { StoredSegments } from './stored-segments.js';

export const MARK_BYTES = ENTRY_WORDS * 4;
/** The bit of a mark's value that says that its item failed; the others are of its content. */
const FAILED = 0x80000000;
const CONTENT = 0x7fffffff;
/** Some blocks below the power of two at which the table doubles. */
const MOST_RECENT = 60_000;

/** `failed-changed`: it failed with other content than this. */
export type Known = 'unknown' | 'same' | 'changed' | 'failed' | 'failed-changed';

export class Marks {
  readonly #db: LedgerDatabase;
  readonly #project: string;
  readonly #segments: StoredSegments | undefined;
  readonly #recent = new HashTable();
  /** Changes in the log up to this one are in `#recent` or in segments. */
  #seen = 0;

  /** `folder` is where the files of all projects lie; undefined keeps everything in memory. */
  constructor(db: LedgerDatabase, project: string, folder: string | undefined) {
    this.#db = db;
    this.#project = project;
    const name = createHash('sha256').update(project).digest('hex').slice(0, 32);
    this.#segments =
      folder === undefined ? undefined : new StoredSegments(db, `project ${project}`, join(folder, name));
    this.#replay();
  }

  /** What is known of the item with this mark: five words, the last of which is its content. */
  find(mark: Uint32Array): Known {
    const value = this.#valueOf(mark);
    if (value === ABSENT || value === REMOVED) return 'unknown';
    const isSame = (value & CONTENT) === mark[4];
    if ((value & FAILED) !== 0) return isSame ? 'failed' : 'failed-changed';
    return isSame ? 'same' : 'changed';
  }

  #valueOf(keys: Uint32Array, at = 0): number {
    const value = this.#recent.get(keys, at);
    return value === ABSENT && this.#segments !== undefined ? this.#segments.get(keys, at) : value;
  }

  /** The item is on its way: from here on it is known to this process. It is on record when its chunk is accepted. */
  reserve(mark: Uint32Array): void {
    this.#recent.set(mark, 0, mark[4] ?? 0);
  }

  /** The item with this mark did not get in: it is unknown again. `marks` holds five words an item. */
  withdraw(marks: Uint32Array): void {
    this.#change(marks, () => REMOVED);
  }

  /** These items failed at the service. */
  fail(marks: Uint32Array): void {
    this.#change(marks, (content) => (content | FAILED) >>> 0);
  }

  /** These items are in the project after all, or nobody wants to hear of them again. */
  settle(marks: Uint32Array): void {
    this.#change(marks, (content) => content & CONTENT);
  }

  #change(marks: Uint32Array, valueOf: (content: number) => number): void {
    const changed = marks.slice();
    for (let at = 0; at < changed.length; at += ENTRY_WORDS) {
      if (isNone(changed, at)) continue;
      if (this.#isReplaced(changed, at)) {
        changed.fill(0, at, at + ENTRY_WORDS);
        continue;
      }
      changed[at + 4] = valueOf(changed[at + 4] ?? 0);
      this.#recent.set(changed, at, changed[at + 4] ?? 0);
    }
    this.#db.record(() =>
      this.#db.sql.prepare('INSERT INTO mark_log(project, marks) VALUES (?,?)').run(this.#project, bytesOf(changed)),
    );
  }

  /** What became of an item says nothing of the one that has taken its key with other content since. */
  #isReplaced(marks: Uint32Array, at: number): boolean {
    const value = this.#valueOf(marks, at);
    return value !== ABSENT && value !== REMOVED && (value & CONTENT) !== ((marks[at + 4] ?? 0) & CONTENT);
  }

  /** True when so much is kept in memory that it should move to a file. */
  get isFull(): boolean {
    return this.#segments !== undefined && this.#recent.size >= MOST_RECENT;
  }

  /** Moves what is on record to a file. `pending` are the marks of items on their way, five words each: they stay reserved. */
  flush(pending: Iterable<ArrayLike<number>>): void {
    const segments = this.#segments;
    if (segments === undefined) return;
    // One transaction: what another process takes back meanwhile must come behind this file, not before it.
    const last = this.#db.durable(() => {
      const table = new HashTable();
      const end = this.#readLog(0, table);
      if (table.size === 0) return undefined;
      segments.refresh();
      segments.add(table, undefined, () =>
        this.#db.sql.prepare('DELETE FROM mark_log WHERE project = ? AND id <= ?').run(this.#project, end),
      );
      return end;
    });
    if (last === undefined) return;
    this.#seen = last;
    this.#recent.clear();
    for (const marks of pending) {
      const words = Uint32Array.from(marks);
      for (let at = 0; at < words.length; at += ENTRY_WORDS) {
        if (!isNone(words, at)) this.#recent.set(words, at, words[at + 4] ?? 0);
      }
    }
    segments.tidy();
  }

  /** What other processes have put on record since becomes known here. */
  refresh(): void {
    this.#segments?.refresh();
    this.#replay();
  }

  async close(): Promise<void> {
    await this.#segments?.close();
  }

  #replay(): void {
    this.#seen = this.#readLog(this.#seen, this.#recent);
  }

  /** Reads the log behind `after` into a table, page by page; returns the number of its last entry. */
  #readLog(after: number, into: HashTable): number {
    const query = this.#db.sql.prepare(
      `SELECT mark_log.id AS id, coalesce(mark_log.marks, chunks.marks) AS marks FROM mark_log
         LEFT JOIN chunks ON chunks.id = mark_log.chunk AND chunks.state = 'accepted'
       WHERE mark_log.project = ? AND mark_log.id > ? ORDER BY mark_log.id LIMIT 64`,
    );
    let last = after;
    for (;;) {
      const from = last;
      const rows = this.#db.read(() => query.all(this.#project, from));
      for (const row of rows) {
        last = Number(row['id']);
        if (row['marks'] instanceof Uint8Array) putAll(wordsOf(row['marks']), into);
      }
      if (rows.length < 64) return last;
    }
  }
}

function putAll(marks: Uint32Array, into: HashTable): void {
  for (let at = 0; at < marks.length; at += ENTRY_WORDS) {
    if (!isNone(marks, at)) into.set(marks, at, marks[at + 4] ?? 0);
  }
}

/** An item that cannot be known again has zeros for a mark. */
function isNone(marks: Uint32Array, at: number): boolean {
  return marks[at] === 0 && marks[at + 1] === 0 && marks[at + 2] === 0 && marks[at + 3] === 0;
}

export function bytesOf(marks: Uint32Array): Uint8Array {
  return new Uint8Array(marks.buffer, marks.byteOffset, marks.byteLength);
}

/** The words of a stored blob, wherever it lies in memory. */
export function wordsOf(blob: Uint8Array): Uint32Array {
  const copy = new Uint8Array(blob.length - (blob.length % 4));
  copy.set(blob.subarray(0, copy.length));
  return new Uint32Array(copy.buffer);
}
