/**
 * Users, graphs and threads: everything an item can be addressed to. Each has a number that is never used again, so that what belonged
 * to a deleted target does not come back when its name does. A thread's parent is its user, in whose graph its messages end.
 */
import { randomUUID } from 'node:crypto';
import type { Database, Row } from '../../sqlite.js';
import type { TargetKind } from '../layout.js';

export interface Target {
  readonly no: number;
  readonly kind: TargetKind;
  readonly id: string;
  /** The number of the user who owns a thread. */
  readonly parent: number | undefined;
  readonly uuid: string;
  readonly graphUuid: string;
  /** What the caller gave beside the ids: names, metadata. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface TargetPage {
  readonly kind: TargetKind;
  readonly offset: number;
  readonly limit: number;
  readonly orderBy: 'created_at' | 'updated_at' | 'id' | 'parent' | 'email' | 'name';
  readonly ascending: boolean;
  readonly search?: string | undefined;
}

const COLUMNS = 'no, kind, id, parent, uuid, graph_uuid, fields, created_at, updated_at';

function toTarget(row: Row): Target {
  return {
    no: Number(row.no),
    kind: row.kind as TargetKind,
    id: String(row.id),
    parent: row.parent === null ? undefined : Number(row.parent),
    uuid: String(row.uuid),
    graphUuid: String(row.graph_uuid),
    fields: JSON.parse(String(row.fields)) as Record<string, unknown>,
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

/** The search text as a LIKE pattern in which nothing but the outer `%` is special. */
function likePattern(search: string): string {
  return `%${search.replace(/[\\%_]/g, (special) => `\\${special}`)}%`;
}

export class Targets {
  constructor(private readonly db: Database) {}

  find(project: number, kind: TargetKind, id: string): Target | undefined {
    const row = this.db
      .prepare(`SELECT ${COLUMNS} FROM targets WHERE project = ? AND kind = ? AND id = ?`)
      .get(project, kind, id);
    return row === undefined ? undefined : toTarget(row);
  }

  byNumber(no: number): Target | undefined {
    const row = this.db.prepare(`SELECT ${COLUMNS} FROM targets WHERE no = ?`).get(no);
    return row === undefined ? undefined : toTarget(row);
  }

  numberOf(project: number, kind: TargetKind, id: string): number | undefined {
    const row = this.db
      .prepare('SELECT no FROM targets WHERE project = ? AND kind = ? AND id = ?')
      .get(project, kind, id);
    return row === undefined ? undefined : Number(row.no);
  }

  /** The number of the target in whose graph the items of target `no` end; 0 when it is gone. */
  graphOf(no: number): number {
    const row = this.db.prepare('SELECT parent FROM targets WHERE no = ?').get(no);
    return row === undefined ? 0 : Number(row.parent ?? no);
  }

  /** Undefined when the name is taken. */
  create(
    project: number,
    kind: TargetKind,
    id: string,
    facts: { readonly parent?: Target; readonly fields: Readonly<Record<string, unknown>>; readonly now: number },
  ): Target | undefined {
    const uuid = randomUUID();
    const graphUuid = facts.parent?.graphUuid ?? randomUUID();
    const { changes } = this.db
      .prepare(
        `INSERT OR IGNORE INTO targets (project, kind, id, parent, uuid, graph_uuid, fields, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        project,
        kind,
        id,
        facts.parent?.no ?? null,
        uuid,
        graphUuid,
        JSON.stringify(facts.fields),
        facts.now,
        facts.now,
      );
    return changes === 0 ? undefined : this.find(project, kind, id);
  }

  threadsOf(user: number): Target[] {
    return this.db.prepare(`SELECT ${COLUMNS} FROM targets WHERE parent = ? ORDER BY no`).all(user).map(toTarget);
  }

  threadNumbersOf(user: number): number[] {
    return this.db
      .prepare('SELECT no FROM targets WHERE parent = ? ORDER BY no')
      .all(user)
      .map((row) => Number(row.no));
  }

  /** Removes a target, the threads of a user, and what was placed in them; returns the numbers of all that went. */
  delete(target: Target): number[] {
    return this.db.transaction(() => {
      const gone = target.kind === 'user' ? [...this.threadNumbersOf(target.no), target.no] : [target.no];
      for (const no of gone) {
        this.db.prepare('DELETE FROM placements WHERE target = ?').run(no);
        this.db.prepare('DELETE FROM targets WHERE no = ?').run(no);
      }
      return gone;
    });
  }

  list(project: number, page: TargetPage): { readonly targets: Target[]; readonly total: number } {
    const search = page.search === undefined ? undefined : likePattern(page.search);
    const where = `project = ? AND kind = ?${search === undefined ? '' : " AND (id LIKE ? ESCAPE '\\' OR fields LIKE ? ESCAPE '\\')"}`;
    const facts = search === undefined ? [project, page.kind] : [project, page.kind, search, search];
    const total = Number(this.db.prepare(`SELECT count(*) AS n FROM targets WHERE ${where}`).get(...facts)?.n ?? 0);
    const inFields = page.orderBy === 'email' || page.orderBy === 'name';
    const order = inFields ? `json_extract(fields, '$.${page.orderBy}')` : page.orderBy;
    const direction = page.ascending ? 'ASC' : 'DESC';
    const rows = this.db
      .prepare(
        `SELECT ${COLUMNS} FROM targets WHERE ${where} ORDER BY ${order} ${direction}, no ${direction} LIMIT ? OFFSET ?`,
      )
      .all(...facts, page.limit, page.offset);
    return { targets: rows.map(toTarget), total };
  }
}
