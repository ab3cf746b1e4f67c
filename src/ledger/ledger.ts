/**
 * The books of all imports into all projects, in one SQLite file: what was intended and what came of it (batches), where each import stands
 * (runs), what did not go in (rejects), what a project holds already (marks).
 */
import { dirname, join } from 'node:path';
import { Batches } from './batches.js';
import { LedgerDatabase } from './database.js';
import { Rejects } from './rejects.js';
import { Runs } from './runs.js';

export type { StoredPosition } from './positions.js';

export interface LearnedLimits {
  readonly maxItems: number | undefined;
  readonly maxBytes: number | undefined;
}

export class Ledger {
  readonly db: LedgerDatabase;
  readonly runs: Runs;
  readonly batches: Batches;
  readonly rejects: Rejects;
  /** Where the files of marks lie; undefined for a ledger that is not kept. */
  readonly folder: string | undefined;

  private constructor(db: LedgerDatabase, path: string) {
    this.db = db;
    this.runs = new Runs(db);
    this.batches = new Batches(db);
    this.rejects = new Rejects(db);
    this.folder = path === ':memory:' ? undefined : join(dirname(path), 'marks');
  }

  /** Opens or creates the ledger at `path`, `:memory:` for one that is not kept. Throws as LedgerDatabase.open does. */
  static async open(path: string): Promise<Ledger> {
    return new Ledger(await LedgerDatabase.open(path), path);
  }

  close(): void {
    this.db.close();
  }

  learnedLimits(project: string): LearnedLimits {
    const row = this.db.read(() => this.db.sql.prepare('SELECT * FROM projects WHERE id = ?').get(project));
    return {
      maxItems: (row?.['max_items_per_add'] as number | null | undefined) ?? undefined,
      maxBytes: (row?.['max_bytes_per_add'] as number | null | undefined) ?? undefined,
    };
  }

  learnLimits(project: string, limits: LearnedLimits): void {
    this.db.record(() =>
      this.db.sql
        .prepare(
          `INSERT INTO projects(id, max_items_per_add, max_bytes_per_add) VALUES (?,?,?)
           ON CONFLICT(id) DO UPDATE SET max_items_per_add = excluded.max_items_per_add, max_bytes_per_add = excluded.max_bytes_per_add`,
        )
        .run(project, limits.maxItems ?? null, limits.maxBytes ?? null),
    );
  }
}
