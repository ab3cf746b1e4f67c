/**
 * The one SQLite driver: `node:sqlite` where Node has it (22.13 and later), libsql on Node 20. Both behind the same few calls, so that the
 * ledger and the local server do not care. Everything is synchronous: a commit has happened when the call returns.
 *
 * Rules kept here: parameters always travel as an array (libsql ends the process on a lone Buffer parameter); blobs come back as
 * Uint8Array; an empty blob is no NULL; a failure is a SqlError with SQLite's primary result code by name. Text that holds U+0000 is
 * refused loudly, because libsql would cut it off there in silence: data from outside is stored as a blob.
 */
import { createRequire } from 'node:module';

export type SqlValue = string | number | null | Uint8Array;
export type Row = Readonly<Record<string, SqlValue>>;

export interface Statement {
  run(...params: readonly SqlValue[]): { readonly changes: number; readonly lastInsertRowid: number };
  get(...params: readonly SqlValue[]): Row | undefined;
  all(...params: readonly SqlValue[]): Row[];
  /** Rows one by one; finish or break before the next write on the same connection. */
  iterate(...params: readonly SqlValue[]): Iterable<Row>;
}

export interface Database {
  readonly path: string;
  exec(sql: string): void;
  /** Compiled once per text and kept for the life of the connection. */
  prepare(sql: string): Statement;
  /** BEGIN IMMEDIATE … COMMIT; rolled back when `work` throws. Not re-entrant. */
  transaction<T>(work: () => T): T;
  close(): void;
}

export type SqlErrorCode =
  | 'FULL'
  | 'CORRUPT'
  | 'NOTADB'
  | 'BUSY'
  | 'LOCKED'
  | 'READONLY'
  | 'CANTOPEN'
  | 'CONSTRAINT'
  | 'IOERR'
  | 'PERM'
  | 'OTHER';

export class SqlError extends Error {
  readonly code: SqlErrorCode;

  constructor(code: SqlErrorCode, message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'SqlError';
    this.code = code;
  }
}

/** SQLite's primary result codes, the low byte of an extended code (sqlite.org/rescode.html). */
const PRIMARY_CODES: Readonly<Record<number, SqlErrorCode>> = {
  3: 'PERM',
  5: 'BUSY',
  6: 'LOCKED',
  8: 'READONLY',
  10: 'IOERR',
  11: 'CORRUPT',
  13: 'FULL',
  14: 'CANTOPEN',
  19: 'CONSTRAINT',
  26: 'NOTADB',
};

function sqlError(cause: unknown): SqlError {
  const facts = cause as { message?: string; code?: unknown; errcode?: unknown; rawCode?: unknown };
  const message = facts.message ?? String(cause);
  const numeric = typeof facts.errcode === 'number' ? facts.errcode : facts.rawCode;
  let code = typeof numeric === 'number' ? PRIMARY_CODES[numeric & 0xff] : undefined;
  if (code === undefined && typeof facts.code === 'string') {
    const name = /^SQLITE_([A-Z]+)/.exec(facts.code)?.[1];
    code = Object.values(PRIMARY_CODES).find((known) => known === name);
  }
  // The libsql binding reports some failures of opening as plain text only.
  if (code === undefined && /unable to open|open.*file/i.test(message)) code = 'CANTOPEN';
  if (code === undefined && /file is not a database/i.test(message)) code = 'NOTADB';
  return new SqlError(code ?? 'OTHER', message, cause);
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof SqlError ? error : sqlError(error);
  }
}

