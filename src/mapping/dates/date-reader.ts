/**
 * Values of a row to moments, by the formats a mapping names, in their order. A text that does not say its zone is read in the zone the
 * mapping gives and marked; without one it is refused, since a guessed zone would move every event of a file.
 */
import { TIME_DST, TIME_NAIVE } from '../../model.js';
import { Instant, formatInstant, kindInWords } from '../expression/values.js';
import { readIso, rfc3339Ms } from './iso.js';
import { isInRange, type DateProblem, type ReadDate } from './parsed.js';
import { readRfc2822 } from './rfc2822.js';
import { compileTokens } from './tokens.js';
import { nearestZone, zoneNamed, type Zone } from './zone.js';

/** A moment as it will be sent (`text`, RFC 3339 with offset), in milliseconds, and what is doubtful about it (ItemTime.flags). */
export interface EventTime {
  readonly text: string;
  readonly ms: number;
  readonly flags: number;
}

/** Why a value is no moment: a stable code and a sentence that goes on after the name of the field. */
export class DateFailure {
  constructor(
    readonly code: string,
    readonly message: string,
  ) {}
}

export type DateReader = (value: unknown) => EventTime | DateFailure;

export interface DateMistake {
  readonly at: 'format' | 'zone';
  /** Place in the list of formats. */
  readonly index: number;
  readonly problem: string;
  readonly fix: string | undefined;
}

type Format = (value: string | number) => ReadDate | DateProblem | DateFailure;

const NAMED_FORMATS: Readonly<Record<string, Format>> = {
  iso: (value) => (typeof value === 'string' ? readIso(value) : numberWithoutUnit),
  rfc2822: (value) => (typeof value === 'string' ? readRfc2822(value) : numberWithoutUnit),
  epoch_s: (value) => readEpoch(value, 1000),
  epoch_ms: (value) => readEpoch(value, 1),
};

/** Formats by name; any other text is a pattern of tokens. */
export const DATE_FORMATS = Object.keys(NAMED_FORMATS);

const numberWithoutUnit = new DateFailure(
  'date-format',
  'is a number: say what it counts with format: epoch_s (seconds) or epoch_ms (milliseconds)',
);

/**
 * Compiles formats and zone. Without formats: `iso`. What cannot be right is put into `mistakes`; the reader is usable only when
 * there are none.
 */
export function dateReader(
  formats: readonly string[] | undefined,
  zoneName: string | undefined,
  mistakes: DateMistake[],
): DateReader {
  const names = formats ?? ['iso'];
  const compiled: Format[] = [];
  let readsLocal = false;
  for (const [index, name] of names.entries()) {
    const format = formatOf(name);
    if ('problem' in format) mistakes.push({ at: 'format', index, problem: format.problem, fix: format.fix });
    else {
      compiled.push(format.read);
      readsLocal ||= format.readsLocal;
    }
  }
  const zone = zoneName === undefined ? undefined : zoneOf(zoneName, mistakes);
  if (zoneName !== undefined && !readsLocal && compiled.length === names.length) {
    const problem = `${names.join(' and ')} always says the moment itself`;
    mistakes.push({ at: 'zone', index: 0, problem, fix: 'leave zone out' });
  }
  return compose(compiled, names, zone);
}

function zoneOf(name: string, mistakes: DateMistake[]): Zone | undefined {
  const zone = zoneNamed(name);
  if (zone === undefined) {
    const near = nearestZone(name);
    const fix = near === undefined ? 'use a name such as Europe/Lisbon, or UTC' : `did you mean ${near}?`;
    mistakes.push({ at: 'zone', index: 0, problem: `there is no time zone "${name}"`, fix });
  }
  return zone;
}

function formatOf(name: string): { read: Format; readsLocal: boolean } | { problem: string; fix: string | undefined } {
  const named = Object.hasOwn(NAMED_FORMATS, name) ? NAMED_FORMATS[name] : undefined;
  if (named !== undefined) return { read: named, readsLocal: !name.startsWith('epoch') };
  const tokens = compileTokens(name);
  if ('problem' in tokens) return { problem: tokens.problem, fix: tokens.fix };
  return {
    read: (value) => tokens.read(typeof value === 'string' ? value : String(value)),
    readsLocal: !tokens.hasZone,
  };
}

function compose(formats: readonly Format[], names: readonly string[], zone: Zone | undefined): DateReader {
  const wanted = names.join(' or ');
  const notThis = new DateFailure('date-format', `does not look like ${wanted}: name its format with format:`);
  const impossible = new DateFailure('date-impossible', `has the form of ${wanted}, but there is no such day or time`);
  const noZone = new DateFailure('date-without-zone', 'says no time zone: add one, e.g. zone: Europe/Lisbon');
  const outOfRange = new DateFailure('date-impossible', 'lies outside the years 0 to 9999');
  const isIsoFirst = names[0] === 'iso';
  return (value) => {
    if (isIsoFirst && typeof value === 'string') {
      const ms = rfc3339Ms(value);
      if (ms !== undefined && isInRange(ms)) return { text: value, ms, flags: 0 };
    }
    if (value instanceof Instant) return { text: value.toString(), ms: value.ms, flags: value.flags };
    if (typeof value !== 'string' && typeof value !== 'number') {
      return new DateFailure('date-format', `is ${kindInWords(value)}, not a date`);
    }
    const given = typeof value === 'string' ? value.trim() : value;
    let failure = notThis;
    for (const format of formats) {
      const read = format(given);
      if (read === 'format') continue;
      if (read === 'impossible') failure = impossible;
      else if (read instanceof DateFailure) failure = read;
      else if (read.kind === 'moment') {
        if (!isInRange(read.ms)) return outOfRange;
        return { text: read.text ?? formatInstant(read.ms), ms: read.ms, flags: 0 };
      } else return zone === undefined ? noZone : inZone(zone, read.wallMs, outOfRange);
    }
    return failure;
  };
}

function inZone(zone: Zone, wallMs: number, outOfRange: DateFailure): EventTime | DateFailure {
  const { ms, isDoubtful } = zone.momentOf(wallMs);
  if (!isInRange(ms)) return outOfRange;
  return { text: formatInstant(ms), ms, flags: isDoubtful ? TIME_NAIVE | TIME_DST : TIME_NAIVE };
}

const notANumber = new DateFailure('date-format', 'is no number of seconds or milliseconds');
const milliseconds = new DateFailure('date-impossible', 'is too large for seconds: it looks like format: epoch_ms');
const tooLarge = new DateFailure('date-impossible', 'is too large for milliseconds');

function readEpoch(value: string | number, unitMs: number): ReadDate | DateFailure {
  if (typeof value === 'string' && !/^[+-]?\d{1,20}(?:\.\d{1,12})?$/.test(value)) return notANumber;
  const ms = Math.floor(Number(value) * unitMs + 1e-6);
  if (!isInRange(ms)) return unitMs === 1000 ? milliseconds : tooLarge;
  return { kind: 'moment', ms, text: undefined };
}
