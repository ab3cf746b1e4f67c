/**
 * What the service answers about batches and items. The details of an add are written as text piece by piece: five hundred of them answer
 * every call, and most of each is the same.
 */
import type { WireBatchSummary, WireItem, WireItemDetail, WireProgress } from '../wire.js';
import { progressOf, QUEUED, PENDING, FAILED, STATES } from './engine/machine.js';
import { EXPIRED } from './engine/processor.js';
import { targetOfItem, type ChunkLayout, type ItemTarget } from './layout.js';
import type { Batch } from './store/batches.js';
import type { Chunk, OpenChunk } from './store/chunks.js';
import type { Store } from './store/store.js';
import type { Target } from './store/targets.js';

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Nothing was ever queued in a draft or an invalid batch, which is when the service leaves the progress out. */
function progress(batch: Batch): WireProgress | undefined {
  if (batch.counts === undefined || batch.status === 'draft' || batch.status === 'invalid') return undefined;
  return progressOf(batch.counts);
}

export function batchSummary(batch: Batch): WireBatchSummary {
  const { settings } = batch;
  const done = progress(batch);
  return {
    batch_id: batch.uuid,
    status: batch.status,
    item_count: batch.itemCount,
    ...(settings.metadata === undefined ? {} : { metadata: settings.metadata }),
    ...(settings.ignoreRoles === undefined ? {} : { ignore_roles: settings.ignoreRoles }),
    ...(settings.strictOntology === undefined ? {} : { strict_ontology: settings.strictOntology }),
    ...(done === undefined ? {} : { progress: done }),
    created_at: isoTime(batch.createdAt),
    updated_at: isoTime(batch.updatedAt),
    ...(batch.processedAt === undefined ? {} : { processed_at: isoTime(batch.processedAt) }),
    ...(batch.completedAt === undefined ? {} : { completed_at: isoTime(batch.completedAt) }),
  };
}

const TARGET_FIELD = { user: 'user_id', graph: 'graph_id', thread: 'thread_id' } as const;

/** The bare array that answers an add: one detail an item, all pending. */
export function addedDetails(chunk: Chunk, items: readonly WireItem[], layout: ChunkLayout): string {
  const time = isoTime(chunk.createdAt);
  const tail = `,"created_at":"${time}","updated_at":"${time}"}`;
  const targets = layout.targets.map(({ kind, id }) => `,"${TARGET_FIELD[kind]}":${JSON.stringify(id)}`);
  let text = '[';
  for (const [index, item] of items.entries()) {
    const uuid = chunk.ids.episode(index);
    const document = item.type === 'graph_episode' ? item.document_id : undefined;
    text +=
      (index === 0 ? '{"item_id":"' : ',{"item_id":"') +
      chunk.ids.item(index) +
      '","sequence_index":' +
      (chunk.first + index) +
      ',"kind":"' +
      item.type +
      '","status":"pending","episode_uuid":"' +
      uuid +
      '","source_uuid":"' +
      uuid +
      '"' +
      (targets[layout.targetOf[index] ?? 0] ?? '') +
      (typeof document === 'string' ? `,"document_id":${JSON.stringify(document)}` : '') +
      tail;
  }
  return text + ']';
}

/** The state of an item without a stored one: waiting in a draft, queued in a batch that was handed over. */
export function stateOf(batch: Batch, states: Uint8Array | undefined, seq: number): number {
  if (batch.status === 'draft' || batch.status === 'invalid') return PENDING;
  return states?.[seq] ?? QUEUED;
}

/** Describes items of one batch for a listing; destinations are looked up once each. */
export function itemDescriber(
  store: Store,
  batch: Batch,
): (chunk: OpenChunk, seq: number, state: number) => WireItemDetail {
  const known = new Map<string, WireItemDetail>();
  const addressOf = (item: WireItem): WireItemDetail => {
    const target = targetOfItem(item);
    const name = `${target.kind} ${target.id}`;
    const address = known.get(name) ?? destination(target, targetOfRun(store, batch, target));
    known.set(name, address);
    return address;
  };
  return (chunk, seq, state) => {
    const index = seq - chunk.first;
    const item = chunk.items[index];
    const uuid = chunk.ids.episode(index);
    return {
      item_id: chunk.ids.item(index),
      sequence_index: seq,
      ...(item === undefined ? {} : { kind: item.type }),
      status: STATES[state] ?? 'pending',
      ...(state === FAILED ? { error: store.batches.error(batch.no, seq) ?? EXPIRED } : {}),
      episode_uuid: uuid,
      source_uuid: uuid,
      ...(item === undefined ? {} : addressOf(item)),
      ...(item?.type === 'graph_episode' && typeof item.document_id === 'string'
        ? { document_id: item.document_id }
        : {}),
      created_at: isoTime(chunk.createdAt),
      updated_at: isoTime(state === PENDING ? chunk.createdAt : batch.updatedAt),
    };
  };
}

/** A target born after the run began has the name of the one that the items were addressed to, and is another one. */
function targetOfRun(store: Store, batch: Batch, { kind, id }: ItemTarget): Target | undefined {
  const target = store.targets.find(batch.project, kind, id);
  const isOther = target !== undefined && batch.processedAt !== undefined && target.createdAt > batch.processedAt;
  return isOther ? undefined : target;
}

function destination({ kind, id }: ItemTarget, target: Target | undefined): WireItemDetail {
  return {
    [TARGET_FIELD[kind]]: id,
    ...(target === undefined ? {} : { graph_uuid: target.graphUuid }),
    ...(target?.kind === 'user' ? { user_uuid: target.uuid } : {}),
  };
}