interface RawStatement {
  run(params: readonly SqlValue[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  get(params: readonly SqlValue[]): unknown;
  iterate(params: readonly SqlValue[]): Iterable<unknown>;
}
interface RawDatabase {
  exec(sql: string): void;
  prepare(sql: string): RawStatement;
  close(): void;
}

/** Node 22 takes an empty blob for NULL when no memory lies behind it; behind this one some does. */
const EMPTY_BLOB = new Uint8Array(new ArrayBuffer(8), 0, 0);

function checked(params: readonly SqlValue[]): readonly SqlValue[] {
  let empty = false;
  for (const value of params) {
    if (typeof value === 'string') {
      if (value.includes('\0')) throw new Error('text with U+0000: store it as a blob');
    } else if (value instanceof Uint8Array && value.length === 0) empty = true;
  }
  return empty
    ? params.map((value) => (value instanceof Uint8Array && value.length === 0 ? EMPTY_BLOB : value))
    : params;
}

function wrapStatement(raw: RawStatement): Statement {
  return {
    run: (...params) =>
      guarded(() => {
        const result = raw.run(checked(params));
        return { changes: Number(result.changes), lastInsertRowid: Number(result.lastInsertRowid) };
      }),
    get: (...params) => guarded(() => raw.get(checked(params)) as Row | undefined),
    all: (...params) => guarded(() => Array.from(raw.iterate(checked(params))) as Row[]),
    *iterate(...params) {
      const rows = guarded(() => raw.iterate(checked(params)))[Symbol.iterator]();
      for (;;) {
        const next = guarded(() => rows.next());
        if (next.done === true) return;
        yield next.value as Row;
      }
    },
  };
}

function wrapDatabase(path: string, raw: RawDatabase): Database {
  const statements = new Map<string, Statement>();
  let open = true;
  return {
    path,
    exec: (sql) => guarded(() => raw.exec(sql)),
    prepare(sql) {
      let statement = statements.get(sql);
      if (statement === undefined) {
        statement = wrapStatement(guarded(() => raw.prepare(sql)));
        statements.set(sql, statement);
      }
      return statement;
    },
    transaction(work) {
      guarded(() => raw.exec('BEGIN IMMEDIATE'));
      try {
        const result = work();
        guarded(() => raw.exec('COMMIT'));
        return result;
      } catch (error) {
        try {
          raw.exec('ROLLBACK');
        } catch {
          // SQLite has rolled back by itself (a full disk, an I/O error); the first error is the one to tell.
        }
        throw error;
      }
    },
    close() {
      if (!open) return;
      open = false;
      statements.clear();
      guarded(() => raw.close());
    },
  };
}

type Opener = (path: string) => RawDatabase;

function nodeSqlite(): Opener | undefined {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 13)) return undefined;
  const load = createRequire(import.meta.url);
  const emitWarning = process.emitWarning.bind(process);
  try {
    // Node 22 and 24 call the module experimental; the driver's own test suite is what this program relies on.
    process.emitWarning = () => undefined;
    const { DatabaseSync } = load('node:sqlite') as {
      DatabaseSync: new (path: string) => {
        exec(sql: string): void;
        prepare(sql: string): {
          run(...p: readonly SqlValue[]): { changes: number; lastInsertRowid: number };
          get(...p: readonly SqlValue[]): unknown;
          iterate(...p: readonly SqlValue[]): Iterable<unknown>;
        };
        close(): void;
      };
    };
    return (path) => {
      const db = new DatabaseSync(path);
      return {
        exec: (sql) => db.exec(sql),
        prepare(sql) {
          const statement = db.prepare(sql);
          return {
            run: (params) => statement.run(...params),
            get: (params) => statement.get(...params),
            iterate: (params) => statement.iterate(...params),
          };
        },
        close: () => db.close(),
      };
    };
  } catch {
    return undefined; // built without SQLite
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** The libsql binding gives blobs of iterated rows as ArrayBuffer, and adds timing under `_metadata` to single rows. */
function plainRow(row: unknown): unknown {
  if (row === undefined) return undefined;
  const values = row as Record<string, unknown>;
  delete values['_metadata'];
  for (const name in values) {
    const value = values[name];
    if (value instanceof ArrayBuffer) values[name] = new Uint8Array(value);
  }
  return values;
}

function* plainRows(rows: Iterable<unknown>): Iterable<unknown> {
  for (const row of rows) yield plainRow(row);
}

function libsql(): Opener {
  const load = createRequire(import.meta.url);
  const LibsqlDatabase = load('libsql') as new (path: string) => RawDatabase;
  return (path) => {
    const db = new LibsqlDatabase(path);
    return {
      exec: (sql) => db.exec(sql),
      prepare(sql) {
        const statement = db.prepare(sql);
        return {
          run: (params) => statement.run(params),
          get: (params) => plainRow(statement.get(params)),
          iterate: (params) => plainRows(statement.iterate(params)),
        };
      },
      close: () => db.close(),
    };
  };
}

let opener: Opener | undefined;

/** Which engine this process uses: `node:sqlite` or `libsql`. */
export function sqliteEngine(): string {
  return nodeSqlite() === undefined ? 'libsql' : 'node:sqlite';
}

/**
 * Opens (and creates) a database file, or `:memory:`. Throws SqlError: CANTOPEN, NOTADB, READONLY, …
 * The busy time-out is 0: a locked database answers BUSY at once, so that two processes are told apart without waiting.
 */
export async function openDatabase(path: string): Promise<Database> {
  opener ??= nodeSqlite() ?? libsql();
  const open = opener;
  return wrapDatabase(
    path,
    guarded(() => open(path)),
  );
}
