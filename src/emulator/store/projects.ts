/** Projects: what an API key opens. A project is born with its uuid the first time its name is used, and keeps it. */
import { randomUUID } from 'node:crypto';
import type { Database } from '../../sqlite.js';

export interface Project {
  readonly no: number;
  readonly name: string;
  readonly uuid: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export function openProject(db: Database, name: string, now: number): Project {
  db.prepare('INSERT OR IGNORE INTO projects (name, uuid, created_at) VALUES (?, ?, ?)').run(name, randomUUID(), now);
  const row = db.prepare('SELECT no, uuid, created_at FROM projects WHERE name = ?').get(name);
  return { no: Number(row?.no), name, uuid: String(row?.uuid), createdAt: Number(row?.created_at) };
}
