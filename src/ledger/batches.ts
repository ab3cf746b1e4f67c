/**
 * Batches and the add calls made to them. Every act on the service is preceded by a durable row saying so, because a crash between act and
 * record is otherwise indistinguishable from one before the act. Nothing an item costs SQL: a chunk is one row, its positions, uuids and marks
 * are blobs.
 */
import type { BatchCounts } from '../events.js';
import type { Row } from '../sqlite.js';
import type { LedgerDatabase } from './database.js';
import { decodePositions, decodeUuids, encodePositions, encodeUuids, type StoredPosition } from './positions.js';

/**
 * intended: the create call may be under way; refilling: a draft that is being made in the place of another; open: a draft that takes items;
 * closed: complete, waiting to be processed; starting: the process call may be under way; started: process took; terminal: the service is done
 * with it; rebuilding: being deleted and made anew; deleted: we deleted the draft; lost: it is gone, or never was.
 */
export type BatchState =
  | 'intended'
  | 'refilling'
  | 'open'
  | 'closed'
  | 'starting'
  | 'started'
  | 'terminal'
  | 'rebuilding'
  | 'deleted'
  | 'lost';

/** The batches that hold what was accepted. */
const LIVE = "('open','closed','starting','started','terminal','rebuilding','lost')";

export interface StoredBatch {
  readonly row: number;
  readonly seq: number;
  readonly run: string;
  readonly lane: number;
  readonly number: number;
  readonly batchId: string | undefined;
  readonly state: BatchState;
  /** The row whose chunks this one is made from, while it is. */
  readonly plan: number | undefined;
  readonly items: number;
  readonly slots: string;
  readonly status: string;
  readonly counts: BatchCounts | undefined;
  /** An add to it was once in doubt. */
  readonly doubted: boolean;
}

export interface StoredChunk {
  readonly row: number;
  readonly batch: number;
  readonly first: number;
  readonly items: number;
  readonly digest: string;
  readonly positions: () => Iterable<StoredPosition>;
  readonly uuids: readonly (string | undefined)[] | undefined;
  /** MARK_BYTES an item; undefined when the items have none. */
  readonly marks: Uint8Array | undefined;
}

export interface IntendedChunk {
  readonly batch: number;
  readonly first: number;
  readonly items: number;
  readonly digest: string;
  readonly positions: Iterable<StoredPosition>;
  readonly last: { readonly source: number; readonly ordinal: number };
  readonly marks: Uint8Array | undefined;
}

export interface NewBatch {
  readonly run: string;
  readonly lane: number;
  readonly number: number;
  readonly attempt: string;
  /** The row that it takes the place of. */
  readonly plan?: number;
}

export class Batches {
  readonly #db: LedgerDatabase;

  constructor(db: LedgerDatabase) {
    this.#db = db;
  }

  // --- batches ----------------------------------------------------------------------------------------------------------------------

