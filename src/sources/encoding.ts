/**
 * Which encoding a text has. A byte order mark wins, as in the WHATWG standard: a name is given for all sources at once, and a file that
 * tells its encoding itself, such as the rejected rows of a run, must not be misread for it. Then the name given by a person; then the NUL
 * pattern of UTF-16 (text formats begin with ASCII); else it is UTF-8, and whatever is not valid UTF-8 is rejected row by row instead of
 * being guessed at.
 */
import { usageError } from '../errors.js';

export type TextEncoding =
  | { readonly kind: 'utf-8' }
  | { readonly kind: 'utf-16'; readonly bigEndian: boolean }
  | { readonly kind: 'single-byte'; readonly label: string };

/** What told the encoding: a mark, a name, or the content alone. */
export type EncodingEvidence = 'mark' | 'name' | 'content';

export interface DetectedEncoding {
  readonly encoding: TextEncoding;
  readonly by: EncodingEvidence;
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

/** `head` is the beginning of the content; `name` what a person said, which must be a known one. */
export function detectEncoding(head: Buffer, name: string | undefined): DetectedEncoding {
  const named = name === undefined ? undefined : encodingByName(name);
  const marked = byteOrderMark(head);
  if (marked !== undefined) return marked;
  if (named !== undefined) return { encoding: named, by: 'name', markBytes: 0 };
  return { encoding: utf16Pattern(head) ?? { kind: 'utf-8' }, by: 'content', markBytes: 0 };
}

function byteOrderMark(head: Buffer): DetectedEncoding | undefined {
  const found = (encoding: TextEncoding, markBytes: number): DetectedEncoding => ({ encoding, by: 'mark', markBytes });
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return found({ kind: 'utf-8' }, 3);
  if (head[0] === 0xff && head[1] === 0xfe) return found({ kind: 'utf-16', bigEndian: false }, 2);
  if (head[0] === 0xfe && head[1] === 0xff) return found({ kind: 'utf-16', bigEndian: true }, 2);
  return undefined;
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
