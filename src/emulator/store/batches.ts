/**
 * Batches and the states of their items. The state of an item is one byte in its batch's row of `states`, so that processing fifty
 * thousand items writes a few small blobs instead of fifty thousand rows. A batch that is not `visible` carries one call of
 * thread.add_messages or graph.add: it is processed like any other and listed nowhere.
 */
import { randomUUID } from 'node:crypto';
import type { Database, Row, SqlValue } from '../../sqlite.js';
import type { BatchStatus, Role } from '../../wire.js';
import type { ItemCounts } from '../engine/machine.js';

export interface BatchSettings {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly ignoreRoles?: readonly Role[];
  readonly strictOntology?: boolean;
}

/** What faults asked of the run when it was handed over; kept with the batch so that a restart does not forget it. */
export interface RunPlan {
  /** The batch is found invalid whatever it holds. */
  readonly invalid?: boolean;
  /** Milliseconds between the handing over and the look at the destinations. */
  readonly checkAfterMs?: number;
  readonly failures?: readonly ItemFailure[];
}

export interface ItemFailure {
  /** Part of the text, or `/expression/`; an item without it is chosen by `probability` alone. */
  readonly pattern?: string;
  readonly probability: number;
  readonly code: string;
  readonly message: string;
}

export interface Batch {
  readonly no: number;
  readonly project: number;
  readonly uuid: string;
  readonly visible: boolean;
  readonly status: BatchStatus;
  readonly itemCount: number;
  readonly settings: BatchSettings;
  readonly plan: RunPlan;
  /** The place of this run among all runs, from 1; undefined for a draft. */
  readonly run: number | undefined;
  readonly prepared: boolean;
  readonly counts: ItemCounts | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly processedAt: number | undefined;
  readonly completedAt: number | undefined;
}

export interface BatchChange {
  readonly status?: BatchStatus;
  readonly itemCount?: number;
  readonly plan?: RunPlan;
  readonly run?: number;
  readonly prepared?: boolean;
  readonly counts?: ItemCounts;
  readonly processedAt?: number;
  readonly completedAt?: number;
}

const COLUMNS =
  'no, project, uuid, visible, status, item_count, settings, plan, run, prepared, counts, created_at, updated_at, processed_at, completed_at';

