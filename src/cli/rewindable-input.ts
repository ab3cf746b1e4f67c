/**
 * Standard input that can be read from its beginning once more, as long as nobody has said that this will not be needed: what was read is kept in
 * a file of its own until then. Needed where a stream may turn out to be another one than the run expects that was to go on with it. The file is
 * encrypted with a key that only this process has: what is left of it after a kill says nothing.
 */
import { createCipheriv, createDecipheriv, randomBytes, type Cipher } from 'node:crypto';
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';

/** Gives as many bytes as it takes, and any beginning of them can be read back. */
const ALGORITHM = 'aes-256-ctr';

export class RewindableInput {
  readonly #input: Readable;
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #key = randomBytes(32);
  readonly #start = randomBytes(16);
  readonly #cipher: Cipher = createCipheriv(ALGORITHM, this.#key, this.#start);
  #folder: string | undefined;
  #file: number | undefined;
  #keeps = true;
  #kept = 0;
  #replay = 0;

  constructor(input: Readable) {
    this.#input = input;
    this.#iterator = input[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  }

  /** The input from its beginning (the first time, and after each `rewind`). Destroying the stream destroys nothing but itself. */
  stream(): Readable {
    return Readable.from(this.#pieces(), { objectMode: false });
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    if (this.#replay > 0 && this.#folder !== undefined) {
      const end = this.#replay - 1;
      const kept = createReadStream(join(this.#folder, 'input'), { start: 0, end }) as AsyncIterable<Buffer>;
      const decipher = createDecipheriv(ALGORITHM, this.#key, this.#start);
      for await (const piece of kept) yield decipher.update(piece);
    }
    for (;;) {
      const next = await this.#iterator.next();
      if (next.done === true) return;
      this.#keep(next.value);
      yield next.value;
    }
  }

  #keep(piece: Uint8Array): void {
    if (!this.#keeps) return;
    this.#folder ??= mkdtempSync(join(tmpdir(), 'zep-import-'));
    this.#file ??= openSync(join(this.#folder, 'input'), 'w', 0o600);
    writeSync(this.#file, this.#cipher.update(piece));
    this.#kept += piece.length;
  }

  /** What was read so far will not be wanted again. */
  forget(): void {
    if (!this.#keeps) return;
    this.#keeps = false;
    // Replaying may still be under way: the file goes at the end then.
    if (this.#replay === 0) this.#remove();
  }

  /** `stream` gives the input from its beginning again. */
  rewind(): void {
    if (!this.#keeps) throw new RangeError('what was read is not kept any more');
    this.#replay = this.#kept;
  }

  async close(): Promise<void> {
    this.#remove();
    this.#input.destroy();
  }

  #remove(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }
}
