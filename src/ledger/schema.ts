/**
 * The ledger's tables, as a list of migrations: entry n brings a ledger of version n to n + 1. A released entry is never edited.
 *
 * runs: one row an import. batches: one row a batch we intended to make, with every attempt. chunks: one row an add call we intended to
 * make; `first` is the index in the batch of its first item, positions and uuids are blobs (positions.ts). projects: what was learned about
 * a project (size limits).
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    host TEXT NOT NULL,
    sources TEXT NOT NULL,
    mapping TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    status TEXT,
    summary TEXT
  ) STRICT;
  CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs(id),
    lane INTEGER NOT NULL,
    number INTEGER NOT NULL,
    attempt TEXT NOT NULL,
    batch_id TEXT,
    state TEXT NOT NULL,
    items INTEGER NOT NULL,
    slots TEXT NOT NULL,
    status TEXT NOT NULL,
    counts TEXT
  ) STRICT;
  CREATE INDEX batches_of_run ON batches(run);
  CREATE INDEX batches_by_id ON batches(batch_id);
  CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL REFERENCES batches(id),
    first INTEGER NOT NULL,
    items INTEGER NOT NULL,
    state TEXT NOT NULL,
    digest TEXT NOT NULL,
    positions BLOB NOT NULL,
    uuids BLOB
  ) STRICT;
  CREATE INDEX chunks_of_batch ON chunks(batch, first);
  CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    max_items_per_add INTEGER,
    max_bytes_per_add INTEGER
  ) STRICT;
  `,
];

export const SCHEMA_VERSION = MIGRATIONS.length;
/** Marks the file as ours in its header (PRAGMA application_id): "ZILG". */
export const APPLICATION_ID = 0x5a494c47;
