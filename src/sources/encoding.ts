/**
 * Which encoding a text has. A name given by a person wins; then a byte order mark; then the NUL pattern of UTF-16 (text formats begin
 * with ASCII); else it is UTF-8, and whatever is not valid UTF-8 is rejected row by row instead of being guessed at.
 */
import { usageError } from '../errors.js';

export type TextEncoding =
  | { readonly kind: 'utf-8' }
  | { readonly kind: 'utf-16'; readonly bigEndian: boolean }
  | { readonly kind: 'single-byte'; readonly label: string };

export interface DetectedEncoding {
  readonly encoding: TextEncoding;
  /** Length of the byte order mark, which is no content. */
  readonly markBytes: number;
}

/** The encodings of the WHATWG standard that use one byte a character: positions stay exact through them. */
const SINGLE_BYTE = new Set([
  ...['ibm866', 'koi8-r', 'koi8-u', 'macintosh', 'windows-874', 'x-mac-cyrillic'],
  ...[2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16].map((part) => `iso-8859-${part}`),
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8].map((page) => `windows-125${page}`),
]);

/** Understands every WHATWG label (`latin1` and `iso-8859-1` mean windows-1252 there). Throws a usage error for anything else. */
export function encodingByName(name: string): TextEncoding {
  let label: string;
  try {
    label = new TextDecoder(name.trim()).encoding.toLowerCase();
  } catch {
    label = '';
  }
  if (label === 'utf-8') return { kind: 'utf-8' };
  if (label === 'utf-16le' || label === 'utf-16be') return { kind: 'utf-16', bigEndian: label === 'utf-16be' };
  // Some Node builds without full ICU data know `latin1` but report it under its own name.
  if (label === 'iso-8859-1') label = 'windows-1252';
  if (SINGLE_BYTE.has(label)) return { kind: 'single-byte', label };
  throw usageError(
    'unknown-encoding',
    `cannot read text encoded as ${JSON.stringify(name)}`,
    'Known: utf-8, utf-16le, utf-16be, windows-1252 (latin1) and the other one-byte encodings. Convert others first: iconv -f NAME -t utf-8.',
  );
}

/** `head` is the beginning of the content; `name` what a person said. */
export function detectEncoding(head: Buffer, name: string | undefined): DetectedEncoding {
  const marked = byteOrderMark(head);
  const named = name === undefined ? undefined : encodingByName(name);
  if (named !== undefined) {
    const same = marked !== undefined && sameEncoding(marked.encoding, named);
    return { encoding: named, markBytes: same ? marked.markBytes : 0 };
  }
  return marked ?? { encoding: utf16Pattern(head) ?? { kind: 'utf-8' }, markBytes: 0 };
}

function byteOrderMark(head: Buffer): DetectedEncoding | undefined {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { encoding: { kind: 'utf-8' }, markBytes: 3 };
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: { kind: 'utf-16', bigEndian: false }, markBytes: 2 };
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: { kind: 'utf-16', bigEndian: true }, markBytes: 2 };
  return undefined;
}

function sameEncoding(a: TextEncoding, b: TextEncoding): boolean {
  if (a.kind === 'utf-16' && b.kind === 'utf-16') return a.bigEndian === b.bigEndian;
  return a.kind === b.kind;
}

const PATTERN_BYTES = 4096;
const RARE = 8;

/** NULs in at least a third of the places of one parity and hardly any of the other (U+0100 has one): UTF-16 of mostly ASCII text. */
function utf16Pattern(head: Buffer): TextEncoding | undefined {
  const pairs = Math.floor(Math.min(head.length, PATTERN_BYTES) / 2);
  if (pairs < 2) return undefined;
  let high = 0;
  let low = 0;
  for (let i = 0; i < pairs * 2; i += 2) {
    if (head[i] === 0) high++;
    if (head[i + 1] === 0) low++;
  }
  const enough = Math.max(2, pairs / 3);
  if (low >= enough && high * RARE < low) return { kind: 'utf-16', bigEndian: false };
  if (high >= enough && low * RARE < high) return { kind: 'utf-16', bigEndian: true };
  return undefined;
}
