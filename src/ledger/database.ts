/**
 * The ledger's file: opening it without ever guessing, and the two kinds of commit. `durable` has survived a power cut when it returns: it is
 * for what is about to be done. `record` has survived the end of this process when it returns, and becomes durable with the next durable
 * commit: it is for what has happened, because a lost record is only an intent whose outcome must be asked for. What is intended a thousand
 * times is recorded, and `synced` is waited for before it is done: the same promise, without standing still for the disk.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../errors.js';
import { openDatabase, SqlError, type Database } from '../sqlite.js';
import { step } from '../steps.js';
import { LogSync } from './log-sync.js';
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from './schema.js';

export class LedgerDatabase {
  readonly sql: Database;
  readonly #log: LogSync | undefined;
  #isFull = true;
  #depth = 0;
  /** What kept a transaction from being written. From then on nothing is: later ones may build on what was lost. */
  #broken: { readonly error: unknown } | undefined;

  private constructor(sql: Database) {
    this.sql = sql;
    this.#log = sql.path === ':memory:' ? undefined : LogSync.open(sql.path);
  }

  /**
   * Opens or creates the ledger at `path` (`:memory:` for one that is not kept). Throws AppError `ledger-damaged`, `ledger-newer`,
   * `ledger-foreign` (exit 20) or `state-unwritable` (exit 2): a ledger is never guessed at.
   */
  static async open(path: string): Promise<LedgerDatabase> {
    try {
      if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const db = await openDatabase(path);
      try {
        await whileBusy(() => prepareFile(db));
      } catch (error) {
        db.close();
        throw error;
      }
      return new LedgerDatabase(db);
    } catch (error) {
      throw openingError(path, error);
    }
  }

  close(): void {
    this.#log?.close();
    this.sql.close();
  }

  /** One transaction that has survived a power cut when this returns. */
  durable<T>(work: () => T): T {
    return this.#commit(work, true);
  }

  /** One transaction that has survived the end of this process when this returns. Inside another transaction it is part of that. */
  record<T>(work: () => T): T {
    return this.#commit(work, false);
  }

  /** One transaction that has survived a power cut when `synced` has resolved. */
  intend<T>(work: () => T): T {
    return this.#commit(work, this.#log === undefined);
  }

  /** Resolves when everything that is committed now has survived a power cut. Throws AppError `disk-full` or `ledger-write`. */
  async synced(): Promise<void> {
    try {
      await this.#log?.synced();
    } catch (error) {
      const told = writingError(this.sql.path, syncError(error));
      this.#broken ??= { error: told };
      throw told;
    }
  }

  /** Reading outside a transaction: damage that shows itself only now is told like any other. */
  read<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw writingError(this.sql.path, error);
    }
  }

  #commit<T>(work: () => T, full: boolean): T {
    if (this.#depth > 0) return work();
    if (this.#broken !== undefined) throw this.#broken.error;
    try {
      if (this.#isFull !== full) {
        this.sql.exec(full ? 'PRAGMA synchronous = FULL' : 'PRAGMA synchronous = NORMAL');
        this.#isFull = full;
      }
      this.#depth = 1;
      return this.sql.transaction(work);
    } catch (error) {
      const told = writingError(this.sql.path, error);
      if (told !== error) this.#broken = { error: told };
      throw told;
    } finally {
      this.#depth = 0;
    }
  }
}

const BUSY_TRIES = 100;
const BUSY_PAUSE_MS = 50;

/** Changing the journal mode does not wait for another process that is doing the same: try again for a while. */
async function whileBusy(work: () => void): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      work();
      return;
    } catch (error) {
      const isBusy = error instanceof SqlError && (error.code === 'BUSY' || error.code === 'LOCKED');
      if (!isBusy || tries >= BUSY_TRIES) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE_MS));
  }
}

function syncError(error: unknown): SqlError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new SqlError(code === 'ENOSPC' || code === 'EDQUOT' ? 'FULL' : 'IOERR', message, error);
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
  db.exec('PRAGMA cache_size = -8000');
  if (version === SCHEMA_VERSION) return;
  // Two processes may meet here: whoever comes second finds the work done.
  db.transaction(() => {
    const current = Number(db.prepare('SELECT user_version AS v FROM pragma_user_version').get()?.['v'] ?? 0);
    for (let from = current; from < SCHEMA_VERSION; from++) {
      db.exec(MIGRATIONS[from] ?? '');
      step('migrate.applied');
    }
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    if (application !== APPLICATION_ID) db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  });
  step('migrate.recorded');
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
  const damaged = error.code === 'CORRUPT' || error.code === 'NOTADB';
  const message = full
    ? `the disk with the ledger ${path} is full`
    : damaged
      ? `the ledger ${path} is damaged: ${error.message}`
      : `the ledger ${path} could not be written: ${error.message}`;
  return new AppError(message, {
    code: full ? 'disk-full' : damaged ? 'ledger-damaged' : 'ledger-write',
    disposition: 'ledger',
    hint: damaged
      ? 'restore it from a copy, or name another folder with --state-dir'
      : `nothing was sent after the last recorded step: ${full ? 'make room' : 'mend that'}, and the same command goes on`,
    cause: error,
  });
}

/** What must be in the ledger is not: it was damaged, or altered behind the program's back. */
export function missingFromLedger(path: string, what: string): AppError {
  return new AppError(`the ledger ${path} is damaged: ${what} is not in it`, {
    code: 'ledger-damaged',
    disposition: 'ledger',
    hint: 'restore it from a copy, or name another folder with --state-dir',
  });
}
