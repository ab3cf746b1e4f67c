/**
 * Rows that did not go in, and items that went in and failed. The ledger knows where and why; the text of a row lies in the rejects files
 * alone. Messages are stored as bytes, because the words of a service may hold anything.
 */
import type { LedgerDatabase } from './database.js';
import type { Row } from '../sqlite.js';

/** `open`, `retried`, `forgotten`, or `in RUN`: taken over by a retry that is under way. */
export type OpenState = string;

export interface StoredReject {
  readonly source: number;
  readonly ordinal: number;
  /** 0-based index of the item in its record; -1 for the record itself. */
  readonly item: number;
  readonly part: number;
  /** 0 for the first rejection of this record or item; further faults of a record count up and are not counted as rows. */
  readonly no: number;
  /** Refused by the service when its turn came: the item is settled and is not read again by a next try. */
  readonly refused: boolean;
  readonly state: OpenState;
  readonly stage: string;
  readonly code: string;
  readonly field: string | undefined;
  readonly message: string;
  readonly line: number;
  readonly byteStart: number;
  readonly byteEnd: number;
  /** Which of several equal items of its source it is, 0-based, where items are told apart by that. */
  readonly occurrence: number | undefined;
  readonly place: { readonly file: number; readonly offset: number; readonly length: number };
}

export interface StoredFailure {
  readonly batch: number;
  readonly index: number;
  readonly state: OpenState;
  readonly status: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly mark: Uint8Array | undefined;
}

export interface RejectGroup {
  readonly stage: string;
  readonly code: string;
  readonly message: string;
  readonly count: number;
}

export class Rejects {
  readonly #db: LedgerDatabase;

  constructor(db: LedgerDatabase) {
    this.#db = db;
  }

