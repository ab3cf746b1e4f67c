/**
 * The segments of one owner (a project's marks, a run's counted items) on disk and on record. The record decides: a file that is not on it is
 * left over from a crash and is removed, one that is on it must be there and whole. `no` orders them, oldest first.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { step } from '../steps.js';
import type { LedgerDatabase } from './database.js';
import type { HashTable } from './hash-store/hash-table.js';
import { SegmentSet } from './hash-store/segment-set.js';
import { writeSegment } from './hash-store/segment-writer.js';

interface Listed {
  readonly no: number;
  readonly name: string;
  readonly until: string | undefined;
}

const FAN_OUT = 8;
const OPEN_TRIES = 5;
/** Another process may be about to put a young file on record. */
const ORPHAN_AGE_MS = 3_600_000;

export class StoredSegments {
  readonly #db: LedgerDatabase;
  readonly #owner: string;
  readonly #folder: string;
  #set = new SegmentSet();
  #listed: Listed[] = [];
  #merging: Promise<void> | undefined;

  /** Opens what is on record. Throws AppError `ledger-damaged` when a file is missing or broken. */
  constructor(db: LedgerDatabase, owner: string, folder: string) {
    this.#db = db;
    this.#owner = owner;
    this.#folder = folder;
    this.#open();
  }

  /** For each segment, oldest first, up to which place in the input it reaches. */
  get untils(): readonly (string | undefined)[] {
    return this.#listed.map(({ until }) => until);
  }

  /** The value of a key, REMOVED, or ABSENT. */
  get(keys: Uint32Array, at = 0): number {
    return this.#set.get(keys, at);
  }

  /** True when another process has changed what is on record; then everything is opened anew. */
  refresh(): boolean {
    const now = this.#read();
    if (now.length === this.#listed.length && now.every(({ name }, i) => name === this.#listed[i]?.name)) return false;
    this.#set.close();
    this.#set = new SegmentSet();
    this.#open();
    return true;
  }

  /** Writes a table as the newest segment; `alongside` writes in the transaction that puts it on record. */
  add(table: HashTable, until?: string, alongside: () => void = () => undefined): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const name = newName();
    const facts = writeSegment(join(this.#folder, name), table);
    step('marks.written');
    const no = this.#db.durable(() => {
      const last = this.#db.sql.prepare('SELECT max(no) AS no FROM segments WHERE owner = ?').get(this.#owner);
      const next = Number(last?.['no'] ?? 0) + 1;
      this.#insert({ no: next, name, until }, facts.entries);
      alongside();
      return next;
    });
    step('marks.recorded');
    this.#set.add(join(this.#folder, name), facts);
    this.#listed.push({ no, name, until });
  }

  /** Forgets the segments from this one on (as `untils` counts). */
  dropFrom(index: number): void {
    const dropped = this.#listed.slice(index);
    if (dropped.length === 0) return;
    this.#db.durable(() => {
      for (const { no } of dropped) this.#delete(no);
    });
    this.#set.close();
    this.#set = new SegmentSet();
    this.#open();
  }

  /** Merges in the background, among the `oldest` so many, until there are few; at most one merge is under way. */
  tidy(oldest = this.#listed.length): void {
    if (this.#merging !== undefined || this.#set.mergeCandidates(FAN_OUT, oldest) === undefined) return;
    // A merge that fails changes nothing: the segments answer as they are, and what ails the disk shows itself where it matters.
    this.#merging = this.#merge(oldest)
      .catch(() => undefined)
      .finally(() => (this.#merging = undefined));
  }

  async #merge(oldest: number): Promise<void> {
    const range = this.#set.mergeCandidates(FAN_OUT, oldest);
    if (range === undefined) return;
    const name = newName();
    const from = this.#listed.slice(range.from, range.to);
    const { facts, replaced } = await this.#set.merge(join(this.#folder, name), range.from, range.to);
    const last = from.at(-1);
    if (last === undefined) return;
    const merged = { no: last.no, name, until: last.until };
    const isOurs = this.#db.durable(() => {
      const now = new Set(this.#read().map((listed) => listed.name));
      if (!from.every((listed) => now.has(listed.name))) return false;
      for (const { no } of from) this.#delete(no);
      this.#insert(merged, facts.entries);
      return true;
    });
    if (!isOurs) {
      // Another process has merged them already, and knows better what was removed since.
      rmSync(join(this.#folder, name), { force: true });
      this.refresh();
      return;
    }
    this.#listed.splice(range.from, from.length, merged);
    for (const path of replaced) rmSync(path, { force: true });
  }

  /** A merge that was begun is brought to its end: otherwise short runs would leave ever more files. */
  async close(): Promise<void> {
    await this.#merging;
    this.#set.close();
  }

  #insert({ no, name, until }: Listed, entries: number): void {
    this.#db.sql
      .prepare('INSERT INTO segments(owner, no, name, entries, until) VALUES (?,?,?,?,?)')
      .run(this.#owner, no, name, entries, until ?? null);
  }

  #delete(no: number): void {
    this.#db.sql.prepare('DELETE FROM segments WHERE owner = ? AND no = ?').run(this.#owner, no);
  }

  #read(): Listed[] {
    return this.#db
      .read(() => this.#db.sql.prepare('SELECT * FROM segments WHERE owner = ? ORDER BY no').all(this.#owner))
      .map((row) => ({
        no: Number(row['no']),
        name: String(row['name']),
        until: (row['until'] as string | null) ?? undefined,
      }));
  }

  #open(): void {
    for (let tries = 1; ; tries++) {
      this.#listed = this.#read();
      try {
        for (const { name } of this.#listed) this.#set.add(join(this.#folder, name));
        break;
      } catch (error) {
        // Another process may have merged them meanwhile: then the record says so by now.
        const names = this.#read().map(({ name }) => name);
        if (tries >= OPEN_TRIES || names.join() === this.#listed.map(({ name }) => name).join()) throw error;
        this.#set.close();
        this.#set = new SegmentSet();
      }
    }
    this.#removeOrphans();
  }

  #removeOrphans(): void {
    const known = new Set(this.#listed.map(({ name }) => name));
    for (const name of namesIn(this.#folder)) {
      const path = join(this.#folder, name);
      if (known.has(name) || Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < ORPHAN_AGE_MS)
        continue;
      rmSync(path, { force: true });
    }
  }
}

function newName(): string {
  return `${randomBytes(8).toString('hex')}.segment`;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.includes('.segment'));
  } catch {
    return [];
  }
}
