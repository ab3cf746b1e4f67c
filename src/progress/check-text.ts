/** The report of `check` for people. Rule: its first line says whether rows would be lost, and that nothing was sent. */
import type { CheckReport } from '../check-report.js';
import { printable } from './escape.js';
import { bytes, count, counted, duration, seconds } from './format.js';
import { createPaint, type Paint } from './paint.js';
import type { Sentence } from './status-words.js';
import type { TextOptions } from './summary.js';
import { NO_RECORDS, destinationsText, errorLines, field, fields, inexactText, timeWarnings } from './text-parts.js';

/** The report, each line with its line end. */
export function checkText(report: CheckReport, options: TextOptions): string {
  const paint = createPaint(options.color);
  const lines = [
    headline(report, paint),
    ...(report.testsOnly === true ? tests(report, paint) : figures(report, paint)),
  ];
  lines.push(...coverage(report, paint));
  const warnings = timeWarnings(report.time);
  if (report.inexactNumbers > 0) warnings.push(inexactText(report.inexactNumbers));
  if (warnings.length > 0 || report.notices.length > 0) lines.push('', paint.bold('Worth a look'));
  lines.push(...warnings.map((text) => `  ${paint.warn(text)}`));
  for (const { level, message, hint } of report.notices) {
    lines.push(`  ${level === 'warning' ? paint.warn(printable(message)) : printable(message)}`);
    if (hint !== undefined) lines.push(`    ${paint.dim(printable(hint))}`);
  }
  if (report.rejects.length > 0) lines.push('', paint.bold('Would be rejected'), ...errorLines(report.rejects, paint));
  if (report.next !== undefined) lines.push('', `${paint.bold('Next:')} ${paint.accent(printable(report.next, 4096))}`);
  return `${lines.join('\n')}\n`;
}

function headline(report: CheckReport, paint: Paint): string {
  const { tone, text } = checkSentence(report);
  const color = { good: paint.good, warning: paint.warn, bad: paint.bad }[tone];
  return paint.bold(color(`Check: ${text}`));
}

/** What it found, in one sentence. */
export function checkSentence({ records, items, tests, testsOnly }: CheckReport): Sentence {
  const lost = records.rejected + records.partlyRejected;
  const told: string[] = [];
  if (testsOnly === true) {
    if ((tests?.failed ?? 0) === 0) told.push(`${counted(tests?.passed ?? 0, 'test')} of the mapping passed`);
  } else if (records.read === 0) told.push(NO_RECORDS);
  else if (lost > 0) told.push(`${count(lost)} of ${counted(records.read, 'row')} would be rejected`);
  else if (items.rejected > 0) told.push(`${counted(items.rejected, 'item')} would be rejected`);
  else if (items.total === 0) told.push('the mapping keeps no record');
  else told.push(`all ${counted(records.read, 'row')} can be imported`);
  if (tests !== undefined && tests.failed > 0) told.push(`${counted(tests.failed, 'test')} of the mapping failed`);
  const bad = lost > 0 || items.rejected > 0 || (tests?.failed ?? 0) > 0;
  const tone = bad ? 'bad' : items.total === 0 && testsOnly !== true ? 'warning' : 'good';
  return { tone, text: `${told.join('; ')}. Nothing was sent.` };
}

function figures(report: CheckReport, paint: Paint): string[] {
  return [...books(report, paint), ...tests(report, paint), ...price(report, paint)];
}

function tests({ tests: of }: CheckReport, paint: Paint): string[] {
  return of === undefined ? [] : [field('tests', `${count(of.passed)} passed, ${count(of.failed)} failed`, paint)];
}

