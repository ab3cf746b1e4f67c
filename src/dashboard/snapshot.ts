/**
 * What all tabs are shown at one moment, put together once a look: the service's batches, and of runs that move what their own process has
 * written to the ledger since, which is newer where the service was not asked again or cannot be reached.
 */
import type { StoredBatch } from '../ledger/batches.js';
import type { BatchId } from '../model.js';
import type { BatchSummary } from '../remote/api.js';
import type { RunLine } from '../run-report.js';
import { batchTotals, settledOf, type RowContext } from './batch-rows.js';
import { runRow } from './run-rows.js';
import type { RunRow, Totals } from './view-models.js';
import type { Watcher } from './watcher.js';

/** So many batches are shown from the ledger alone while the service was never reached. */
const FROM_LEDGER = 5_000;
const JUST_NOW_MS = 60_000;

export interface Snapshot {
  /** Newest first. */
  readonly batches: readonly BatchSummary[];
  readonly runs: readonly RunRow[];
  readonly totals: Totals;
  readonly context: RowContext;
}

type Place = { readonly run: string; readonly lane: number; readonly number: number };

export class Snapshots {
  readonly #watcher: Watcher;
  readonly #places = new Map<string, Place>();
  #current: Snapshot | undefined;

  constructor(watcher: Watcher) {
    this.#watcher = watcher;
  }

  /** Something has changed: the next one is made anew. */
  expire(): void {
    this.#current = undefined;
  }

  now(nowMs: number, dateMs: number): Snapshot {
    this.#current ??= this.#take(nowMs, dateMs);
    return this.#current;
  }

  #take(nowMs: number, dateMs: number): Snapshot {
    const { store, runs: book, service } = this.#watcher;
    const project = service.known?.project;
    const runs = book.all().map((entry) => runRow(entry, project, nowMs));
    const batches = store.isListed ? this.#withLedger(dateMs) : this.#ledgerAlone();
    const titles = new Map(runs.map(({ id, name }) => [id, name ?? id]));
    return {
      batches,
      runs,
      totals: {
        ...batchTotals(batches),
        runs: {
          all: runs.length,
          active: runs.filter(({ tone }) => tone === 'busy').length,
          withErrors: runs.filter(({ tone }) => tone === 'bad').length,
        },
      },
      context: {
        runTitleOf: (run) => titles.get(run),
        runOf: (batch) => this.#placeOf(batch),
        perSecond: (batch) => this.#watcher.perSecond(batch),
      },
    };
  }

  #withLedger(nowMs: number): readonly BatchSummary[] {
    const { store, runs } = this.#watcher;
    const project = this.#watcher.service.known?.project;
    const newer = new Map<string, BatchSummary>();
    for (const { run, line } of runs.all()) {
      if (run.project !== project || !hasNews(line, nowMs)) continue;
      for (const batch of runs.batchesOf(run.id)) {
        if (batch.batchId === undefined || batch.state === 'deleted' || batch.state === 'lost') continue;
        const told = store.get(batch.batchId);
        const own = fromLedger(batch);
        if (told === undefined || isNewer(own, told)) newer.set(batch.batchId, { ...told, ...defined(own) });
      }
    }
    const known = store.all().map(({ summary }) => {
      const better = newer.get(summary.batchId);
      newer.delete(summary.batchId);
      return better ?? summary;
    });
    return newer.size === 0 ? known : [...[...newer.values()].reverse(), ...known];
  }

  #ledgerAlone(): readonly BatchSummary[] {
    const all = this.#watcher.runs.ledger?.batches.of() ?? [];
    return all
      .filter(({ batchId, state }) => batchId !== undefined && state !== 'deleted')
      .slice(-FROM_LEDGER)
      .reverse()
      .map(fromLedger);
  }

  #placeOf(batch: string): Place | undefined {
    const known = this.#places.get(batch);
    if (known !== undefined) return known;
    const stored = this.#watcher.runs.ledger?.batches.byId(batch);
    if (stored === undefined) return undefined;
    const place = { run: stored.run, lane: stored.lane, number: stored.number };
    if (this.#places.size > 20_000) this.#places.clear();
    this.#places.set(batch, place);
    return place;
  }
}

export function fromLedger({ batchId, status, items, counts, run, lane, number }: StoredBatch): BatchSummary {
  return {
    batchId: (batchId ?? '') as BatchId,
    status,
    itemCount: items,
    metadata: { zi_run: run, zi_lane: lane, zi_no: number },
    counts: counts === undefined ? undefined : { ...counts, queued: 0, processing: 0, percent: undefined },
    createdAt: undefined,
    updatedAt: undefined,
    processedAt: undefined,
    completedAt: undefined,
  };
}

/** Counts only grow: whoever has more of them was told later. */
function isNewer(own: BatchSummary, told: BatchSummary): boolean {
  if (settledOf(own) !== settledOf(told)) return settledOf(own) > settledOf(told);
  return told.status === 'draft' && own.status === 'draft' && (own.itemCount ?? 0) > (told.itemCount ?? 0);
}

function defined(summary: BatchSummary): BatchSummary {
  return Object.fromEntries(
    Object.entries(summary).filter(([, value]) => value !== undefined),
  ) as unknown as BatchSummary;
}

/** Of a run that moves, or has just ended, the ledger may know more than the last answer of the service. */
function hasNews({ condition, endedAt }: RunLine, nowMs: number): boolean {
  return condition === 'running' || condition === 'processing' || Date.parse(endedAt ?? '') > nowMs - JUST_NOW_MS;
}
