/**
 * The part of the input that is in memory: one buffer, refilled at the end and dropped at the front. Readers work on indexes into
 * `bytes` between two fills and keep absolute offsets across them. Its size is a block, or, while one record is larger than that, the
 * record up to its limit; afterwards it shrinks again.
 *
 * Offsets count UTF-8 bytes. When the input was transcoded, `widths` says how many original bytes each UTF-8 byte stands for, so that
 * `original` can tell where something stood in the file itself.
 */
import type { ByteInput } from './byte-input.js';

/** Above this much unconsumed data a fill waits for as much again, so that scanning a huge record anew costs twice its size in all. */
const PATIENT_BYTES = 64 * 1024;
const MIN_FREE_BYTES = 16;

export class Window {
  /** Everything in memory; indexes below `start` belong to records already handed out. */
  bytes: Buffer;
  /** First byte that must survive the next fill. Set by the reader. */
  start = 0;
  /** Absolute offset of `bytes[0]`. */
  base: number;
  ended = false;

  readonly #input: ByteInput;
  readonly #blockBytes: number;
  /** More than this is needed only when a reader keeps more than one record. */
  readonly #usualLimit: number;
  readonly #widths: Uint8Array | undefined;
  #buffer: Buffer;
  #end = 0;
  #markIndex = 0;
  #markOriginal: number;

  constructor(
    input: ByteInput,
    options: { blockBytes: number; maxRecordBytes: number; base: number; widths: Uint8Array | undefined },
  ) {
    this.#input = input;
    this.#blockBytes = Math.max(options.blockBytes, 1);
    this.#widths = options.widths;
    this.base = options.base;
    this.#usualLimit = options.maxRecordBytes + this.#blockBytes;
    this.#markOriginal = this.base;
    this.#buffer = Buffer.allocUnsafeSlow(this.#blockBytes + MIN_FREE_BYTES);
    this.bytes = this.#buffer.subarray(0, 0);
  }

  /** On-disk bytes taken by everything up to `index`; exact for plain files, the whole window for compressed ones and pipes. */
  diskBytes(index: number): number {
    if (this.#input.seek === undefined || this.#widths !== undefined) return this.#input.taken;
    return this.#input.taken - (this.#end - index);
  }

  /** Where in the original content the byte at `index` stands. Fast when asked in ascending order. */
  original(index: number): number {
    const widths = this.#widths;
    if (widths === undefined) return this.base + index;
    const { bytes } = this;
    let at = this.#markOriginal;
    for (let i = this.#markIndex; i < index; i++) at += widths[bytes[i] ?? 0] ?? 0;
    for (let i = this.#markIndex - 1; i >= index; i--) at -= widths[bytes[i] ?? 0] ?? 0;
    this.#markIndex = index;
    this.#markOriginal = at;
    return at;
  }

  /** Drops what lies before `start` and reads more behind the rest. Resolves to false when there was nothing more. */
  async fill(signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (this.ended) return false;
    this.#compact();
    const pending = this.#end;
    const patient = Math.max(this.#blockBytes, Math.min(pending, this.#usualLimit - pending));
    const wanted = pending >= PATIENT_BYTES ? patient : 1;
    this.#resize(wanted);
    let added = 0;
    try {
      while (added < wanted && !this.ended) {
        const count = await this.#input.read(this.#buffer, this.#end, this.#buffer.length - this.#end, signal);
        this.ended = count === 0;
        this.#end += count;
        added += count;
      }
    } catch (error) {
      // What came before the break is read first; a failed input fails again at the next fill.
      if (added === 0 || signal.aborted) throw error;
    }
    this.bytes = this.#buffer.subarray(0, this.#end);
    return added > 0;
  }

  /** Forgets everything and goes on at an absolute offset of the original content. The input must be able to seek. */
  seek(offset: number): void {
    this.#input.seek?.(offset);
    this.base = offset;
    this.start = 0;
    this.#end = 0;
    this.#markIndex = 0;
    this.#markOriginal = offset;
    this.ended = false;
    this.bytes = this.#buffer.subarray(0, 0);
  }

  #compact(): void {
    if (this.start === 0) return;
    if (this.#widths !== undefined) this.original(this.start);
    this.#buffer.copyWithin(0, this.start, this.#end);
    this.#end -= this.start;
    this.base += this.start;
    this.#markIndex -= this.start;
    this.start = 0;
    this.bytes = this.#buffer.subarray(0, this.#end);
  }

  #resize(wanted: number): void {
    const least = this.#end + wanted + MIN_FREE_BYTES;
    const usual = this.#blockBytes + MIN_FREE_BYTES;
    const tooSmall = this.#buffer.length < least;
    const tooLarge = this.#buffer.length > 4 * usual && least <= usual;
    if (!tooSmall && !tooLarge) return;
    const next = Buffer.allocUnsafeSlow(
      tooLarge ? usual : Math.max(usual, least, Math.min(2 * this.#end, this.#usualLimit)),
    );
    this.#buffer.copy(next, 0, 0, this.#end);
    this.#buffer = next;
    this.bytes = next.subarray(0, this.#end);
  }
}
