/**
 * Runs: one row an import, through all its tries. A run is `open` until its input is settled and every batch was handed over, then
 * `delivered`; `closed` when it was given up (discarded, started anew). What a next try needs stands here: where to begin reading, the counts
 * up to there, which lane a slot belongs to, what was read of each source.
 */
import type { LedgerDatabase } from './database.js';
import type { Row } from '../sqlite.js';

export type RunState = 'open' | 'delivered' | 'closed';

/** How the command was typed: what `resume` repeats. The API key is never in it. */
export interface TypedCommand {
  readonly cwd: string;
  readonly sources: readonly string[];
  /** Flags by name, each with the words that say it. */
  readonly flags: readonly { readonly name: string; readonly words: readonly string[] }[];
}

export interface NewRun {
  readonly id: string;
  /** Identity: the same command has the same key. */
  readonly key: string;
  readonly name: string | undefined;
  /** The run that this one sends the rest of. */
  readonly parent: string | undefined;
  readonly project: string;
  readonly host: string;
  /** Fingerprint of the mapping, and where it lies. */
  readonly mapping: string;
  readonly mappingPath: string | undefined;
  /** True when items have a key of their own. */
  readonly keyed: boolean;
  /** What else decides which items come of a row and where they go. */
  readonly target: Readonly<Record<string, string>>;
  readonly command: TypedCommand;
  readonly sourceFingerprint: string;
  readonly staged: boolean;
}

/** The place of the next record to read. */
export interface Frontier {
  readonly source: number;
  readonly ordinal: number;
  readonly line: number;
  readonly byteStart: number;
}

export type Totals = Readonly<Record<string, number>>;

export interface StoredLanes {
  readonly lanes: number;
  /** The lane of each slot, two hexadecimal digits each. */
  readonly slots: string;
}

export interface SpoolState {
  readonly contentBytes: number;
  readonly fileBytes: number;
}

export type SpoolStates = Readonly<Record<number, SpoolState>>;

export interface Stand {
  /** Where a next try begins to read, with what was counted before that place. */
  readonly frontier: { readonly place: Frontier; readonly totals: Totals } | undefined;
  /** What was counted of all that was read. */
  readonly totals: Totals;
  readonly spools: SpoolStates | undefined;
}

/** How much of a rejects file counts. */
export interface FileState {
  readonly name: string;
  readonly bytes: number;
  readonly headBytes: number;
}

export interface StoredRun extends Omit<NewRun, 'staged'> {
  readonly state: RunState;
  readonly staged: boolean;
  readonly tries: number;
  /** True when all its input is settled. */
  readonly complete: boolean;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  /** How its last try ended. */
  readonly status: string | undefined;
  readonly summary: string | undefined;
  readonly frontier: Frontier | undefined;
  /** The counts up to the frontier, and those of all that was read. */
  readonly totalsThere: Totals | undefined;
  readonly totals: Totals | undefined;
  readonly lanes: StoredLanes | undefined;
  /** By the index of the source: how much of it is kept. */
  readonly spools: SpoolStates;
  readonly rejectFiles: readonly FileState[];
}

export interface StoredSource {
  readonly index: number;
  readonly id: string;
  /** Absolute; undefined for standard input. */
  readonly path: string | undefined;
  readonly bytes: number | undefined;
  readonly modifiedMs: number | undefined;
  readonly inode: number | undefined;
  readonly format: string;
  readonly compression: string;
}

/** What came to the trail of a source: hashes of stretches from index `from` on, eight bytes each, and the unfinished last one. */
export interface TrailPiece {
  readonly from: number;
  readonly hashes: Uint8Array;
  readonly tail: { readonly bytes: number; readonly hash: Uint8Array } | undefined;
}

export class Runs {
  readonly #db: LedgerDatabase;

  constructor(db: LedgerDatabase) {
    this.#db = db;
  }

