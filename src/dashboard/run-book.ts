/**
 * The runs as the ledger has them, read anew when another process wrote to it. Runs that move are read with every look and with what the service
 * says of their batches; the others when something of them changes, and a few in turn, because somebody may have dealt with their failures.
 */
import type { StoredBatch } from '../ledger/batches.js';
import type { Ledger } from '../ledger/ledger.js';
import type { StoredRun } from '../ledger/runs.js';
import type { BatchSummary } from '../remote/api.js';
import type { RunCondition, RunLine, RunReport } from '../run-report.js';
import { lineOf, reportOf, type ReportFacts } from '../run/report-run.js';
import { Pulse } from './pulse.js';

export interface LedgerDeps {
  /** Undefined while there is no ledger; the caller of `close` closes it. */
  openBooks(): Promise<Ledger | undefined>;
  factsOf(run: StoredRun): Promise<ReportFacts>;
  folderOf(run: string): string;
}

export interface RunEntry {
  readonly run: StoredRun;
  readonly line: RunLine;
  readonly accepted: Pulse;
  readonly settled: Pulse;
}

export type Asked = (batchId: string) => BatchSummary | undefined;

const MOVING: ReadonlySet<RunCondition> = new Set(['running', 'processing']);
/** Of runs that are over, so many are read again in a look. */
const IN_TURN = 3;

export class RunBook {
  readonly #deps: LedgerDeps;
  readonly #entries = new Map<string, RunEntry>();
  /** Of this look. */
  readonly #reports = new Map<string, Promise<RunReport>>();
  #ledger: Ledger | undefined;
  #order: readonly string[] = [];
  #writes: number | undefined;
  #turn = 0;
  #problem: string | undefined;

  constructor(deps: LedgerDeps) {
    this.#deps = deps;
  }

  get ledger(): Ledger | undefined {
    return this.#ledger;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  /** Newest first. */
  all(): readonly RunEntry[] {
    return this.#order.flatMap((id) => this.#entries.get(id) ?? []);
  }

  get(id: string): RunEntry | undefined {
    return this.#entries.get(id);
  }

  get isMoving(): boolean {
    return this.all().some(({ line }) => MOVING.has(line.condition));
  }

  /** Reads what has changed. A ledger that cannot be read is told, and tried again with the next look. */
  async look(asked: Asked, now: number): Promise<void> {
    try {
      this.#ledger ??= await this.#deps.openBooks();
      if (this.#ledger === undefined) return;
      await this.#read(this.#ledger, asked, now);
      this.#problem = undefined;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
  }

  /** A run in full, read at most once a look; undefined when there is none of this id. */
  report(id: string, asked: Asked): Promise<RunReport | undefined> {
    const known = this.#reports.get(id);
    if (known !== undefined) return known;
    const ledger = this.#ledger;
    const run = ledger?.runs.byId(id);
    if (ledger === undefined || run === undefined) return Promise.resolve(undefined);
    const report = this.#reportOf(ledger, run, asked);
    this.#reports.set(id, report);
    return report;
  }

  /** The dashboard itself has written to the ledger. */
  written(): void {
    this.#writes = undefined;
  }

  /** Batches of a run that hold items, or once did. */
  batchesOf(id: string): readonly StoredBatch[] {
    return this.#ledger?.batches.of(id) ?? [];
  }

  close(): void {
    this.#ledger?.close();
    this.#ledger = undefined;
  }

  async #read(ledger: Ledger, asked: Asked, now: number): Promise<void> {
    const writes = ledger.db.read(() =>
      Number(ledger.db.sql.prepare('PRAGMA data_version').get()?.['data_version'] ?? 0),
    );
    const isWritten = writes !== this.#writes;
    this.#writes = writes;
    if (isWritten || this.isMoving) this.#reports.clear();
    const runs = isWritten || this.#order.length === 0 ? ledger.runs.all() : this.all().map(({ run }) => run);
    const turn = new Set(isWritten ? this.#nextInTurn(runs) : []);
    for (const run of runs) {
      const before = this.#entries.get(run.id);
      const isSame = before !== undefined && sameStand(before.run, run);
      if (isSame && !MOVING.has(before.line.condition) && !turn.has(run.id)) continue;
      const isActive = before === undefined ? run.state === 'open' : MOVING.has(before.line.condition) || !isSame;
      const line = isActive
        ? await this.#reportOf(ledger, run, asked)
        : lineOf(ledger, run, await this.#deps.factsOf(run));
      this.#put(run, line, now);
    }
    this.#order = runs.map(({ id }) => id);
    const known = new Set(this.#order);
    for (const id of this.#entries.keys()) if (!known.has(id)) this.#entries.delete(id);
  }

  #put(run: StoredRun, line: RunLine, now: number): void {
    const { accepted = new Pulse(), settled = new Pulse() } = this.#entries.get(run.id) ?? {};
    const { outcomes, items } = line.books;
    accepted.take(items.accepted, now);
    settled.take(outcomes.succeeded + outcomes.failed + outcomes.skipped + outcomes.canceled, now);
    this.#entries.set(run.id, { run, line, accepted, settled });
  }

  async #reportOf(ledger: Ledger, run: StoredRun, asked: Asked): Promise<RunReport> {
    const seen = new Map<number, StoredBatch>();
    for (const batch of ledger.batches.of(run.id)) {
      const told = batch.state === 'terminal' || batch.batchId === undefined ? undefined : asked(batch.batchId);
      if (told === undefined || told.status === '') continue;
      seen.set(batch.row, { ...batch, status: told.status, counts: told.counts ?? batch.counts });
    }
    const facts = await this.#deps.factsOf(run);
    return reportOf(ledger, run, { ...facts, folder: this.#deps.folderOf(run.id), seen, staleness: undefined });
  }

  #nextInTurn(runs: readonly StoredRun[]): string[] {
    const ids = runs.map(({ id }) => id);
    const from = ids.length === 0 ? 0 : this.#turn % ids.length;
    this.#turn += IN_TURN;
    // The newest are what people deal with.
    return [...ids.slice(0, IN_TURN), ...ids.slice(from, from + IN_TURN)];
  }
}

function sameStand(a: StoredRun, b: StoredRun): boolean {
  return a.state === b.state && a.status === b.status && a.tries === b.tries && a.endedAt === b.endedAt;
}
