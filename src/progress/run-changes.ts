/** What moved in a run between two looks at it, a line each: for logs and pipes, where nothing can be redrawn. Pure. */
import type { BatchLine, RunReport } from '../run-report.js';
import { printable } from './escape.js';
import { count, counted } from './format.js';
import { conditionSentence } from './run-words.js';

/** Without an earlier look, where the run stands now. */
export function changesBetween(before: RunReport | undefined, now: RunReport): readonly string[] {
  const lines: string[] = [];
  const known = new Map(before?.batches.map((batch) => [batch.batch, batch]) ?? []);
  if (before !== undefined) {
    for (const batch of now.batches) {
      const text = batchText(batch);
      const earlier = known.get(batch.batch);
      if (earlier === undefined || batchText(earlier) !== text) lines.push(text);
    }
  }
  if (before?.staleness !== now.staleness) {
    lines.push(now.staleness === undefined ? 'fresh again' : `not fresh: ${now.staleness}`);
  }
  if (before?.condition !== now.condition) lines.push(conditionSentence(now).text);
  return lines.map((line) => printable(line));
}

function batchText({ batch, status, items, counts }: BatchLine): string {
  const done = counts === undefined ? 0 : counts.succeeded + counts.failed + counts.skipped + counts.canceled;
  const failed = counts === undefined || counts.failed === 0 ? '' : `, ${count(counts.failed)} failed`;
  return `batch ${batch}: ${status}, ${count(done)} of ${counted(items, 'item')} done${failed}`;
}
