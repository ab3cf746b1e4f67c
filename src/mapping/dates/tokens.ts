/**
 * Luxon's format tokens. The common ones are compiled to one regular expression and plain arithmetic, some thirty times faster than
 * Luxon; whatever that does not match is given to Luxon, which has the last word on what a format means. English names, any case.
 */
import { DateTime } from 'luxon';
import { isPossible, type DateProblem, type ReadDate } from './parsed.js';
import { utcMs } from './zone.js';

export interface TokenFormat {
  /** The format has a token for the zone or offset, so that every text it reads says its own. */
  readonly hasZone: boolean;
  read(text: string): ReadDate | DateProblem;
}

const MAX_DATE_CHARACTERS = 200;
/** Texts whose reading by Luxon is remembered: rows of one file often share a few dates. */
const REMEMBERED = 1000;

interface Token {
  readonly text: string;
  readonly isLiteral: boolean;
}

/** Runs of one letter are tokens; everything else, and whatever stands in single quotes, is literal. */
function tokensOf(format: string): readonly Token[] {
  const tokens: Token[] = [];
  for (const match of format.matchAll(/'([^']*)'|(([A-Za-z])\3*)|([^A-Za-z']+)/g)) {
    const [, quoted, run, , other] = match;
    if (run !== undefined) tokens.push({ text: run, isLiteral: false });
    else tokens.push({ text: quoted ?? other ?? '', isLiteral: true });
  }
  return tokens;
}

/** Compiles a format, or says what is wrong with it. */
export function compileTokens(format: string): TokenFormat | { readonly problem: string; readonly fix: string } {
  const wrong = mistakeIn(format);
  if (wrong !== undefined) return wrong;
  const tokens = tokensOf(format);
  const hasZone = tokens.some((token) => !token.isLiteral && /^[Zz]/.test(token.text));
  const viaLuxon = luxonReader(format, hasZone);
  if (viaLuxon === undefined) {
    return { problem: `"${format}" is no date format`, fix: 'use tokens such as yyyy-MM-dd HH:mm:ss' };
  }
  const direct = directReader(tokens);
  return {
    hasZone,
    read(text) {
      if (text.length > MAX_DATE_CHARACTERS) return 'format';
      return direct?.(text) ?? viaLuxon(text);
    },
  };
}

