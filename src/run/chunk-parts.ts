/** What is asked of single stretches of a chunk: their size, their places, whether an answer is about exactly them. Pure. */
import type { Chunk, ItemRef } from '../lanes/chunker.js';
import { MARK_WORDS } from '../lanes/encoded-block.js';
import type { Range } from '../lanes/refusal-ladder.js';
import type { StoredPosition } from '../ledger/ledger.js';
import type { Rejection } from '../model.js';
import type { BatchItem } from '../remote/api.js';
import type { WireItem } from '../wire.js';

/** True when the details are exactly `n` items with the indexes before … before + n - 1, in this order. */
export function isExactly(details: readonly BatchItem[], before: number, n: number): boolean {
  if (details.length !== n) return false;
  for (let i = 0; i < n; i++) if (details[i]?.index !== before + i) return false;
  return true;
}

/** Does a detail of the service name the same destination as the item we sent? */
export function goesWhere(detail: BatchItem, item: WireItem): boolean {
  if (detail.kind !== undefined && detail.kind !== item.type) return false;
  if (item.type === 'thread_message') return detail.threadId === item.thread_id;
  return item.graph_id === undefined ? detail.userId === item.user_id : detail.graphId === item.graph_id;
}

export function* storedPositions(chunk: Chunk, range: Range): Generator<StoredPosition> {
  for (let i = range.from; i < range.to; i++) {
    const ref = chunk.refs[i];
    if (ref === undefined) return;
    const { source, ordinal, line, byteStart, byteEnd } = ref.position;
    yield { source: source.index, ordinal, line, byteStart, byteEnd, item: ref.index, part: ref.part };
  }
}

export function sliceBytes(chunk: Chunk, range: Range): number {
  return (chunk.offsets[range.to] ?? 0) - (chunk.offsets[range.from] ?? 0) + 12;
}

export function splitByBytes(chunk: Chunk, range: Range, maxBytes: number): readonly Range[] {
  const parts: Range[] = [];
  let from = range.from;
  for (let i = range.from + 1; i <= range.to; i++) {
    if (i - from > 1 && sliceBytes(chunk, { from, to: i }) > maxBytes) {
      parts.push({ from, to: i - 1 });
      from = i - 1;
    }
  }
  if (from < range.to) parts.push({ from, to: range.to });
  return parts;
}

export function remoteRejection(chunk: Chunk, index: number, code: string, message: string): Rejection {
  const ref = chunk.refs[index];
  if (ref === undefined) throw new RangeError('no such item in the chunk');
  return { kind: 'rejected', stage: 'remote', code, message, position: ref.position, item: ref.index };
}

export function describeFirst(first: ItemRef): string {
  return `${first.position.source.index}:${first.position.ordinal}:${first.index}`;
}

/** The marks of a stretch; undefined when the chunk has none. */
export function marksOf(chunk: Chunk, range: Range): Uint32Array | undefined {
  return chunk.marks?.subarray(range.from * MARK_WORDS, range.to * MARK_WORDS);
}

/** The place of the last item of a stretch. */
export function lastOf(chunk: Chunk, range: Range): { readonly source: number; readonly ordinal: number } {
  const position = chunk.refs[range.to - 1]?.position;
  if (position === undefined) throw new RangeError('an empty stretch has no last item');
  return { source: position.source.index, ordinal: position.ordinal };
}
