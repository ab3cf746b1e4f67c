/** Which column says when, and how its times are written. */
import { DateFailure, dateReader } from '../mapping/index.js';
import type { Column } from './columns.js';

export interface TimeGuess {
  readonly path: string;
  readonly format: string;
  /** The times say no zone of their own. */
  readonly isLocal: boolean;
  /** The other reading, where day and month cannot be told apart. */
  readonly otherwise: string | undefined;
  /** The order of the rows speaks for the reading that was chosen. */
  readonly isByOrder: boolean;
}

const CLOCKS = ['', ' HH:mm', ' HH:mm:ss', ' h:mm a', ' h:mm:ss a', ', HH:mm', ', HH:mm:ss', ', h:mm a', ', h:mm:ss a'];
const DAYS = [
  'yyyy/MM/dd',
  'dd/MM/yyyy',
  'MM/dd/yyyy',
  'd/M/yyyy',
  'M/d/yyyy',
  'dd.MM.yyyy',
  'd.M.yyyy',
  'dd-MM-yyyy',
  'MM-dd-yyyy',
  'd/M/yy',
  'M/d/yy',
  'd.M.yy',
];
const WORDED = [
  'd MMM yyyy',
  'd MMMM yyyy',
  'MMM d, yyyy',
  'MMMM d, yyyy',
  'd MMM, yyyy',
  'd MMMM, yyyy',
  'd-MMM-yyyy',
  'dd/MMM/yy',
];
const FORMATS = [
  'iso',
  'rfc2822',
  ...[...DAYS, ...WORDED].flatMap((day) => CLOCKS.map((clock) => day + clock)),
  ...['d MMMM, yyyy', 'd MMM yyyy', 'MMMM d, yyyy'].flatMap((day) => [`h:mm a 'on' ${day}`, `h:mm a ${day}`]),
  'EEE MMM dd HH:mm:ss ZZZ yyyy',
];
const OTHERWISE: readonly (readonly [string, string])[] = [
  ['dd/MM/', 'MM/dd/'],
  ['d/M/', 'M/d/'],
  ['dd-MM-', 'MM-dd-'],
];
/** So many values are looked at. */
const MOST_VALUES = 500;
/** This share of them must be readable. */
const SHARE = 0.98;
const NAMES: readonly (readonly [RegExp, number])[] = [
  [
    /^(?:created|sent|posted|published|opened|submitted|received|started|occurred)(?: (?:at|on|date|time|datetime|utc|ts|timestamp))?$/,
    10,
  ],
  [/\b(?:created|sent|posted|published|opened|submitted|received|started|occurred)\b/, 8],
  [/^(?:timestamp|ts|datetime|date time|date|time|when|at)$/, 7],
  [/\b(?:timestamp|date|datetime)\b/, 5],
  [/\b(?:time|at|on|ts)$/, 4],
  [/\b(?:updated|modified|edited|closed|resolved|solved|due|deleted|last|expires?|birth)\b/, -9],
];

export function guessTime(columns: readonly Column[]): TimeGuess | undefined {
  let best: { readonly guess: TimeGuess; readonly score: number } | undefined;
  for (const column of columns) {
    if (!column.isScalar || column.given === 0) continue;
    const named = NAMES.reduce((sum, [pattern, weight]) => sum + (pattern.test(column.words) ? weight : 0), 0);
    const guess = guessFormat(column, named > 0);
    if (guess === undefined) continue;
    const score = named + (column.given / Math.max(1, column.rows)) * 5;
    if (best === undefined || score > best.score) best = { guess, score };
  }
  return best?.guess;
}

export function guessFormat(column: Pick<Column, 'path' | 'values'>, isNamed: boolean): TimeGuess | undefined {
  const values = column.values.slice(0, MOST_VALUES);
  const epoch = epochOf(values, isNamed);
  if (epoch !== undefined)
    return { path: column.path, format: epoch, isLocal: false, otherwise: undefined, isByOrder: false };
  if (
    !values.every((value) => typeof value === 'string' && /\d/.test(value) && value.length >= 6 && value.length <= 48)
  ) {
    return undefined;
  }
  const fitting = FORMATS.filter((format) => share(values, format) >= SHARE);
  const [first] = fitting;
  if (first === undefined) return undefined;
  const pair = OTHERWISE.find(([a]) => first.startsWith(a));
  const other = pair === undefined ? undefined : first.replace(pair[0], pair[1]);
  const isLocal = timesOf(values, first, undefined).length < values.length * SHARE;
  const plain = { path: column.path, isLocal };
  if (other === undefined || !fitting.includes(other)) {
    return { ...plain, format: first, otherwise: undefined, isByOrder: false };
  }
  const [a, b] = [disorder(values, first), disorder(values, other)];
  if (a !== b) {
    return { ...plain, format: a < b ? first : other, otherwise: a < b ? other : first, isByOrder: true };
  }
  return { ...plain, format: other, otherwise: first, isByOrder: false };
}

/** Times that go back, if the rows are in order one way or the other. */
function disorder(values: readonly unknown[], format: string): number {
  const times = timesOf(values, format, 'UTC');
  let back = 0;
  let forth = 0;
  for (let i = 1; i < times.length; i++) {
    const step = (times[i] ?? 0) - (times[i - 1] ?? 0);
    if (step < 0) back += 1;
    else if (step > 0) forth += 1;
  }
  return Math.min(back, forth);
}

function share(values: readonly unknown[], format: string): number {
  // Most formats do not fit the first value.
  if (timesOf(values.slice(0, 1), format, 'UTC').length === 0) return 0;
  return timesOf(values, format, 'UTC').length / values.length;
}

function timesOf(values: readonly unknown[], format: string, zone: string | undefined): readonly number[] {
  const read = dateReader([format], zone, []);
  return values.flatMap((value) => {
    const time = read(value);
    return time instanceof DateFailure ? [] : [time.ms];
  });
}

const EARLIEST = Date.UTC(1995, 0, 1);
const LATEST = Date.UTC(2045, 0, 1);

/** Numbers are only times when they all are of our days; a column that is not named like one must have nine digits at least. */
function epochOf(values: readonly unknown[], isNamed: boolean): string | undefined {
  const numbers = values.map((value) =>
    typeof value === 'number'
      ? value
      : typeof value === 'string' && /^\d{9,16}(?:\.\d+)?$/.test(value.trim())
        ? Number(value)
        : Number.NaN,
  );
  const all = (unit: number): boolean => numbers.every((each) => each * unit > EARLIEST && each * unit < LATEST);
  if (!isNamed || numbers.length === 0) return undefined;
  return all(1000) ? 'epoch_s' : all(1) ? 'epoch_ms' : undefined;
}
