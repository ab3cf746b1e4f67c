/**
 * A source whose records mean more than what stands in it: each is handed on with what the export around it tells. A rejected row is written
 * down with that, so that it can be read again without the export; such a row is known by its mark and stays as it is.
 */
import type { Position, ReadEntry, RecordBlock, Source } from '../../model.js';

/** Gives the record its fields; must not throw, and returns what it does not know as it is. */
export type Enrich = (value: unknown, position: Position) => unknown;

export function enriched(source: Source, enrich: Enrich): Source {
  return {
    info: source.info,
    async *read(signal, from, tap) {
      for await (const block of source.read(signal, from, tap)) yield new EnrichedBlock(block, enrich);
    },
  };
}

class EnrichedBlock implements RecordBlock {
  readonly entries: readonly ReadEntry[];
  readonly #block: RecordBlock;

  constructor(block: RecordBlock, enrich: Enrich) {
    this.#block = block;
    this.entries = block.entries.map((entry) =>
      entry.kind === 'record' ? { ...entry, value: enrich(entry.value, entry.position) } : entry,
    );
  }

  get source(): RecordBlock['source'] {
    return this.#block.source;
  }
  get bytesRead(): number {
    return this.#block.bytesRead;
  }
  get inexactNumbers(): number {
    return this.#block.inexactNumbers;
  }
  get head(): string | undefined {
    return this.#block.head;
  }

  raw(position: Position): string {
    const entry = this.entries.find((each) => each.position.ordinal === position.ordinal);
    return entry?.kind === 'record' ? JSON.stringify(entry.value) : this.#block.raw(position);
  }
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** Without fields that are undefined: a column that is not there. */
export function compact(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}
