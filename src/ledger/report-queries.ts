/** Questions about runs that are over: reading only, grouped and bounded in SQL, so that a million failures cost no memory. */
import type { Row } from '../sqlite.js';
import type { Ledger } from './ledger.js';

/** Something that went wrong in the same way `count` times, and where it was first met. */
export interface OpenRejectGroup {
  readonly stage: string;
  readonly code: string;
  readonly message: string;
  readonly count: number;
  readonly first: { readonly source: number; readonly line: number };
}

export interface OpenFailureGroup {
  readonly status: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly count: number;
  readonly first: { readonly batch: number; readonly index: number };
}

/** Larger than any ordinal or index, so that a source (a batch) and a place in it can be compared as one number. */
const STRIDE = 2 ** 44;

/** Rejections of a run that nobody has dealt with, by what they say, most frequent first. */
export function openRejectGroups(ledger: Ledger, run: string, most: number): readonly OpenRejectGroup[] {
  return ledger.db
    .read(() =>
      ledger.db.sql
        .prepare(
          `SELECT stage, code, message, count(*) AS n, min(source * ${STRIDE} + ordinal), source, line FROM rejects
           WHERE run = ? AND state = 'open' GROUP BY stage, code, message ORDER BY n DESC, stage, code LIMIT ?`,
        )
        .all(run, most),
    )
    .map((row) => ({
      stage: String(row['stage']),
      code: String(row['code']),
      message: textOf(row['message']),
      count: Number(row['n']),
      first: { source: Number(row['source']), line: Number(row['line']) },
    }));
}

/** Failed and canceled items of a run that nobody has dealt with, by what they say, most frequent first. */
export function openFailureGroups(ledger: Ledger, run: string, most: number): readonly OpenFailureGroup[] {
  return ledger.db
    .read(() =>
      ledger.db.sql
        .prepare(
          `SELECT failures.status AS status, code, message, count(*) AS n, min(batch * ${STRIDE} + idx), batch, idx
           FROM failures JOIN batches ON batches.id = failures.batch
           WHERE batches.run = ? AND failures.state = 'open'
           GROUP BY failures.status, code, message ORDER BY n DESC, 1, 2 LIMIT ?`,
        )
        .all(run, most),
    )
    .map((row) => ({
      status: String(row['status']),
      code: codeOf(row),
      message: textOf(row['message']),
      count: Number(row['n']),
      first: { batch: Number(row['batch']), index: Number(row['idx']) },
    }));
}

/** How many items of a run failed or were canceled, and of how many of them nobody has taken care. */
export function failureCounts(ledger: Ledger, run: string): { readonly all: number; readonly open: number } {
  const row = ledger.db.read(() =>
    ledger.db.sql
      .prepare(
        `SELECT count(*) AS n, count(*) FILTER (WHERE failures.state = 'open') AS open
         FROM failures JOIN batches ON batches.id = failures.batch WHERE batches.run = ?`,
      )
      .get(run),
  );
  return { all: Number(row?.['n'] ?? 0), open: Number(row?.['open'] ?? 0) };
}

/** The failed and canceled items of one batch by their index. */
export function failuresOfBatch(
  ledger: Ledger,
  batch: number,
): ReadonlyMap<number, { readonly status: string; readonly message: string }> {
  const rows = ledger.db.read(() =>
    ledger.db.sql.prepare('SELECT idx, status, message FROM failures WHERE batch = ?').all(batch),
  );
  return new Map(
    rows.map((row) => [Number(row['idx']), { status: String(row['status']), message: textOf(row['message']) }]),
  );
}

/** Runs that send the rest of this one, newest first. */
export function retriesOf(ledger: Ledger, run: string): readonly { readonly id: string; readonly state: string }[] {
  return ledger.db
    .read(() => ledger.db.sql.prepare('SELECT id, state FROM runs WHERE parent = ? ORDER BY rowid DESC').all(run))
    .map((row) => ({ id: String(row['id']), state: String(row['state']) }));
}

function codeOf(row: Row): string | undefined {
  return (row['code'] as string | null) ?? undefined;
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : typeof value === 'string' ? value : '';
}
