/**
 * Adding outside of a batch (thread.add_messages, graph.add): the same path as a batch of one call that is handed over at once and listed
 * nowhere, so that order, processing and reading back are the same for everything.
 */
import type { Call } from './call.js';
import { notFound } from './answer.js';
import type { RouteContext } from './context.js';
import type { Batch, BatchSettings } from './store/batches.js';
import { placeOf, type PlacedItem } from './episode-reader.js';
import { checkItems } from './validate-items.js';

export interface DirectAdd {
  readonly batch: Batch;
  readonly places: readonly PlacedItem[];
}

/** `what` is how refusals call the list of items. Throws 404 when a destination does not exist. */
export async function addDirectly(
  context: RouteContext,
  call: Call,
  wanted: readonly unknown[],
  what: string,
  settings: BatchSettings,
): Promise<DirectAdd> {
  const { store, clock, processor, rules } = context;
  const { items, layout } = checkItems(wanted, { ...rules, maxItemsPerAdd: wanted.length }, what);
  for (const { kind, id } of layout.targets) {
    if (store.targets.numberOf(call.project.no, kind, id) === undefined) throw notFound(kind);
  }
  const body = Buffer.from(JSON.stringify({ items }));
  const { batch, chunk } = store.db.transaction(() => {
    const now = clock.date();
    const created = store.batches.create(call.project.no, settings, now, false);
    const added = store.chunks.insert(created.no, 0, layout, body, now);
    store.batches.update(created.no, { itemCount: items.length }, now);
    return { batch: store.batches.required(created.no), chunk: added };
  });
  await processor.handOver(batch, {});
  context.counters.itemsAdded += items.length;
  const after = store.batches.byNumber(batch.no) ?? batch;
  const states = processor.states(batch.no);
  return { batch: after, places: items.map((item, index) => placeOf(after, { ...chunk, items }, item, index, states)) };
}
