/**
 * Add calls as they came: one row a call, the body unread. A body is parsed when somebody asks for one of its items, and the last few
 * parsed bodies are kept, so that paging through a batch parses each body once.
 */
import type { Database, Row } from '../../sqlite.js';
import type { WireItem } from '../../wire.js';
import type { ChunkLayout, ItemTarget } from '../layout.js';
import { itemIds, type ChunkIds, type ItemIds } from '../ids.js';

export interface Chunk {
  readonly no: number;
  readonly batch: number;
  /** The sequence index of its first item. */
  readonly first: number;
  readonly count: number;
  readonly createdAt: number;
  readonly ids: ChunkIds;
}

export interface OpenChunk extends Chunk {
  readonly items: readonly WireItem[];
}

const KEPT_CHUNKS = 8;
const COLUMNS = 'no, batch, first, count, created_at';

/** The stored form of one parsed item; bodies are checked before they are stored. */
function parseBody(body: Uint8Array): readonly WireItem[] {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  return (JSON.parse(text) as { items: readonly WireItem[] }).items;
}

function placeFacts(row: Row): Omit<Chunk, 'ids'> {
  return {
    no: Number(row.no),
    batch: Number(row.batch),
    first: Number(row.first),
    count: Number(row.count),
    createdAt: Number(row.created_at),
  };
}

function bytesOf(array: Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

export class Chunks {
  readonly ids: ItemIds;
  private readonly open = new Map<number, OpenChunk>();

  constructor(private readonly db: Database) {
    const salt = db.prepare("SELECT value FROM meta WHERE key = 'salt'").get()?.value;
    this.ids = itemIds(String(salt));
  }

  /** Inside the caller's transaction. */
  insert(batch: number, first: number, layout: ChunkLayout, body: Uint8Array, now: number): Chunk {
    const count = layout.types.length;
    const { lastInsertRowid: no } = this.db
      .prepare(
        'INSERT INTO chunks (batch, first, count, created_at, targets, target_of, types, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(batch, first, count, now, JSON.stringify(layout.targets), bytesOf(layout.targetOf), layout.types, body);
    return { no, batch, first, count, createdAt: now, ids: this.ids.ofChunk(no) };
  }

  /** The chunk that holds item `seq` of a batch, parsed. */
  holding(batch: number, seq: number): OpenChunk | undefined {
    const row = this.db
      .prepare(`SELECT ${COLUMNS} FROM chunks WHERE batch = ? AND first <= ? ORDER BY first DESC LIMIT 1`)
      .get(batch, seq);
    return row === undefined ? undefined : this.parsed(row);
  }

  /** The chunk that holds item `seq`, unparsed. */
  placeOf(batch: number, seq: number): Chunk | undefined {
    const row = this.db
      .prepare(`SELECT ${COLUMNS} FROM chunks WHERE batch = ? AND first <= ? ORDER BY first DESC LIMIT 1`)
      .get(batch, seq);
    if (row === undefined) return undefined;
    const no = Number(row.no);
    return { ...placeFacts(row), ids: this.ids.ofChunk(no) };
  }

  byNumber(no: number): OpenChunk | undefined {
    const row = this.db.prepare(`SELECT ${COLUMNS} FROM chunks WHERE no = ?`).get(no);
    return row === undefined ? undefined : this.parsed(row);
  }

  /** The layouts of a batch, in order. */
  *layouts(batch: number): Iterable<ChunkLayout & { readonly first: number }> {
    let next = 0;
    const statement = this.db.prepare(
      'SELECT first, count, targets, target_of, types FROM chunks WHERE batch = ? AND first >= ? ORDER BY first LIMIT 1',
    );
    for (;;) {
      const row = statement.get(batch, next);
      if (row === undefined) return;
      // A copy: the bytes of a blob may lie at an odd address, where 16-bit numbers cannot.
      const targetOf = new Uint16Array(Uint8Array.from(row.target_of as Uint8Array).buffer);
      yield {
        first: Number(row.first),
        targets: JSON.parse(String(row.targets)) as ItemTarget[],
        targetOf,
        types: row.types as Uint8Array,
      };
      next = Number(row.first) + Number(row.count);
    }
  }

  /** Inside the caller's transaction. */
  deleteOf(batch: number): void {
    this.db.prepare('DELETE FROM chunks WHERE batch = ?').run(batch);
    for (const [no, chunk] of this.open) if (chunk.batch === batch) this.open.delete(no);
  }

  private parsed(row: Row): OpenChunk | undefined {
    const no = Number(row.no);
    const known = this.open.get(no);
    if (known !== undefined) {
      this.open.delete(no);
      this.open.set(no, known);
      return known;
    }
    const body = this.db.prepare('SELECT body FROM chunks WHERE no = ?').get(no)?.body;
    if (!(body instanceof Uint8Array)) return undefined;
    const chunk: OpenChunk = {
      ...placeFacts(row),
      ids: this.ids.ofChunk(no),
      items: parseBody(body).slice(0, Number(row.count)),
    };
    this.open.set(no, chunk);
    for (const oldest of this.open.keys()) {
      if (this.open.size <= KEPT_CHUNKS) break;
      this.open.delete(oldest);
    }
    return chunk;
  }
}
