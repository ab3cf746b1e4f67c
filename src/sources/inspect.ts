/**
 * A look at the beginning of an input, to settle what its name leaves open.
 */
import { usageError } from '../errors.js';
import type { SourceFormat } from '../model.js';
import { BytesInput, readHead, StreamInput, type ByteInput } from './byte-input.js';
import { unpack, type Compression } from './compression.js';
import { documentKindByContent } from './documents/kinds.js';
import { detectEncoding } from './encoding.js';
import { describeBinary, formatByContent, settleJson } from './formats.js';
import { TranscodingInput } from './transcode.js';

const NEVER = new AbortController().signal;
/** Enough to see the first lines; a longer first line leaves the name to decide. */
const LOOK_BYTES = 64 * 1024;

/** The format of an input with this `head`, the name of which says `named`. Throws a usage error when nothing tells. */
export async function inspect(
  head: Buffer,
  compression: Compression,
  named: SourceFormat | undefined,
  encoding: string | undefined,
  id: string,
): Promise<SourceFormat> {
  if (named === 'document') return (await rowsCalledText(head, compression, encoding)) ?? named;
  if (named !== undefined && named !== 'json' && named !== 'jsonl') return named;
  if (named === undefined && compression === 'none' && documentKindByContent(head) !== undefined) return 'document';
  const text = await plainHead(head, compression, encoding);
  const whole = compression === 'none' && head.length < LOOK_BYTES;
  if (named === 'json' || named === 'jsonl') return settleJson(named, text, whole);
  const binary = describeBinary(text);
  const format = binary === undefined ? formatByContent(text, whole) : undefined;
  if (format !== undefined) return format;
  throw usageError(
    'unknown-format',
    binary === undefined ? `cannot tell the format of ${id}` : `${id} is ${binary}`,
    'Say what it is with --format: jsonl, json, csv, tsv, or a kind of document such as txt.',
  );
}

/** JSON under the name of a text file; undefined for text, also when it begins like JSON: `[12:30] Ana: hello`. */
async function rowsCalledText(
  head: Buffer,
  compression: Compression,
  encoding: string | undefined,
): Promise<SourceFormat | undefined> {
  if (documentKindByContent(head) !== undefined) return undefined;
  const text = await plainHead(head, compression, encoding);
  if (!/^\s*(?:\{\s*"|\[\s*\{\s*")/.test(text.toString('latin1', 0, 256))) return undefined;
  return formatByContent(text, compression === 'none' && head.length < LOOK_BYTES);
}

/** The beginning of the content as UTF-8, without a byte order mark; short when the packed data is damaged, which reading will tell. */
export async function plainHead(head: Buffer, compression: Compression, encoding: string | undefined): Promise<Buffer> {
  const plain =
    compression === 'none' ? head : await beginning(new StreamInput(unpack(new BytesInput(head), compression, NEVER)));
  const detected = detectEncoding(plain, encoding);
  const content = plain.subarray(detected.markBytes);
  if (detected.encoding.kind === 'utf-8') return content;
  return await beginning(new TranscodingInput(new BytesInput(content), detected.encoding));
}

/** What can be read of an input that is cut off after its head: where it breaks does not matter here. */
async function beginning(input: ByteInput): Promise<Buffer> {
  try {
    return (await readHead(input, LOOK_BYTES, NEVER)).bytes;
  } catch {
    return Buffer.alloc(0);
  } finally {
    await input.close();
  }
}