function mistakeIn(format: string): { readonly problem: string; readonly fix: string } | undefined {
  const tokens = tokensOf(format).filter((token) => !token.isLiteral);
  const has = (pattern: RegExp): boolean => tokens.some((token) => pattern.test(token.text));
  if ((format.match(/'/g)?.length ?? 0) % 2 === 1) {
    return { problem: `"${format}" has a single quote without its partner`, fix: "put literal words in quotes: 'on'" };
  }
  if (/%[A-Za-z]/.test(format)) {
    return {
      problem: `"${format}" is written in another notation`,
      fix: 'Unicode tokens have no %: yyyy-MM-dd HH:mm:ss',
    };
  }
  if (has(/^Y/)) {
    const fix = format
      .replace(/Y+/g, (run) => (run.length === 2 ? 'yy' : 'yyyy'))
      .replace(/D+/g, (run) => run.toLowerCase());
    return { problem: `"${format}": Y is no token`, fix: `years are yyyy and days dd: "${fix}"` };
  }
  if (has(/^[DfF]/) && has(/^[yMd]/)) {
    return {
      problem: `"${format}": D, f and F stand for whole dates`,
      fix: `days are dd: "${format.replace(/D+/g, 'dd')}"`,
    };
  }
  if (!has(/^(?:y|k|D|f|F)/)) {
    return { problem: `"${format}" has no year`, fix: 'a date without a year is no moment: add yyyy' };
  }
  if (has(/^a$/) && has(/^H/)) {
    return { problem: `"${format}" has am or pm with 24 hours`, fix: 'hours to 12 are h' };
  }
  if (tokens.filter((token) => token.text.startsWith('z')).length > 1) {
    return { problem: `"${format}" has more than one zone`, fix: 'leave one z' };
  }
  return undefined;
}

type Direct = (text: string) => ReadDate | undefined;

const SHORT_MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const LONG_MONTHS = 'january february march april may june july august september october november december'.split(' ');

type Unit = 'year' | 'month' | 'day' | 'hour' | 'hour12' | 'minute' | 'second' | 'ms' | 'half' | 'offset';

const UNITS: Readonly<Record<string, readonly [unit: Unit, pattern: string, read: (text: string) => number]>> = {
  yyyy: ['year', '(\\d{4})', Number],
  // Luxon's own rule for two digits.
  yy: ['year', '(\\d{2})', (text) => (Number(text) > 60 ? 1900 : 2000) + Number(text)],
  M: ['month', '(\\d{1,2})', Number],
  MM: ['month', '(\\d{2})', Number],
  MMM: ['month', `(${SHORT_MONTHS.join('|')})`, (text) => SHORT_MONTHS.indexOf(text.toLowerCase()) + 1],
  MMMM: ['month', `(${LONG_MONTHS.join('|')})`, (text) => LONG_MONTHS.indexOf(text.toLowerCase()) + 1],
  d: ['day', '(\\d{1,2})', Number],
  dd: ['day', '(\\d{2})', Number],
  H: ['hour', '(\\d{1,2})', Number],
  HH: ['hour', '(\\d{2})', Number],
  h: ['hour12', '(\\d{1,2})', Number],
  hh: ['hour12', '(\\d{2})', Number],
  m: ['minute', '(\\d{1,2})', Number],
  mm: ['minute', '(\\d{2})', Number],
  s: ['second', '(\\d{1,2})', Number],
  ss: ['second', '(\\d{2})', Number],
  SSS: ['ms', '(\\d{3})', Number],
  a: ['half', '(am|pm)', (text) => (text.toLowerCase() === 'pm' ? 12 : 0)],
  Z: ['offset', '([+-]\\d{2}(?::\\d{2})?)', minutesOf],
  ZZ: ['offset', '([+-]\\d{2}(?::\\d{2})?)', minutesOf],
  ZZZ: ['offset', '([+-]\\d{2}(?:\\d{2})?)', minutesOf],
};

function minutesOf(offset: string): number {
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(3).replace(':', '') || '0');
  return offset.startsWith('-') ? -minutes : minutes;
}

/** A reader for formats made of the units above, each at most once; undefined for other formats. It answers undefined when unsure. */
function directReader(tokens: readonly Token[]): Direct | undefined {
  let pattern = '';
  const units: (readonly [Unit, string, (text: string) => number])[] = [];
  for (const token of tokens) {
    const unit = token.isLiteral ? undefined : UNITS[token.text];
    if (unit !== undefined) units.push(unit);
    else if (!token.isLiteral) return undefined;
    pattern += unit?.[1] ?? token.text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  }
  const kinds = new Set(units.map(([unit]) => unit));
  // 12 hours need am or pm, 24 hours none: the other mixtures are Luxon's to judge.
  if (kinds.size !== units.length || kinds.has('hour12') !== kinds.has('half')) return undefined;
  if (kinds.has('hour') && kinds.has('hour12')) return undefined;
  const regex = new RegExp(`^${pattern}$`, 'i');
  return (text) => {
    const match = regex.exec(text);
    return match === null ? undefined : assemble(units, match);
  };
}

function assemble(
  units: readonly (readonly [Unit, string, (text: string) => number])[],
  match: RegExpExecArray,
): ReadDate | undefined {
  let [year, month, day, hour, minute, second, ms] = [0, 1, 1, 0, 0, 0, 0];
  let offset: number | undefined;
  for (let i = 0; i < units.length; i++) {
    const unit = units[i];
    if (unit === undefined) break;
    const value = unit[2](match[i + 1] ?? '');
    switch (unit[0]) {
      case 'year':
        year = value;
        break;
      case 'month':
        month = value;
        break;
      case 'day':
        day = value;
        break;
      case 'hour':
        hour = value;
        break;
      case 'hour12':
        if (value < 1 || value > 12) return undefined;
        hour += value % 12;
        break;
      case 'half':
        hour += value;
        break;
      case 'minute':
        minute = value;
        break;
      case 'second':
        second = value;
        break;
      case 'ms':
        ms = value;
        break;
      case 'offset':
        offset = value;
        break;
    }
  }
  if (!isPossible(year, month, day, hour, minute, second)) return undefined;
  const wallMs = utcMs(year, month, day, hour, minute, second, ms);
  if (offset === undefined) return { kind: 'local', wallMs };
  if (Math.abs(offset) >= 14 * 60) return undefined;
  return { kind: 'moment', ms: wallMs - offset * 60_000, text: undefined };
}

function luxonReader(format: string, hasZone: boolean): ((text: string) => ReadDate | DateProblem) | undefined {
  let parse: (text: string) => DateTime;
  try {
    const parser = DateTime.buildFormatParser(format, { locale: 'en-US' });
    parse = (text) => DateTime.fromFormatParser(text, parser, { zone: 'utc', locale: 'en-US' });
    parse('');
  } catch {
    // Luxon throws for formats that contradict themselves, such as a meridiem with 24 hours.
    return undefined;
  }
  const seen = new Map<string, ReadDate | DateProblem>();
  return (text) => {
    let result = seen.get(text);
    if (result === undefined) {
      const time = parse(text);
      if (!time.isValid) result = time.invalidReason === 'unparsable' ? 'format' : 'impossible';
      else if (hasZone) result = { kind: 'moment', ms: time.toMillis(), text: undefined };
      else result = { kind: 'local', wallMs: time.toMillis() };
      if (seen.size >= REMEMBERED) seen.clear();
      seen.set(text, result);
    }
    return result;
  };
}
