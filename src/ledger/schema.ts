/**
 * The ledger's tables, as a list of migrations: entry n brings a ledger of version n to n + 1. A released entry is never edited.
 *
 * runs: one row an import, through all its tries; `frontier` is where its next try begins to read, `totals` the counts up to there.
 * run_sources: its inputs by the index that positions carry. trails: hashes of the content that was read, piece by piece.
 * batches: one row a batch we intended to make, with every attempt; `seq` is its place in the order of all batches, which a batch made
 * anew inherits; `plan` is the row that it replaces. chunks: one row an add call we intended to make; `first` is the index in the batch of
 * its first item; positions, uuids and marks are blobs. rejects: rows that did not go in, with the place of their text in the rejects files;
 * `refused` by the service at its turn: not read again. failures: items that the service took and could not process.
 * Ids of chunks and of the log are never used again, because one refers to the other by them.
 * mark_log: what came to the marks of a project since its last segment: those of a chunk, or a blob of their own. segments: the files of
 * marks (of a project) and of counted items (of a run, each up to a place in its input). projects: size limits that were learned.
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
  `
  ALTER TABLE runs ADD COLUMN key TEXT NOT NULL DEFAULT '';
  ALTER TABLE runs ADD COLUMN name TEXT;
  ALTER TABLE runs ADD COLUMN parent TEXT;
  ALTER TABLE runs ADD COLUMN state TEXT NOT NULL DEFAULT 'closed';
  ALTER TABLE runs ADD COLUMN staged INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE runs ADD COLUMN command TEXT NOT NULL DEFAULT '{}';
  ALTER TABLE runs ADD COLUMN target TEXT NOT NULL DEFAULT '{}';
  ALTER TABLE runs ADD COLUMN mapping_path TEXT;
  ALTER TABLE runs ADD COLUMN keyed INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE runs ADD COLUMN source_fingerprint TEXT NOT NULL DEFAULT '';
  ALTER TABLE runs ADD COLUMN tries INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE runs ADD COLUMN complete INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE runs ADD COLUMN frontier TEXT;
  ALTER TABLE runs ADD COLUMN totals TEXT;
  ALTER TABLE runs ADD COLUMN lanes TEXT;
  ALTER TABLE runs ADD COLUMN spool TEXT;
  ALTER TABLE runs ADD COLUMN reject_files TEXT;
  CREATE INDEX runs_by_key ON runs(key);
  CREATE TABLE run_sources (
    run TEXT NOT NULL REFERENCES runs(id),
    idx INTEGER NOT NULL,
    id TEXT NOT NULL,
    path TEXT,
    bytes INTEGER,
    modified_ms REAL,
    inode INTEGER,
    format TEXT NOT NULL,
    compression TEXT NOT NULL,
    PRIMARY KEY (run, idx)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE trails (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs(id),
    source INTEGER NOT NULL,
    first INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    tail_bytes INTEGER NOT NULL,
    tail_hash BLOB
  ) STRICT;
  CREATE INDEX trails_of_run ON trails(run, source, id);
  ALTER TABLE batches ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE batches ADD COLUMN plan INTEGER;
  ALTER TABLE batches ADD COLUMN was TEXT;
  ALTER TABLE batches ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0;
  UPDATE batches SET seq = id;
  CREATE INDEX batches_unfinished ON batches(seq) WHERE state NOT IN ('terminal', 'deleted', 'lost');
  ALTER TABLE chunks RENAME TO chunks_1;
  DROP INDEX chunks_of_batch;
  CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    batch INTEGER NOT NULL REFERENCES batches(id),
    first INTEGER NOT NULL,
    items INTEGER NOT NULL,
    state TEXT NOT NULL,
    last_source INTEGER NOT NULL,
    last_ordinal INTEGER NOT NULL,
    digest TEXT NOT NULL,
    positions BLOB NOT NULL,
    uuids BLOB,
    marks BLOB
  ) STRICT;
  INSERT INTO chunks(id, batch, first, items, state, last_source, last_ordinal, digest, positions, uuids)
    SELECT id, batch, first, items, state, 0, 0, digest, positions, uuids FROM chunks_1;
  DROP TABLE chunks_1;
  CREATE INDEX chunks_of_batch ON chunks(batch, first);
  CREATE TABLE rejects (
    run TEXT NOT NULL REFERENCES runs(id),
    source INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    item INTEGER NOT NULL,
    part INTEGER NOT NULL,
    no INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    state TEXT NOT NULL,
    stage TEXT NOT NULL,
    code TEXT NOT NULL,
    field TEXT,
    message BLOB NOT NULL,
    line INTEGER NOT NULL,
    byte_start INTEGER NOT NULL,
    byte_end INTEGER NOT NULL,
    occurrence INTEGER,
    file INTEGER NOT NULL,
    file_offset INTEGER NOT NULL,
    file_length INTEGER NOT NULL,
    PRIMARY KEY (run, source, ordinal, item, part, no)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE failures (
    batch INTEGER NOT NULL REFERENCES batches(id),
    idx INTEGER NOT NULL,
    state TEXT NOT NULL,
    status TEXT NOT NULL,
    code TEXT,
    message BLOB NOT NULL,
    mark BLOB,
    PRIMARY KEY (batch, idx)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE mark_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL,
    chunk INTEGER,
    marks BLOB
  ) STRICT;
  CREATE INDEX mark_log_of_project ON mark_log(project, id);
  CREATE TABLE segments (
    owner TEXT NOT NULL,
    no INTEGER NOT NULL,
    name TEXT NOT NULL,
    entries INTEGER NOT NULL,
    until TEXT,
    PRIMARY KEY (owner, no)
  ) STRICT, WITHOUT ROWID;
  `,
];

export const SCHEMA_VERSION = MIGRATIONS.length;
/** Marks the file as ours in its header (PRAGMA application_id): "ZILG". */
export const APPLICATION_ID = 0x5a494c47;
