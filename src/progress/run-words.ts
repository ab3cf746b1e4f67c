/** Where a run stands, in words. Pure. */
import type { RunCondition, RunLine, RunReport } from '../run-report.js';
import { count, counted } from './format.js';
import type { Sentence } from './status-words.js';

/** For a column of a table. */
export const CONDITION_WORDS: Readonly<Record<RunCondition, string>> = {
  running: 'running',
  unfinished: 'not finished',
  staged: 'drafts wait',
  processing: 'processing',
  'completed-with-errors': 'with errors',
  completed: 'done',
  closed: 'given up',
};

export const CONDITION_TONES: Readonly<Record<RunCondition, Sentence['tone']>> = {
  running: 'warning',
  unfinished: 'warning',
  staged: 'warning',
  processing: 'warning',
  'completed-with-errors': 'bad',
  completed: 'good',
  closed: 'warning',
};

/** Id and name of a run: `20261121-101500-ab12cd (nightly)`. */
export function titleOf({ run, name }: Pick<RunLine, 'run' | 'name'>): string {
  return name === undefined ? run : `${run} (${name})`;
}

/** One sentence that leaves nothing out. */
export function conditionSentence(report: RunReport): Sentence {
  const tone = CONDITION_TONES[report.condition];
  const but = shortcomings(report);
  const rest = but === '' ? '' : `; ${but}`;
  const { books } = report;
  const { open } = books.outcomes;
  const accepted = counted(books.items.accepted, 'item');
  const texts: Readonly<Record<RunCondition, () => string>> = {
    running: () => `Running in another process: ${accepted} accepted so far${rest}.`,
    unfinished: () => `Not finished: ${accepted} accepted, ${leftText(report)}${rest}.`,
    staged: () => `Staged: ${counted(books.inDrafts, 'item')} in drafts, not processed yet${rest}.`,
    processing: () => `Handed over: the service works on ${count(open)} of ${accepted}${rest}.`,
    'completed-with-errors': () => `Over, with errors: ${but}.`,
    completed: () => doneText(report),
    closed: () => `Given up: ${accepted} had been accepted${rest}.`,
  };
  return { tone, text: texts[report.condition]() };
}

function leftText({ isComplete, stoppedAt, books }: RunReport): string {
  if (isComplete) return books.inDrafts > 0 ? `${count(books.inDrafts)} of them in drafts` : 'not handed over yet';
  return stoppedAt === undefined ? 'input is left to be read' : `input is left from ${stoppedAt} on`;
}

function doneText({ books: { items, outcomes, records } }: RunReport): string {
  const asides = [
    ...(outcomes.failed + outcomes.canceled > 0
      ? [`${count(outcomes.failed + outcomes.canceled)} failed or canceled, which was dealt with`]
      : []),
    ...(outcomes.skipped > 0 ? [`${count(outcomes.skipped)} skipped by the service`] : []),
    ...(items.rejected + (records?.rejected ?? 0) > 0
      ? [`${count(items.rejected + (records?.rejected ?? 0))} rejected, which was dealt with`]
      : []),
  ];
  const rest = asides.length === 0 ? '' : `; ${asides.join(', ')}`;
  if (items.accepted === 0 && (items.known ?? 0) > 0) {
    return `Done: nothing new, all ${counted(items.known ?? 0, 'item')} were imported before${rest}.`;
  }
  return `Done: ${counted(items.accepted, 'item')} accepted and processed${rest}.`;
}

/** What nobody has dealt with; empty when there is nothing. */
function shortcomings({ books: { unhandled, outcomes } }: RunReport): string {
  return [
    ...(unhandled.rejects > 0 ? [`${counted(unhandled.rejects, 'row')} rejected`] : []),
    ...(unhandled.failures > 0 ? [`${counted(unhandled.failures, 'item')} failed or canceled`] : []),
    ...(outcomes.lost > 0 ? [`of ${counted(outcomes.lost, 'item')} the service does not say what became`] : []),
  ].join(', ');
}