  /** Durable before the create call leaves. Returns the row of the batch. */
  intend({ run, lane, number, attempt, plan }: NewBatch): number {
    const { sql } = this.#db;
    return this.#db.durable(() => {
      const { lastInsertRowid: row } = sql
        .prepare(
          `INSERT INTO batches(run, lane, number, attempt, state, items, slots, status, plan, seq)
           VALUES (?1,?2,?3,?4,'intended',0,coalesce((SELECT slots FROM batches WHERE id = ?5),''),'',?5,
             coalesce((SELECT seq FROM batches WHERE id = ?5), 0))`,
        )
        .run(run, lane, number, attempt, plan ?? null);
      sql.prepare('UPDATE batches SET seq = id WHERE id = ? AND seq = 0').run(row);
      return row;
    });
  }

  opened(row: number, batchId: string): void {
    this.#db.record(() =>
      this.#db.sql
        .prepare(
          "UPDATE batches SET batch_id = ?, status = 'draft', state = iif(plan IS NULL, 'open', 'refilling') WHERE id = ?",
        )
        .run(batchId, row),
    );
  }

  setState(row: number, state: BatchState, slots?: string): void {
    const write = state === 'starting' ? this.#db.durable.bind(this.#db) : this.#db.record.bind(this.#db);
    write(() =>
      this.#db.sql
        .prepare('UPDATE batches SET state = ?, slots = coalesce(?, slots) WHERE id = ?')
        .run(state, slots ?? null, row),
    );
  }

  setDoubted(row: number): void {
    this.#db.record(() => this.#db.sql.prepare('UPDATE batches SET doubted = 1 WHERE id = ?').run(row));
  }

  /** Durable before the delete call leaves: from here on the draft is made anew, whatever happens to this process. */
  intendRebuild(row: number): void {
    this.#db.durable(() =>
      this.#db.sql
        .prepare("UPDATE batches SET was = state, state = 'rebuilding' WHERE id = ? AND state <> 'rebuilding'")
        .run(row),
    );
  }

  /** The draft could not be deleted: it is what it was. */
  cancelRebuild(row: number): void {
    this.#db.record(() =>
      this.#db.sql.prepare("UPDATE batches SET state = was WHERE id = ? AND state = 'rebuilding'").run(row),
    );
  }

  /** `row` has taken the place of `plan`, whose chunks are forgotten; it is as far as that was, but not processed. */
  rebuilt(plan: number, row: number): void {
    const { sql } = this.#db;
    this.#db.durable(() => {
      sql
        .prepare(
          `UPDATE batches SET plan = NULL, state = iif((SELECT was FROM batches WHERE id = ?1) = 'open', 'open', 'closed')
           WHERE id = ?2`,
        )
        .run(plan, row);
      this.forget(plan);
    });
  }

  /** A draft that was deleted, with what was in it. */
  forget(row: number): void {
    this.#db.record(() => {
      this.#db.sql.prepare("UPDATE batches SET state = 'deleted' WHERE id = ?").run(row);
      this.#db.sql.prepare('DELETE FROM chunks WHERE batch = ?').run(row);
    });
  }

  /** What the service last said about a batch. */
  seen(row: number, status: string, counts: BatchCounts | undefined): void {
    this.#db.record(() =>
      this.#db.sql
        .prepare('UPDATE batches SET status = ?, counts = ? WHERE id = ?')
        .run(status, counts === undefined ? null : JSON.stringify(counts), row),
    );
  }

  /** The batches of a run, or of all runs, in the order in which they were first intended. */
  of(run?: string): readonly StoredBatch[] {
    return this.#db
      .read(() =>
        run === undefined
          ? this.#db.sql.prepare('SELECT * FROM batches ORDER BY seq, id').all()
          : this.#db.sql.prepare('SELECT * FROM batches WHERE run = ? ORDER BY seq, id').all(run),
      )
      .map(storedBatch);
  }

  /** Batches of other runs into a project that hold items and that the service is not done with; drafts of ended runs come to nothing. */
  unfinished(project: string, exceptRun: string): readonly StoredBatch[] {
    return this.#db
      .read(() =>
        this.#db.sql
          .prepare(
            `SELECT batches.* FROM batches JOIN runs ON runs.id = batches.run
             WHERE batches.state NOT IN ('terminal','deleted','lost') AND batches.state IN ${LIVE}
               AND (batches.state = 'started' OR runs.state = 'open')
               AND runs.project = ? AND runs.id <> ? AND batches.items > 0 ORDER BY batches.seq`,
          )
          .all(project, exceptRun),
      )
      .map(storedBatch);
  }

  byRow(row: number): StoredBatch | undefined {
    const found = this.#db.read(() => this.#db.sql.prepare('SELECT * FROM batches WHERE id = ?').get(row));
    return found === undefined ? undefined : storedBatch(found);
  }

  byId(batchId: string): StoredBatch | undefined {
    const row = this.#db.read(() =>
      this.#db.sql.prepare('SELECT * FROM batches WHERE batch_id = ? ORDER BY id DESC LIMIT 1').get(batchId),
    );
    return row === undefined ? undefined : storedBatch(row);
  }

  /** Items of a run that the service accepted and that were not taken back. */
  accepted(run: string): number {
    const row = this.#db.read(() =>
      this.#db.sql.prepare(`SELECT sum(items) AS n FROM batches WHERE run = ? AND state IN ${LIVE}`).get(run),
    );
    return Number(row?.['n'] ?? 0);
  }

  // --- chunks -----------------------------------------------------------------------------------------------------------------------

  /**
   * Written, with what `alongside` writes, before the add call leaves, and durable when the database is `synced`: wait for that in between. Returns
   * the row of the chunk.
   */
  intendChunk(chunk: IntendedChunk, alongside: () => void = nothing): number {
    const positions = encodePositions(chunk.positions, chunk.items);
    return this.#db.intend(() => {
      alongside();
      return this.#db.sql
        .prepare(
          `INSERT INTO chunks(batch, first, items, state, last_source, last_ordinal, digest, positions, marks)
           VALUES (?,?,?,'intended',?,?,?,?,?)`,
        )
        .run(
          chunk.batch,
          chunk.first,
          chunk.items,
          chunk.last.source,
          chunk.last.ordinal,
          chunk.digest,
          positions,
          chunk.marks ?? null,
        ).lastInsertRowid;
    });
  }

  /** The service holds these items: the chunk is accepted, the batch has grown, its marks are known to the project. */
  chunkAccepted(
    chunk: number,
    { uuids, slots }: { readonly uuids: readonly (string | undefined)[]; readonly slots: string },
  ): void {
    const { sql } = this.#db;
    this.#db.record(() => {
      sql.prepare("UPDATE chunks SET state = 'accepted', uuids = ? WHERE id = ?").run(encodeUuids(uuids), chunk);
      sql
        .prepare(
          `UPDATE batches SET items = items + (SELECT items FROM chunks WHERE id = ?1), slots = ?2
           WHERE id = (SELECT batch FROM chunks WHERE id = ?1)`,
        )
        .run(chunk, slots);
      sql
        .prepare(
          `INSERT INTO mark_log(project, chunk) SELECT runs.project, chunks.id FROM chunks
             JOIN batches ON batches.id = chunks.batch JOIN runs ON runs.id = batches.run
           WHERE chunks.id = ? AND chunks.marks IS NOT NULL`,
        )
        .run(chunk);
    });
  }

  /** The service certainly does not hold these items: the intent is taken back. */
  chunkWithdrawn(chunk: number): void {
    this.#db.record(() => this.#db.sql.prepare("DELETE FROM chunks WHERE id = ? AND state = 'intended'").run(chunk));
  }

  /** The accepted chunks of a batch in the order of its items. Rows are read one by one. */
  *chunks(batch: number): Generator<StoredChunk> {
    let after = -1;
    const next = this.#db.sql.prepare(
      "SELECT * FROM chunks WHERE batch = ? AND first > ? AND state = 'accepted' ORDER BY first LIMIT 1",
    );
    for (;;) {
      const place = after;
      const row = this.#db.read(() => next.get(batch, place));
      if (row === undefined) return;
      const chunk = storedChunk(row);
      after = chunk.first;
      yield chunk;
    }
  }

  /** Add calls of which nobody knows whether they were applied. */
  intendedChunks(batch: number): readonly StoredChunk[] {
    return this.#db
      .read(() =>
        this.#db.sql.prepare("SELECT * FROM chunks WHERE batch = ? AND state = 'intended' ORDER BY id").all(batch),
      )
      .map(storedChunk);
  }

  /** The chunks of a run that reach to or beyond a place in its input. */
  *chunksFrom(run: string, source: number, ordinal: number): Generator<StoredChunk> {
    const rows = this.#db.read(() =>
      this.#db.sql
        .prepare(
          `SELECT chunks.id AS id FROM batches JOIN chunks ON chunks.batch = batches.id
           WHERE batches.run = ? AND batches.state IN ${LIVE} AND chunks.state = 'accepted'
             AND (chunks.last_source, chunks.last_ordinal) >= (?,?)`,
        )
        .all(run, source, ordinal),
    );
    for (const { id } of rows) {
      const row = this.#db.read(() => this.#db.sql.prepare('SELECT * FROM chunks WHERE id = ?').get(Number(id)));
      if (row !== undefined) yield storedChunk(row);
    }
  }

  /** The chunk that holds an item of a batch. */
  chunkOf(batch: number, index: number): StoredChunk | undefined {
    const row = this.#db.read(() =>
      this.#db.sql
        .prepare(
          "SELECT * FROM chunks WHERE batch = ? AND first <= ? AND state = 'accepted' ORDER BY first DESC LIMIT 1",
        )
        .get(batch, index),
    );
    if (row === undefined) return undefined;
    const chunk = storedChunk(row);
    return index < chunk.first + chunk.items ? chunk : undefined;
  }
}

