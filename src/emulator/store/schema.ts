/**
 * The data file of the local server: SQLite in WAL mode, one writer. `synchronous = NORMAL` keeps every acknowledged write through the
 * death of the process (the pages are with the operating system) and the file whole through a power cut. The exclusive lock keeps a
 * second server away from the same file, and the kernel frees it when the process dies.
 *
 * The add path writes one row a call: the body as it came, and beside it what processing needs without reading the body again.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { AppError } from '../../errors.js';
import { openDatabase, SqlError, type Database } from '../../sqlite.js';

const APPLICATION_ID = 0x5a494c53;
const SCHEMA_VERSION = 1;
const PAGE_BYTES = 8_192;

const SCHEMA = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE projects (
    no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, uuid TEXT NOT NULL, created_at INTEGER NOT NULL
  );
  CREATE TABLE targets (
    no INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, parent INTEGER,
    uuid TEXT NOT NULL, graph_uuid TEXT NOT NULL, fields TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
  );
  CREATE UNIQUE INDEX target_ids ON targets (project, kind, id);
  CREATE INDEX target_parents ON targets (parent) WHERE parent IS NOT NULL;
  CREATE TABLE batches (
    no INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, uuid TEXT NOT NULL UNIQUE, visible INTEGER NOT NULL,
    status TEXT NOT NULL, item_count INTEGER NOT NULL, settings TEXT NOT NULL, plan TEXT, run INTEGER, prepared INTEGER NOT NULL,
    counts TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, processed_at INTEGER, completed_at INTEGER
  );
  CREATE INDEX batch_lists ON batches (project, visible, no);
  CREATE UNIQUE INDEX batch_runs ON batches (run) WHERE run IS NOT NULL;
  CREATE INDEX batch_open ON batches (run) WHERE status IN ('queued', 'processing');
  CREATE TABLE runs (no INTEGER PRIMARY KEY AUTOINCREMENT, batch INTEGER NOT NULL);
  CREATE TABLE states (batch INTEGER PRIMARY KEY, states BLOB NOT NULL);
  CREATE TABLE resolved (batch INTEGER PRIMARY KEY, numbers BLOB NOT NULL);
  CREATE TABLE chunks (
    no INTEGER PRIMARY KEY AUTOINCREMENT, batch INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,
    created_at INTEGER NOT NULL, targets TEXT NOT NULL, target_of BLOB NOT NULL, types BLOB NOT NULL, body BLOB NOT NULL
  );
  CREATE UNIQUE INDEX chunk_places ON chunks (batch, first);
  CREATE TABLE placements (target INTEGER NOT NULL, run INTEGER NOT NULL, seqs BLOB NOT NULL, PRIMARY KEY (target, run)) WITHOUT ROWID;
  CREATE TABLE item_errors (batch INTEGER NOT NULL, seq INTEGER NOT NULL, error TEXT NOT NULL, PRIMARY KEY (batch, seq)) WITHOUT ROWID;
  CREATE TABLE webhooks (
    no INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, payload TEXT NOT NULL, attempts INTEGER NOT NULL, due_at INTEGER NOT NULL
  );
  CREATE INDEX webhook_due ON webhooks (due_at, no);
`;

function number(db: Database, pragma: string): number {
  const row = db.prepare(`PRAGMA ${pragma}`).get();
  return Number(Object.values(row ?? {})[0] ?? 0);
}

function create(db: Database): void {
  db.transaction(() => {
    db.exec(SCHEMA);
    const meta = db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
    meta.run('salt', randomBytes(7).toString('hex'));
    meta.run('account', randomUUID());
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  });
}

function prepareFile(db: Database): void {
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  db.exec('PRAGMA locking_mode = EXCLUSIVE');
  db.prepare('PRAGMA journal_mode = WAL').get();
  db.exec('PRAGMA synchronous = NORMAL');
  db.exec('PRAGMA wal_autocheckpoint = 8000');
  db.exec('PRAGMA cache_size = -16384');
  db.exec('PRAGMA temp_store = MEMORY');
}

function unusable(file: string, why: string, hint: string, cause?: unknown): AppError {
  return new AppError(`The local server cannot use ${file}: ${why}.`, {
    code: 'local-data-unusable',
    disposition: 'usage',
    hint,
    cause,
  });
}

/**
 * Opens or creates the data file (or `:memory:`). Throws AppError: `local-data-in-use` when another server has it, `local-data-unusable`
 * when it is another program's file, of a newer version, damaged or out of reach.
 */
export async function openData(file: string): Promise<Database> {
  let db: Database | undefined;
  try {
    db = await openDatabase(file);
    const tables = Number(db.prepare('SELECT count(*) AS n FROM sqlite_master').get()?.n ?? 0);
    const ours = number(db, 'application_id') === APPLICATION_ID;
    if (tables > 0 && !ours) throw unusable(file, 'it belongs to another program', 'Name another file with --data.');
    const version = number(db, 'user_version');
    if (tables > 0 && version !== SCHEMA_VERSION) {
      throw unusable(file, `its format is version ${version}`, 'Use the version of zep-import that wrote it.');
    }
    prepareFile(db);
    if (tables === 0) create(db);
    // The exclusive lock is taken by the first write, so that a second server fails now and not at its first request.
    db.exec('BEGIN IMMEDIATE; COMMIT');
    return db;
  } catch (error) {
    db?.close();
    throw dataFailure(file, error);
  }
}

/** An error of the database while the server starts, in words; any other error as it is. */
export function dataFailure(file: string, error: unknown): Error {
  if (!(error instanceof SqlError)) return error instanceof Error ? error : new Error(String(error));
  const { code, message } = error;
  if (code === 'BUSY' || code === 'LOCKED') {
    return new AppError(`Another local server is using ${file}.`, {
      code: 'local-data-in-use',
      disposition: 'locked',
      hint: 'Stop it, or name another file with --data.',
      cause: error,
    });
  }
  if (code === 'CANTOPEN') {
    return unusable(file, 'it cannot be opened', 'Its folder must exist, and both must be writable.', error);
  }
  return unusable(file, message, 'Name another file with --data.', error);
}

/**
 * Folds the log into the file, so that one file is left behind, and gives the lock back before closing: a driver may keep the file open
 * until its statements are collected, and the next server must not wait for that. Where the log cannot be folded (a full disk) it stays
 * beside the file with all that was acknowledged, for the next start to read; `false` tells of it.
 */
export function closeData(db: Database): boolean {
  let folded = true;
  try {
    db.prepare('PRAGMA journal_mode = DELETE').get();
    db.exec('PRAGMA locking_mode = NORMAL');
    db.prepare('SELECT count(*) AS n FROM meta').get();
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    folded = false;
  } finally {
    db.close();
  }
  return folded;
}
