/**
 * Reading back what was imported: from a target to the items that were placed in it, run by run, and from an episode's uuid to the item.
 * One add call is parsed at a time, so a graph of any size can be walked in bounded memory.
 */
import type { WireItem } from '../wire.js';
import { isoTime, stateOf } from './batch-answers.js';
import type { RouteContext } from './context.js';
import { CANCELED, isStored, SUCCEEDED } from './engine/machine.js';
import { targetOfItem } from './layout.js';
import type { Batch } from './store/batches.js';
import type { OpenChunk } from './store/chunks.js';
import type { Target } from './store/targets.js';

export interface PlacedItem {
  readonly batch: Batch;
  readonly item: WireItem;
  readonly uuid: string;
  readonly state: number;
  /** The event time, or when the item was added. */
  readonly createdAt: string;
}

export function placeOf(
  batch: Batch,
  chunk: OpenChunk,
  item: WireItem,
  seq: number,
  states: Uint8Array | undefined,
): PlacedItem {
  return {
    batch,
    item,
    uuid: chunk.ids.episode(seq - chunk.first),
    state: stateOf(batch, states, seq),
    createdAt: item.created_at ?? isoTime(chunk.createdAt),
  };
}

/** An episode as the service answers it. */
export function episodeAnswer(place: PlacedItem): object {
  const { item } = place;
  const shared = {
    uuid: place.uuid,
    created_at: place.createdAt,
    processed: isStored(place.state),
  };
  const metadata = item.metadata === undefined || item.metadata === null ? {} : { metadata: item.metadata };
  if (item.type === 'thread_message') {
    const role = typeof item.name === 'string' ? { role: item.name } : {};
    return {
      ...shared,
      content: item.content,
      source: 'message',
      role_type: item.role,
      ...role,
      ...metadata,
      thread_id: item.thread_id,
    };
  }
  return {
    ...shared,
    content: item.data,
    source: item.data_type,
    ...(typeof item.source_description === 'string' ? { source_description: item.source_description } : {}),
    ...(typeof item.document_id === 'string' ? { document_id: item.document_id } : {}),
    ...metadata,
  };
}

/** A message as a thread shows it. */
export function messageAnswer(place: PlacedItem): object | undefined {
  const { item } = place;
  if (item.type !== 'thread_message') return undefined;
  return {
    uuid: place.uuid,
    role: item.role,
    ...(typeof item.name === 'string' ? { name: item.name } : {}),
    content: item.content,
    created_at: place.createdAt,
    ...(item.metadata === undefined || item.metadata === null ? {} : { metadata: item.metadata }),
    processed: isStored(place.state),
  };
}

/** The targets whose items lie in the graph of a user or graph: itself, and the threads of a user. */
export function graphMembers(context: RouteContext, target: Target): number[] {
  return target.kind === 'user' ? [target.no, ...context.store.targets.threadNumbersOf(target.no)] : [target.no];
}

export type Wanted = (batch: Batch, state: number) => boolean;

/** What extraction has seen. */
export const processedOnly: Wanted = (_batch, state) => state === SUCCEEDED;

/** What a thread shows: all that was stored, and what was added directly from the moment of adding. */
export const shownInThread: Wanted = (batch, state) => isStored(state) || (!batch.visible && state !== CANCELED);

interface PlacedSeq {
  readonly batch: Batch;
  readonly seq: number;
  readonly states: Uint8Array | undefined;
}

/** The places of all wanted items of some targets, in the order in which they were handed over (or backwards), without their texts. */
export function* placedSeqs(
  context: RouteContext,
  targets: readonly number[],
  ascending: boolean,
  wanted: Wanted,
): Iterable<PlacedSeq> {
  const { store, processor } = context;
  let run = ascending ? 0 : Number.MAX_SAFE_INTEGER;
  for (;;) {
    const [next] = store.placements.runs(targets, run, ascending, 1);
    if (next === undefined) return;
    run = next;
    const batch = store.batches.byRun(run);
    if (batch === undefined) continue;
    const states = processor.states(batch.no);
    const seqs = seqsIn(context, targets, run);
    if (!ascending) seqs.reverse();
    for (const seq of seqs) if (wanted(batch, stateOf(batch, states, seq))) yield { batch, seq, states };
  }
}

function seqsIn(context: RouteContext, targets: readonly number[], run: number): number[] {
  const seqs: number[] = [];
  for (const target of targets) {
    const placement = context.store.placements.get(target, run);
    if (placement !== undefined) for (const seq of placement.seqs) seqs.push(seq);
  }
  return seqs.sort((a, b) => a - b);
}

export function openPlace(context: RouteContext, { batch, seq, states }: PlacedSeq): PlacedItem | undefined {
  const chunk = context.store.chunks.holding(batch.no, seq);
  const item = chunk?.items[seq - chunk.first];
  return chunk === undefined || item === undefined ? undefined : placeOf(batch, chunk, item, seq, states);
}

/** The item behind an episode uuid, if its batch and, once it ran, its target still exist. */
export function findEpisode(context: RouteContext, project: number, uuid: string): PlacedItem | undefined {
  const { store, processor } = context;
  const where = store.chunks.ids.locate(uuid);
  const chunk = where === undefined ? undefined : store.chunks.byNumber(where.chunk);
  const batch = chunk === undefined ? undefined : store.batches.byNumber(chunk.batch);
  const item = where === undefined ? undefined : chunk?.items[where.index];
  if (chunk === undefined || batch?.project !== project || where === undefined || item === undefined) return undefined;
  if (batch.prepared && !isPlaced(context, batch, item)) return undefined;
  return placeOf(batch, chunk, item, chunk.first + where.index, processor.states(batch.no));
}

function isPlaced({ store }: RouteContext, batch: Batch, item: WireItem): boolean {
  const { kind, id } = targetOfItem(item);
  const target = store.targets.numberOf(batch.project, kind, id);
  return target !== undefined && store.placements.exists(target, batch.run ?? 0);
}
