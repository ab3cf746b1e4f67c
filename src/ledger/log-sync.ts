/**
 * Making commits durable while the program goes on. A commit has survived a power cut once SQLite's write-ahead log was synchronised behind it: with
 * `synchronous = FULL` SQLite does that inside the commit, and everything stands still meanwhile. Here the commit is made without, and the log is
 * synchronised in the background; whoever must not go on before waits for it. One sync serves all that were committed when it began.
 *
 * That is sound because a checkpoint synchronises the log before it copies from it, and the database before the log is used anew: a commit
 * is always in one of the two.
 */
import { closeSync, fdatasync, openSync } from 'node:fs';
import { promisify } from 'node:util';

export type SyncFile = (file: number) => Promise<void>;

const syncInBackground: SyncFile = promisify(fdatasync);

export class LogSync {
  readonly #file: number;
  readonly #sync: SyncFile;
  /** The sync under way, and the one that begins behind it. After a failure it stays: what was lost then no later sync brings to disk. */
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #isBusy = false;
  #isClosed = false;

  private constructor(file: number, sync: SyncFile) {
    this.#file = file;
    this.#sync = sync;
  }

  /** The log of the database at `path`, which is open and was read or written; undefined when it has none that can be opened. */
  static open(path: string, sync = syncInBackground): LogSync | undefined {
    try {
      // Some systems do not synchronise what is open for reading only.
      return new LogSync(openSync(`${path}-wal`, 'r+'), sync);
    } catch {
      return undefined;
    }
  }

  /** Resolves when everything that is committed now has survived a power cut. Rejects with the error of the system, from then on always. */
  synced(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    // The one under way may have begun before the last commit.
    this.#next ??= this.#running.then(() => this.#begin());
    return this.#next;
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    this.#isBusy = true;
    this.#running = this.#sync(this.#file)
      .finally(() => {
        this.#isBusy = false;
        if (this.#isClosed) closeSync(this.#file);
      })
      .then(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  /** Nothing that is committed from here on is waited for. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isBusy) closeSync(this.#file);
  }
}
