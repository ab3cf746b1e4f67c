/** Everything that the local server keeps, opened as one: the tables share a database and its transactions. */
import type { Database } from '../../sqlite.js';
import { Batches, type Batch } from './batches.js';
import { Chunks } from './chunks.js';
import { Placements } from './placements.js';
import { closeData, dataFailure, openData } from './schema.js';
import { Targets } from './targets.js';

export interface Store {
  readonly db: Database;
  readonly batches: Batches;
  readonly chunks: Chunks;
  readonly placements: Placements;
  readonly targets: Targets;
  /** Of the account that all projects of this file belong to. */
  readonly accountUuid: string;
  /** Removes a batch and everything staged in it. */
  deleteBatch(batch: Batch): void;
  /** False when the log could not be folded into the file; nothing is lost then. */
  close(): boolean;
}

/** `file` is a path or `:memory:`. Throws AppError when the file cannot be used. */
export async function openStore(file: string): Promise<Store> {
  const db = await openData(file);
  try {
    return storeOn(db);
  } catch (error) {
    db.close();
    throw dataFailure(file, error);
  }
}

function storeOn(db: Database): Store {
  const batches = new Batches(db);
  const chunks = new Chunks(db);
  return {
    db,
    batches,
    chunks,
    placements: new Placements(db),
    targets: new Targets(db),
    accountUuid: String(db.prepare("SELECT value FROM meta WHERE key = 'account'").get()?.value),
    deleteBatch(batch) {
      db.transaction(() => {
        chunks.deleteOf(batch.no);
        batches.delete(batch.no);
      });
    },
    close: () => closeData(db),
  };
}
