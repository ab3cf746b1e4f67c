/**
 * One process at a time works on an import. The lock is SQLite's exclusive lock on a file of its own, which the kernel frees when the process
 * ends, however it ends; who holds it is written beside it, for the message only.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../errors.js';
import { openDatabase, SqlError, type Database } from '../sqlite.js';

export interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

const LOOKS = 4;
const LOOK_MS = 25;

export class RunLock {
  readonly #db: Database;
  #held = true;

  private constructor(db: Database) {
    this.#db = db;
  }

  /** Takes the lock of the import with this key at once, or throws AppError `locked` (exit 21) that names who holds it. */
  static async acquire(folder: string, key: string, holder: Holder): Promise<RunLock> {
    let lock = await RunLock.#tryAcquire(folder, key);
    // Whoever only looks whether it is held, holds it for a moment.
    for (let look = 0; lock === undefined && look < LOOKS; look++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      lock = await RunLock.#tryAcquire(folder, key);
    }
    if (lock === undefined) throw locked(readHolder(folder, key));
    writeFileSync(holderPath(folder, key), JSON.stringify(holder), { mode: 0o600 });
    return lock;
  }

  /** Whether a living process holds it. */
  static async isHeld(folder: string, key: string): Promise<boolean> {
    const lock = await RunLock.#tryAcquire(folder, key);
    lock?.release();
    return lock === undefined;
  }

  static async #tryAcquire(folder: string, key: string): Promise<RunLock | undefined> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const db = await openDatabase(join(folder, `${key}.lock`));
    try {
      db.exec('PRAGMA busy_timeout = 0');
      db.exec('BEGIN EXCLUSIVE');
      return new RunLock(db);
    } catch (error) {
      db.close();
      if (error instanceof SqlError && (error.code === 'BUSY' || error.code === 'LOCKED')) return undefined;
      throw error;
    }
  }

  /** Others may go on from here. The lock is given back by the rollback: a driver may keep the file open for a while. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    try {
      this.#db.exec('ROLLBACK');
    } finally {
      this.#db.close();
    }
  }
}

function holderPath(folder: string, key: string): string {
  return join(folder, `${key}.json`);
}

function readHolder(folder: string, key: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(holderPath(folder, key), 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function locked(holder: Holder | undefined): AppError {
  const who = holder === undefined ? '' : ` (process ${holder.pid} on ${holder.host}, since ${holder.since})`;
  return new AppError(`another process is running this import${who}`, {
    code: 'locked',
    disposition: 'locked',
    hint: 'wait for it to end: zep-import status shows how far it is',
  });
}
