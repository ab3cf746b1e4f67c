/**
 * A copy of an input that cannot be read twice: standard input is written, compressed and readable only by its owner, to the run's folder
 * while it is being read, so that a draft can be made anew from it. Deleted when the run no longer needs it.
 */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { PassThrough, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { constants, createGzip, type Gzip } from 'node:zlib';
import { AppError } from '../errors.js';

export class Spool {
  readonly path: string;
  /** Reads what the input gives, after it was written to the spool. */
  readonly stream: Readable;
  readonly #gzip: Gzip;
  readonly #written: Promise<void>;
  #failure: Error | undefined;

  constructor(input: Readable, path: string) {
    this.path = path;
    this.#gzip = createGzip({ level: constants.Z_BEST_SPEED });
    const file = createWriteStream(path, { mode: 0o600 });
    const out = new PassThrough({ highWaterMark: 1024 * 1024 });
    this.stream = out;
    out.on('error', () => undefined); // told to the reader, when there is one
    this.#gzip.pipe(file);
    this.#written = finished(file).catch((error: unknown) => {
      this.#failure = unwritable(path, error);
      out.destroy(this.#failure);
    });
    this.#gzip.on('error', () => undefined); // it ends with the file, whose failure is told above
    file.on('error', (error) => this.#gzip.destroy(error));
    void this.#copy(input, out);
  }

  async #copy(input: Readable, out: PassThrough): Promise<void> {
    try {
      for await (const piece of input) {
        const waits: Promise<unknown>[] = [];
        if (!this.#gzip.write(piece)) waits.push(drained(this.#gzip));
        if (!out.write(piece)) waits.push(drained(out));
        if (out.destroyed) break;
        if (waits.length > 0) await Promise.all(waits);
      }
      out.end();
    } catch (error) {
      out.destroy(error as Error);
    }
    this.#gzip.end();
  }

  /** Everything read so far, written so that it can be read again. Flushes; the spool goes on. Throws when it could not be written. */
  async flushed(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#gzip.writableFinished) return this.#written;
    await new Promise<void>((resolve) => this.#gzip.flush(constants.Z_SYNC_FLUSH, resolve));
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
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

function drained(stream: NodeJS.WritableStream & { destroyed?: boolean }): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed === true) {
      resolve();
      return;
    }
    const done = (): void => {
      stream.removeListener('drain', done);
      stream.removeListener('close', done);
      resolve();
    };
    stream.once('drain', done);
    stream.once('close', done);
  });
}
