/** Where a run stands, put together from the ledger and, where it was asked, from the service. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorGroup } from '../events.js';
import type { StoredBatch } from '../ledger/batches.js';
import type { Ledger } from '../ledger/ledger.js';
import { itemOf } from '../ledger/batches.js';
import { openFailureGroups, openRejectGroups } from '../ledger/report-queries.js';
import type { StoredRun, StoredSource } from '../ledger/runs.js';
import type { BatchLine, RunLine, RunReport } from '../run-report.js';
import { booksOf, holdsItems, isAtWork } from './books-of-run.js';
import { inParallel } from './in-parallel.js';
import { conditionOf, nextStep } from './run-condition.js';
import { settleBatch, type SettleDeps } from './settle-batches.js';

/** Batches by their row, as the service described them just now. */
export type SeenBatches = ReadonlyMap<number, StoredBatch>;

export interface ReportFacts {
  readonly isRunning: boolean;
  /** Words after `zep-import` become a line that a shell takes. */
  readonly commandLine: (words: readonly string[]) => string;
}

const ASKED_AT_ONCE = 8;
const GROUPS = 100;

/** What `runs` says of a run. */
export function lineOf(ledger: Ledger, run: StoredRun, facts: ReportFacts): RunLine {
  return lineFrom(ledger, run, facts, ledger.batches.of(run.id), ledger.runs.sources(run.id));
}

/** What `status` says of a run. `folder` holds what the run wrote. */
export function reportOf(
  ledger: Ledger,
  run: StoredRun,
  facts: ReportFacts & { readonly folder: string; readonly seen: SeenBatches; readonly staleness: string | undefined },
): RunReport {
  const batches = ledger.batches.of(run.id).map((batch) => facts.seen.get(batch.row) ?? batch);
  const sources = ledger.runs.sources(run.id);
  return {
    ...lineFrom(ledger, run, facts, batches, sources),
    state: run.state,
    parent: run.parent,
    project: run.project,
    tries: run.tries,
    isComplete: run.complete,
    stoppedAt: run.complete ? undefined : placeOf(run, sources),
    batches: batches.filter(holdsItems).map(batchLine),
    errors: errorsOf(ledger, run.id, sources),
    files: filesIn(facts.folder),
    staleness: facts.staleness,
  };
}

/** Batches of a run that the service may have news of. The drafts of a run that is running are the business of its own process. */
export function batchesToAsk(ledger: Ledger, run: string, isRunning: boolean): readonly StoredBatch[] {
  const isAsked = ({ batchId, state }: StoredBatch): boolean =>
    batchId !== undefined &&
    (state === 'started' || (!isRunning && (state === 'open' || state === 'closed' || state === 'starting')));
  return ledger.batches.of(run).filter(isAsked);
}

/** Asks the service about these batches, and records the answers. */
export async function askAbout(
  deps: SettleDeps,
  batches: readonly StoredBatch[],
  signal?: AbortSignal,
): Promise<SeenBatches> {
  const most = Math.min(ASKED_AT_ONCE, Math.max(1, deps.api.concurrencyHint()));
  const seen = await inParallel(batches, most, (batch) => settleBatch(deps, batch, signal));
  return new Map(seen.map((batch) => [batch.row, batch]));
}

function lineFrom(
  ledger: Ledger,
  run: StoredRun,
  { isRunning, commandLine }: ReportFacts,
  batches: readonly StoredBatch[],
  sources: readonly StoredSource[],
): RunLine {
  const books = booksOf(ledger, run, batches);
  const { state, complete: isComplete, staged } = run;
  const condition = conditionOf({ state, isComplete, isRunning, atWork: batches.filter(isAtWork).length, books });
  const step = nextStep({ run: run.id, condition, staged, unhandled: books.unhandled });
  return {
    run: run.id,
    name: run.name,
    condition,
    lastStatus: run.status,
    host: run.host,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    sources: sources.map((source) => source.id),
    books,
    step,
    next: step && commandLine(step),
  };
}

function placeOf({ frontier }: StoredRun, sources: readonly StoredSource[]): string | undefined {
  return frontier === undefined ? undefined : `${nameOf(sources, frontier.source)}:${frontier.line}`;
}

function nameOf(sources: readonly StoredSource[], index: number): string {
  return sources.find((source) => source.index === index)?.id ?? '?';
}

function batchLine({ batchId, lane, number, status, state, items, counts }: StoredBatch): BatchLine {
  return { batch: batchId ?? '', lane, number, status: state === 'lost' ? 'gone' : status, items, counts };
}

function errorsOf(ledger: Ledger, run: string, sources: readonly StoredSource[]): readonly ErrorGroup[] {
  const rejects = openRejectGroups(ledger, run, GROUPS).map(({ stage, code, message, count, first }) => ({
    stage,
    code,
    message,
    count,
    first: `${nameOf(sources, first.source)}:${first.line}`,
  }));
  const failures = openFailureGroups(ledger, run, GROUPS).map(({ status, code, message, count, first }) => ({
    stage: 'remote',
    code: code ?? status,
    message,
    count,
    first: rowOf(ledger, sources, first.batch, first.index),
  }));
  return [...rejects, ...failures].sort((a, b) => b.count - a.count);
}

function rowOf(ledger: Ledger, sources: readonly StoredSource[], batch: number, index: number): string {
  const chunk = ledger.batches.chunkOf(batch, index);
  const item = chunk === undefined ? undefined : itemOf(chunk, index);
  return item === undefined ? '' : `${nameOf(sources, item.position.source)}:${item.position.line}`;
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(folder, entry.name))
      .sort();
  } catch {
    return []; // nothing was written
  }
}
