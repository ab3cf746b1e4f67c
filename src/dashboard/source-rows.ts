/** The source row of items of a batch, where this machine's ledger knows it. A chunk's positions are decoded once for many items. */
import type { StoredChunk } from '../ledger/batches.js';
import type { Ledger, StoredPosition } from '../ledger/ledger.js';

export interface SourceRows {
  readonly isKnown: boolean;
  /** `tickets.csv:812`. */
  of(index: number): string | undefined;
}

export function sourceRows(ledger: Ledger | undefined, batchId: string): SourceRows {
  const batch = ledger?.batches.byId(batchId);
  if (ledger === undefined || batch === undefined) return { isKnown: false, of: () => undefined };
  const names = new Map(ledger.runs.sources(batch.run).map(({ index, id }) => [index, id]));
  let chunk: StoredChunk | undefined;
  let positions: readonly StoredPosition[] = [];
  return {
    isKnown: true,
    of(index) {
      if (chunk === undefined || index < chunk.first || index >= chunk.first + chunk.items) {
        chunk = ledger.batches.chunkOf(batch.row, index);
        positions = chunk === undefined ? [] : [...chunk.positions()];
      }
      const position = chunk === undefined ? undefined : positions[index - chunk.first];
      return position === undefined ? undefined : `${names.get(position.source) ?? '?'}:${position.line}`;
    },
  };
}
