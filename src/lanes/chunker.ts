/**
 * From items to the body of one add call. The bytes of an item are copied once, into memory that the finished body owns (the client reads
 * it after the call returns); where each item begins is kept, because bisection needs the borders.
 */
import type { Position } from '../model.js';
import type { WireItem } from '../wire.js';
import { MARK_WORDS, type EncodedBlock } from './encoded-block.js';

/** What is remembered of an item once its bytes are written. */
export interface ItemRef {
  readonly position: Position;
  readonly index: number;
  readonly part: number;
  readonly slot: number;
}

/** One add call: `{"items":[…]}` as bytes, and where each item begins in it. `offsets` has one entry more than there are items. */
export interface Chunk {
  readonly lane: number;
  readonly body: Buffer;
  readonly offsets: Uint32Array;
  readonly refs: readonly ItemRef[];
  /** MARK_WORDS words an item; undefined when no item has a mark. An item without one has zeros. */
  readonly marks: Uint32Array | undefined;
}

const OPEN = Buffer.from('{"items":[');
const CLOSE = Buffer.from(']}');
/** The smallest first buffer; later ones are as large as the last chunk was, and a little more. */
const FIRST_BYTES = 64 * 1024;
/** Room for the marks of so many items at first: of a usual chunk. */
const FIRST_MARKS = 500;

export interface ChunkLimits {
  readonly items: number;
  /** A chunk closes before it would grow beyond this; one larger item still goes alone. */
  readonly bytes: number;
}

/** Collects items of one lane. `add` returns a full chunk when this item completes one or does not fit any more. */
export class Chunker {
  readonly #lane: number;
  readonly #limits: ChunkLimits;
  #buffer: Buffer;
  #length = 0;
  #refs: ItemRef[] = [];
  #offsets: number[] = [];
  /** Longer than what is collected; an item without a mark may lie behind its end. */
  #marks: Uint32Array | undefined;
  #lastBytes = FIRST_BYTES;

  constructor(lane: number, limits: ChunkLimits) {
    this.#lane = lane;
    this.#limits = limits;
    this.#buffer = Buffer.alloc(0);
  }

  get items(): number {
    return this.#refs.length;
  }

  /** Places of what is collected, in order. */
  get refs(): readonly ItemRef[] {
    return this.#refs;
  }

  /** Marks of what is collected, MARK_WORDS words each. */
  get marks(): Uint32Array | undefined {
    const length = this.#refs.length * MARK_WORDS;
    if (this.#marks === undefined || this.#marks.length >= length) return this.#marks?.subarray(0, length);
    const padded = new Uint32Array(length);
    padded.set(this.#marks);
    return padded;
  }

  /** Takes the item at `index` of a block. */
  add(block: EncodedBlock, index: number, slot: number): Chunk | undefined {
    const item = block.items[index];
    if (item === undefined) throw new RangeError('no such item in the block');
    const bytes = block.bytes(index);
    let full: Chunk | undefined;
    if (this.#refs.length > 0 && this.#length + bytes.length + 3 > this.#limits.bytes) full = this.take();
    this.#write(bytes);
    this.#mark(block.mark(index));
    this.#refs.push({ position: item.position, index: item.index, part: item.part?.index ?? 0, slot });
    if (full === undefined && (this.#refs.length >= this.#limits.items || this.#length >= this.#limits.bytes)) {
      full = this.take();
    }
    return full;
  }

  #mark(mark: Uint32Array | undefined): void {
    if (mark === undefined) return;
    const at = this.#refs.length * MARK_WORDS;
    if (this.#marks === undefined || at >= this.#marks.length) {
      // A chunk that is read again has no limit of items.
      const larger = new Uint32Array(Math.max(FIRST_MARKS * MARK_WORDS, at * 2));
      if (this.#marks !== undefined) larger.set(this.#marks);
      this.#marks = larger;
    }
    this.#marks.set(mark, at);
  }

  #write(bytes: Buffer): void {
    if (this.#refs.length === 0) {
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, this.#lastBytes));
      OPEN.copy(this.#buffer);
      this.#length = OPEN.length;
    }
    const needed = this.#length + bytes.length + 3;
    if (needed > this.#buffer.length) this.#grow(needed);
    if (this.#refs.length > 0) this.#buffer[this.#length++] = 0x2c;
    this.#offsets.push(this.#length);
    this.#length += bytes.copy(this.#buffer, this.#length);
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.ceil(this.#buffer.length * 1.5)));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  /** What has been collected as a chunk; undefined when there is nothing. */
  take(): Chunk | undefined {
    if (this.#refs.length === 0) return undefined;
    const end = this.#length;
    CLOSE.copy(this.#buffer, end);
    const withEnd = new Uint32Array(this.#offsets.length + 1);
    withEnd.set(this.#offsets);
    withEnd[this.#offsets.length] = end + 1; // as if a comma followed the last item
    const chunk: Chunk = {
      lane: this.#lane,
      body: this.#buffer.subarray(0, end + CLOSE.length),
      offsets: withEnd,
      refs: this.#refs,
      marks: this.marks,
    };
    this.#lastBytes = Math.ceil((end + CLOSE.length) * 1.1);
    this.#refs = [];
    this.#offsets = [];
    this.#marks = undefined;
    this.#length = 0;
    this.#buffer = Buffer.alloc(0);
    return chunk;
  }
}

/** The items from..to (exclusive) of a chunk as a body of their own. The whole chunk is returned as it is, without copying. */
export function sliceBody(chunk: Chunk, from: number, to: number): Buffer {
  if (from === 0 && to === chunk.refs.length) return chunk.body;
  const begin = chunk.offsets[from] ?? 0;
  const end = (chunk.offsets[to] ?? 0) - 1;
  return Buffer.concat([OPEN, chunk.body.subarray(begin, end), CLOSE]);
}

/** One item of a chunk, read back from its bytes: for the rare paths (a refused item, a missing destination). */
export function itemAt(chunk: Chunk, index: number): WireItem {
  const begin = chunk.offsets[index] ?? 0;
  const end = (chunk.offsets[index + 1] ?? 0) - 1;
  return JSON.parse(chunk.body.toString('utf8', begin, end)) as WireItem;
}
