/**
 * The last lines of a run: what became of every record and item, what went wrong, what was written, and what to type next. Rule: the
 * first line tells the truth in words; nothing that was skipped, canceled, failed or is still open hides behind "done".
 */
import type { BatchResult, RunSummary } from '../events.js';
import { printable } from './escape.js';
import { bytes, count, counted, duration, rate } from './format.js';
import { createPaint, type Paint } from './paint.js';
import { statusSentence } from './status-words.js';
import { renderTable } from './table.js';
import { destinationsText, errorLines, field, inexactText, timeWarnings } from './text-parts.js';

export interface TextOptions {
  readonly color: boolean;
  /** Width of the terminal; undefined when the output is no terminal. */
  readonly columns: number | undefined;
}

const MAX_BATCHES = 10;

/** The last lines, each with its line end. */
export function summaryText(summary: RunSummary, options: TextOptions): string {
  const paint = createPaint(options.color);
  const lines = [headline(summary, paint), ...books(summary, paint), ...work(summary, paint)];
  const warnings = timeWarnings(summary.time);
  if (summary.inexactNumbers > 0) warnings.push(inexactText(summary.inexactNumbers));
  if (warnings.length > 0)
    lines.push('', paint.bold('Worth a look'), ...warnings.map((text) => `  ${paint.warn(text)}`));
  if (summary.batches.length > 0) lines.push('', ...batchLines(summary.batches, options, paint));
  if (summary.errors.length > 0) lines.push('', paint.bold('Errors'), ...errorLines(summary.errors, paint));
  if (summary.files.length > 0) lines.push('', paint.bold('Written'));
  for (const file of summary.files) lines.push(`  ${printable(file, 4096)}`);
  if (summary.notes.length > 0) lines.push('', ...summary.notes.map((note) => printable(note)));
  if (summary.next !== undefined)
    lines.push('', `${paint.bold('Next:')} ${paint.accent(printable(summary.next, 4096))}`);
  return `${lines.join('\n')}\n`;
}

function headline(summary: RunSummary, paint: Paint): string {
  const sentence = statusSentence(summary);
  const color = { good: paint.good, warning: paint.warn, bad: paint.bad }[sentence.tone];
  return paint.bold(color(sentence.text));
}

function books({ run, records, items, created }: RunSummary, paint: Paint): string[] {
  const partly = records.partlyRejected > 0 ? ` (${count(records.partlyRejected)} of the mapped in part)` : '';
  const lines = [
    field('run', printable(run, 200), paint),
    field(
      'records',
      `${sum(records.read, 'read', [
        [records.mapped, 'mapped'],
        [records.skipped, 'skipped'],
        [records.rejected, 'rejected'],
      ])}${partly}`,
      paint,
    ),
    field(
      'items',
      sum(items.produced, 'produced', [
        [items.accepted, 'accepted'],
        [items.known, 'already known'],
        [items.rejected, 'rejected'],
        ...unsent(items),
      ]),
      paint,
    ),
  ];
  if ((items.updated ?? 0) > 0) {
    lines.push(
      field('updated', `${counted(items.updated ?? 0, 'item')} sent again under a known key, with new content`, paint),
    );
  }
  const outcome = outcomesText(items);
  if (outcome !== undefined) lines.push(field('processed', outcome, paint));
  const made = destinationsText(created);
  if (made !== undefined) lines.push(field('created', made, paint));
  return lines;
}

/** What was mapped when the run stopped, and went nowhere. */
function unsent(items: RunSummary['items']): readonly (readonly [number, string])[] {
  const left = items.produced - items.accepted - items.known - items.rejected;
  return left > 0 ? [[left, 'not sent']] : [];
}

/** `1,300 read = 1,234 mapped + 60 skipped + 6 rejected`. */
export function sum(total: number, word: string, parts: readonly (readonly [number, string])[]): string {
  return `${count(total)} ${word} = ${parts.map(([number, name]) => `${count(number)} ${name}`).join(' + ')}`;
}

/** `4,407 succeeded, 3 failed`, zeros left out; undefined when all are zero. */
export function outcomesText(items: {
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly canceled: number;
  readonly open: number;
}): string | undefined {
  const outcomes: [number, string][] = [
    [items.succeeded, 'succeeded'],
    [items.failed, 'failed'],
    [items.skipped, 'skipped by the service'],
    [items.canceled, 'canceled'],
    [items.open, 'open'],
  ];
  const told = outcomes.filter(([number]) => number > 0);
  return told.length === 0 ? undefined : told.map(([number, word]) => `${count(number)} ${word}`).join(', ');
}

function work({ calls, bytes: size, durationMs, items }: RunSummary, paint: Paint): string[] {
  const minutes = durationMs / 60_000;
  const details = [`${count(calls.add)} with items`];
  if (calls.repeated > 0) details.push(`${count(calls.repeated)} repeated`);
  if (calls.rateLimited > 0) details.push(`${count(calls.rateLimited)} refused by the rate limit`);
  const pace = minutes >= 1 ? `, ${count(calls.total / minutes)} a minute` : '';
  const speed = durationMs >= 1000 && items.accepted > 0 ? `, ${rate((items.accepted * 1000) / durationMs)}` : '';
  return [
    field('calls', `${count(calls.total)} (${details.join(', ')})${pace}`, paint),
    field('bytes', `${bytes(size.read)} read, ${bytes(size.sent)} sent`, paint),
    field('duration', `${duration(durationMs)}${speed}`, paint),
  ];
}

/** Batches that did not simply succeed come first: those are the ones to look at. */
export function batchLines(batches: readonly BatchResult[], { columns }: TextOptions, paint: Paint): string[] {
  const rank = ({ status, counts }: BatchResult): number =>
    status === 'succeeded' && (counts === undefined || counts.succeeded === counts.total) ? 1 : 0;
  const shown = [...batches].sort((a, b) => rank(a) - rank(b) || a.number - b.number).slice(0, MAX_BATCHES);
  const table = renderTable({
    columns: [
      { title: 'Batch', align: 'right' },
      { title: 'id', whole: true },
      { title: 'status', whole: true },
      { title: 'items', align: 'right' },
      { title: 'outcome', whole: true },
    ],
    rows: shown.map(({ number, batch, status, items, counts }) => [
      count(number),
      batch,
      status,
      count(items),
      counts === undefined ? 'not told yet' : (outcomesText({ ...counts, open: 0 }) ?? ''),
    ]),
    width: columns,
    paintTitle: paint.bold,
    paintCell: (text, column, row) => (column === 2 ? statusColor(shown[row]?.status ?? '', paint)(text) : text),
  });
  const lines = table.trimEnd().split('\n');
  const hidden = batches.length - shown.length;
  return hidden > 0 ? [...lines, `and ${counted(hidden, 'more batch', 'more batches')}`] : lines;
}

function statusColor(status: string, paint: Paint): (text: string) => string {
  if (status === 'succeeded') return paint.good;
  return status === 'failed' || status === 'invalid' || status === 'partial' ? paint.bad : paint.warn;
}
