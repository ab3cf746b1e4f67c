/**
 * Local time to moments. A zone's offset is asked of Intl and remembered by the day: days without a change of offset around them (all
 * but a few a year) cost one look-up a row. A local time that daylight saving skips or doubles takes the earlier offset, the one in
 * force before the change, and is marked.
 */
import { closest } from 'fastest-levenshtein';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Days remembered per zone, at about 50 bytes each. */
const MAX_DAYS = 20_000;

export interface ZonedMoment {
  readonly ms: number;
  /** The local time does not exist, or exists twice. */
  readonly isDoubtful: boolean;
}

/** The calendar in one place: turns wall-clock time into moments and back. */
export interface Zone {
  readonly name: string;
  /** `wallMs`: the local time, as if it were UTC. */
  momentOf(wallMs: number): ZonedMoment;
  /** The local time of a moment, as if it were UTC. */
  wallOf(ms: number): number;
}

const zones = new Map<string, Zone>();

/** The zone of an IANA name, `UTC`, or an offset such as `+02:00`; undefined when there is none of that name. */
export function zoneNamed(name: string): Zone | undefined {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const zone = fixedZone(name) ?? namedZone(name);
  if (zone !== undefined && zones.size < 1000) zones.set(name, zone);
  return zone;
}

/** The name of a zone that is spelled much like `name`; undefined when none is near. */
export function nearestZone(name: string): string | undefined {
  const names = Intl.supportedValuesOf('timeZone');
  const lower = name.toLowerCase().replace(/[ -]/g, '_');
  const city = names.find((each) => each.toLowerCase().split('/').at(-1) === lower.split('/').at(-1));
  return city ?? (name.length > 3 ? closest(name, names) : undefined);
}

function fixedZone(name: string): Zone | undefined {
  let offsetMs = 0;
  if (!/^(?:utc|z|gmt)$/i.test(name)) {
    const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(name);
    if (match === null) return undefined;
    const [, sign, hours, minutes = '0'] = match;
    if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
    offsetMs = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  }
  return {
    name,
    momentOf: (wallMs) => ({ ms: wallMs - offsetMs, isDoubtful: false }),
    wallOf: (ms) => ms + offsetMs,
  };
}

function namedZone(name: string): Zone | undefined {
  // Intl takes abbreviations such as EST for zones without daylight saving, which is not what a person means by them.
  if (!name.includes('/')) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
  const offsetAt = (ms: number): number => wallClock(format, ms) - Math.floor(ms / 1000) * 1000;
  return new IanaZone(name, offsetAt);
}

function wallClock(format: Intl.DateTimeFormat, ms: number): number {
  let [year, month, day, hour, minute, second] = [0, 0, 0, 0, 0, 0];
  for (const { type, value } of format.formatToParts(ms)) {
    if (type === 'year') year += Number(value);
    else if (type === 'month') month = Number(value);
    else if (type === 'day') day = Number(value);
    else if (type === 'hour') hour = Number(value);
    else if (type === 'minute') minute = Number(value);
    else if (type === 'second') second = Number(value);
    else if (type === 'era' && value.startsWith('B')) year = 1 - year;
  }
  return utcMs(year, month, day, hour, minute, second, 0);
}

/**
 * Milliseconds of a UTC calendar time, by plain arithmetic: `Date.UTC` takes the years 0 to 99 for 1900 to 1999, and costs more. The day
 * is counted from 1 March of year 0 on, so that the leap day is the last of its year.
 */
export function utcMs(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  ms: number,
): number {
  const marchYear = month > 2 ? year : year - 1;
  const monthsSinceMarch = month > 2 ? month - 3 : month + 9;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  const days = marchYear * 365 + leapDays + Math.floor((153 * monthsSinceMarch + 2) / 5) + day - 1 - DAYS_TO_1970;
  return days * DAY_MS + hour * HOUR_MS + minute * 60_000 + second * 1000 + ms;
}

/** From 1 March of year 0 to 1 January 1970. */
const DAYS_TO_1970 = 719_468;

class IanaZone implements Zone {
  readonly name: string;
  readonly #offsetAt: (ms: number) => number;
  /** Offset of a day that has one offset from the day before to the day after; NaN for the others. */
  readonly #days = new Map<number, number>();

  constructor(name: string, offsetAt: (ms: number) => number) {
    this.name = name;
    this.#offsetAt = offsetAt;
  }

  momentOf(wallMs: number): ZonedMoment {
    const offset = this.#steadyOffset(Math.floor(wallMs / DAY_MS));
    if (!Number.isNaN(offset)) return { ms: wallMs - offset, isDoubtful: false };
    const before = this.#offsetAt(wallMs - DAY_MS);
    const after = this.#offsetAt(wallMs + DAY_MS);
    const first = wallMs - before;
    if (before === after) return { ms: first, isDoubtful: false };
    const second = wallMs - after;
    const firstHolds = this.#offsetAt(first) === before;
    const secondHolds = this.#offsetAt(second) === after;
    // One of them holds on ordinary times of such a day; both on a doubled one, neither on a skipped one.
    if (secondHolds && !firstHolds) return { ms: second, isDoubtful: false };
    return { ms: first, isDoubtful: firstHolds === secondHolds };
  }

  wallOf(ms: number): number {
    const offset = this.#steadyOffset(Math.floor(ms / DAY_MS));
    return ms + (Number.isNaN(offset) ? this.#offsetAt(ms) : offset);
  }

  #steadyOffset(day: number): number {
    let offset = this.#days.get(day);
    if (offset === undefined) {
      const start = this.#offsetAt((day - 1) * DAY_MS);
      offset = start === this.#offsetAt((day + 2) * DAY_MS) ? start : Number.NaN;
      if (this.#days.size >= MAX_DAYS) this.#days.clear();
      this.#days.set(day, offset);
    }
    return offset;
  }
}
