/**
 * Zstandard, frame by frame. The walk over frames and blocks is our own: it feeds the decoder one block at a time (which bounds what
 * one call can give), refuses windows that would not fit into memory before anything is allocated, and knows a stream that ends in the
 * middle of a frame for what it is. The decoding is Node's where Node has it, else fzstd's.
 */
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import type { ByteInput } from './byte-input.js';
import { Flow } from './flow.js';

/** What the zstd program itself accepts without being asked; more needs `--long`, and as much memory again. */
export const MAX_WINDOW_BYTES = 128 * 1024 * 1024;
const MAX_BLOCK_BYTES = 128 * 1024;

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

export async function* unzstd(input: ByteInput, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new Pieces(input, signal);
  while (await reader.more()) {
    const magic = (await reader.take(4)).readUInt32LE(0);
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE) await reader.skip((await reader.take(4)).readUInt32LE(0));
    else if (magic === MAGIC) yield* frame(reader);
    else throw new Error('the zstd data is damaged: no frame begins where one should');
  }
}

async function* frame(reader: Pieces): AsyncGenerator<Uint8Array, void, undefined> {
  const header = await frameHeader(reader);
  const decoder = createDecoder();
  try {
    yield* decoder.decode(header.bytes, false);
    for (let last = false; !last;) {
      const head = await reader.take(3);
      const packed = head.readUIntLE(0, 3);
      const kind = (packed >> 1) & 3;
      const size = packed >> 3;
      last = (packed & 1) === 1;
      if (kind === RESERVED_BLOCK || size > MAX_BLOCK_BYTES) throw new Error('the zstd data holds an impossible block');
      const body = await reader.take(kind === RLE_BLOCK ? 1 : size);
      yield* decoder.decode(Buffer.concat([head, body]), last && !header.checksum);
    }
    if (header.checksum) yield* decoder.decode(await reader.take(4), true);
  } finally {
    decoder.close();
  }
}

/** Decodes one frame, given in parts. */
interface Decoder {
  decode(part: Buffer, last: boolean): AsyncGenerator<Uint8Array, void, undefined>;
  close(): void;
}

/** Node has zstd since 22.15 and 23.8; the types in use here are older. */
const native = zlib as { readonly createZstdDecompress?: (options: { readonly params: object }) => Transform };
/** ZSTD_d_windowLogMax */
const WINDOW_LOG_PARAMETER = 100;

function createDecoder(): Decoder {
  const stream = native.createZstdDecompress?.({ params: { [WINDOW_LOG_PARAMETER]: Math.log2(MAX_WINDOW_BYTES) } });
  return stream === undefined ? scriptDecoder() : nativeDecoder(stream);
}

function nativeDecoder(stream: Transform): Decoder {
  const flow = new Flow(stream);
  return {
    async *decode(part, last) {
      yield* flow.through(part);
      if (last) yield* flow.toEnd();
    },
    close: () => stream.destroy(),
  };
}

function scriptDecoder(): Decoder {
  const output: Uint8Array[] = [];
  const decoder = new Decompress((data) => {
    // The decoder uses its buffers again for the next block.
    if (data.length > 0) output.push(Uint8Array.from(data));
  });
  return {
    async *decode(part, last) {
      decoder.push(part, last);
      yield* output.splice(0);
    },
    close: () => undefined,
  };
}

/** The frame header with its magic number, checked for what it would cost. */
async function frameHeader(reader: Pieces): Promise<{ readonly bytes: Buffer; readonly checksum: boolean }> {
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(MAGIC);
  const descriptor = await reader.take(1);
  const flags = descriptor[0] ?? 0;
  const single = (flags & 0x20) !== 0;
  const windowBytes = single ? 0 : 1;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0;
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  const rest = await reader.take(windowBytes + dictionaryBytes + sizeBytes);
  if (dictionaryBytes > 0 && rest.subarray(windowBytes, windowBytes + dictionaryBytes).some((byte) => byte !== 0)) {
    throw new Error('the zstd data needs a dictionary; compress it without one');
  }
  const window = single
    ? littleEndian(rest.subarray(dictionaryBytes)) + (sizeBytes === 2 ? 256 : 0)
    : windowSize(rest[0] ?? 0);
  if (window > MAX_WINDOW_BYTES) {
    throw new Error(`the zstd data needs a window of ${window} bytes; compress it again without --long or --ultra`);
  }
  return { bytes: Buffer.concat([magic, descriptor, rest]), checksum: (flags & 4) !== 0 };
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function littleEndian(bytes: Buffer): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}

/** Exact numbers of bytes from an input. */
class Pieces {
  readonly #input: ByteInput;
  readonly #signal: AbortSignal;
  readonly #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  #start = 0;
  #end = 0;

  constructor(input: ByteInput, signal: AbortSignal) {
    this.#input = input;
    this.#signal = signal;
  }

  async more(): Promise<boolean> {
    if (this.#start < this.#end) return true;
    this.#start = 0;
    this.#end = await this.#input.read(this.#buffer, 0, this.#buffer.length, this.#signal);
    return this.#end > 0;
  }

  async take(count: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(count);
    for (let filled = 0; filled < count;) {
      if (!(await this.more())) throw new Error('the zstd data ends in the middle of a frame');
      const share = Math.min(count - filled, this.#end - this.#start);
      this.#buffer.copy(bytes, filled, this.#start, this.#start + share);
      this.#start += share;
      filled += share;
    }
    return bytes;
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      if (!(await this.more())) throw new Error('the zstd data ends in the middle of a frame');
      const share = Math.min(left, this.#end - this.#start);
      this.#start += share;
      left -= share;
    }
  }
}
