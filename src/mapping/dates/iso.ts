/**
 * ISO 8601 as people write it: RFC 3339 exactly (passed on as it stands, all its digits), and the same with a blank for the `T`,
 * without seconds, without a zone, or with the day alone.
 */
import { isPossible, type DateProblem, type ReadDate } from './parsed.js';
import { utcMs } from './zone.js';

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)? ?([Zz]|[+-]\d{2}(?::?\d{2})?)?)?$/;
const BASIC = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(?:(\d{2}))?()([Zz]|[+-]\d{2}(?::?\d{2})?)?$/;

function twoDigits(text: string, at: number): number {
  const high = text.charCodeAt(at) - 48;
  const low = text.charCodeAt(at + 1) - 48;
  return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : Number.NaN;
}

/**
 * The moment of an exact RFC 3339 time (`2024-05-06T07:08:09.5+02:00`), to the millisecond; undefined for anything else, also for
 * lower-case letters. This is the hot path of every import with dates: no regular expression, nothing allocated.
 */
export function rfc3339Ms(text: string): number | undefined {
  const length = text.length;
  if (length < 20 || text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45 || text.charCodeAt(10) !== 84)
    return undefined;
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return undefined;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  // A digit that is none makes the sum NaN.
  if (Number.isNaN(year + month + day + hour + minute + second)) return undefined;
  if (!isPossible(year, month, day, hour, minute, second)) return undefined;
  let at = 19;
  let ms = 0;
  if (text.charCodeAt(at) === 46) {
    let scale = 100;
    for (at = 20; at < length; at++) {
      const digit = text.charCodeAt(at) - 48;
      if (digit < 0 || digit > 9) break;
      if (scale >= 1) ms += digit * scale;
      scale /= 10;
    }
    if (at === 20) return undefined;
  }
  const offsetMinutes = offsetAt(text, at);
  if (offsetMinutes === undefined) return undefined;
  return utcMs(year, month, day, hour, minute, second, Math.floor(ms)) - offsetMinutes * 60_000;
}

/** Minutes of the offset with which the text ends from `at` on: `Z` or `±hh:mm`. */
function offsetAt(text: string, at: number): number | undefined {
  const mark = text.charCodeAt(at);
  if (mark === 90) return text.length === at + 1 ? 0 : undefined;
  if ((mark !== 43 && mark !== 45) || text.length !== at + 6 || text.charCodeAt(at + 3) !== 58) return undefined;
  const hours = twoDigits(text, at + 1);
  const minutes = twoDigits(text, at + 4);
  if (!(hours <= 23) || !(minutes <= 59)) return undefined;
  return (mark === 45 ? -1 : 1) * (hours * 60 + minutes);
}

export function readIso(text: string): ReadDate | DateProblem {
  const exact = rfc3339Ms(text);
  if (exact !== undefined) return { kind: 'moment', ms: exact, text };
  const match = ISO.exec(text) ?? BASIC.exec(text);
  if (match === null) return 'format';
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = match;
  const fields = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (!isPossible(...fields)) return 'impossible';
  const wallMs = utcMs(...fields, Number(fraction.slice(0, 3).padEnd(3, '0')));
  if (zone === undefined) return { kind: 'local', wallMs };
  const minutes = minutesOfOffset(zone);
  return minutes === undefined ? 'impossible' : { kind: 'moment', ms: wallMs - minutes * 60_000, text: undefined };
}

/** Minutes of `Z`, `±hh`, `±hhmm` or `±hh:mm`; undefined when there is no such offset. */
export function minutesOfOffset(offset: string): number | undefined {
  if (offset === 'Z' || offset === 'z') return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(3).replace(':', '') || '0');
  if (hours > 23 || minutes > 59) return undefined;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