/** An item of a stored chunk, by its index in the batch. */
export function itemOf(
  chunk: StoredChunk,
  index: number,
): { readonly position: StoredPosition; readonly uuid: string | undefined } | undefined {
  let at = chunk.first;
  for (const position of chunk.positions()) {
    if (at === index) return { position, uuid: chunk.uuids?.[index - chunk.first] };
    at += 1;
  }
  return undefined;
}

function nothing(): void {}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function storedBatch(row: Row): StoredBatch {
  const counts = row['counts'];
  return {
    row: Number(row['id']),
    seq: Number(row['seq']),
    run: text(row['run']),
    lane: Number(row['lane']),
    number: Number(row['number']),
    batchId: typeof row['batch_id'] === 'string' ? row['batch_id'] : undefined,
    state: text(row['state']) as BatchState,
    plan: typeof row['plan'] === 'number' ? row['plan'] : undefined,
    items: Number(row['items']),
    slots: text(row['slots']),
    status: text(row['status']),
    counts: typeof counts === 'string' ? (JSON.parse(counts) as BatchCounts) : undefined,
    doubted: row['doubted'] === 1,
  };
}

function storedChunk(row: Row): StoredChunk {
  const positions = row['positions'];
  const uuids = row['uuids'];
  const marks = row['marks'];
  return {
    row: Number(row['id']),
    batch: Number(row['batch']),
    first: Number(row['first']),
    items: Number(row['items']),
    digest: text(row['digest']),
    positions: () => (positions instanceof Uint8Array ? decodePositions(positions) : []),
    uuids: uuids instanceof Uint8Array ? decodeUuids(uuids) : undefined,
    marks: marks instanceof Uint8Array ? marks : undefined,
  };
}
