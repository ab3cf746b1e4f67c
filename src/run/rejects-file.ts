/**
 * One file of rejected rows: a head, then rows, each with its line end. Rows are gathered and written at known places, so that a write that
 * failed can be tried again, and what a crash left behind the recorded length can be cut off.
 */
import { closeSync, fdatasyncSync, ftruncateSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../errors.js';
import { encodeRaw } from '../raw-text.js';
import { explained, removeFile, withFile, writeWhole } from './durable-files.js';

/** A rejects file as far as it counts: these bytes of it are on disk, the first `headBytes` of them before the first row. */
export interface RejectsFileState {
  readonly name: string;
  readonly bytes: number;
  readonly headBytes: number;
}

/** The bytes of a row in its file, without its line end. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** Where a rejected row lies: `file` is its file's place in the list of states. */
export interface RejectPlace extends Range {
  readonly file: number;
}

const COPY_BYTES = 1024 * 1024;

export class RejectsFile {
  readonly name: string;
  readonly path: string;
  readonly head: string;
  readonly #headBytes: number;
  readonly #lineEnd: Buffer;
  #pending: Buffer[] = [];
  /** Length with all that is pending, of what was written, and of what is known to have survived. */
  #size: number;
  #written: number;
  #kept: number;

  private constructor(folder: string, name: string, head: string, bytes: number) {
    this.name = name;
    this.path = join(folder, name);
    this.head = head;
    this.#headBytes = encodeRaw(head).length;
    this.#lineEnd = Buffer.from(/\r?\n$|\r$/.exec(head)?.[0] ?? '\n');
    this.#size = this.#written = this.#kept = bytes;
  }

  /** A file that begins with `head`; it is made with the first write. */
  static create(folder: string, name: string, head: string): RejectsFile {
    const file = new RejectsFile(folder, name, head, 0);
    file.#push(encodeRaw(head));
    return file;
  }

  /**
   * A file as it was at this state: what was written to it later is cut off, and a rewriting that was not recorded is undone. Throws
   * AppError `rejects-changed` when it does not hold that much.
   */
  static reopen(folder: string, { name, bytes, headBytes }: RejectsFileState): RejectsFile {
    const path = join(folder, name);
    if (sizeOf(path) < bytes && sizeOf(asideOf(path)) >= bytes) explained(path, () => renameSync(asideOf(path), path));
    const size = sizeOf(path);
    if (size < bytes) {
      throw new AppError(
        size < 0 ? `${path} is gone` : `${path} was changed: it has ${size} bytes, and this run wrote ${bytes}`,
        {
          code: 'rejects-changed',
          disposition: 'ledger',
          hint: 'put it back as it was; rows are mended in a copy',
        },
      );
    }
    if (size > bytes) withFile(path, 'r+', (file) => ftruncateSync(file, bytes));
    return new RejectsFile(folder, name, readHead(path, headBytes), bytes);
  }

  get state(): RejectsFileState {
    return { name: this.name, bytes: this.#kept, headBytes: this.#headBytes };
  }

  /** Bytes that wait to be written. */
  get waiting(): number {
    return this.#size - this.#written;
  }

  get hasNews(): boolean {
    return this.#size > this.#kept;
  }

  get isNew(): boolean {
    return this.#kept === 0;
  }

  add(row: Buffer): Range {
    const offset = this.#size;
    this.#push(row);
    this.#push(this.#lineEnd);
    return { offset, length: row.length };
  }

  #push(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.#size += bytes.length;
  }

  /** Writes what waits; `durably` makes it survive and counts it as kept. */
  write(durably: boolean): void {
    if (this.waiting === 0 && !durably) return;
    withFile(this.path, this.#written === 0 ? 'w' : 'r+', (file) => {
      writeWhole(file, Buffer.concat(this.#pending), this.#written);
      if (durably) fdatasyncSync(file);
    });
    this.#pending = [];
    this.#written = this.#size;
    if (durably) this.#kept = this.#size;
  }

  /** Forgets what was not kept. */
  dropNews(): void {
    const { path } = this;
    if (this.hasNews && this.isNew) removeFile(path);
    else if (this.hasNews) withFile(path, 'r+', (file) => ftruncateSync(file, this.#kept));
    this.#pending = [];
    this.#size = this.#written = this.#kept;
  }

  /** Where these rows lie in a file that has the head and them alone, in this order; last, where the next one would. */
  placesOf(rows: readonly Range[]): readonly number[] {
    const offsets = [this.#headBytes];
    let next = this.#headBytes;
    for (const { length } of rows) offsets.push((next += length + this.#lineEnd.length));
    return offsets;
  }

  /** Writes a file with the head and these rows, in this order, beside this one. */
  writeNext(rows: readonly Range[]): void {
    this.#copyTo(nextOf(this.path), [{ offset: 0, length: this.#headBytes }, ...this.#runs(rows)]);
  }

  forgetNext(): void {
    removeFile(nextOf(this.path));
  }

  /**
   * Puts the file of `writeNext`, which is so many bytes long, in the place of this one, which stays beside it until `forgetAside`. 0 puts
   * this one aside and nothing in its place.
   */
  replace(bytes: number): void {
    const { path } = this;
    explained(path, () => {
      renameSync(path, asideOf(path));
      if (bytes > 0) renameSync(nextOf(path), path);
    });
    this.#size = this.#written = this.#kept = bytes;
  }

  /** The rows with their line ends, those that follow one another taken together. */
  *#runs(rows: readonly Range[]): Generator<Range> {
    let run = { offset: 0, length: 0 };
    for (const row of rows) {
      const length = row.length + this.#lineEnd.length;
      if (row.offset === run.offset + run.length) run = { offset: run.offset, length: run.length + length };
      else {
        if (run.length > 0) yield run;
        run = { offset: row.offset, length };
      }
    }
    if (run.length > 0) yield run;
  }

  #copyTo(path: string, ranges: Iterable<Range>): void {
    const buffer = Buffer.allocUnsafe(COPY_BYTES);
    const from = explained(this.path, () => openSync(this.path, 'r'));
    try {
      withFile(path, 'w', (to) => {
        let position = 0;
        for (const { offset, length } of ranges) {
          for (let done = 0; done < length;) {
            const count = readSync(from, buffer, 0, Math.min(COPY_BYTES, length - done), offset + done);
            if (count === 0) throw new Error(`${this.path} ends before byte ${offset + length}`);
            writeWhole(to, buffer.subarray(0, count), position);
            done += count;
            position += count;
          }
        }
        fdatasyncSync(to);
      });
    } finally {
      closeSync(from);
    }
  }

  forgetAside(): void {
    removeFile(asideOf(this.path));
  }
}

function nextOf(path: string): string {
  return `${path}.new`;
}

/** Where the file lies that a rewriting replaced, until that is recorded. */
function asideOf(path: string): string {
  return `${path}.old`;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
}

function readHead(path: string, bytes: number): string {
  const head = Buffer.alloc(bytes);
  const file = explained(path, () => openSync(path, 'r'));
  try {
    return head.toString('utf8', 0, readSync(file, head, 0, bytes, 0));
  } finally {
    closeSync(file);
  }
}