function books({ records, items, destinations }: CheckReport, paint: Paint): string[] {
  const partly = records.partlyRejected > 0 ? ` (${count(records.partlyRejected)} of the mapped in part)` : '';
  const split = `${count(records.mapped)} mapped + ${count(records.skipped)} skipped + ${count(records.rejected)} rejected`;
  const lines = [field('records', `${count(records.read)} read = ${split}${partly}`, paint)];
  const kinds = [
    ...(items.episodes > 0 ? [counted(items.episodes, 'episode')] : []),
    ...(items.messages > 0 ? [counted(items.messages, 'thread message')] : []),
  ];
  const asides = [
    ...(items.parts > 0 ? [`${counted(items.parts, 'part')} of longer texts`] : []),
    ...(items.known > 0 ? [`${count(items.known)} in the input more than once, sent once`] : []),
    ...(items.rejected > 0 ? [`${count(items.rejected)} rejected`] : []),
  ];
  const what = kinds.length === 0 ? '' : `: ${kinds.join(', ')}`;
  lines.push(
    field('items', `${count(items.total)}${what}${asides.length === 0 ? '' : ` (${asides.join('; ')})`}`, paint),
  );
  const to = destinationsText(destinations);
  const unowned =
    destinations.unownedThreads > 0
      ? ` (${counted(destinations.unownedThreads, 'thread')} without an owner in the mapping)`
      : '';
  if (to !== undefined) lines.push(field('to', `${to}${unowned}`, paint));
  return lines;
}

function coverage({ coverage: of, time, testsOnly }: CheckReport, paint: Paint): string[] {
  if (testsOnly === true) return [];
  const lines: string[] = [];
  if (time.earliestMs !== undefined && time.latestMs !== undefined) {
    lines.push(field('times', `${dayOf(time.earliestMs)} to ${dayOf(time.latestMs)}`, paint));
  }
  if (of.unused.length > 0) {
    const named = of.unused
      .slice(0, MOST_COLUMNS)
      .map(({ column, records }) => `${printable(column, 60)} (${count(records)})`);
    const more = of.unused.length - named.length + of.moreUnused;
    lines.push(
      field('not used', `${named.join(', ')}${more > 0 ? ` and ${counted(more, 'more column')}` : ''}`, paint),
    );
  }
  if (of.sparse.length > 0) {
    const named = of.sparse
      .slice(0, MOST_COLUMNS)
      .map(({ field: name, items, of: all }) => `${printable(name, 60)} in ${count(items)} of ${count(all)}`);
    lines.push(field('partly', named.join(', '), paint));
  }
  return lines.length === 0 ? [] : ['', paint.bold('Coverage'), ...lines];
}

const MOST_COLUMNS = 8;

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** What the import would take: calls, batches, credits, time. */
function price(
  { calls, batches, batchesMost, credits, bytesToSend, pace, bytesRead, durationMs }: CheckReport,
  paint: Paint,
): string[] {
  const { setup } = calls;
  const parts: [number, string][] = [
    [calls.project, 'for the project'],
    [setup.users, 'for users'],
    [setup.graphs, 'for graphs'],
    [setup.threads, 'for threads'],
    [setup.threadOwners, 'for owners of threads'],
    [calls.create, 'to create batches'],
    [calls.add, 'to add items'],
    [calls.verify, 'to verify them'],
    [calls.process, 'to process'],
    [calls.follow, 'or more to follow'],
  ];
  const told = parts.filter(([number]) => number > 0).map(([number, word]) => `${count(number)} ${word}`);
  const lanes = batchesMost > batches ? ', as lanes are added when a batch overflows (--concurrency fixes it)' : '';
  return [
    field('calls', `${count(calls.total)} or more: ${told.join(', ')}`, paint),
    ...(batches > 0 ? fields('time', times(pace), paint) : []),
    field(
      'batches',
      batchesMost > batches ? `${count(batches)} to ${count(batchesMost)}${lanes}` : count(batches),
      paint,
    ),
    field(
      'cost',
      `${counted(credits, 'credit')} (one for each started 350 bytes of an item), ${bytes(bytesToSend)} to send`,
      paint,
    ),
    field('checked', `${bytes(bytesRead)} in ${duration(durationMs)}`, paint),
  ];
}

/** A faster pace that changes nothing is left out. */
function times(pace: CheckReport['pace']): readonly string[] {
  const told: string[] = [];
  let last = '';
  for (const { callsPerMinute, minutes } of pace) {
    const time = seconds(Math.max(1, minutes * 60));
    if (time !== last) told.push(`at least ${time} at ${count(callsPerMinute)} calls a minute`);
    last = time;
  }
  return told;
}
