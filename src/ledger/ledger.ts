/**
 * The durable record of a run. Every act on the service is preceded by a committed row saying so, because a crash between act and record
 * is otherwise indistinguishable from one before the act. WAL with full synchronisation: what a method wrote has survived when it returns.
 *
 * Nothing an item costs SQL: a chunk is one row, its positions and uuids are blobs.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../errors.js';
import type { BatchCounts } from '../events.js';
import { openDatabase, SqlError, type Database, type Row } from '../sqlite.js';
import { decodePositions, decodeUuids, encodePositions, encodeUuids, type StoredPosition } from './positions.js';
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from './schema.js';

export type { StoredPosition } from './positions.js';

/**
 * intended: the create call may be under way; open: a draft that takes items; closed: complete, waiting to be processed; started: process took;
 * terminal: the service is done with it; deleted: we deleted the draft; lost: somebody else did.
 */
export type BatchState = 'intended' | 'open' | 'closed' | 'started' | 'terminal' | 'deleted' | 'lost';

export interface RunRecord {
  readonly id: string;
  readonly project: string;
  readonly host: string;
  readonly sources: readonly string[];
  readonly mapping: string;
}

export interface StoredBatch {
  readonly row: number;
  readonly run: string;
  readonly lane: number;
  readonly number: number;
  readonly batchId: string | undefined;
  readonly state: BatchState;
  readonly items: number;
  readonly slots: string;
  readonly status: string;
  readonly counts: BatchCounts | undefined;
}

export interface StoredChunk {
  readonly row: number;
  readonly first: number;
  readonly items: number;
  readonly digest: string;
  readonly positions: () => Iterable<StoredPosition>;
  readonly uuids: readonly (string | undefined)[] | undefined;
}

export interface LearnedLimits {
  readonly maxItems: number | undefined;
  readonly maxBytes: number | undefined;
}

export interface IntendedChunk {
  readonly batch: number;
  readonly first: number;
  readonly items: number;
  readonly digest: string;
  readonly positions: Iterable<StoredPosition>;
}

export class Ledger {
  readonly #db: Database;

  private constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Opens or creates the ledger at `path` (`:memory:` for a run that keeps no state). Throws AppError `ledger-damaged`, `ledger-newer`,
   * `ledger-foreign` (exit 20) or `state-unwritable` (exit 2): a ledger is never guessed at.
   */
  static async open(path: string): Promise<Ledger> {
    try {
      if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const db = await openDatabase(path);
      try {
        prepareFile(db);
      } catch (error) {
        db.close();
        throw error;
      }
      return new Ledger(db);
    } catch (error) {
      throw openingError(path, error);
    }
  }

  close(): void {
    this.#db.close();
  }

