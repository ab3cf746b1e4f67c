/**
 * From items to the body of one add call. The bytes of an item are written once, into memory that the finished body owns (the client reads
 * it after the call returns); where each item begins is kept, because bisection needs the borders.
 */
import type { Item, Position } from '../model.js';
import type { WireItem } from '../wire.js';

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
}

const OPEN = Buffer.from('{"items":[');
const CLOSE = Buffer.from(']}');
/** The smallest first buffer; later ones are as large as the last chunk was, and a little more. */
const FIRST_BYTES = 64 * 1024;

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
  #lastBytes = FIRST_BYTES;

  constructor(lane: number, limits: ChunkLimits) {
    this.#lane = lane;
    this.#limits = limits;
    this.#buffer = Buffer.alloc(0);
  }

  get items(): number {
    return this.#refs.length;
  }

  /** The first item's place, while there is one. */
  get first(): ItemRef | undefined {
    return this.#refs[0];
  }

  add(item: Item, slot: number): Chunk | undefined {
    const text = JSON.stringify(item.wire);
    let full: Chunk | undefined;
    if (this.#refs.length > 0 && this.#length + text.length + 3 > this.#limits.bytes) full = this.take();
    this.#write(text);
    this.#refs.push({ position: item.position, index: item.index, part: item.part?.index ?? 0, slot });
    if (full === undefined && (this.#refs.length >= this.#limits.items || this.#length >= this.#limits.bytes)) {
      full = this.take();
    }
    return full;
  }

  #write(text: string): void {
    if (this.#refs.length === 0) {
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, this.#lastBytes));
      OPEN.copy(this.#buffer);
      this.#length = OPEN.length;
    }
    // A UTF-16 unit is at most three bytes of UTF-8; the exact length is only computed when that may not fit.
    if (this.#length + text.length * 3 + 3 > this.#buffer.length) {
      const needed = this.#length + Buffer.byteLength(text) + 3;
      if (needed > this.#buffer.length) this.#grow(needed);
    }
    if (this.#refs.length > 0) this.#buffer[this.#length++] = 0x2c;
    this.#offsets.push(this.#length);
    this.#length += this.#buffer.write(text, this.#length, 'utf8');
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
    const offsets = Uint32Array.from(this.#offsets);
    const withEnd = new Uint32Array(offsets.length + 1);
    withEnd.set(offsets);
    withEnd[offsets.length] = end + 1; // as if a comma followed the last item
    const chunk: Chunk = {
      lane: this.#lane,
      body: this.#buffer.subarray(0, end + CLOSE.length),
      offsets: withEnd,
      refs: this.#refs,
    };
    this.#lastBytes = Math.ceil((end + CLOSE.length) * 1.1);
    this.#refs = [];
    this.#offsets = [];
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