  begin(run: NewRun, startedAt: string): void {
    this.#db.durable(() =>
      this.#db.sql
        .prepare(
          `INSERT INTO runs(id, key, name, parent, project, host, sources, mapping, mapping_path, keyed, target, command,
             source_fingerprint, staged, state, started_at) VALUES (?,?,?,?,?,?,'[]',?,?,?,?,?,?,?,'open',?)`,
        )
        .run(
          run.id,
          run.key,
          run.name ?? null,
          run.parent ?? null,
          run.project,
          run.host,
          run.mapping,
          run.mappingPath ?? null,
          run.keyed ? 1 : 0,
          JSON.stringify(run.target),
          JSON.stringify(run.command),
          run.sourceFingerprint,
          run.staged ? 1 : 0,
          startedAt,
        ),
    );
  }

  /** Another try of an open run begins; flags may have changed. */
  again(run: string, command: TypedCommand, staged: boolean): void {
    this.#db.durable(() =>
      this.#db.sql
        .prepare(
          "UPDATE runs SET tries = tries + 1, command = ?, staged = ?, status = NULL, state = 'open' WHERE id = ?",
        )
        .run(JSON.stringify(command), staged ? 1 : 0, run),
    );
  }

  /** The end of a try. */
  endTry(run: string, status: string, summary: string, endedAt: string): void {
    this.#db.durable(() =>
      this.#db.sql
        .prepare('UPDATE runs SET status = ?, summary = ?, ended_at = ? WHERE id = ?')
        .run(status, summary, endedAt, run),
    );
  }

  setState(run: string, state: RunState): void {
    this.#db.durable(() => this.#db.sql.prepare('UPDATE runs SET state = ? WHERE id = ?').run(state, run));
  }

  /** All input is settled. */
  setComplete(run: string): void {
    this.#db.durable(() => this.#db.sql.prepare('UPDATE runs SET complete = 1 WHERE id = ?').run(run));
  }

  /** How far the import has come: what `stand` does not say stays as it was. */
  setStand(run: string, { frontier, totals, spools }: Stand): void {
    this.#db.record(() =>
      this.#db.sql
        .prepare(
          'UPDATE runs SET frontier = coalesce(?, frontier), totals = ?, spool = coalesce(?, spool) WHERE id = ?',
        )
        .run(
          frontier === undefined ? null : JSON.stringify({ ...frontier.place, totals: frontier.totals }),
          JSON.stringify(totals),
          spools === undefined ? null : JSON.stringify(spools),
          run,
        ),
    );
  }

  setLanes(run: string, lanes: StoredLanes): void {
    this.#db.record(() =>
      this.#db.sql.prepare('UPDATE runs SET lanes = ? WHERE id = ?').run(JSON.stringify(lanes), run),
    );
  }

  setRejectFiles(run: string, files: readonly FileState[]): void {
    this.#db.record(() =>
      this.#db.sql.prepare('UPDATE runs SET reject_files = ? WHERE id = ?').run(JSON.stringify(files), run),
    );
  }

  byId(id: string): StoredRun | undefined {
    return this.#one('SELECT * FROM runs WHERE id = ?', id);
  }

  /** The run with this key that is not over, else the newest. */
  latest(key: string): StoredRun | undefined {
    return this.#one("SELECT * FROM runs WHERE key = ? ORDER BY state = 'open' DESC, rowid DESC LIMIT 1", key);
  }

  /** All runs, newest first. */
  all(): readonly StoredRun[] {
    return this.#db.read(() => this.#db.sql.prepare('SELECT * FROM runs ORDER BY rowid DESC').all()).map(storedRun);
  }

  /** Forgets a run with everything that belongs to it alone. What it made known to its project stays known. */
  forget(run: string): void {
    const { sql } = this.#db;
    this.#db.durable(() => {
      for (const row of sql.prepare('SELECT id FROM batches WHERE run = ?').all(run)) {
        const batch = row['id'] ?? 0;
        // Marks that are on no file yet stand in the chunks alone.
        sql
          .prepare(
            `UPDATE mark_log SET chunk = NULL, marks = (SELECT marks FROM chunks WHERE chunks.id = mark_log.chunk AND state = 'accepted')
             WHERE chunk IN (SELECT id FROM chunks WHERE batch = ?)`,
          )
          .run(batch);
        sql.prepare('DELETE FROM chunks WHERE batch = ?').run(batch);
        sql.prepare('DELETE FROM failures WHERE batch = ?').run(batch);
        sql.prepare('DELETE FROM batches WHERE id = ?').run(batch);
      }
      sql.prepare('DELETE FROM rejects WHERE run = ?').run(run);
      sql.prepare('DELETE FROM trails WHERE run = ?').run(run);
      sql.prepare('DELETE FROM run_sources WHERE run = ?').run(run);
      sql.prepare('DELETE FROM segments WHERE owner = ?').run(run);
      sql.prepare('DELETE FROM runs WHERE id = ?').run(run);
    });
  }

  // --- sources --------------------------------------------------------------------------------------------------------------------

  /** Adds a source, or records what it is now. */
  putSource(run: string, source: StoredSource): void {
    this.#db.durable(() =>
      this.#db.sql
        .prepare(
          `INSERT INTO run_sources(run, idx, id, path, bytes, modified_ms, inode, format, compression) VALUES (?,?,?,?,?,?,?,?,?)
           ON CONFLICT(run, idx) DO UPDATE SET id = excluded.id, bytes = excluded.bytes, modified_ms = excluded.modified_ms,
             inode = excluded.inode, format = excluded.format, compression = excluded.compression`,
        )
        .run(
          run,
          source.index,
          source.id,
          source.path ?? null,
          source.bytes ?? null,
          source.modifiedMs ?? null,
          source.inode ?? null,
          source.format,
          source.compression,
        ),
    );
  }

  sources(run: string): readonly StoredSource[] {
    const rows = this.#db.read(() =>
      this.#db.sql.prepare('SELECT * FROM run_sources WHERE run = ? ORDER BY idx').all(run),
    );
    if (rows.length === 0) return this.#namedSources(run);
    return rows.map((row) => ({
      index: Number(row['idx']),
      id: String(row['id']),
      path: (row['path'] as string | null) ?? undefined,
      bytes: numberOf(row['bytes']),
      modifiedMs: numberOf(row['modified_ms']),
      inode: numberOf(row['inode']),
      format: String(row['format']),
      compression: String(row['compression']),
    }));
  }

  /** Runs of ledger version 1 know their sources by name only. */
  #namedSources(run: string): readonly StoredSource[] {
    const row = this.#db.read(() => this.#db.sql.prepare('SELECT sources FROM runs WHERE id = ?').get(run));
    const names = row === undefined ? [] : (JSON.parse(String(row['sources'])) as string[]);
    return names.map((id, index) => ({
      index,
      id,
      path: undefined,
      bytes: undefined,
      modifiedMs: undefined,
      inode: undefined,
      format: 'jsonl',
      compression: 'none',
    }));
  }

  // --- trails ---------------------------------------------------------------------------------------------------------------------

  addTrail(run: string, source: number, piece: TrailPiece): void {
    this.#db.record(() =>
      this.#db.sql
        .prepare('INSERT INTO trails(run, source, first, hashes, tail_bytes, tail_hash) VALUES (?,?,?,?,?,?)')
        .run(run, source, piece.from, piece.hashes, piece.tail?.bytes ?? 0, piece.tail?.hash ?? null),
    );
  }

  /** What was read of a source, put together; undefined when nothing was. */
  trail(run: string, source: number): Omit<TrailPiece, 'from'> | undefined {
    const rows = this.#db.read(() =>
      this.#db.sql.prepare('SELECT * FROM trails WHERE run = ? AND source = ? ORDER BY id').all(run, source),
    );
    const last = rows.at(-1);
    if (last === undefined) return undefined;
    const pieces = rows.map((row) => ({ first: Number(row['first']), hashes: bytesOf(row['hashes']) }));
    const length = Math.max(...pieces.map(({ first, hashes }) => first * 8 + hashes.length));
    const hashes = new Uint8Array(length);
    for (const piece of pieces) hashes.set(piece.hashes, piece.first * 8);
    const tailHash = bytesOf(last['tail_hash']);
    return {
      hashes,
      tail: tailHash.length === 0 ? undefined : { bytes: Number(last['tail_bytes']), hash: tailHash },
    };
  }

  /** One row instead of many: what a long run leaves behind is read in one go by the next. */
  compactTrail(run: string, source: number): void {
    const whole = this.trail(run, source);
    if (whole === undefined) return;
    this.#db.durable(() => {
      this.#db.sql.prepare('DELETE FROM trails WHERE run = ? AND source = ?').run(run, source);
      this.addTrail(run, source, { from: 0, ...whole });
    });
  }

  dropTrails(run: string): void {
    this.#db.durable(() => this.#db.sql.prepare('DELETE FROM trails WHERE run = ?').run(run));
  }

  #one(query: string, value: string): StoredRun | undefined {
    const row = this.#db.read(() => this.#db.sql.prepare(query).get(value));
    return row === undefined ? undefined : storedRun(row);
  }
}

