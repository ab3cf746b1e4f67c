/**
 * A copy of the content of an input that cannot be read twice: standard input is written, compressed and readable only by its owner, to
 * the run's folder while it is being read, so that a draft can be made anew from it. Deleted when the run no longer needs it.
 *
 * The file is gzip members, one behind the other. Each is whole in itself, so at any moment the file can be read up to its last whole
 * member, and cut there and gone on with after the program was killed. Compressing is left to other threads; how much waits for them is
 * bounded.
 */
import { constants as files } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { AppError } from '../errors.js';
import type { ContentTap } from '../model.js';

/** Content of one member, unless it is needed sooner: large enough to compress well and to be worth a thread's while. */
const MEMBER_BYTES = 512 * 1024;
/** Members that wait to be compressed and written. */
const MOST_WAITING = 2;

const compress = promisify<Uint8Array, { level: number; chunkSize: number }, Buffer>(gzip);
const PACKING = { level: constants.Z_BEST_SPEED, chunkSize: MEMBER_BYTES / 4 };

/** How much of the content is in how much of the file. */
export interface SpoolState {
  readonly contentBytes: number;
  readonly fileBytes: number;
}

const EMPTY: SpoolState = { contentBytes: 0, fileBytes: 0 };

export class Spool {
  readonly path: string;
  #file: FileHandle | undefined;
  #written: SpoolState;
  /** Content up to here was taken, and up to there it is in members, written or waiting. */
  #taken: number;
  #sealed: number;
  #piece: Buffer = Buffer.allocUnsafeSlow(MEMBER_BYTES);
  #filled = 0;
  readonly #spare: Buffer[] = [];
  /** The members that wait, each settled when it is in the file: they never reject. */
  readonly #waiting: Promise<void>[] = [];
  #failure: Error | undefined;

  /**
   * A new spool, or, with what an earlier one had `written`, that one: the file is cut there and gone on with. When less of the file is
   * left, the spool begins anew, since all content passes again (`written` tells). Throws AppError `disk-full` or `spool-unwritable`.
   */
  static async open(path: string, kept: SpoolState = EMPTY): Promise<Spool> {
    let file: FileHandle | undefined;
    try {
      file = await open(path, files.O_RDWR | files.O_CREAT, 0o600);
      const { size } = await file.stat();
      const state = size < kept.fileBytes ? EMPTY : kept;
      if (size > state.fileBytes) await file.truncate(state.fileBytes);
      return new Spool(path, file, state);
    } catch (error) {
      await file?.close();
      throw unwritable(path, error);
    }
  }

  private constructor(path: string, file: FileHandle, state: SpoolState) {
    this.path = path;
    this.#file = file;
    this.#written = state;
    this.#taken = state.contentBytes;
    this.#sealed = state.contentBytes;
  }

  /** What is in the file by now, without waiting for the rest. */
  get written(): SpoolState {
    return this.#written;
  }

  /**
   * Takes the content at the offset `at`; what was taken before is passed over. The bytes are copied when the call returns, or when its
   * promise is settled: it waits while too much waits to be written. Throws when the spool could not be written.
   */
  take(bytes: Uint8Array, at: number): void | Promise<void> {
    const known = this.#taken - at;
    if (known < 0) throw new RangeError(`byte ${at} does not follow byte ${this.#taken}`);
    if (known >= bytes.length) return undefined;
    this.#taken = at + bytes.length;
    return this.#copy(bytes, known);
  }

