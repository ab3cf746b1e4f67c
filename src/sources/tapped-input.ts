/**
 * Shows the content of a source to a tap on its way to the reader. What an earlier try has read goes on only after the tap has accepted
 * the whole stretch it lies in: it is read into a buffer of its own and served from there. What is new passes without a copy. Readers
 * look at the beginning more than once and then go elsewhere, so the tap is fed by position: a mark says how far it was fed, only bytes
 * behind the mark are given to it, and bytes before a place that lies behind the mark are read through instead of leaping over them.
 */
import type { ContentTap, ReadFrom } from '../model.js';
import type { ByteInput } from './byte-input.js';

/** Bytes that nobody asked for but the tap pass through this much memory. */
const SCRATCH_BYTES = 64 * 1024;

export class TappedInput implements ByteInput {
  readonly seek?: (offset: number) => void;
  readonly #inner: ByteInput;
  readonly #tap: ContentTap;
  /** Offset of the byte that is handed on next, and of the byte the input below gives next. */
  #at = 0;
  #innerAt = 0;
  /** The mark: the tap has been given everything before this offset, now or by an earlier try. */
  #fed: number;
  /** What is known joins what is new: the last known stretch was accepted. */
  #joined: boolean;
  #room: Buffer = Buffer.alloc(0);
  /** The stretch accepted last, and its offset. */
  #held: Buffer = Buffer.alloc(0);
  #heldAt = 0;
  #failure: unknown;

  /** `from` is where the reader will go when it has seen the beginning, if it will. */
  constructor(inner: ByteInput, tap: ContentTap, from: ReadFrom | undefined) {
    this.#inner = inner;
    this.#tap = tap;
    this.#fed = tap.knownTo;
    this.#joined = tap.knownTo === 0;
    if (inner.seek === undefined) return;
    this.seek = (offset) => {
      this.#at = offset;
      if (offset === from?.byteStart) tap.begin?.(offset, from.line);
    };
  }

  get taken(): number {
    // Only where content is what lies on disk can it be entered in the middle, and told how much of it is still held here.
    return this.seek === undefined ? this.#inner.taken : this.#inner.taken - (this.#innerAt - this.#at);
  }

  async read(target: Buffer, offset: number, length: number, signal: AbortSignal): Promise<number> {
    // A reader may swallow a failure behind bytes it got: it must meet it again, never what lies behind.
    if (this.#failure !== undefined) throw this.#failure as Error;
    try {
      const count = await this.#read(target, offset, length, signal);
      this.#at += count;
      return count;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  async #read(target: Buffer, offset: number, length: number, signal: AbortSignal): Promise<number> {
    const { knownTo } = this.#tap;
    for (;;) {
      const start = this.#at - this.#heldAt;
      if (start >= 0 && start < this.#held.length) return this.#held.copy(target, offset, start, start + length);
      if (this.#at < knownTo) await this.#accept(this.#at, signal);
      else if (!this.#joined) await this.#accept(knownTo - 1, signal);
      else if (this.#at <= this.#fed) return await this.#next(this.#at, target, offset, length, signal);
      else {
        const wanted = Math.min(SCRATCH_BYTES, this.#at - this.#fed);
        if ((await this.#next(this.#fed, this.#roomFor(SCRATCH_BYTES), 0, wanted, signal)) === 0) return 0;
      }
    }
  }

  /** Reads the known stretch around `at` and holds it when the tap accepts it. */
  async #accept(at: number, signal: AbortSignal): Promise<void> {
    const { from, to } = this.#tap.stretch(at);
    const room = this.#roomFor(to - from);
    this.#goTo(from);
    let end = 0;
    while (end < to - from) {
      const count = await this.#inner.read(room, end, to - from - end, signal);
      if (count === 0) break;
      this.#innerAt += count;
      end += count;
    }
    const bytes = room.subarray(0, end);
    await this.#tap.check(bytes, from);
    if (end < to - from) {
      this.#tap.end(from + end);
      throw new RangeError(`the tap accepted an end at ${from + end}, before ${to}`);
    }
    this.#held = bytes;
    this.#heldAt = from;
    if (to === this.#tap.knownTo) this.#joined = true;
  }

  /** Reads at an offset that is not behind the mark, and gives the tap what goes beyond it. */
  async #next(at: number, target: Buffer, offset: number, length: number, signal: AbortSignal): Promise<number> {
    this.#goTo(at);
    const count = await this.#inner.read(target, offset, length, signal);
    this.#innerAt += count;
    const mark = this.#fed;
    if (count === 0) this.#tap.end(at);
    else if (at + count > mark) {
      this.#fed = at + count;
      const waits = this.#tap.take(target.subarray(offset + mark - at, offset + count), mark);
      if (waits !== undefined) await waits;
    }
    return count;
  }

  #goTo(offset: number): void {
    if (this.#innerAt === offset) return;
    this.#inner.seek?.(offset);
    this.#innerAt = offset;
  }

  /** The buffer for what is held: what was held before is let go. */
  #roomFor(bytes: number): Buffer {
    this.#held = this.#held.subarray(0, 0);
    if (this.#room.length < bytes) this.#room = Buffer.allocUnsafeSlow(bytes);
    return this.#room;
  }
}
