/**
 * Columns of a terminal: how many a text takes and how to cut it to fit. The measure is that of the table and bar libraries, so that
 * all three agree about wide characters.
 */
import stringWidth from 'string-width';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Columns taken by a text without line breaks; colour codes count nothing. */
export function displayWidth(text: string): number {
  return isAscii(text) ? text.length : stringWidth(text);
}

/** At most `columns` wide, whole graphemes only, ending in `…` when something was cut. For text without colour codes. */
export function fitWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  if (columns <= 0) return '';
  let out = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    const width = displayWidth(segment);
    if (used + width > columns - 1) break;
    out += segment;
    used += width;
  }
  return `${out}…`;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}
