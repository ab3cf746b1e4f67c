/**
 * Bytes in order from a file or a stream, pulled by the reader: nothing is read before it is asked for, so memory is the reader's
 * business alone. `taken` counts bytes as they lie on disk, whatever later stages make of them.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { untilAborted } from './until-aborted.js';

export interface ByteInput {
  /** Puts between 1 and `length` bytes into `target` at `offset` and tells how many; 0 is the end. */
  read(target: Buffer, offset: number, length: number, signal: AbortSignal): Promise<number>;
  /** Bytes on disk taken so far. */
  readonly taken: number;
  /** Goes on reading at this byte; absent where that is impossible (pipes, compressed files). */
  seek?(offset: number): void;
  close(): Promise<void>;
}

/**
 * A regular file, opened at the first read. With the `size` it had when the run began, an end before that is an error: rows that were there are
 * missing, and a shorter import must not look like a whole one.
 */
export class FileInput implements ByteInput {
  taken = 0;
  #handle: FileHandle | undefined;

  constructor(
    readonly path: string,
    readonly size = 0,
  ) {}

  async read(target: Buffer, offset: number, length: number): Promise<number> {
    this.#handle ??= await open(this.path, 'r');
    const { bytesRead } = await this.#handle.read(target, offset, length, this.taken);
    this.taken += bytesRead;
    if (bytesRead === 0 && this.taken < this.size) {
      throw new Error(`it was cut short while it was being read, from ${this.size} bytes`);
    }
    return bytesRead;
  }

  seek(offset: number): void {
    this.taken = offset;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}

/** Any stream of byte chunks: stdin, a pipe, the output of a decompressor. `taken` counts the chunks unless `onDisk` says otherwise. */
export class StreamInput implements ByteInput {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #onDisk: (() => number) | undefined;
  readonly #release: () => Promise<void>;
  #chunk: Uint8Array | undefined;
  #used = 0;
  #count = 0;
  #ended = false;

  constructor(
    stream: AsyncIterable<Uint8Array>,
    options: { readonly onDisk?: () => number; readonly release?: () => Promise<void> } = {},
  ) {
    this.#iterator = stream[Symbol.asyncIterator]();
    this.#onDisk = options.onDisk;
    this.#release = options.release ?? (async () => {});
  }

  get taken(): number {
    return this.#onDisk === undefined ? this.#count : this.#onDisk();
  }

  async read(target: Buffer, offset: number, length: number, signal: AbortSignal): Promise<number> {
    while (this.#chunk === undefined || this.#used === this.#chunk.length) {
      if (this.#ended) return 0;
      const next = await untilAborted(this.#iterator.next(), signal);
      if (next.done === true) {
        this.#ended = true;
        return 0;
      }
      this.#chunk = next.value;
      this.#used = 0;
    }
    const count = Math.min(length, this.#chunk.length - this.#used);
    target.set(this.#chunk.subarray(this.#used, this.#used + count), offset);
    this.#used += count;
    this.#count += count;
    return count;
  }

  async close(): Promise<void> {
    this.#chunk = undefined;
    this.#ended = true;
    // A stream that is waiting for bytes answers `return` only after they came: closing must not wait for that.
    this.#iterator.return?.().catch(() => undefined);
    await this.#release();
  }
}

/** Bytes that are in memory already. */
export class BytesInput implements ByteInput {
  taken = 0;

  constructor(private readonly bytes: Buffer) {}

  async read(target: Buffer, offset: number, length: number): Promise<number> {
    const count = this.bytes.copy(target, offset, this.taken, Math.min(this.bytes.length, this.taken + length));
    this.taken += count;
    return count;
  }

  seek(offset: number): void {
    this.taken = offset;
  }

  async close(): Promise<void> {}
}

/** Bytes already read from an input, put back in front of it: what looking at the content of a pipe has used up. */
export class PrefixedInput implements ByteInput {
  #prefix: Buffer;
  #givenBack: number;
  readonly #failure: Error | undefined;

  /** The bytes of `head` from `skip` on come again. */
  constructor(
    head: Head,
    skip: number,
    private readonly rest: ByteInput,
  ) {
    this.#prefix = head.bytes.subarray(skip);
    this.#givenBack = this.#prefix.length;
    this.#failure = head.failure;
  }

  get taken(): number {
    return this.rest.taken - this.#givenBack;
  }

  async read(target: Buffer, offset: number, length: number, signal: AbortSignal): Promise<number> {
    if (this.#prefix.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      return await this.rest.read(target, offset, length, signal);
    }
    const count = Math.min(length, this.#prefix.length);
    this.#prefix.copy(target, offset, 0, count);
    this.#prefix = this.#prefix.subarray(count);
    this.#givenBack -= count;
    return count;
  }

  async close(): Promise<void> {
    await this.rest.close();
  }
}

/** An input whose failures are put into words by `explain`. A failed input stays failed: it never looks as if it had ended. */
export class ExplainingInput implements ByteInput {
  readonly seek?: (offset: number) => void;
  #failure: Error | undefined;

  constructor(
    private readonly inner: ByteInput,
    private readonly explain: (error: unknown) => Error,
  ) {
    if (inner.seek !== undefined) this.seek = (offset) => inner.seek?.(offset);
  }

  get taken(): number {
    return this.inner.taken;
  }

  async read(target: Buffer, offset: number, length: number, signal: AbortSignal): Promise<number> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return await this.inner.read(target, offset, length, signal);
    } catch (error) {
      this.#failure = this.explain(error);
      throw this.#failure;
    }
  }

  async close(): Promise<void> {
    await this.inner.close();
  }
}

export interface Head {
  readonly bytes: Buffer;
  /** What ended the reading, when it was not the end of the input: to be thrown behind the bytes that came before it. */
  readonly failure: Error | undefined;
}

/** Reads up to `length` bytes from the front, fewer only at the end or before a failure. */
export async function readHead(input: ByteInput, length: number, signal: AbortSignal): Promise<Head> {
  const bytes = Buffer.alloc(length);
  let end = 0;
  try {
    while (end < length) {
      const count = await input.read(bytes, end, length - end, signal);
      if (count === 0) break;
      end += count;
    }
  } catch (error) {
    if (end === 0 || signal.aborted) throw error;
    const failure = error instanceof Error ? error : new Error(String(error));
    return { bytes: bytes.subarray(0, end), failure };
  }
  return { bytes: bytes.subarray(0, end), failure: undefined };
}
