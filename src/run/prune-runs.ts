/**
 * Which runs may be forgotten, and forgetting them. Rules: never a run that is not delivered or given up, never one whose rows or items somebody
 * may still want to send, never what a project holds (its marks stay), and nothing outside the folder of runs.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Ledger } from '../ledger/ledger.js';
import { failureCounts, retriesOf } from '../ledger/report-queries.js';
import type { StoredRun } from '../ledger/runs.js';

export interface PruneOptions {
  /** So many of the newest runs stay. */
  readonly keep: number | undefined;
  /** Runs that ended later than so many milliseconds ago stay. */
  readonly olderThanMs: number | undefined;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** Why a run stays, and the words of the command that changes that. */
export interface KeptRun {
  readonly run: string;
  readonly name: string | undefined;
  readonly code: string;
  readonly reason: string;
  readonly next: readonly string[] | undefined;
}

export interface PrunePlan {
  readonly forget: readonly StoredRun[];
  readonly keep: readonly KeptRun[];
}

const OVER: ReadonlySet<string> = new Set(['terminal', 'deleted', 'lost']);

/** Newest first. */
export function planPrune(ledger: Ledger, options: PruneOptions): PrunePlan {
  const forget: StoredRun[] = [];
  const keep: KeptRun[] = [];
  for (const [place, run] of ledger.runs.all().entries()) {
    const reason = isWanted(run, place, options) ?? isNeeded(ledger, run);
    if (reason === undefined) forget.push(run);
    else keep.push({ run: run.id, name: run.name, ...reason });
  }
  return { forget, keep };
}

type Reason = Pick<KeptRun, 'code' | 'reason' | 'next'>;

/** The rule that was asked for keeps it. */
function isWanted(run: StoredRun, place: number, { keep, olderThanMs, nowMs }: PruneOptions): Reason | undefined {
  if (keep !== undefined && place < keep) return { code: 'newest', reason: 'it is among the newest', next: undefined };
  if (olderThanMs === undefined) return undefined;
  const endedMs = Date.parse(run.endedAt ?? run.startedAt);
  const isOld = endedMs <= nowMs - olderThanMs;
  return isOld ? undefined : { code: 'young', reason: 'it is younger than that', next: undefined };
}

/** Something would be lost with it. */
function isNeeded(ledger: Ledger, run: StoredRun): Reason | undefined {
  if (run.state === 'open') {
    return { code: 'not-delivered', reason: 'it is not delivered', next: ['resume', run.id] };
  }
  if (ledger.batches.of(run.id).some((batch) => !OVER.has(batch.state))) {
    return { code: 'at-work', reason: 'the service is not done with its batches', next: ['status', run.id] };
  }
  const rejects = ledger.rejects.counts(run.id).open;
  const failures = failureCounts(ledger, run.id).open;
  if (rejects + failures > 0) {
    const what = [
      ...(rejects > 0 ? [`${rejects} rejected ${rejects === 1 ? 'row' : 'rows'}`] : []),
      ...(failures > 0 ? [`${failures} failed ${failures === 1 ? 'item' : 'items'}`] : []),
    ].join(' and ');
    return { code: 'not-retried', reason: `${what} could still be sent`, next: ['retry', run.id] };
  }
  const retry = retriesOf(ledger, run.id).find(({ state }) => state === 'open');
  if (retry === undefined) return undefined;
  return { code: 'retry-open', reason: `its retry ${retry.id} is not delivered`, next: ['resume', retry.id] };
}

/** The folder of a run, if its name is one that the program gives; a ledger may hold anything. */
export function folderOfRun(runsFolder: string, run: string): string | undefined {
  const isName = run !== '' && run !== '.' && run !== '..' && !/[\\/\0]/.test(run);
  return isName ? join(runsFolder, run) : undefined;
}

/** Deletes the folder of a run first, because what is left after a crash in between can be pruned again. */
export function forgetRun(ledger: Ledger, runsFolder: string, run: string): void {
  const folder = folderOfRun(runsFolder, run);
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  ledger.runs.forget(run);
}

/** Bytes in the files below a folder; links are not followed. */
export function bytesBelow(folder: string): number {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  } catch {
    return 0; // there is none
  }
}
