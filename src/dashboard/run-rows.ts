/** Runs as rows of the page. Pure. */
import { CONDITION_WORDS } from '../progress/run-words.js';
import type { RunCondition, RunLine } from '../run-report.js';
import type { RunEntry } from './run-book.js';
import { wordsOf } from './batch-rows.js';
import type { ItemCounts, RunRow, Tone } from './view-models.js';

const TONES: Readonly<Record<RunCondition, Tone>> = {
  running: 'busy',
  processing: 'busy',
  unfinished: 'warning',
  staged: 'idle',
  'completed-with-errors': 'bad',
  completed: 'good',
  closed: 'idle',
};

export function countsOfRun({ items, outcomes, inDrafts }: RunLine['books']): ItemCounts {
  const { succeeded, failed, skipped, canceled, open, lost } = outcomes;
  return {
    all: items.accepted,
    succeeded,
    failed: failed + lost,
    skipped,
    canceled,
    open: Math.max(0, open - inDrafts),
    inDrafts,
  };
}

export function runRow({ run, line, accepted, settled }: RunEntry, project: string | undefined, nowMs: number): RunRow {
  const { books, condition } = line;
  const isBusy = TONES[condition] === 'busy';
  const settledPerSecond = isBusy ? settled.rate(nowMs) : undefined;
  const left = books.outcomes.open;
  return {
    id: line.run,
    name: line.name,
    condition,
    words: CONDITION_WORDS[condition],
    tone: TONES[condition],
    host: line.host,
    isElsewhere: project !== undefined && run.project !== project,
    started: line.startedAt,
    ended: isBusy ? undefined : line.endedAt,
    sources: line.sources.slice(0, 20),
    read: books.records?.read,
    rejected: books.items.rejected + (books.records?.rejected ?? 0),
    known: books.items.known,
    counts: countsOfRun(books),
    acceptedPerSecond: isBusy ? accepted.rate(nowMs) : undefined,
    settledPerSecond,
    etaMs:
      settledPerSecond === undefined || settledPerSecond <= 0 || left === 0 || !run.complete
        ? undefined
        : Math.round(left / settledPerSecond) * 1_000,
    next: line.next,
  };
}

/** Every word of `query` occurs in the run's id, name, sources, state or host. */
export function matchesRun(row: RunRow, query: string): boolean {
  const hay = [row.id, row.name ?? '', row.words, row.host, ...row.sources].join(' ').toLowerCase();
  return wordsOf(query).every((word) => hay.includes(word));
}
