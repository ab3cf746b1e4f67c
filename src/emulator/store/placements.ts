/**
 * Which items of which run lie in a target: one row for a target and a run, holding sequence indexes. Written once when a run is
 * prepared; what a reader may see of it is decided by the items' states.
 */
import type { Database, Row } from '../../sqlite.js';

export interface Placement {
  readonly target: number;
  readonly run: number;
  /** Ascending. */
  readonly seqs: Uint32Array;
}

function toPlacement(row: Row): Placement {
  const seqs = new Uint32Array(Uint8Array.from(row.seqs as Uint8Array).buffer);
  return { target: Number(row.target), run: Number(row.run), seqs };
}

export class Placements {
  constructor(private readonly db: Database) {}

  /** Writing the same placement again changes nothing: a preparation that was cut short is simply done again. */
  save(target: number, run: number, seqs: Uint32Array): void {
    this.db
      .prepare('INSERT OR REPLACE INTO placements (target, run, seqs) VALUES (?, ?, ?)')
      .run(target, run, new Uint8Array(seqs.buffer, seqs.byteOffset, seqs.byteLength));
  }

  exists(target: number, run: number): boolean {
    return (
      this.db.prepare('SELECT 1 AS found FROM placements WHERE target = ? AND run = ?').get(target, run) !== undefined
    );
  }

  /** The runs that put anything into one of the targets, oldest or newest first, after (or before) run `from`. */
  runs(targets: readonly number[], from: number, ascending: boolean, limit: number): number[] {
    const found = new Set<number>();
    const comparison = ascending ? '>' : '<';
    const statement = this.db.prepare(
      `SELECT run FROM placements WHERE target = ? AND run ${comparison} ? ORDER BY run ${ascending ? 'ASC' : 'DESC'} LIMIT ?`,
    );
    for (const target of targets) for (const row of statement.all(target, from, limit)) found.add(Number(row.run));
    return [...found].sort((a, b) => (ascending ? a - b : b - a)).slice(0, limit);
  }

  get(target: number, run: number): Placement | undefined {
    const row = this.db
      .prepare('SELECT target, run, seqs FROM placements WHERE target = ? AND run = ?')
      .get(target, run);
    return row === undefined ? undefined : toPlacement(row);
  }
}
