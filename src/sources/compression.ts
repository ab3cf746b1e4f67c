/**
 * Compressed sources: which compression, by name and by the first bytes, and a stream of the unpacked bytes. Memory stays bounded
 * whatever the ratio: input is given to the decompressor in small pieces, and the next only when all output of the last was taken.
 * A stream that is damaged or ends too early throws, after everything unpacked before was handed out: it never looks like a normal end.
 */
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import type { SourceInfo } from '../model.js';
import type { ByteInput } from './byte-input.js';
import { Flow } from './flow.js';

export type Compression = SourceInfo['compression'];

const SUFFIXES: readonly (readonly [string, Compression])[] = [
  ['.gz', 'gzip'],
  ['.br', 'brotli'],
  ['.zst', 'zstd'],
];

const PIECE_BYTES = 64 * 1024;
const OUTPUT_BYTES = 128 * 1024;

/** What the name says, and the name without that suffix. */
export function compressionByName(name: string): { readonly compression: Compression; readonly inner: string } {
  const lower = name.toLowerCase();
  for (const [suffix, compression] of SUFFIXES) {
    if (lower.endsWith(suffix)) return { compression, inner: name.slice(0, -suffix.length) };
  }
  return { compression: 'none', inner: name };
}

/** What the first bytes say; brotli has no signature. */
export function compressionByContent(head: Buffer): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return 'zstd';
  return 'none';
}

/** The unpacked content. Does not close the input. */
export function unpack(
  input: ByteInput,
  compression: Exclude<Compression, 'none'>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  switch (compression) {
    case 'gzip':
      return inflate(input, zlib.createGunzip({ chunkSize: OUTPUT_BYTES }), signal);
    case 'brotli':
      return inflate(input, zlib.createBrotliDecompress({ chunkSize: OUTPUT_BYTES }), signal);
    case 'zstd':
      return zstd(input, signal);
  }
}

/** What unpacks it is loaded when it is met. */
async function* zstd(input: ByteInput, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const { unzstd } = await import('./zstd.js');
  yield* unzstd(input, signal);
}

async function* inflate(
  input: ByteInput,
  stream: Transform,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const flow = new Flow(stream);
  try {
    for (let total = 0; ;) {
      const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
      const count = await input.read(piece, 0, PIECE_BYTES, signal);
      if (count === 0) {
        // No bytes at all are no stream, but an empty file is an empty file in any compression.
        if (total === 0) return;
        break;
      }
      total += count;
      yield* flow.through(piece.subarray(0, count));
    }
    yield* flow.toEnd();
  } finally {
    stream.destroy();
  }
}
