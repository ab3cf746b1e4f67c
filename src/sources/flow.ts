/**
 * A decompressing transform driven by hand: one piece in, all its output out, then the next. Nothing the transform has already given is
 * lost when it fails afterwards, which it would be with pipes and async iteration.
 */
import type { Transform } from 'node:stream';

export class Flow {
  readonly #stream: Transform;
  #error: Error | undefined;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(stream: Transform) {
    this.#stream = stream;
    stream.on('error', (error: Error) => {
      this.#error = error;
      this.#wake();
    });
    stream.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
    stream.on('readable', () => this.#wake());
  }

  /** Gives a piece in and hands out what comes of it. */
  async *through(piece: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
    let written = false;
    this.#stream.write(piece, () => {
      written = true;
      this.#wake();
    });
    yield* this.#outputUntil(() => written);
  }

  /** Says that there is no more, hands out the rest; throws when the stream is not whole. */
  async *toEnd(): AsyncGenerator<Uint8Array, void, undefined> {
    this.#stream.end();
    yield* this.#outputUntil(() => this.#ended);
  }

  async *#outputUntil(done: () => boolean): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      const finished = done();
      let chunk = this.#stream.read() as Buffer | null;
      while (chunk !== null) {
        yield chunk;
        chunk = this.#stream.read() as Buffer | null;
      }
      if (this.#error !== undefined) throw this.#error;
      if (finished) return;
      if (!done() && !this.#stream.readableLength) await woken;
    }
  }
}
