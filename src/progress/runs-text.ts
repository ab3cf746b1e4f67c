/** The list of runs, and what was forgotten of it, for people. */
import type { RunLine } from '../run-report.js';
import { printable } from './escape.js';
import { bytes, count, counted } from './format.js';
import { createPaint } from './paint.js';
import { CONDITION_TONES, CONDITION_WORDS, titleOf } from './run-words.js';
import type { TextOptions } from './summary.js';
import { renderTable } from './table.js';

/** Newest first, one line a run. */
export function runsText(runs: readonly RunLine[], { color, columns }: TextOptions): string {
  if (runs.length === 0) return 'no runs yet\n';
  const paint = createPaint(color);
  const tones = { good: paint.good, warning: paint.warn, bad: paint.bad };
  return renderTable({
    columns: [
      { title: 'run', whole: true },
      { title: 'state', whole: true },
      { title: 'started', whole: true },
      { title: 'sources' },
      { title: 'accepted', align: 'right' },
      { title: 'rejected', align: 'right' },
      { title: 'failed', align: 'right' },
      { title: 'open', align: 'right' },
      { title: 'next', whole: true },
    ],
    rows: runs.map((run) => [
      titleOf(run),
      CONDITION_WORDS[run.condition],
      minuteOf(run.startedAt),
      sourcesText(run.sources),
      count(run.books.items.accepted),
      count(run.books.items.rejected + (run.books.records?.rejected ?? 0)),
      count(run.books.outcomes.failed + run.books.outcomes.canceled),
      count(run.books.outcomes.open),
      (run.step ?? []).filter((word) => word !== run.run).join(' '),
    ]),
    width: columns,
    paintTitle: paint.bold,
    paintCell: (text, column, row) => {
      const tone = column === 1 ? CONDITION_TONES[runs[row]?.condition ?? 'closed'] : undefined;
      return tone === undefined ? text : tones[tone](text);
    },
  });
}

function sourcesText(sources: readonly string[]): string {
  const [first = ''] = sources;
  return sources.length < 2 ? first : `${first} and ${counted(sources.length - 1, 'more', 'more')}`;
}

/** `2026-11-21 11:04Z`: for people, to whom a millisecond says nothing. */
export function minuteOf(time: string | undefined): string {
  return time === undefined ? '' : time.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):[\d.]+Z$/, '$1 $2Z');
}

export interface Pruned {
  readonly isDryRun: boolean;
  readonly forgotten: readonly { readonly run: string; readonly name: string | undefined; readonly bytes: number }[];
  readonly kept: readonly {
    readonly run: string;
    readonly name: string | undefined;
    readonly code: string;
    readonly reason: string;
    readonly next: string | undefined;
  }[];
}

/** What was forgotten, and of every run that could have been, why it stays. */
export function prunedText({ isDryRun, forgotten, kept }: Pruned): string {
  const verb = isDryRun ? 'would forget' : 'forgot';
  const lines = forgotten.map((run) => `${verb} ${printable(titleOf(run))} (${bytes(run.bytes)})`);
  for (const { next, reason, ...run } of kept) {
    if (run.code === 'newest' || run.code === 'young') continue;
    lines.push(
      `stays   ${printable(titleOf(run))}: ${printable(reason)}${next === undefined ? '' : ` (${printable(next, 4096)})`}`,
    );
  }
  const freed = forgotten.reduce((sum, run) => sum + run.bytes, 0);
  const sum = `${verb} ${counted(forgotten.length, 'run')} (${bytes(freed)}), ${count(kept.length)} ${kept.length === 1 ? 'stays' : 'stay'}`;
  return `${[...lines, sum].join('\n')}\n`;
}
