/**
 * Counting text as the service's limits do: in code points. Also what no text may be, whatever its length. Texts of a usual length cost
 * one comparison.
 */
import { rowError, type RowError } from '../row-error.js';

/** Code points of a text. */
export function countCharacters(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) if (isPair(text, i)) count -= 1;
  return count;
}

/** Whether a text has more code points than `limit`. */
export function isLonger(text: string, limit: number): boolean {
  if (text.length <= limit) return false;
  // Every character takes at most two units, so that half of them decides most cases.
  return text.length > limit * 2 || countCharacters(text) > limit;
}

/** The offset behind `count` code points from `from` on, at most the end of the text. */
export function offsetAfter(text: string, from: number, count: number): number {
  let at = from;
  for (let left = count; left > 0 && at < text.length; left--) at += isPair(text, at) ? 2 : 1;
  return at;
}

function isPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
}

/** Whether a text is empty or nothing but white space. */
export function isBlank(text: string): boolean {
  const first = text.charCodeAt(0);
  if (first > 32 && first < 127) return false;
  return text.trim() === '';
}

// Node 20 has it; the ES2023 typings do not.
const isWellFormed = (String.prototype as unknown as { readonly isWellFormed: (this: string) => boolean }).isWellFormed;

/** Refuses a text that holds half of a surrogate pair: it has no UTF-8 form, and replacing it would change the text silently. */
export function checkWellFormed(text: string, field: string): void {
  if (!isWellFormed.call(text)) {
    throw rowError(
      'map',
      'broken-text',
      `${field} holds half a character (a lone surrogate): mend it in the source`,
      field,
    );
  }
}

const numbers = new Intl.NumberFormat('en-US');

/** The error for a text over a limit of the service. */
export function tooLong(field: string, text: string, limit: number, fix: string): RowError {
  const length = numbers.format(countCharacters(text));
  const message = `${field} has ${length} characters, and the service takes ${numbers.format(limit)}: ${fix}`;
  return rowError('limit', 'too-long', message, field);
}

/** Checks a short field; throws when it is longer than `limit`. */
export function checkLength(text: string, field: string, limit: number): void {
  if (isLonger(text, limit)) throw tooLong(field, text, limit, 'shorten it, e.g. with substring');
}
