/** How a run ended, in one sentence that leaves nothing out. Pure. */
import type { RunStatus, RunSummary } from '../events.js';
import { count, counted } from './format.js';
import { NO_RECORDS } from './text-parts.js';

export interface Sentence {
  readonly tone: 'good' | 'warning' | 'bad';
  readonly text: string;
}

/** What did not go as hoped, e.g. `12 rows rejected and 3 items failed`; empty when all went well. */
export function shortcomings({ records, items }: RunSummary): string {
  const rows = records.rejected + records.partlyRejected;
  const told: string[] = [];
  if (rows > 0) told.push(`${counted(rows, 'row')} rejected`);
  if (rows === 0 && items.rejected > 0) told.push(`${counted(items.rejected, 'item')} rejected`);
  if (items.failed > 0) told.push(`${counted(items.failed, 'item')} failed`);
  if (items.canceled > 0) told.push(`${count(items.canceled)} canceled`);
  if (items.skipped > 0) told.push(`${count(items.skipped)} skipped by the service`);
  return listed(told);
}

export function statusSentence(summary: RunSummary): Sentence {
  const { status, items } = summary;
  const but = shortcomings(summary);
  const rest = but === '' ? '' : `; ${but}`;
  const ways: Readonly<Record<RunStatus, () => Sentence>> = {
    completed: () => completed(summary, but),
    'completed-with-errors': () => ({ tone: 'bad', text: `Finished with errors: ${but === '' ? 'see below' : but}.` }),
    accepted: () => ({
      tone: but === '' ? 'good' : 'warning',
      text: `Handed over: ${counted(items.accepted, 'item')} accepted; not waited for, the service works on${rest}.`,
    }),
    staged: () => ({
      tone: 'warning',
      text: `Staged: ${stagedText(summary)}, not processed yet${rest}.`,
    }),
    'too-many-rejects': () => ({ tone: 'bad', text: `Stopped: too many rejected rows (--max-errors)${rest}.` }),
    interrupted: () => ({
      tone: 'warning',
      text: `Interrupted: ${counted(items.accepted, 'item')} accepted, books closed${rest}.`,
    }),
    'wait-timeout': () => ({
      tone: 'warning',
      text: `Stopped waiting (--wait-timeout): everything is handed over, ${counted(items.open, 'item')} still open at the service${rest}.`,
    }),
    'max-duration': () => ({
      tone: 'warning',
      text: `Stopped at --max-duration: ${counted(items.accepted, 'item')} accepted, books closed${rest}.`,
    }),
    failed: () => ({
      tone: 'bad',
      text: `Failed: ${counted(items.accepted, 'item')} accepted before the error${rest}.`,
    }),
  };
  return ways[status]();
}

/** Some of the batches may have been handed over already. */
function stagedText({ batches, items }: RunSummary): string {
  const drafts = batches.filter(({ status }) => status === 'draft').reduce((sum, batch) => sum + batch.items, 0);
  if (drafts === 0 || drafts === items.accepted) return `${counted(items.accepted, 'item')} in drafts`;
  return `${count(drafts)} of ${counted(items.accepted, 'item')} in drafts`;
}

function completed({ records, items }: RunSummary, but: string): Sentence {
  if (records.read === 0) return { tone: 'warning', text: `Nothing to import: ${NO_RECORDS}.` };
  const open = items.open > 0 ? [`${count(items.open)} still open at the service`] : [];
  const caveats = listed([...(but === '' ? [] : [but]), ...open]);
  if (items.produced === 0 && caveats === '') {
    return { tone: 'warning', text: `Nothing to import: the mapping kept none of ${counted(records.read, 'record')}.` };
  }
  if (items.accepted === 0 && caveats === '') {
    return { tone: 'good', text: `Nothing new: all ${counted(items.known, 'item')} were imported before.` };
  }
  if (caveats !== '') return { tone: 'warning', text: `Done, but not all of it: ${caveats}.` };
  return { tone: 'good', text: `Done: ${counted(items.accepted, 'item')} accepted and processed.` };
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;
}
