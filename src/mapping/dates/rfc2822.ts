/** Dates of mails and HTTP: `Fri, 21 Nov 1997 09:55:06 -0600`, with the obsolete forms that archives are full of. */
import { minutesOfOffset } from './iso.js';
import { isPossible, type DateProblem, type ReadDate } from './parsed.js';
import { utcMs } from './zone.js';

const MAIL =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?(\d{1,2})[ -](Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*[ -](\d{4}|\d{2})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([+-]\d{4}|[A-Z]{1,4})?\s*(?:\([^()]*\))?$/i;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** Hours of the zone names the standard knows; any other name says nothing that can be relied on. */
const NAMED: Readonly<Record<string, number>> = {
  UT: 0,
  UTC: 0,
  GMT: 0,
  Z: 0,
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
};

export function readRfc2822(text: string): ReadDate | DateProblem {
  // The longest real date has about 50 characters; a header of a megabyte is not searched.
  if (text.length > 200) return 'format';
  const match = MAIL.exec(text.trim());
  if (match === null) return 'format';
  const [, day, name = '', years = '', hour, minute, second = '0', zone] = match;
  const month = MONTHS.indexOf(name.toLowerCase()) + 1;
  const fields = [fullYear(years), month, Number(day), Number(hour), Number(minute), Number(second)] as const;
  if (!isPossible(...fields)) return 'impossible';
  const wallMs = utcMs(...fields, 0);
  if (zone === undefined) return { kind: 'local', wallMs };
  const minutes = /^[+-]/.test(zone) ? minutesOfOffset(zone) : minutesOfName(zone);
  return minutes === undefined ? 'format' : { kind: 'moment', ms: wallMs - minutes * 60_000, text: undefined };
}

function minutesOfName(name: string): number | undefined {
  const hours = NAMED[name.toUpperCase()];
  return hours === undefined ? undefined : hours * 60;
}

/** Two digits as the standard reads them: 00–49 are of this century, 50–99 of the last. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length === 4) return year;
  return year < 50 ? 2000 + year : 1900 + year;
}
