/**
 * The items of one block as the bytes that will travel. Each is written once: what tells it apart from others is made of these bytes, and the
 * chunker copies them. A block's memory is used again for later blocks.
 */
import type { Item } from '../model.js';

/** Words of a mark: four of identity, one of content. */
export const MARK_WORDS = 5;

const FIRST_BYTES = 256 * 1024;

export class EncodedBlock {
  readonly items: Item[] = [];
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #starts: number[] = [];
  #marks = new Uint32Array(MARK_WORDS * 512);
  #hasMark: boolean[] = [];
  #length = 0;

  clear(): void {
    this.items.length = 0;
    this.#starts.length = 0;
    this.#hasMark.length = 0;
    this.#length = 0;
  }

  /** Writes an item; its bytes are then `bytes(last)`. */
  add(item: Item): void {
    const text = JSON.stringify(item.wire);
    // A UTF-16 unit is at most three bytes of UTF-8; the exact length is only computed when that may not fit.
    if (this.#length + text.length * 3 > this.#bytes.length) {
      const needed = this.#length + Buffer.byteLength(text);
      if (needed > this.#bytes.length) this.#grow(needed);
    }
    const length = this.#bytes.write(text, this.#length, 'utf8');
    this.#push(item, length);
  }

  /** Adds an item that was written before, as these bytes. */
  addWritten(item: Item, bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#bytes.set(bytes, this.#length);
    this.#push(item, bytes.length);
  }

  #push(item: Item, length: number): void {
    this.#starts.push(this.#length);
    this.#length += length;
    this.items.push(item);
    this.#hasMark.push(false);
    if (this.items.length * MARK_WORDS > this.#marks.length) {
      const larger = new Uint32Array(this.#marks.length * 2);
      larger.set(this.#marks);
      this.#marks = larger;
    }
  }

  /** Takes the last item back. */
  drop(): void {
    this.#length = this.#starts.pop() ?? 0;
    this.items.pop();
    this.#hasMark.pop();
  }

  /** The bytes of an item, valid until the next `add` or `clear`. */
  bytes(index: number): Buffer {
    return this.#bytes.subarray(this.#starts[index] ?? 0, this.#starts[index + 1] ?? this.#length);
  }

  setMark(index: number, mark: Uint32Array): void {
    this.#marks.set(mark, index * MARK_WORDS);
    this.#hasMark[index] = true;
  }

  /** The mark of an item: MARK_WORDS words, valid until the next `add`; undefined when it has none. */
  mark(index: number): Uint32Array | undefined {
    return this.#hasMark[index] === true
      ? this.#marks.subarray(index * MARK_WORDS, (index + 1) * MARK_WORDS)
      : undefined;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.ceil(this.#bytes.length * 1.5)));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