  #copy(bytes: Uint8Array, from: number): void | Promise<void> {
    for (let start = from; start < bytes.length;) {
      if (this.#failure !== undefined) throw this.#failure;
      const part = bytes.subarray(start, start + MEMBER_BYTES - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.length;
      start += part.length;
      if (this.#filled === MEMBER_BYTES) this.#seal();
      if (this.#waiting.length > MOST_WAITING) return this.#waiting[0]?.then(() => this.#copy(bytes, start));
    }
    return undefined;
  }

  /** Everything taken so far is in the file, so that it can be read again, also when the program is killed. Throws when it is not. */
  async flushed(): Promise<SpoolState> {
    this.#seal();
    await this.#waiting.at(-1);
    if (this.#failure !== undefined) throw this.#failure;
    return this.#written;
  }

  /** As `flushed`, and nothing more will come. */
  async close(): Promise<SpoolState> {
    try {
      return await this.flushed();
    } finally {
      const file = this.#file;
      this.#file = undefined;
      await file?.close();
    }
  }

  /** Closes and deletes the file, whatever became of it. */
  async remove(): Promise<void> {
    await this.close().catch(() => undefined);
    await rm(this.path, { force: true });
  }

  /** Makes a member of what was gathered. It is compressed at once and written when its turn comes. */
  #seal(): void {
    if (this.#filled === 0) return;
    const piece = this.#piece;
    const packed = compress(piece.subarray(0, this.#filled), PACKING);
    packed.catch(() => undefined); // told when its turn comes
    this.#sealed += this.#filled;
    const before = this.#waiting.at(-1);
    const written = this.#append(packed, this.#sealed, before).finally(() => {
      this.#spare.push(piece);
      void this.#waiting.shift();
    });
    this.#waiting.push(written);
    this.#piece = this.#spare.pop() ?? Buffer.allocUnsafeSlow(MEMBER_BYTES);
    this.#filled = 0;
  }

  async #append(packed: Promise<Buffer>, contentBytes: number, before: Promise<void> | undefined): Promise<void> {
    await before;
    if (this.#failure !== undefined) return;
    try {
      const member = await packed;
      const { fileBytes } = this.#written;
      if (this.#file === undefined) throw new Error('it is closed');
      for (let done = 0; done < member.length;) {
        done += (await this.#file.write(member, done, member.length - done, fileBytes + done)).bytesWritten;
      }
      this.#written = { contentBytes, fileBytes: fileBytes + member.length };
    } catch (error) {
      this.#failure = unwritable(this.path, error);
    }
  }
}

/**
 * The tap of a source that is kept in a spool, and known again by `trail` if there is one. What the trail knows, but the spool has lost,
 * is taken by the spool as soon as the trail has accepted it; the spool must not hold what the trail does not know.
 */
export function spoolTap(spool: Spool, trail?: ContentTap): ContentTap {
  const knownTo = trail?.knownTo ?? 0;
  const { contentBytes } = spool.written;
  if (contentBytes > knownTo) throw new RangeError(`the spool holds ${contentBytes} bytes, the trail knows ${knownTo}`);
  return {
    knownTo,
    // A spool needs everything that it lacks, and a beginning that is passed over is lacked.
    fromStart: true,
    stretch: (at) => trail?.stretch(at) ?? { from: at, to: knownTo },
    begin: (at, line) => trail?.begin?.(at, line),
    async check(bytes, at) {
      await trail?.check(bytes, at);
      await spool.take(bytes, at);
    },
    take(bytes, at) {
      const waits = trail?.take(bytes, at);
      return waits === undefined ? spool.take(bytes, at) : waits.then(() => spool.take(bytes, at));
    },
    end: (at) => trail?.end(at),
  };
}

/** Without the copy a draft could not be made anew: the import stops rather than go on unprotected. */
function unwritable(path: string, error: unknown): AppError {
  const { code, message } = error as NodeJS.ErrnoException;
  const isFull = code === 'ENOSPC';
  return new AppError(
    `the copy of standard input ${path} cannot be written: ${isFull ? 'the disk is full' : message}`,
    {
      code: isFull ? 'disk-full' : 'spool-unwritable',
      disposition: 'ledger',
      hint: 'make room, name another folder with --state-dir, or import from a file instead of a pipe',
      cause: error,
    },
  );
}
