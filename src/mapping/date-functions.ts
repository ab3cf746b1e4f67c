/** Functions of time: timestamps to compare and the parts of dates. A timestamp is a moment; its parts are those of a zone, UTC unless told. */
import { DateFailure, dateReader, type DateMistake, type DateReader } from './dates/date-reader.js';
import { zoneNamed, type Zone } from './dates/zone.js';
import type { CallSite } from './expression/call-site.js';
import { Instant } from './expression/values.js';
import type { FunctionSpec, Prepared } from './functions.js';
import type { Scope } from './scope.js';

const REMEMBERED = 100;
const readers = new Map<string, DateReader | string>();
const iso = dateReader(undefined, undefined, []);
const UTC = zoneNamed('UTC');

/** A reader for formats that an expression names; a text says what is wrong with them. */
function readerFor(format: string, zone: string | undefined): DateReader | string {
  const key = JSON.stringify([format, zone]);
  let reader = readers.get(key);
  if (reader === undefined) {
    const mistakes: DateMistake[] = [];
    reader = dateReader([format], zone, mistakes);
    const [mistake] = mistakes;
    if (mistake !== undefined)
      reader = mistake.fix === undefined ? mistake.problem : `${mistake.problem}: ${mistake.fix}`;
    if (readers.size >= REMEMBERED) readers.clear();
    readers.set(key, reader);
  }
  return reader;
}

function optionalText(site: CallSite, scope: Scope, value: unknown, index: number): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw site.wrongType(scope, index, value, 'text');
  return value;
}

function timestamp(site: CallSite, scope: Scope, args: readonly unknown[]): Instant {
  const format = optionalText(site, scope, args[1], 1) ?? 'iso';
  const reader = readerFor(format, optionalText(site, scope, args[2], 2));
  if (typeof reader === 'string') throw site.fail(reader);
  return instant(site, reader, args[0]);
}

function instant(site: CallSite, reader: DateReader, value: unknown): Instant {
  if (value instanceof Instant) return value;
  const time = reader(value);
  if (time instanceof DateFailure) throw site.fail(`${site.operand(0)} ${time.message}`);
  return new Instant(time.ms, time.flags);
}

function zoneOf(site: CallSite, scope: Scope, value: unknown): Zone {
  const name = optionalText(site, scope, value, 1);
  const zone = name === undefined ? UTC : zoneNamed(name);
  if (zone === undefined) throw site.fail(`there is no such time zone as ${site.operand(1)} says`);
  return zone;
}

function checkZone(index: number, literal: unknown): Prepared | undefined {
  if (index !== 1 || typeof literal !== 'string' || zoneNamed(literal) !== undefined) return undefined;
  return { problem: `there is no time zone "${literal}": use a name such as Europe/Lisbon` };
}

function part(name: string, about: string, gives: string, read: (wall: Date) => number): FunctionSpec {
  return {
    name,
    parameters: 'timestamp, zone?',
    least: 1,
    most: 2,
    about: `${about} A text is read as ISO 8601.`,
    example: [`${name}("2024-05-06T23:08:09Z", "Europe/Berlin")`, gives],
    onMissing: 'missing',
    prepare: checkZone,
    apply(site, scope, args) {
      const { ms } = instant(site, iso, args[0]);
      return read(new Date(zoneOf(site, scope, args[1]).wallOf(ms)));
    },
  };
}

const DAY_MS = 86_400_000;

export const DATE_FUNCTIONS: readonly FunctionSpec[] = [
  {
    name: 'timestamp',
    parameters: 'value, format?, zone?',
    least: 1,
    most: 3,
    about: 'The moment a text or number stands for, to be compared with others; formats and zones as in `created_at`.',
    example: ['timestamp("2024-05-06T09:00:00+02:00") < timestamp("06/05/2024", "dd/MM/yyyy", "UTC")', 'false'],
    onMissing: 'missing',
    prepare(index, literal) {
      if (typeof literal !== 'string' || index === 0) return undefined;
      if (index === 2) return checkZone(1, literal);
      const reader = readerFor(literal, undefined);
      return typeof reader === 'string' ? { problem: reader } : undefined;
    },
    apply: timestamp,
  },
  part('year', 'The year.', '2024', (wall) => wall.getUTCFullYear()),
  part('month', 'The month, 1 to 12.', '5', (wall) => wall.getUTCMonth() + 1),
  part('day', 'The day of the month, 1 to 31.', '7', (wall) => wall.getUTCDate()),
  part('weekday', 'The day of the week, 1 (Monday) to 7 (Sunday).', '2', (wall) => wall.getUTCDay() || 7),
  part(
    'dayOfYear',
    'The day of the year, 1 to 366.',
    '128',
    (wall) => Math.floor((wall.getTime() - Date.UTC(wall.getUTCFullYear(), 0, 1)) / DAY_MS) + 1,
  ),
  part('hour', 'The hour, 0 to 23.', '1', (wall) => wall.getUTCHours()),
  part('minute', 'The minute, 0 to 59.', '8', (wall) => wall.getUTCMinutes()),
  part('second', 'The second, 0 to 59.', '9', (wall) => wall.getUTCSeconds()),
];
