/**
 * Other encodings become UTF-8 on the way in, so that every reader knows one encoding only. What has no meaning in the source encoding
 * (a lone surrogate, half a character at the end, an unassigned byte) becomes bytes that are not valid UTF-8: the reader then rejects
 * that row like any other damaged one instead of importing replacement characters.
 *
 * Both directions are countable: the first byte of each UTF-8 sequence written tells how many original bytes it stands for (`widths`),
 * which keeps positions exact without remembering anything.
 */
import type { ByteInput } from './byte-input.js';
import type { TextEncoding } from './encoding.js';

type NotUtf8 = Exclude<TextEncoding, { kind: 'utf-8' }>;

const SCRATCH_BYTES = 64 * 1024;
/** A byte that never occurs in UTF-8: stands for one undecodable byte. */
const UNDECODABLE = 0xff;
const LONGEST_SEQUENCE = 4;
/** Smaller targets are served through a buffer of this size, which holds what any left-over and the next character become. */
const SPILL_BYTES = 16;

/** How many original bytes each UTF-8 byte stands for, by its value. */
export function originalWidths(encoding: NotUtf8): Uint8Array {
  const widths = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const first = byte < 0x80 || byte >= 0xc0;
    if (!first) continue;
    if (encoding.kind === 'single-byte') widths[byte] = 1;
    else widths[byte] = byte >= 0xf0 && byte < UNDECODABLE ? 4 : 2;
  }
  widths[UNDECODABLE] = 1;
  return widths;
}

export class TranscodingInput implements ByteInput {
  readonly seek?: (offset: number) => void;
  readonly #inner: ByteInput;
  readonly #table: readonly Buffer[] | undefined;
  readonly #bigEndian: boolean;
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  /** Undecoded bytes left at the front of the scratch: less than one character. */
  #left = 0;
  /** Decoded bytes for which a small target had no room. */
  #spill: Buffer = Buffer.alloc(0);

  constructor(inner: ByteInput, encoding: NotUtf8) {
    this.#inner = inner;
    this.#table = encoding.kind === 'single-byte' ? singleByteTable(encoding.label) : undefined;
    this.#bigEndian = encoding.kind === 'utf-16' && encoding.bigEndian;
    if (inner.seek !== undefined) {
      this.seek = (offset) => {
        this.#left = 0;
        this.#spill = Buffer.alloc(0);
        inner.seek?.(offset);
      };
    }
  }

  get taken(): number {
    return this.#inner.taken;
  }

  async read(target: Buffer, offset: number, length: number, signal: AbortSignal): Promise<number> {
    if (this.#spill.length === 0 && length >= SPILL_BYTES) return await this.#fill(target, offset, length, signal);
    if (this.#spill.length === 0) {
      const whole = Buffer.alloc(SPILL_BYTES);
      this.#spill = whole.subarray(0, await this.#fill(whole, 0, SPILL_BYTES, signal));
    }
    const count = this.#spill.copy(target, offset, 0, Math.min(length, this.#spill.length));
    this.#spill = this.#spill.subarray(count);
    return count;
  }

  async #fill(target: Buffer, offset: number, length: number, signal: AbortSignal): Promise<number> {
    for (;;) {
      const room = Math.min(SCRATCH_BYTES, Math.floor(length / LONGEST_SEQUENCE)) - this.#left;
      const count = await this.#inner.read(this.#scratch, this.#left, room, signal);
      const end = this.#left + count;
      const written = this.#decode(end, count === 0, target, offset);
      if (written > 0 || count === 0) return written;
    }
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  #decode(end: number, last: boolean, target: Buffer, offset: number): number {
    if (this.#table !== undefined) return decodeSingle(this.#table, this.#scratch, end, target, offset);
    const { used, written } = decodeUtf16(this.#scratch, end, last, this.#bigEndian, target, offset);
    this.#scratch.copyWithin(0, used, end);
    this.#left = end - used;
    return written;
  }
}

function singleByteTable(label: string): readonly Buffer[] {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  // Streaming decode: the one-shot decoder of some Node versions takes windows-1252 for ISO-8859-1 and makes controls of 0x80-0x9F.
  const text = new TextDecoder(label, { ignoreBOM: true }).decode(all, { stream: true });
  return Array.from(text, (character) =>
    character === '\uFFFD' ? Buffer.from([UNDECODABLE]) : Buffer.from(character, 'utf8'),
  );
}

function decodeSingle(table: readonly Buffer[], scratch: Buffer, end: number, target: Buffer, offset: number): number {
  let out = offset;
  for (let i = 0; i < end; i++) {
    const byte = scratch[i] ?? 0;
    if (byte < 0x80) {
      target[out++] = byte;
      continue;
    }
    const sequence = table[byte];
    for (let k = 0; sequence !== undefined && k < sequence.length; k++) target[out++] = sequence[k] ?? 0;
  }
  return out - offset;
}

function decodeUtf16(
  scratch: Buffer,
  end: number,
  last: boolean,
  bigEndian: boolean,
  target: Buffer,
  offset: number,
): { used: number; written: number } {
  const high = bigEndian ? 0 : 1;
  const low = 1 - high;
  let out = offset;
  let i = 0;
  for (; i + 1 < end; i += 2) {
    const unit = ((scratch[i + high] ?? 0) << 8) | (scratch[i + low] ?? 0);
    if (unit < 0x80) {
      target[out++] = unit;
    } else if (unit < 0x800) {
      target[out++] = 0xc0 | (unit >> 6);
      target[out++] = 0x80 | (unit & 0x3f);
    } else if (unit >= 0xd800 && unit < 0xdc00) {
      if (i + 3 >= end && !last) break;
      const next = i + 3 < end ? ((scratch[i + 2 + high] ?? 0) << 8) | (scratch[i + 2 + low] ?? 0) : 0;
      if (next >= 0xdc00 && next < 0xe000) {
        out = writeFour(target, out, 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00));
        i += 2;
      } else {
        out = writeThree(target, out, unit);
      }
    } else {
      // A lone low surrogate comes here too: its three bytes are what UTF-8 forbids.
      out = writeThree(target, out, unit);
    }
  }
  if (last && i < end) {
    target[out++] = UNDECODABLE;
    i = end;
  }
  return { used: i, written: out - offset };
}

function writeThree(target: Buffer, out: number, unit: number): number {
  target[out] = 0xe0 | (unit >> 12);
  target[out + 1] = 0x80 | ((unit >> 6) & 0x3f);
  target[out + 2] = 0x80 | (unit & 0x3f);
  return out + 3;
}

function writeFour(target: Buffer, out: number, point: number): number {
  target[out] = 0xf0 | (point >> 18);
  target[out + 1] = 0x80 | ((point >> 12) & 0x3f);
  target[out + 2] = 0x80 | ((point >> 6) & 0x3f);
  target[out + 3] = 0x80 | (point & 0x3f);
  return out + 4;
}
