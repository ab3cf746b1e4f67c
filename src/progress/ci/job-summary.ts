/**
 * The summary of a run or a check as Markdown, for the page of a CI job. Rule: bounded in size whatever the run was, and text of data or of the
 * service stands only where it cannot become markup (markdown.ts).
 */
import type { CheckReport } from '../../check-report.js';
import type { BatchResult, ErrorGroup, RunSummary } from '../../events.js';
import { count, counted, duration } from '../format.js';
import { statusSentence, type Sentence } from '../status-words.js';
import { outcomesText } from '../summary.js';
import { checkSentence } from '../check-text.js';
import { timeWarnings } from '../text-parts.js';
import type { CiRecord } from './ci-record.js';
import { block, cell, code, table } from './markdown.js';

const MAX_BATCHES = 30;
const MAX_GROUPS = 15;
const MAX_NOTES = 10;
const MAX_LINES = 20;

/** How every summary begins, by which one that was written before is known. */
export const SUMMARY_HEADING = '### zep-import';

const ICONS: Readonly<Record<Sentence['tone'], string>> = { good: '✅', warning: '⚠️', bad: '❌' };

/** Ends with an empty line, so that another may follow. */
export function jobSummary(record: CiRecord, command: string): string {
  const { summary, check, exitError } = record;
  const lines =
    summary !== undefined
      ? [...runLines(summary, command), ...endingLines(record)]
      : check !== undefined
        ? checkLines(check)
        : [heading(command, { tone: 'bad', text: `Failed: exit code ${exitError?.exitCode ?? 1}` })];
  if (summary === undefined && check === undefined) lines.push(...endingLines(record));
  const next = summary?.next ?? check?.next;
  if (next !== undefined) lines.push('', 'Next:', '', ...block([next], 'sh'));
  return `${lines.join('\n')}\n\n`;
}

function heading(command: string, { tone, text }: Sentence): string {
  return `${SUMMARY_HEADING} ${command}: ${ICONS[tone]} ${text}`;
}

function runLines(summary: RunSummary, command: string): string[] {
  const { records, items, calls } = summary;
  const facts = [`run ${code(summary.run)}`, `exit code ${summary.exitCode}`, duration(summary.durationMs)];
  return [
    heading(command, statusSentence(summary)),
    '',
    facts.join(', '),
    '',
    ...countsTable([
      ['records read', records.read],
      ['records mapped', records.mapped],
      ['records skipped', records.skipped],
      ['records rejected', records.rejected],
      ['records rejected in part', records.partlyRejected],
      ['items produced', items.produced],
      ['items accepted', items.accepted],
      ['items already known', items.known],
      ['items rejected', items.rejected],
      ['items succeeded', items.succeeded],
      ['items failed', items.failed],
      ['items skipped by the service', items.skipped],
      ['items canceled', items.canceled],
      ['items open', items.open],
      ['calls', calls.total],
    ]),
    ...batchLines(summary.batches),
    ...groupLines('Errors', summary.errors),
    ...listLines('Worth a look', timeWarnings(summary.time)),
    ...listLines('Notes', summary.notes),
  ];
}

function checkLines(report: CheckReport): string[] {
  const { records, items, calls } = report;
  return [
    heading('check', checkSentence(report)),
    '',
    ...countsTable([
      ['records read', records.read],
      ['records mapped', records.mapped],
      ['records skipped', records.skipped],
      ['records rejected', records.rejected],
      ['records rejected in part', records.partlyRejected],
      ['items', items.total],
      ['items rejected', items.rejected],
      ['tests of the mapping passed', report.tests?.passed ?? 0],
      ['tests of the mapping failed', report.tests?.failed ?? 0],
      ['batches', report.batches],
      ['calls, at least', calls.total],
      ['credits', report.credits],
    ]),
    ...groupLines('Would be rejected', report.rejects),
    ...listLines('Worth a look', [...timeWarnings(report.time), ...report.notices.map(({ message }) => message)]),
  ];
}

/** Zeros say nothing, but for what was read. */
function countsTable(rows: readonly (readonly [string, number])[]): string[] {
  const told = rows.filter(([, number], at) => at === 0 || number > 0);
  return table(
    ['', 'count'],
    told.map(([name, number]) => [name, count(number)]),
  );
}

/** Batches that did not simply succeed come first. */
function batchLines(batches: readonly BatchResult[]): string[] {
  if (batches.length === 0) return [];
  const rank = ({ status, counts }: BatchResult): number =>
    status === 'succeeded' && (counts === undefined || counts.succeeded === counts.total) ? 1 : 0;
  const shown = [...batches].sort((a, b) => rank(a) - rank(b) || a.number - b.number).slice(0, MAX_BATCHES);
  const rows = shown.map(({ number, batch, status, items, counts }) => [
    `${count(number)} ${cell(batch)}`,
    cell(status),
    count(items),
    counts === undefined ? 'not told yet' : (outcomesText({ ...counts, open: 0 }) ?? ''),
  ]);
  const hidden = batches.length - shown.length;
  return [
    '',
    ...table(['batch', 'status', 'items', 'outcome'], rows),
    ...(hidden > 0 ? ['', `and ${counted(hidden, 'more batch', 'more batches')}`] : []),
  ];
}

function groupLines(title: string, groups: readonly ErrorGroup[]): string[] {
  if (groups.length === 0) return [];
  const lines = groups.slice(0, MAX_GROUPS).map(({ stage, code: name, message, count: times, first }) => {
    const place = first === '' ? '' : `, first at ${code(first)}`;
    return `- ${count(times)} × ${code(message)} (${code(`${stage} ${name}`)}${place})`;
  });
  const rest = groups.length - lines.length;
  return [
    '',
    `**${title}**`,
    '',
    ...lines,
    ...(rest > 0 ? [`- and ${counted(rest, 'more kind', 'more kinds')} of error`] : []),
  ];
}

function listLines(title: string, texts: readonly string[]): string[] {
  if (texts.length === 0) return [];
  return ['', `**${title}**`, '', ...texts.slice(0, MAX_NOTES).map((text) => `- ${code(text)}`)];
}

/** What ended it, and what to do. */
function endingLines({ exitError }: CiRecord): string[] {
  if (exitError === undefined) return [];
  const { code: name, message, hint } = exitError;
  const text = message.split('\n').slice(0, MAX_LINES);
  return ['', `Error ${code(name)}:`, '', ...block([...text, ...(hint === undefined ? [] : [hint])])];
}
