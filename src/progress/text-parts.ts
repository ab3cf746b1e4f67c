/** Lines that the last words of a run and of a check have in common. */
import type { ErrorGroup, TimeSafety } from '../events.js';
import { printable } from './escape.js';
import { count, counted } from './format.js';
import type { Paint } from './paint.js';

const LABEL_COLUMNS = 11;
const MAX_GROUPS = 10;
const MAX_DESTINATIONS = 5;

/** The sources may be empty, or the flags may pass over everything in them: who only sees the counts cannot tell. */
export const NO_RECORDS = 'the sources hold no records, or --skip and --limit leave none';

/** `  records    1,300 read`, with the label aligned to the others. */
export function field(label: string, text: string, paint: Paint): string {
  return `  ${paint.dim(label.padEnd(LABEL_COLUMNS))}${text}`;
}

/** Several values under one label. */
export function fields(label: string, texts: readonly string[], paint: Paint): string[] {
  return texts.map((text, at) => field(at === 0 ? label : '', text, paint));
}

/** `12 users, 3 threads`, zeros left out; undefined when all are zero. */
export function destinationsText(of: {
  readonly users: number;
  readonly graphs: number;
  readonly threads: number;
}): string | undefined {
  const parts = [
    ...(of.users > 0 ? [counted(of.users, 'user')] : []),
    ...(of.graphs > 0 ? [counted(of.graphs, 'graph')] : []),
    ...(of.threads > 0 ? [counted(of.threads, 'thread')] : []),
  ];
  return parts.length === 0 ? undefined : parts.join(', ');
}

/** What is doubtful about event times; nothing when nothing is. */
export function timeWarnings(time: TimeSafety): string[] {
  const warnings: string[] = [];
  const warn = (items: number, text: string, kind: string): void => {
    const first = time.first?.[kind];
    const place = first === undefined ? '' : ` (first: ${printable(first, 200)})`;
    if (items > 0) warnings.push(`${counted(items, 'item')} ${text}${place}`);
  };
  warn(time.undated, 'without created_at: the service dates their facts at import time', 'undated');
  warn(time.naive, "dated by a text without zone, read in the mapping's zone", 'naive');
  warn(time.dst, 'at a local time that daylight saving skips or doubles: the earlier offset was taken', 'dst');
  warn(time.future, 'dated in the future', 'future');
  warn(time.before1990, 'dated before 1990', 'before1990');
  warn(time.epoch1970, 'dated in January 1970: seconds taken for milliseconds?', 'epoch1970');
  warn(time.late ?? 0, 'older than one of their destination that was sent before: they come after it', 'late');
  if (time.outOfOrder > 0) {
    const named = time.outOfOrderDestinations.slice(0, MAX_DESTINATIONS);
    const names = named.map(({ destination, items }) => `${printable(destination, 100)} (${count(items)})`);
    const more = time.outOfOrderDestinations.length > named.length ? ', ...' : '';
    const where = names.length === 0 ? '' : `: ${names.join(', ')}${more}`;
    warn(time.outOfOrder, `older than the item before them in the same destination${where}`, 'outOfOrder');
  }
  return warnings;
}

export function inexactText(numbers: number): string {
  return `${counted(numbers, 'number')} kept as text, since a double cannot hold ${numbers === 1 ? 'it' : 'them'} exactly`;
}

/** The first errors of each kind with their counts, aligned. */
export function errorLines(groups: readonly ErrorGroup[], paint: Paint): string[] {
  const shown = groups.slice(0, MAX_GROUPS);
  const width = shown.reduce((most, group) => Math.max(most, count(group.count).length), 0);
  const lines = shown.map((group) => {
    const first = group.first === '' ? '' : paint.dim(` (first: ${printable(group.first, 300)})`);
    const times = paint.bad(`${count(group.count).padStart(width)} x`);
    return `  ${times} ${printable(group.message)} [${printable(group.stage, 40)} ${printable(group.code, 80)}]${first}`;
  });
  const rest = groups.slice(MAX_GROUPS);
  if (rest.length > 0) {
    const rows = rest.reduce((sum, group) => sum + group.count, 0);
    lines.push(`  and ${counted(rest.length, 'more kind', 'more kinds')} of error (${count(rows)} times)`);
  }
  return lines;
}
