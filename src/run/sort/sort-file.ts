/**
 * Files of sorted records, written once from front to back and read once in the same way. They hold what a sort cannot keep in memory; nobody
 * needs them after a crash, so nothing is made durable. They may hold the content of rows: only their owner can read them.
 *
 * A record is its length, its two sort keys and its bytes.
 */
import { open, rm, type FileHandle } from 'node:fs/promises';
import { AppError } from '../../errors.js';

/** Length and keys. */
const HEAD_BYTES = 4 + 8 + 8;
const MODE = 0o600;

export interface SortedFile {
  readonly path: string;
  readonly records: number;
  readonly bytes: number;
}

export class SortedFileWriter {
  readonly #path: string;
  readonly #file: FileHandle;
  #buffer: Buffer;
  #filled = 0;
  #bytes = 0;
  #records = 0;

  /** Throws AppError `disk-full` or `sort-unwritable`, as all of this class. */
  static async create(path: string, bufferBytes: number): Promise<SortedFileWriter> {
    return explained(path, async () => new SortedFileWriter(path, await open(path, 'w', MODE), bufferBytes));
  }

  private constructor(path: string, file: FileHandle, bufferBytes: number) {
    this.#path = path;
    this.#file = file;
    this.#buffer = Buffer.allocUnsafeSlow(bufferBytes);
  }

  /** Copies a record; the promise must be waited for when there is one. */
  put(a: number, b: number, bytes: Uint8Array): void | Promise<void> {
    const needed = HEAD_BYTES + bytes.length;
    if (this.#filled + needed > this.#buffer.length && this.#filled > 0) {
      return this.#write().then(() => this.#copy(a, b, bytes));
    }
    this.#copy(a, b, bytes);
  }

  #copy(a: number, b: number, bytes: Uint8Array): void {
    const needed = HEAD_BYTES + bytes.length;
    if (needed > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(needed);
    const at = this.#filled;
    this.#buffer.writeUInt32LE(bytes.length, at);
    this.#buffer.writeDoubleLE(a, at + 4);
    this.#buffer.writeDoubleLE(b, at + 12);
    this.#buffer.set(bytes, at + HEAD_BYTES);
    this.#filled += needed;
    this.#records += 1;
  }

  async #write(): Promise<void> {
    await explained(this.#path, async () => {
      for (let done = 0; done < this.#filled;) {
        done += (await this.#file.write(this.#buffer, done, this.#filled - done, this.#bytes + done)).bytesWritten;
      }
    });
    this.#bytes += this.#filled;
    this.#filled = 0;
  }

  async finish(): Promise<SortedFile> {
    await this.#write();
    await this.close();
    return { path: this.#path, records: this.#records, bytes: this.#bytes };
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

export class SortedFileReader {
  /** Among equal records, those of the lower rank come first. */
  readonly rank: number;
  /** The record at hand, after `advance` gave true. */
  a = 0;
  b = 0;
  readonly #of: SortedFile;
  readonly #file: FileHandle;
  #buffer: Buffer;
  #at = 0;
  #end = 0;
  #start = 0;
  #length = 0;
  #read = 0;
  #records = 0;

  static async open(of: SortedFile, rank: number, bufferBytes: number): Promise<SortedFileReader> {
    try {
      return new SortedFileReader(of, rank, await open(of.path, 'r'), bufferBytes);
    } catch (error) {
      throw damaged(of.path, error);
    }
  }

  private constructor(of: SortedFile, rank: number, file: FileHandle, bufferBytes: number) {
    this.#of = of;
    this.rank = rank;
    this.#file = file;
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(HEAD_BYTES, bufferBytes));
  }

  /** The bytes of the record at hand, valid until the next one is. */
  get bytes(): Buffer {
    return this.#buffer.subarray(this.#start, this.#start + this.#length);
  }

  /** Goes on to the next record; false at the end. Throws AppError `sort-damaged` when the file is not what was written. */
  advance(): boolean | Promise<boolean> {
    return this.#take(this.#end - this.#at) ? true : this.#refill();
  }

  /** Takes the record at `#at`, if it is whole among so many bytes. */
  #take(there: number): boolean {
    if (there < HEAD_BYTES) return false;
    const length = this.#buffer.readUInt32LE(this.#at);
    if (there < HEAD_BYTES + length) return false;
    this.a = this.#buffer.readDoubleLE(this.#at + 4);
    this.b = this.#buffer.readDoubleLE(this.#at + 12);
    this.#start = this.#at + HEAD_BYTES;
    this.#length = length;
    this.#at = this.#start + length;
    this.#records += 1;
    return true;
  }

  async #refill(): Promise<boolean> {
    const rest = this.#buffer.subarray(this.#at, this.#end);
    const needed = rest.length < HEAD_BYTES ? HEAD_BYTES : HEAD_BYTES + rest.readUInt32LE(0);
    if (needed > this.#of.bytes) throw damaged(this.#of.path);
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(needed);
      larger.set(rest);
      this.#buffer = larger;
    } else {
      this.#buffer.copyWithin(0, this.#at, this.#end);
    }
    this.#at = 0;
    this.#end = rest.length;
    while (this.#end < this.#buffer.length) {
      const { bytesRead } = await this.#file.read(this.#buffer, this.#end, this.#buffer.length - this.#end, this.#read);
      if (bytesRead === 0) break;
      this.#read += bytesRead;
      this.#end += bytesRead;
    }
    if (this.#end === 0 && this.#records === this.#of.records) return false;
    if (this.#end < needed) throw damaged(this.#of.path);
    return this.advance();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Closes the file and deletes it. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.#of.path, { force: true });
  }
}

function damaged(path: string, cause?: unknown): AppError {
  return new AppError(`the sorted rows in ${path} cannot be read back: the file is not what was written`, {
    code: 'sort-damaged',
    disposition: 'ledger',
    hint: 'the same command sorts anew; nothing is lost',
    cause,
  });
}

/** Does the work; what the file system says against it becomes an AppError that says what to do. */
export async function explained<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof AppError) throw error;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    throw new AppError(
      `sorting needs room on disk, and ${path} cannot be written: ${isFull ? 'the disk is full' : message}`,
      {
        code: isFull ? 'disk-full' : 'sort-unwritable',
        disposition: 'ledger',
        hint: 'make room (about as much as the items are long, twice that for very large inputs), or name another folder with --state-dir; the same command goes on',
        cause: error,
      },
    );
  }
}