function storedRun(row: Row): StoredRun {
  const textOf = (name: string): string | undefined => (row[name] as string | null) ?? undefined;
  const jsonOf = <T>(name: string): T | undefined => {
    const text = textOf(name);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  };
  const frontier = jsonOf<Frontier & { readonly totals: Totals }>('frontier');
  return {
    id: String(row['id']),
    key: String(row['key']),
    name: textOf('name'),
    parent: textOf('parent'),
    project: String(row['project']),
    host: String(row['host']),
    mapping: String(row['mapping']),
    mappingPath: textOf('mapping_path'),
    keyed: row['keyed'] === 1,
    target: jsonOf<Record<string, string>>('target') ?? {},
    command: { cwd: '', sources: [], flags: [], ...jsonOf<Partial<TypedCommand>>('command') },
    sourceFingerprint: String(row['source_fingerprint']),
    state: String(row['state']) as RunState,
    staged: row['staged'] === 1,
    tries: Number(row['tries']),
    complete: row['complete'] === 1,
    startedAt: String(row['started_at']),
    endedAt: textOf('ended_at'),
    status: textOf('status'),
    summary: textOf('summary'),
    frontier,
    totalsThere: frontier?.totals,
    totals: jsonOf<Totals>('totals'),
    lanes: jsonOf<StoredLanes>('lanes'),
    spools: jsonOf<SpoolStates>('spool') ?? {},
    rejectFiles: jsonOf<readonly FileState[]>('reject_files') ?? [],
  };
}

function numberOf(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}
