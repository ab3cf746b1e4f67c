/** The way of single records from source to items: where they stand, what the mapping does step by step, and what comes of it. */
import type { ExplainedRow, ExplainedStep } from '../explained-row.js';
import { destinationKey, slotOf } from '../lanes/destination.js';
import type { MapOutput, RecordBlock, Rejection, Source, SourceRecord } from '../model.js';
import type { RecordMapper } from './read-items.js';

/** A record by its number in the whole input (from 1), or by its file and a line of it. */
export type WantedRow = { readonly record: number } | { readonly file: string; readonly line: number };

export interface ExplainDeps {
  readonly sources: readonly Source[];
  readonly mapper: RecordMapper;
  /** Gives the steps since the last call. */
  readonly steps: () => readonly ExplainedStep[];
}

export interface Explained {
  readonly rows: readonly ExplainedRow[];
  /** Those that are not there. */
  readonly missing: readonly WantedRow[];
}

/** Reads no further than to the last record that is wanted. */
export async function explainRows(
  deps: ExplainDeps,
  wanted: readonly WantedRow[],
  signal: AbortSignal,
): Promise<Explained> {
  const missing = new Set(wanted);
  const rows: ExplainedRow[] = [];
  let record = 0;
  for (const source of deps.sources) {
    for await (const block of source.read(signal)) {
      signal.throwIfAborted();
      for (const [at, entry] of block.entries.entries()) {
        record += 1;
        const found = [...missing].filter((row) => isMeant(row, block, at, record));
        if (found.length === 0) continue;
        for (const row of found) missing.delete(row);
        rows.push(explained(deps, entry, record));
      }
      if (missing.size === 0) return { rows, missing: [] };
    }
  }
  return { rows, missing: [...missing] };
}

/** A record may have several lines: the line may be any of them. */
function isMeant(wanted: WantedRow, block: RecordBlock, at: number, record: number): boolean {
  if ('record' in wanted) return wanted.record === record;
  const { position } = block.entries[at] ?? {};
  if (position === undefined || position.source.id !== wanted.file || position.line > wanted.line) return false;
  const next = block.entries[at + 1]?.position;
  return position.line === wanted.line || (next !== undefined && next.line > wanted.line);
}

function explained({ mapper, steps }: ExplainDeps, entry: SourceRecord | Rejection, record: number): ExplainedRow {
  const { position } = entry;
  const place = {
    source: position.source.id,
    line: position.line,
    record,
    bytes: [position.byteStart, position.byteEnd],
  } as const;
  if (entry.kind === 'rejected') {
    return { ...place, value: undefined, fate: 'rejected', steps: [], items: [], rejections: [entry] };
  }
  const out: MapOutput = { items: [], rejections: [] };
  steps();
  const fate = mapper.map(entry, out);
  const items = out.items.map(({ wire, owner, part, key }) => ({
    wire,
    owner,
    ...(part === undefined ? {} : { part }),
    ...(key === undefined ? {} : { key }),
    slot: slotOf(
      wire.type === 'thread_message' && owner === undefined ? `t:${wire.thread_id}` : destinationKey(wire, owner),
    ),
  }));
  return { ...place, value: entry.value, fate, steps: steps(), items, rejections: out.rejections };
}
