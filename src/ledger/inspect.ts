/** A look at a ledger that changes nothing in it: whether it can be read, is whole, and is of this version. For a person who looks for a fault. */
import { openDatabase, SqlError } from '../sqlite.js';
import { APPLICATION_ID, SCHEMA_VERSION } from './schema.js';

export type Inspection =
  | { readonly kind: 'whole'; readonly runs: number; readonly unfinished: number; readonly version: number }
  /** What this program makes of it when it is opened to work. */
  | { readonly kind: 'older'; readonly version: number }
  | { readonly kind: 'newer'; readonly version: number }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'damaged'; readonly why: string }
  /** Somebody is writing, or it may not be read: nothing is known of its state. */
  | { readonly kind: 'unreadable'; readonly why: string };

const MISTAKES = 3;

/** `path` must exist. Never throws for what is wrong with it. */
export async function inspectLedger(path: string): Promise<Inspection> {
  try {
    const db = await openDatabase(path);
    try {
      db.exec('PRAGMA busy_timeout = 2000');
      db.exec('PRAGMA query_only = ON');
      return looked(db);
    } finally {
      db.close();
    }
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const isDamaged = error.code === 'NOTADB' || error.code === 'CORRUPT';
    return { kind: isDamaged ? 'damaged' : 'unreadable', why: error.message };
  }
}

/** Ids of the newest runs, with name and state: for the completion of a shell. Nothing where there is no ledger that can be read. */
export async function runNames(path: string, most: number): Promise<readonly (readonly [string, string])[]> {
  try {
    const db = await openDatabase(path);
    try {
      db.exec('PRAGMA query_only = ON');
      const rows = db.prepare('SELECT id, name, state FROM runs ORDER BY rowid DESC LIMIT ?').all(most);
      return rows.map(({ id, name, state }) => [String(id), [name, state].filter((each) => each !== null).join(', ')]);
    } finally {
      db.close();
    }
  } catch {
    return [];
  }
}

function looked(db: Awaited<ReturnType<typeof openDatabase>>): Inspection {
  const number = (sql: string): number => Number(Object.values(db.prepare(sql).get() ?? {})[0] ?? 0);
  const application = number('PRAGMA application_id');
  const tables = number('SELECT count(*) FROM sqlite_master');
  if (application !== APPLICATION_ID && (application !== 0 || tables > 0)) return { kind: 'foreign' };
  const version = number('PRAGMA user_version');
  if (version > SCHEMA_VERSION) return { kind: 'newer', version };
  const found = db.prepare(`PRAGMA quick_check(${MISTAKES})`).all();
  const mistakes = found.map((row) => String(Object.values(row)[0])).filter((text) => text !== 'ok');
  if (mistakes.length > 0) return { kind: 'damaged', why: mistakes.join('; ') };
  if (version < SCHEMA_VERSION) return { kind: 'older', version };
  const unfinished = number("SELECT count(*) FROM runs WHERE state = 'open'");
  return { kind: 'whole', runs: number('SELECT count(*) FROM runs'), unfinished, version };
}
