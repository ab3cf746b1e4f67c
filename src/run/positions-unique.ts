/**
 * Proves that no item of a run stands in the ledger twice, without holding its items: chunks are met in the order of their first position and
 * merged, so that equal positions meet. What is in memory is a line a chunk, and the chunks that overlap at one place of the input, which are
 * about as many as there are lanes. Where items were sent in another order than that of the input, all may overlap: then positions are sorted
 * on disk instead.
 */
import type { StoredBatch, StoredChunk } from '../ledger/batches.js';
import type { Ledger, StoredPosition } from '../ledger/ledger.js';
import { ExternalSorter } from './sort/external-sorter.js';
import type { SortSettings } from './sort/time-order.js';

export interface PositionFacts {
  /** Positions in the chunks of all batches. */
  readonly positions: number;
  readonly distinct: number;
  readonly firstTwice: StoredPosition | undefined;
  /** Batches whose chunks do not add up, index for index, to the items that the ledger says they hold. */
  readonly uneven: readonly StoredBatch[];
}

interface Span {
  readonly batch: number;
  readonly index: number;
  readonly first: StoredPosition;
  /** False for a chunk that must be sorted before it is merged. */
  readonly ascends: boolean;
}

/** Where positions may be sorted, when more than so many are in chunks that do not ascend. */
export interface PositionSort extends SortSettings {
  readonly above: number;
}

export async function checkPositions(
  ledger: Ledger,
  batches: readonly StoredBatch[],
  sort?: PositionSort,
): Promise<PositionFacts> {
  const spans: Span[] = [];
  const uneven: StoredBatch[] = [];
  let positions = 0;
  let outOfOrder = 0;
  for (const batch of batches) {
    let index = 0;
    let isEven = true;
    for (const chunk of ledger.batches.chunks(batch.row)) {
      const { span, count } = measure(chunk);
      isEven &&= chunk.first === index && count === chunk.items;
      index += chunk.items;
      positions += count;
      if (span !== undefined) spans.push(span);
      if (span?.ascends === false) outOfOrder += count;
    }
    if (!isEven || index !== batch.items) uneven.push(batch);
  }
  spans.sort((a, b) => compare(a.first, b.first));
  const { twice, firstTwice } =
    sort !== undefined && outOfOrder > sort.above ? await sortSpans(ledger, spans, sort) : mergeSpans(ledger, spans);
  return { positions, distinct: positions - twice, firstTwice, uneven };
}

function measure(chunk: StoredChunk): { readonly span: Span | undefined; readonly count: number } {
  let first: StoredPosition | undefined;
  let last: StoredPosition | undefined;
  let ascends = true;
  let count = 0;
  for (const position of chunk.positions()) {
    if (last !== undefined && compare(last, position) > 0) ascends = false;
    if (first === undefined || compare(position, first) < 0) first = position;
    last = position;
    count += 1;
  }
  const span = first === undefined ? undefined : { batch: chunk.batch, index: chunk.first, first, ascends };
  return { span, count };
}

const NOTHING = new Uint8Array(0);

async function sortSpans(
  ledger: Ledger,
  spans: readonly Span[],
  settings: SortSettings,
): Promise<Pick<PositionFacts, 'firstTwice'> & { readonly twice: number }> {
  const sorter = new ExternalSorter({ ...settings, signal: new AbortController().signal });
  const rest = Buffer.alloc(16);
  try {
    for (const { batch, index } of spans) {
      for (const { source, ordinal, item, part, line } of ledger.batches.chunkOf(batch, index)?.positions() ?? []) {
        rest.writeUInt32LE(item, 0);
        rest.writeUInt32LE(part, 4);
        rest.writeDoubleLE(line, 8);
        const adding = sorter.add(source, ordinal, rest, NOTHING);
        if (adding !== undefined) await adding;
      }
    }
    await sorter.finish();
    let twice = 0;
    let firstTwice: StoredPosition | undefined;
    let record: readonly [number, number] = [-1, -1];
    const met = new Set<string>();
    for await (const batch of sorter.sorted()) {
      for (const { a: source, b: ordinal, bytes } of batch) {
        if (record[0] !== source || record[1] !== ordinal) met.clear();
        record = [source, ordinal];
        const item = bytes.readUInt32LE(0);
        const part = bytes.readUInt32LE(4);
        if (met.has(`${item}:${part}`)) {
          twice += 1;
          firstTwice ??= { source, ordinal, item, part, line: bytes.readDoubleLE(8), byteStart: 0, byteEnd: 0 };
        }
        met.add(`${item}:${part}`);
      }
    }
    return { twice, firstTwice };
  } finally {
    await sorter.close();
  }
}

interface Cursor {
  position: StoredPosition;
  readonly rest: Iterator<StoredPosition>;
}

function mergeSpans(
  ledger: Ledger,
  spans: readonly Span[],
): { readonly twice: number; readonly firstTwice: StoredPosition | undefined } {
  const heap: Cursor[] = [];
  let next = 0;
  let twice = 0;
  let last: StoredPosition | undefined;
  let firstTwice: StoredPosition | undefined;
  for (;;) {
    let top = heap[0];
    for (let span = spans[next]; span !== undefined; span = spans[next]) {
      if (top !== undefined && compare(span.first, top.position) > 0) break;
      next += 1;
      const cursor = open(ledger, span);
      if (cursor !== undefined) siftUp(heap, cursor);
      top = heap[0];
    }
    if (top === undefined) return { twice, firstTwice };
    if (last !== undefined && compare(last, top.position) === 0) {
      twice += 1;
      firstTwice ??= last;
    }
    last = top.position;
    advance(heap, top);
  }
}

function open(ledger: Ledger, { batch, index, ascends }: Span): Cursor | undefined {
  const chunk = ledger.batches.chunkOf(batch, index);
  if (chunk === undefined) return undefined;
  const rest = (ascends ? chunk.positions() : [...chunk.positions()].sort(compare))[Symbol.iterator]();
  const first = rest.next();
  return first.done === true ? undefined : { position: first.value, rest };
}

/** The top of the heap goes on to its next position, or leaves the heap. */
function advance(heap: Cursor[], top: Cursor): void {
  const step = top.rest.next();
  if (step.done === true) {
    const end = heap.pop();
    if (end === undefined || end === top) return;
    heap[0] = end;
  } else {
    top.position = step.value;
  }
  siftDown(heap);
}

function siftUp(heap: Cursor[], cursor: Cursor): void {
  let at = heap.push(cursor) - 1;
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt];
    if (parent === undefined || compare(parent.position, cursor.position) <= 0) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = cursor;
}

function siftDown(heap: Cursor[]): void {
  const cursor = heap[0];
  if (cursor === undefined) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    let least = heap[child];
    const other = heap[child + 1];
    if (other !== undefined && least !== undefined && compare(other.position, least.position) < 0) {
      child += 1;
      least = other;
    }
    if (least === undefined || compare(least.position, cursor.position) >= 0) break;
    heap[at] = least;
    at = child;
  }
  heap[at] = cursor;
}

function compare(a: StoredPosition, b: StoredPosition): number {
  return a.source - b.source || a.ordinal - b.ordinal || a.item - b.item || a.part - b.part;
}
