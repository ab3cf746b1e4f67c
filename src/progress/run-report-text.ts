/** What `status` says of a run, for people. Rule: the first line tells the truth in words, and what is not fresh is called so. */
import type { RunBooks, RunReport } from '../run-report.js';
import { printable } from './escape.js';
import { count, counted } from './format.js';
import { createPaint, type Paint } from './paint.js';
import { conditionSentence, titleOf } from './run-words.js';
import { minuteOf } from './runs-text.js';
import { batchLines, outcomesText, sum, type TextOptions } from './summary.js';
import { errorLines, field } from './text-parts.js';

const MAX_SOURCES = 3;

/** All of it. */
export function runReportText(report: RunReport, options: TextOptions): string {
  const paint = createPaint(options.color);
  const lines = head(report, paint);
  if (report.batches.length > 0) lines.push('', ...batchLines(report.batches, options, paint));
  if (report.errors.length > 0) lines.push('', paint.bold('Not dealt with'), ...errorLines(report.errors, paint));
  if (report.files.length > 0) lines.push('', paint.bold('Written'));
  for (const file of report.files) lines.push(`  ${printable(file, 4096)}`);
  return `${lines.join('\n')}\n`;
}

/** What fits a small terminal while it is followed. */
export function liveText(report: RunReport, { color }: TextOptions): string {
  return `${head(report, createPaint(color)).join('\n')}\n`;
}

function head(report: RunReport, paint: Paint): string[] {
  const sentence = conditionSentence(report);
  const tone = { good: paint.good, warning: paint.warn, bad: paint.bad }[sentence.tone];
  const { books } = report;
  const lines = [
    paint.bold(tone(printable(sentence.text))),
    field('run', printable(titleOf(report)), paint),
    field('project', printable(`${report.project} at ${report.host}`), paint),
    field('started', startedText(report), paint),
    field('read', readText(report), paint),
    field('handover', handoverText(report), paint),
    field('processing', processingText(books), paint),
    ...booksLines(books, paint),
  ];
  if (report.staleness !== undefined) {
    lines.push(field('not fresh', paint.warn(`${printable(report.staleness)}; this is what the ledger knows`), paint));
  }
  return lines;
}

function startedText({ startedAt, endedAt, tries, lastStatus, parent }: RunReport): string {
  const parts = [
    minuteOf(startedAt),
    ...(tries > 1 ? [`${counted(tries, 'try', 'tries')}`] : []),
    ...(endedAt === undefined
      ? []
      : [`the last ended ${minuteOf(endedAt)}${lastStatus === undefined ? '' : ` as ${lastStatus}`}`]),
    ...(parent === undefined ? [] : [`a retry of ${parent}`]),
  ];
  return printable(parts.join(', '));
}

function readText({ isComplete, stoppedAt, sources }: RunReport): string {
  const named = sources.slice(0, MAX_SOURCES).join(', ');
  const more = sources.length > MAX_SOURCES ? ` and ${counted(sources.length - MAX_SOURCES, 'more', 'more')}` : '';
  const from = named === '' ? '' : ` of ${named}${more}`;
  if (isComplete) return printable(`all${from}`);
  return printable(stoppedAt === undefined ? `not all${from}` : `up to ${stoppedAt}${from}`);
}

function handoverText({ books, batches }: RunReport): string {
  if (batches.length === 0) return 'nothing yet';
  const drafts = books.inDrafts > 0 ? `, ${count(books.inDrafts)} in drafts` : '';
  return `${count(books.handedOver)} of ${counted(books.items.accepted, 'item')} in ${counted(batches.length, 'batch', 'batches')}${drafts}`;
}

function processingText({ outcomes }: RunBooks): string {
  const lost = outcomes.lost > 0 ? `, ${count(outcomes.lost)} not accounted for` : '';
  return `${outcomesText(outcomes) ?? 'nothing yet'}${lost}`;
}

function booksLines({ records, items, isFinal }: RunBooks, paint: Paint): string[] {
  if (records === undefined || items.produced === undefined) {
    return [field('items', `${count(items.accepted)} accepted, ${count(items.rejected)} rejected`, paint)];
  }
  const sofar = isFinal ? '' : ' so far';
  const partly = records.partlyRejected > 0 ? ` (${count(records.partlyRejected)} of the mapped in part)` : '';
  const split = sum(records.read, `read${sofar}`, [
    [records.mapped, 'mapped'],
    [records.skipped, 'skipped'],
    [records.rejected, 'rejected'],
  ]);
  // What was accepted may lie ahead of what is counted, as long as input is left.
  const made = isFinal
    ? sum(items.produced, 'produced', [
        [items.accepted, 'accepted'],
        [items.known ?? 0, 'already known'],
        [items.rejected, 'rejected'],
      ])
    : `${count(items.accepted)} accepted${sofar}, ${count(items.known ?? 0)} already known, ${count(items.rejected)} rejected`;
  return [field('records', `${split}${partly}`, paint), field('items', made, paint)];
}
