/**
 * The text of a record as it stands in its source, damage included: a byte that is no UTF-8 stands in the text as a lone surrogate
 * (0xDC00 and its value), which no valid text holds. So a row that could not be decoded can be written down again byte for byte, instead
 * of becoming a row that can be read and holds replacement characters.
 */
import { isUtf8 } from 'node:buffer';

/** Before a text it says which encoding follows; it is no content. */
export const BYTE_ORDER_MARK = '\uFEFF';

const ESCAPED = 0xdc00;
const ESCAPES = /([\uDC80-\uDCFF])/u;

/** Text of bytes that should be UTF-8 and may not be. */
export function decodeRaw(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  let from = 0;
  for (let at = 0; at < bytes.length;) {
    const length = characterBytes(bytes[at] ?? 0);
    if (length > 0 && isUtf8(bytes.subarray(at, at + length))) at += length;
    else {
      text += bytes.toString('utf8', from, at) + String.fromCharCode(ESCAPED + (bytes[at] ?? 0));
      from = ++at;
    }
  }
  return text + bytes.toString('utf8', from);
}

/** The bytes of a text, those of `decodeRaw` as they were. */
export function encodeRaw(text: string): Buffer {
  if (!ESCAPES.test(text)) return Buffer.from(text, 'utf8');
  const parts = text.split(ESCAPES);
  return Buffer.concat(
    parts.map((part, index) =>
      index % 2 === 0 ? Buffer.from(part, 'utf8') : Buffer.from([part.charCodeAt(0) & 0xff]),
    ),
  );
}

/** How many bytes the character has that begins with this one; 0 when none does. */
export function characterBytes(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