  beginRun(run: RunRecord, startedAt: string): void {
    this.#write(() =>
      this.#db
        .prepare('INSERT INTO runs(id, project, host, sources, mapping, started_at) VALUES (?,?,?,?,?,?)')
        .run(run.id, run.project, run.host, JSON.stringify(run.sources), run.mapping, startedAt),
    );
  }

  endRun(run: string, status: string, summary: string, endedAt: string): void {
    this.#write(() =>
      this.#db
        .prepare('UPDATE runs SET status = ?, summary = ?, ended_at = ? WHERE id = ?')
        .run(status, summary, endedAt, run),
    );
  }

  /** Durable before the create call leaves. Returns the row of the batch. */
  intendBatch(run: string, lane: number, number: number, attempt: string): number {
    return this.#write(
      () =>
        this.#db
          .prepare(
            "INSERT INTO batches(run, lane, number, attempt, state, items, slots, status) VALUES (?,?,?,?,'intended',0,'','')",
          )
          .run(run, lane, number, attempt).lastInsertRowid,
    );
  }

  batchOpened(batch: number, batchId: string): void {
    this.#write(() =>
      this.#db
        .prepare("UPDATE batches SET batch_id = ?, state = 'open', status = 'draft' WHERE id = ?")
        .run(batchId, batch),
    );
  }

  setBatchState(batch: number, state: BatchState, slots?: string): void {
    this.#write(() =>
      this.#db
        .prepare('UPDATE batches SET state = ?, slots = coalesce(?, slots) WHERE id = ?')
        .run(state, slots ?? null, batch),
    );
  }

  /** What the service last said about a batch. */
  batchSeen(batch: number, status: string, counts: BatchCounts | undefined): void {
    this.#write(() =>
      this.#db
        .prepare('UPDATE batches SET status = ?, counts = ? WHERE id = ?')
        .run(status, counts === undefined ? null : JSON.stringify(counts), batch),
    );
  }

  /** Durable before the add call leaves. Returns the row of the chunk. */
  intendChunk(chunk: IntendedChunk): number {
    const positions = encodePositions(chunk.positions, chunk.items);
    return this.#write(
      () =>
        this.#db
          .prepare("INSERT INTO chunks(batch, first, items, state, digest, positions) VALUES (?,?,?,'intended',?,?)")
          .run(chunk.batch, chunk.first, chunk.items, chunk.digest, positions).lastInsertRowid,
    );
  }

  /** The service holds these items: the chunk is accepted and the batch has grown, in one transaction. */
  chunkAccepted(chunk: number, uuids: readonly (string | undefined)[]): void {
    this.#write(() =>
      this.#db.transaction(() => {
        this.#db.prepare("UPDATE chunks SET state = 'accepted', uuids = ? WHERE id = ?").run(encodeUuids(uuids), chunk);
        this.#db
          .prepare(
            'UPDATE batches SET items = items + (SELECT items FROM chunks WHERE id = ?1) WHERE id = (SELECT batch FROM chunks WHERE id = ?1)',
          )
          .run(chunk);
      }),
    );
  }

  /** The service certainly does not hold these items: the intent is taken back. */
  chunkWithdrawn(chunk: number): void {
    this.#write(() => this.#db.prepare("DELETE FROM chunks WHERE id = ? AND state = 'intended'").run(chunk));
  }

  /** The accepted chunks of a batch in the order of its items. Rows are read one by one. */
  *chunks(batch: number): Generator<StoredChunk> {
    let after = -1;
    const next = this.#db.prepare(
      "SELECT * FROM chunks WHERE batch = ? AND first > ? AND state = 'accepted' ORDER BY first LIMIT 1",
    );
    for (;;) {
      const row = next.get(batch, after);
      if (row === undefined) return;
      const chunk = storedChunk(row);
      after = chunk.first;
      yield chunk;
    }
  }

  /** Which row an item of a batch came from, and its uuid: for reporting what failed. */
  itemSource(
    batch: number,
    index: number,
  ): { readonly position: StoredPosition; readonly uuid: string | undefined } | undefined {
    const row = this.#db
      .prepare("SELECT * FROM chunks WHERE batch = ? AND first <= ? AND state = 'accepted' ORDER BY first DESC LIMIT 1")
      .get(batch, index);
    if (row === undefined) return undefined;
    const chunk = storedChunk(row);
    let at = chunk.first;
    for (const position of chunk.positions()) {
      if (at === index) return { position, uuid: chunk.uuids?.[index - chunk.first] };
      at += 1;
    }
    return undefined;
  }

  /** The batches of a run, or of all runs, in the order in which they were intended. */
  batches(run?: string): readonly StoredBatch[] {
    const rows =
      run === undefined
        ? this.#db.prepare('SELECT * FROM batches ORDER BY id').all()
        : this.#db.prepare('SELECT * FROM batches WHERE run = ? ORDER BY id').all(run);
    return rows.map(storedBatch);
  }

  batchById(batchId: string): StoredBatch | undefined {
    const row = this.#db.prepare('SELECT * FROM batches WHERE batch_id = ? ORDER BY id DESC LIMIT 1').get(batchId);
    return row === undefined ? undefined : storedBatch(row);
  }

  /** The names of a run's sources, by the index that positions carry. */
  sourcesOf(run: string): readonly string[] {
    const row = this.#db.prepare('SELECT sources FROM runs WHERE id = ?').get(run);
    return row === undefined ? [] : (JSON.parse(text(row['sources'])) as string[]);
  }

  learnedLimits(project: string): LearnedLimits {
    const row = this.#db.prepare('SELECT * FROM projects WHERE id = ?').get(project);
    return {
      maxItems: (row?.['max_items_per_add'] as number | null | undefined) ?? undefined,
      maxBytes: (row?.['max_bytes_per_add'] as number | null | undefined) ?? undefined,
    };
  }

  learnLimits(project: string, limits: LearnedLimits): void {
    this.#write(() =>
      this.#db
        .prepare(
          `INSERT INTO projects(id, max_items_per_add, max_bytes_per_add) VALUES (?,?,?)
           ON CONFLICT(id) DO UPDATE SET max_items_per_add = excluded.max_items_per_add, max_bytes_per_add = excluded.max_bytes_per_add`,
        )
        .run(project, limits.maxItems ?? null, limits.maxBytes ?? null),
    );
  }

  #write<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw writingError(this.#db.path, error);
    }
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function storedBatch(row: Row): StoredBatch {
  const counts = row['counts'];
  return {
    row: Number(row['id']),
    run: text(row['run']),
    lane: Number(row['lane']),
    number: Number(row['number']),
    batchId: typeof row['batch_id'] === 'string' ? row['batch_id'] : undefined,
    state: text(row['state']) as BatchState,
    items: Number(row['items']),
    slots: text(row['slots']),
    status: text(row['status']),
    counts: typeof counts === 'string' ? (JSON.parse(counts) as BatchCounts) : undefined,
  };
}