  /** Adds rejections of a run, or replaces those of the same place. Call it in the transaction in which their rows are settled. */
  put(run: string, rejects: readonly Omit<StoredReject, 'state'>[]): void {
    const insert = this.#db.sql.prepare(
      `INSERT OR REPLACE INTO rejects(run, source, ordinal, item, part, no, refused, state, stage, code, field, message, line, byte_start,
         byte_end, occurrence, file, file_offset, file_length) VALUES (?,?,?,?,?,?,?,'open',?,?,?,?,?,?,?,?,?,?,?)`,
    );
    this.#db.record(() => {
      for (const each of rejects) {
        insert.run(
          run,
          each.source,
          each.ordinal,
          each.item,
          each.part,
          each.no,
          each.refused ? 1 : 0,
          each.stage,
          each.code,
          each.field ?? null,
          Buffer.from(each.message),
          each.line,
          each.byteStart,
          each.byteEnd,
          each.occurrence ?? null,
          each.place.file,
          each.place.offset,
          each.place.length,
        );
      }
    });
  }

  /** The rejections of a run in the order of its input, read one by one. */
  *of(run: string): Generator<StoredReject> {
    const next = this.#db.sql.prepare(
      `SELECT * FROM rejects WHERE run = ? AND (source, ordinal, item, part, no) > (?,?,?,?,?)
       ORDER BY source, ordinal, item, part, no LIMIT 500`,
    );
    let after: readonly [number, number, number, number, number] = [-1, -1, -2, -1, -1];
    for (;;) {
      const place = after;
      const rows = this.#db.read(() => next.all(run, ...place));
      for (const row of rows) {
        const reject = storedReject(row);
        after = [reject.source, reject.ordinal, reject.item, reject.part, reject.no];
        yield reject;
      }
      if (rows.length < 500) return;
    }
  }

  /** Where a rejected record's row lies in the rejects files. */
  placeOf(run: string, source: number, ordinal: number): StoredReject['place'] | undefined {
    const row = this.#db.read(() =>
      this.#db.sql
        .prepare('SELECT * FROM rejects WHERE run = ? AND source = ? AND ordinal = ? AND file >= 0 LIMIT 1')
        .get(run, source, ordinal),
    );
    return row === undefined ? undefined : storedReject(row).place;
  }

  /** What the service refused at or behind a place. */
  refusedFrom(run: string, source: number, ordinal: number): readonly StoredReject[] {
    return this.#db
      .read(() =>
        this.#db.sql
          .prepare('SELECT * FROM rejects WHERE run = ? AND refused = 1 AND (source, ordinal) >= (?,?)')
          .all(run, source, ordinal),
      )
      .map(storedReject);
  }

  /** Rejections whose row is in no rejects file yet, in the order of the input. */
  *unwritten(run: string): Generator<StoredReject> {
    for (const reject of this.of(run)) if (reject.place.file < 0) yield reject;
  }

  /** Takes back what was rejected at or behind a place and will be read again; what the service refused at its turn stays. */
  withdrawFrom(run: string, source: number, ordinal: number): number {
    return this.#db.durable(
      () =>
        this.#db.sql
          .prepare('DELETE FROM rejects WHERE run = ? AND refused = 0 AND (source, ordinal) >= (?,?)')
          .run(run, source, ordinal).changes,
    );
  }

  /** Where the rows that are kept lie in the rejects files has changed. */
  move(run: string, moved: readonly { readonly reject: StoredReject; readonly place: StoredReject['place'] }[]): void {
    const update = this.#db.sql.prepare(
      `UPDATE rejects SET file = ?, file_offset = ?, file_length = ?
       WHERE run = ? AND source = ? AND ordinal = ? AND item = ? AND part = ? AND no = ?`,
    );
    this.#db.record(() => {
      for (const { reject, place } of moved) {
        const { source, ordinal, item, part, no } = reject;
        update.run(place.file, place.offset, place.length, run, source, ordinal, item, part, no);
      }
    });
  }

  /** Further faults of one record (`no` > 0) are no rows of their own. */
  counts(run: string): {
    readonly records: number;
    readonly items: number;
    readonly refused: number;
    readonly partly: number;
    readonly open: number;
  } {
    const row = this.#db.read(() =>
      this.#db.sql
        .prepare(
          `SELECT count(*) FILTER (WHERE no = 0 AND item < 0) AS records, count(*) FILTER (WHERE no = 0 AND item >= 0) AS items,
             count(*) FILTER (WHERE no = 0 AND refused = 1) AS refused, count(*) FILTER (WHERE no = 0 AND state = 'open') AS open,
             (SELECT count(*) FROM (SELECT DISTINCT source, ordinal FROM rejects WHERE run = ?1 AND item >= 0)) AS partly
           FROM rejects WHERE run = ?1`,
        )
        .get(run),
    );
    const of = (name: string): number => Number(row?.[name] ?? 0);
    return {
      records: of('records'),
      items: of('items'),
      refused: of('refused'),
      partly: of('partly'),
      open: of('open'),
    };
  }

  /** The rejections of a run by what they say, most frequent first. */
  groups(run: string, most: number): readonly RejectGroup[] {
    return this.#db
      .read(() =>
        this.#db.sql
          .prepare(
            `SELECT stage, code, message, count(*) AS n FROM rejects WHERE run = ?
             GROUP BY stage, code, message ORDER BY n DESC LIMIT ?`,
          )
          .all(run, most),
      )
      .map((row) => ({
        stage: String(row['stage']),
        code: String(row['code']),
        message: textOf(row['message']),
        count: Number(row['n']),
      }));
  }

  setState(run: string, from: OpenState, to: OpenState, filter?: { readonly code: string }): number {
    const where = filter === undefined ? '' : ' AND code = ?';
    return this.#db.durable(
      () =>
        this.#db.sql
          .prepare(`UPDATE rejects SET state = ? WHERE run = ? AND state = ?${where}`)
          .run(...[to, run, from], ...(filter === undefined ? [] : [filter.code])).changes,
    );
  }

  /** What a retry took over of its parent is open again there, and what it rejected itself is not listed beside it. */
  giveBack(retry: string, parent: string): void {
    const taken = `in ${retry}`;
    this.#db.durable(() => {
      const { sql } = this.#db;
      sql.prepare("UPDATE rejects SET state = 'open' WHERE run = ? AND state = ?").run(parent, taken);
      sql
        .prepare(
          "UPDATE failures SET state = 'open' WHERE state = ? AND batch IN (SELECT id FROM batches WHERE run = ?)",
        )
        .run(taken, parent);
      this.setState(retry, 'open', 'forgotten');
    });
  }

  // --- items that failed ------------------------------------------------------------------------------------------------------------

  putFailures(failures: readonly Omit<StoredFailure, 'state'>[]): void {
    const insert = this.#db.sql.prepare(
      `INSERT INTO failures(batch, idx, state, status, code, message, mark) VALUES (?,?,'open',?,?,?,?)
       ON CONFLICT(batch, idx) DO UPDATE SET status = excluded.status, code = excluded.code, message = excluded.message`,
    );
    this.#db.record(() => {
      for (const { batch, index, status, code, message, mark } of failures) {
        insert.run(batch, index, status, code ?? null, Buffer.from(message), mark ?? null);
      }
    });
  }

  failuresOf(run: string): readonly StoredFailure[] {
    return this.#db
      .read(() =>
        this.#db.sql
          .prepare(
            `SELECT failures.* FROM failures JOIN batches ON batches.id = failures.batch WHERE batches.run = ?
             ORDER BY batches.seq, idx`,
          )
          .all(run),
      )
      .map((row) => ({
        batch: Number(row['batch']),
        index: Number(row['idx']),
        state: String(row['state']),
        status: String(row['status']),
        code: (row['code'] as string | null) ?? undefined,
        message: textOf(row['message']),
        mark: row['mark'] instanceof Uint8Array ? row['mark'] : undefined,
      }));
  }

  /** How many failed items of a project nobody has dealt with, run by run. */
  openFailures(project: string): readonly { readonly run: string; readonly items: number }[] {
    return this.#db
      .read(() =>
        this.#db.sql
          .prepare(
            `SELECT batches.run AS run, count(*) AS n FROM failures JOIN batches ON batches.id = failures.batch
             JOIN runs ON runs.id = batches.run WHERE failures.state = 'open' AND runs.project = ?
             GROUP BY batches.run ORDER BY min(batches.seq)`,
          )
          .all(project),
      )
      .map((row) => ({ run: String(row['run']), items: Number(row['n']) }));
  }

  /** How many failed items of earlier runs of the same import nobody has dealt with. */
  openFailuresOf(key: string, exceptRun: string): number {
    const row = this.#db.read(() =>
      this.#db.sql
        .prepare(
          `SELECT count(*) AS n FROM failures JOIN batches ON batches.id = failures.batch JOIN runs ON runs.id = batches.run
           WHERE failures.state = 'open' AND runs.key = ? AND runs.id <> ?`,
        )
        .get(key, exceptRun),
    );
    return Number(row?.['n'] ?? 0);
  }

  setRejectState(run: string, reject: StoredReject, state: OpenState): void {
    const { source, ordinal, item, part } = reject;
    this.#db.record(() =>
      this.#db.sql
        .prepare('UPDATE rejects SET state = ? WHERE run = ? AND source = ? AND ordinal = ? AND item = ? AND part = ?')
        .run(state, run, source, ordinal, item, part),
    );
  }

  setFailureState(batch: number, index: number, state: OpenState): void {
    this.#db.record(() =>
      this.#db.sql.prepare('UPDATE failures SET state = ? WHERE batch = ? AND idx = ?').run(state, batch, index),
    );
  }
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : typeof value === 'string' ? value : '';
}

function storedReject(row: Row): StoredReject {
  return {
    source: Number(row['source']),
    ordinal: Number(row['ordinal']),
    item: Number(row['item']),
    part: Number(row['part']),
    no: Number(row['no']),
    refused: row['refused'] === 1,
    state: String(row['state']),
    stage: String(row['stage']),
    code: String(row['code']),
    field: (row['field'] as string | null) ?? undefined,
    message: textOf(row['message']),
    line: Number(row['line']),
    byteStart: Number(row['byte_start']),
    byteEnd: Number(row['byte_end']),
    occurrence: row['occurrence'] === null ? undefined : Number(row['occurrence']),
    place: {
      file: Number(row['file']),
      offset: Number(row['file_offset']),
      length: Number(row['file_length']),
    },
  };
}
