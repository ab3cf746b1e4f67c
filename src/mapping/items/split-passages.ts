/**
 * Cuts a text into passages of about one size, each of which can be understood alone: a part begins at a heading, else at a paragraph, else at
 * a sentence, else at a word, else at a character as people see it. White space at a cut stays with the part before it. The parts without
 * what they repeat of the part before, joined, are the text, character for character. Time and memory are linear in the text.
 */
import { BlockScanner, type BlockStart } from './block-scanner.js';
import { countCharacters, isBlank, isLonger, offsetAfter } from './characters.js';

export const BOUNDARIES = ['headings', 'paragraphs', 'sentences'] as const;
export type Boundary = (typeof BOUNDARIES)[number];

export interface SplitSettings {
  /** Characters (code points) of a part at most, with what it repeats, without white space at its end. */
  readonly size: number;
  /** So many characters of the end of a part are repeated at the beginning of the next, at most. */
  readonly overlap: number;
  readonly at: ReadonlySet<Boundary>;
}

/** Zep's advice for rich graphs: small episodes, which overlap a little. */
export const DEFAULT_SPLIT: SplitSettings = { size: 500, overlap: 50, at: new Set(BOUNDARIES) };

export interface Passage {
  readonly text: string;
  /** Offset in the whole text behind what is repeated. */
  readonly from: number;
  /** Length, in UTF-16 units, of what is repeated at the beginning of `text`. */
  readonly repeated: number;
}

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** A part that is cut at something better than a word fills at least this share of the size. */
const LEAST_SHARE = 1 / 4;
/** A sentence is repeated alone when it fills at least this share of the overlap. */
const LEAST_REPEATED = 1 / 3;
/** What is behind a cut tells whether a sentence, or a character as people see it, ends there. */
const LOOK_AHEAD = 32;

/** Undefined when a run of white space is longer than `limit`, the most the service takes in one item. */
export function splitPassages(text: string, settings: SplitSettings, limit: number): readonly Passage[] | undefined {
  const { size, overlap } = settings;
  const passages: Passage[] = [];
  const scanner = new BlockScanner(text);
  const end = text.trimEnd().length;
  let previous = 0;
  let at = 0;
  let isSection = true;
  while (at < text.length) {
    const repeatFrom = isSection || overlap === 0 ? at : repeatedFrom(text, previous, at, overlap);
    const budget = size - countCharacters(text.slice(repeatFrom, at));
    const start = skipBlanks(text, at);
    const most = offsetAfter(text, start, budget);
    const cut = cutOf({ text, at: start, most, end, size, settings, scanner });
    const next = cut?.offset ?? text.length;
    const part = text.slice(repeatFrom, next);
    if (isLonger(part, limit) || isBlank(part)) return undefined;
    passages.push({ text: part, from: at, repeated: at - repeatFrom });
    isSection = cut?.isSection ?? false;
    previous = at;
    at = next;
  }
  return passages;
}

interface Window {
  readonly text: string;
  /** Where the part begins, without white space before it. */
  readonly at: number;
  /** Its content, without white space behind it, ends here at the latest. */
  readonly most: number;
  /** Where the content of the whole text ends. */
  readonly end: number;
  readonly size: number;
  readonly settings: SplitSettings;
  readonly scanner: BlockScanner;
}

interface Cut {
  readonly offset: number;
  readonly isSection: boolean;
}

/** Where the next part begins; undefined when there is none. */
function cutOf(window: Window): Cut | undefined {
  const { text, at, most, end, size, settings, scanner } = window;
  const least = at + Math.max(1, Math.floor(size * LEAST_SHARE));
  const blocks = scanner.between(at, most);
  const isFull = (block: BlockStart): boolean => block.contentEnd >= least;
  if (settings.at.has('headings')) {
    const section = blocks.find((block) => block.isHeading && isFull(block));
    if (section !== undefined) return { offset: section.offset, isSection: true };
  }
  if (end <= most) return undefined;
  if (settings.at.has('paragraphs')) {
    const block = blocks.findLast((each) => !each.isBehindHeading && isFull(each));
    if (block !== undefined) return { offset: block.offset, isSection: block.isHeading };
  }
  return { offset: skipBlanks(text, cutInside(window, least)), isSection: false };
}

/** Inside a paragraph. */
function cutInside({ text, at, most, settings }: Window, least: number): number {
  const slice = text.slice(at, most + LOOK_AHEAD);
  const longest = most - at;
  if (settings.at.has('sentences')) {
    const sentence = at + (sentences.segment(slice).containing(longest)?.index ?? 0);
    if (sentence >= least) return sentence;
  }
  const word = wordBefore(text, at, most);
  if (word > at) return word;
  const character = at + (graphemes.segment(slice).containing(longest)?.index ?? 0);
  if (character > at) return character;
  return most > at && isInsidePair(text, most) && most - 1 > at ? most - 1 : most;
}

/** The last beginning of a word at or before `most`, so that what is before it ends with white space; `at` when there is none. */
function wordBefore(text: string, at: number, most: number): number {
  if (isSpace(text, most)) return most;
  let i = most;
  while (i > at && !isSpace(text, i - 1)) i -= 1;
  return i;
}

/** Where what is repeated begins: at most `overlap` characters before `at`, at a sentence or a word. `at` when nothing good is there. */
function repeatedFrom(text: string, previous: number, at: number, overlap: number): number {
  let from = at;
  for (let left = overlap; left > 0 && from > previous; left--) from -= isInsidePair(text, from - 1) ? 2 : 1;
  const tail = text.slice(from, at);
  for (const { index } of sentences.segment(tail)) {
    if (index > 0 && tail.length - index >= tail.length * LEAST_REPEATED) return from + index;
    if (tail.length - index < tail.length * LEAST_REPEATED) break;
  }
  return wordFrom(text, from, previous, at);
}

function wordFrom(text: string, from: number, previous: number, at: number): number {
  if (from === previous || isSpace(text, from - 1)) return skipBlanksTo(text, from, at);
  let i = from;
  while (i < at && !isSpace(text, i)) i += 1;
  const word = skipBlanksTo(text, i, at);
  if (word < at) return word;
  // A text without blanks, such as Chinese: any character will do, but not a part of one.
  const segment = graphemes
    .segment(text.slice(Math.max(previous, from - 32), at))
    .containing(Math.min(32, from - previous));
  const begin = Math.max(previous, from - 32) + (segment?.index ?? 0);
  const whole = begin < from ? begin + (segment?.segment.length ?? 0) : begin;
  return isBlank(text.slice(whole, at)) ? at : whole;
}

const BLANKS = /\s*/y;

function skipBlanks(text: string, at: number): number {
  BLANKS.lastIndex = at;
  BLANKS.exec(text);
  return BLANKS.lastIndex;
}

function skipBlanksTo(text: string, from: number, end: number): number {
  return Math.min(end, skipBlanks(text, from));
}

function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code > 32 && code < 160) return false;
  return text.charAt(at).trim() === '' && at < text.length;
}

/** Whether the offset lies between the halves of a surrogate pair. */
function isInsidePair(text: string, offset: number): boolean {
  return (text.charCodeAt(offset - 1) & 0xfc00) === 0xd800 && (text.charCodeAt(offset) & 0xfc00) === 0xdc00;
}
