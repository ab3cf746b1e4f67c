/**
 * Cuts a long text into parts that the service takes. Joined again the parts are the text, character for character. The cut is behind
 * the last paragraph that fits, else the last sentence, else the last word, else the last character; never inside a surrogate pair nor
 * between CR and LF.
 */
import { isBlank, isLonger, offsetAfter } from './characters.js';

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });
/** A gap between paragraphs, and all white space after it. */
const PARAGRAPH = /\r?\n[ \t]*\r?\n\s*/g;
const WORD = /\s+/g;

/** Parts of at most `limit` code points; undefined when a part would be nothing but white space, which the service refuses. */
export function splitText(text: string, limit: number): readonly string[] | undefined {
  const parts: string[] = [];
  /** Behind this there is only white space, which cannot be a part of its own. */
  const end = text.trimEnd().length;
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at, at + limit * 2 + 2);
    const isLast = at + rest.length === text.length && !isLonger(rest, limit);
    const part = isLast ? rest : rest.slice(0, cutOf(rest, limit, end - at - 1));
    if (isBlank(part)) return undefined;
    parts.push(part);
    at += part.length;
  }
  return parts;
}

/**
 * Where to cut a text that is longer than `limit`: an offset so that what is before it fits and is not blank, and at most `last`; 0 when
 * there is none.
 */
function cutOf(text: string, limit: number, last: number): number {
  const most = wholeCharacter(text, Math.min(offsetAfter(text, 0, limit), last));
  const least = text.length - text.trimStart().length;
  const isGood = (cut: number): boolean => cut > least && cut <= most;
  const paragraph = lastEnd(PARAGRAPH, text, most);
  if (isGood(paragraph)) return paragraph;
  const sentence = sentences.segment(text.slice(0, most + 1)).containing(most)?.index ?? 0;
  if (isGood(sentence)) return sentence;
  const word = lastEnd(WORD, text, most);
  if (isGood(word)) return word;
  return isGood(most) ? most : 0;
}

/** The offset, or the one before it when it lies inside a surrogate pair or between CR and LF. */
function wholeCharacter(text: string, offset: number): number {
  const before = text.charCodeAt(offset - 1);
  const after = text.charCodeAt(offset);
  const isInside = (before & 0xfc00) === 0xd800 && (after & 0xfc00) === 0xdc00;
  return isInside || (before === 13 && after === 10) ? offset - 1 : offset;
}

/** The end of the last match that ends at or before `most`; 0 when there is none. */
function lastEnd(pattern: RegExp, text: string, most: number): number {
  let end = 0;
  for (const match of text.slice(0, most + 1).matchAll(pattern)) {
    const next = match.index + match[0].length;
    if (next > most) break;
    end = next;
  }
  return end;
}