function storedChunk(row: Row): StoredChunk {
  const positions = row['positions'];
  const uuids = row['uuids'];
  return {
    row: Number(row['id']),
    first: Number(row['first']),
    items: Number(row['items']),
    digest: text(row['digest']),
    positions: () => (positions instanceof Uint8Array ? decodePositions(positions) : []),
    uuids: uuids instanceof Uint8Array ? decodeUuids(uuids) : undefined,
  };
}

function prepareFile(db: Database): void {
  const application = Number(db.prepare('PRAGMA application_id').get()?.['application_id'] ?? 0);
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  const tables = Number(db.prepare('SELECT count(*) AS n FROM sqlite_master').get()?.['n'] ?? 0);
  if (application !== APPLICATION_ID && (application !== 0 || tables > 0)) {
    throw new AppError(`${db.path} is a database of another program`, {
      code: 'ledger-foreign',
      disposition: 'ledger',
      hint: 'name another folder with --state-dir',
    });
  }
  if (version > SCHEMA_VERSION) {
    throw new AppError(
      `${db.path} was written by a newer zep-import (ledger version ${version}, this one knows ${SCHEMA_VERSION})`,
      {
        code: 'ledger-newer',
        disposition: 'ledger',
        hint: 'update zep-import, or name another folder with --state-dir',
      },
    );
  }
  // Another import may be writing its own rows to this ledger: wait for it, it only takes milliseconds.
  db.exec('PRAGMA busy_timeout = 10000');
  db.prepare('PRAGMA journal_mode = WAL').get();
  db.exec('PRAGMA synchronous = FULL');
  if (application !== APPLICATION_ID) db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  for (let from = version; from < SCHEMA_VERSION; from++) {
    db.transaction(() => {
      db.exec(MIGRATIONS[from] ?? '');
      db.exec(`PRAGMA user_version = ${from + 1}`);
    });
  }
}

function openingError(path: string, error: unknown): unknown {
  if (!(error instanceof SqlError)) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === undefined || error instanceof AppError ? error : unwritable(path, error);
  }
  if (error.code === 'NOTADB' || error.code === 'CORRUPT') {
    return new AppError(`the ledger ${path} is damaged: ${error.message}`, {
      code: 'ledger-damaged',
      disposition: 'ledger',
      hint: 'restore it from a copy, or name another folder with --state-dir',
      cause: error,
    });
  }
  return error.code === 'CANTOPEN' || error.code === 'READONLY' || error.code === 'PERM'
    ? unwritable(path, error)
    : writingError(path, error);
}

function unwritable(path: string, cause: unknown): AppError {
  return new AppError(`the state folder ${dirname(path)} cannot be written`, {
    code: 'state-unwritable',
    disposition: 'usage',
    hint: 'make it writable, or name another folder with --state-dir',
    cause,
  });
}

function writingError(path: string, error: unknown): unknown {
  if (!(error instanceof SqlError)) return error;
  const full = error.code === 'FULL';
  return new AppError(
    full ? `the disk with the ledger ${path} is full` : `the ledger ${path} could not be written: ${error.message}`,
    {
      code: full ? 'disk-full' : 'ledger-write',
      disposition: 'ledger',
      hint: 'nothing was sent after the last recorded step',
      cause: error,
    },
  );
}