function optionalNumber(value: SqlValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function toBatch(row: Row): Batch {
  return {
    no: Number(row.no),
    project: Number(row.project),
    uuid: String(row.uuid),
    visible: row.visible === 1,
    status: row.status as BatchStatus,
    itemCount: Number(row.item_count),
    settings: JSON.parse(String(row.settings)) as BatchSettings,
    plan: typeof row.plan === 'string' ? (JSON.parse(row.plan) as RunPlan) : {},
    run: optionalNumber(row.run),
    prepared: row.prepared === 1,
    counts: typeof row.counts === 'string' ? (JSON.parse(row.counts) as ItemCounts) : undefined,
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    processedAt: optionalNumber(row.processed_at),
    completedAt: optionalNumber(row.completed_at),
  };
}

export class Batches {
  constructor(private readonly db: Database) {}

  create(project: number, settings: BatchSettings, now: number, visible = true): Batch {
    const { lastInsertRowid } = this.db
      .prepare(
        `INSERT INTO batches (project, uuid, visible, status, item_count, settings, prepared, created_at, updated_at)
         VALUES (?, ?, ?, 'draft', 0, ?, 0, ?, ?)`,
      )
      .run(project, randomUUID(), visible ? 1 : 0, JSON.stringify(settings), now, now);
    return this.required(lastInsertRowid);
  }

  find(project: number, uuid: string, visible = true): Batch | undefined {
    const row = this.db.prepare(`SELECT ${COLUMNS} FROM batches WHERE uuid = ?`).get(uuid);
    const batch = row === undefined ? undefined : toBatch(row);
    return batch?.project === project && batch.visible === visible ? batch : undefined;
  }

  byNumber(no: number): Batch | undefined {
    const row = this.db.prepare(`SELECT ${COLUMNS} FROM batches WHERE no = ?`).get(no);
    return row === undefined ? undefined : toBatch(row);
  }

  byRun(run: number): Batch | undefined {
    const row = this.db.prepare(`SELECT ${COLUMNS} FROM batches WHERE run = ?`).get(run);
    return row === undefined ? undefined : toBatch(row);
  }

  required(no: number): Batch {
    const batch = this.byNumber(no);
    if (batch === undefined) throw new Error(`batch ${no} is gone`);
    return batch;
  }

  /** Newest first, those before number `before`. */
  list(project: number, page: { readonly before: number; readonly limit: number; readonly status?: string }): Batch[] {
    const status = page.status === undefined ? '' : ' AND status = ?';
    const facts: SqlValue[] = [project, page.before];
    if (page.status !== undefined) facts.push(page.status);
    return this.db
      .prepare(
        `SELECT ${COLUMNS} FROM batches WHERE project = ? AND visible = 1 AND no < ?${status} ORDER BY no DESC LIMIT ?`,
      )
      .all(...facts, page.limit)
      .map(toBatch);
  }

  /** Handed over and not at an end, in the order in which they were handed over, after run `after`. */
  openRuns(after: number, limit: number): Batch[] {
    return this.db
      .prepare(
        `SELECT ${COLUMNS} FROM batches WHERE status IN ('queued', 'processing') AND run > ? ORDER BY run LIMIT ?`,
      )
      .all(after, limit)
      .map(toBatch);
  }

  /** The next place among all runs; a place is never given twice, even when the batch that had it is deleted. */
  newRun(no: number): number {
    return this.db.prepare('INSERT INTO runs (batch) VALUES (?)').run(no).lastInsertRowid;
  }

  update(no: number, change: BatchChange, now: number): void {
    const sets = ['updated_at = ?'];
    const values: SqlValue[] = [now];
    const set = (column: string, value: SqlValue | undefined): void => {
      if (value === undefined) return;
      sets.push(`${column} = ?`);
      values.push(value);
    };
    set('status', change.status);
    set('item_count', change.itemCount);
    set('plan', change.plan === undefined ? undefined : JSON.stringify(change.plan));
    set('run', change.run);
    set('prepared', change.prepared === undefined ? undefined : Number(change.prepared));
    set('counts', change.counts === undefined ? undefined : JSON.stringify(change.counts));
    set('processed_at', change.processedAt);
    set('completed_at', change.completedAt);
    this.db.prepare(`UPDATE batches SET ${sets.join(', ')} WHERE no = ?`).run(...values, no);
  }

  /** Inside the caller's transaction, together with the chunks. */
  delete(no: number): void {
    for (const table of ['states', 'resolved', 'item_errors'])
      this.db.prepare(`DELETE FROM ${table} WHERE batch = ?`).run(no);
    this.db.prepare('DELETE FROM batches WHERE no = ?').run(no);
  }

  states(no: number): Uint8Array | undefined {
    const states = this.db.prepare('SELECT states FROM states WHERE batch = ?').get(no)?.states;
    return states instanceof Uint8Array ? states : undefined;
  }

  saveStates(no: number, states: Uint8Array): void {
    this.db.prepare('INSERT OR REPLACE INTO states (batch, states) VALUES (?, ?)').run(no, states);
  }

  /** The numbers of the batch's targets as they were when the run was prepared: a target born later under the same name is another one. */
  resolved(no: number): Float64Array | undefined {
    const numbers = this.db.prepare('SELECT numbers FROM resolved WHERE batch = ?').get(no)?.numbers;
    return numbers instanceof Uint8Array ? new Float64Array(Uint8Array.from(numbers).buffer) : undefined;
  }

  saveResolved(no: number, numbers: Float64Array): void {
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    this.db.prepare('INSERT OR REPLACE INTO resolved (batch, numbers) VALUES (?, ?)').run(no, bytes);
  }

  error(no: number, seq: number): unknown {
    const text = this.db.prepare('SELECT error FROM item_errors WHERE batch = ? AND seq = ?').get(no, seq)?.error;
    return typeof text === 'string' ? (JSON.parse(text) as unknown) : undefined;
  }

  saveError(no: number, seq: number, error: { readonly code: string; readonly message: string }): void {
    this.db
      .prepare('INSERT OR REPLACE INTO item_errors (batch, seq, error) VALUES (?, ?, ?)')
      .run(no, seq, JSON.stringify(error));
  }

  /** The items that have an error waiting for them. */
  errorPlaces(no: number): number[] {
    return this.db
      .prepare('SELECT seq FROM item_errors WHERE batch = ?')
      .all(no)
      .map((row) => Number(row.seq));
  }
}
