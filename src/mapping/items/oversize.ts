/**
 * What becomes of a text that is to be split into passages, and of a text or JSON over the limit of its kind: split into parts, cut off, or
 * rejected. Parts are told apart by `Item.part` alone: nothing is written into the text or the metadata, since both would end up as facts.
 */
import { checkWellFormed, isBlank, isLonger, offsetAfter, tooLong } from './characters.js';
import type { Emission } from './emission.js';
import { splitJson } from './split-json.js';
import { splitPassages, type SplitSettings } from './split-passages.js';
import { splitText } from './split-text.js';
import { rowError, type RowError } from '../row-error.js';
import type { Oversize } from '../schema.js';

/** How long texts are made to fit, as a template says. */
export interface Fitting {
  readonly oversize: Oversize | undefined;
  readonly split: SplitSettings | undefined;
}

/** The texts to send for one text: itself, its parts, or its beginning. Throws when it may not be sent. */
export function fitText(
  text: string,
  field: string,
  limit: number,
  { oversize, split }: Fitting,
  emission: Emission,
): readonly string[] {
  checkWellFormed(text, field);
  if (isBlank(text))
    throw rowError('map', 'blank-text', `${field} is blank: the service takes no item without text`, field);
  if (split !== undefined && isLonger(text, Math.min(split.size, limit))) return passagesOf(text, field, limit, split);
  if (!isLonger(text, limit)) return [text];
  switch (oversize ?? 'split') {
    case 'reject':
      throw tooLong(field, text, limit, 'oversize: split or truncate takes it');
    case 'truncate': {
      const start = text.slice(0, offsetAfter(text, 0, limit));
      if (isBlank(start)) throw tooLong(field, text, limit, 'its beginning is blank, so that it cannot be cut off');
      emission.noteTruncated();
      return [start];
    }
    case 'split': {
      const parts = splitText(text, limit);
      if (parts === undefined) throw blankPart(field, text, limit);
      return parts;
    }
  }
}

function passagesOf(text: string, field: string, limit: number, split: SplitSettings): readonly string[] {
  const passages = splitPassages(text, split, limit);
  if (passages === undefined) throw blankPart(field, text, limit);
  return passages.map((passage) => passage.text);
}

function blankPart(field: string, text: string, limit: number): RowError {
  return tooLong(field, text, limit, 'it holds so much white space that a part would be blank');
}

/** The JSON texts to send for one JSON text. `value`: what it stands for. */
export function fitJson(json: string, value: unknown, field: string, limit: number, oversize: Oversize | undefined) {
  checkWellFormed(json, field);
  if (!isLonger(json, limit)) return [json];
  if (oversize !== 'split') {
    const fix =
      oversize === 'truncate' ? 'JSON cannot be cut off; oversize: split takes it' : 'oversize: split takes it';
    throw tooLong(field, json, limit, fix);
  }
  if (holdsInexactNumber(json)) {
    throw tooLong(field, json, limit, 'it holds numbers with more digits than can be kept when it is split');
  }
  const parts = splitJson(value, limit);
  if (parts === undefined) throw tooLong(field, json, limit, 'a single value in it is longer than that');
  return parts;
}

/** Numbers of a JSON text that reading and writing it again would change. */
function holdsInexactNumber(json: string): boolean {
  const outside = json.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  for (const [digits] of outside.matchAll(/-?\d[\d.eE+-]{14,}/g)) {
    if (!sameNumber(digits, JSON.stringify(Number(digits)))) return true;
  }
  return false;
}

function sameNumber(a: string, b: string): boolean {
  return plainDigits(a) === plainDigits(b);
}

/** Significant digits and exponent of a decimal number: equal for equal numbers, however they are written. */
function plainDigits(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const kept = digits.replace(/0+$/, '');
  return kept === '' ? '0' : `${sign}${kept}e${Number(exponent) - fraction.length + digits.length - kept.length}`;
}
