/**
 * What happens to a batch between `process` and its first item: its destinations are looked up (one that is missing makes the batch
 * invalid for good), the items that faults doom are chosen, and each target learns which items are its own. Every step can be repeated, so
 * a preparation that dies half-way is done again by the next start.
 */
import type { Clock } from '../../clock.js';
import type { WireItem } from '../../wire.js';
import type { Batch, ItemFailure } from '../store/batches.js';
import type { Store } from '../store/store.js';
import type { ItemTarget } from '../layout.js';
import { textMatcher } from '../text-matcher.js';
import { QUEUED, STATES } from './machine.js';
import { groupItems, mergeLayouts, resolveTargets, type BatchLayout } from './plan.js';

export interface Preparation {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly giveWay: () => Promise<void>;
}

const PLACED_AT_ONCE = 500;

export function textOf(item: WireItem): string {
  return item.type === 'graph_episode' ? item.data : item.content;
}

/** The destinations that are missing; empty when the batch may run. */
export async function prepareBatch(deps: Preparation, batch: Batch): Promise<readonly ItemTarget[]> {
  const { store, clock } = deps;
  const layout = mergeLayouts(store, batch);
  const { numbers, missing } = await resolveTargets(store, batch.project, layout.targets, deps.giveWay);
  if (batch.plan.invalid === true || missing.length > 0) {
    store.batches.update(batch.no, { status: 'invalid' }, clock.date());
    return missing;
  }
  for (const failure of batch.plan.failures ?? []) await doom(deps, batch, failure);
  await placeItems(deps, batch, layout, numbers);
  store.db.transaction(() => {
    store.batches.saveResolved(batch.no, numbers);
    store.batches.saveStates(batch.no, new Uint8Array(batch.itemCount).fill(QUEUED));
    store.batches.update(batch.no, { prepared: true, counts: allQueued(batch.itemCount) }, clock.date());
  });
  return [];
}

export function allQueued(items: number): number[] {
  return STATES.map((_, state) => (state === QUEUED ? items : 0));
}

async function doom(deps: Preparation, batch: Batch, failure: ItemFailure): Promise<void> {
  const { store } = deps;
  const matches = textMatcher(failure.pattern);
  for (let seq = 0; seq < batch.itemCount;) {
    const chunk = store.chunks.holding(batch.no, seq);
    if (chunk === undefined) return;
    store.db.transaction(() => {
      for (const [index, item] of chunk.items.entries()) {
        if (!matches(textOf(item)) || deps.random() >= failure.probability) continue;
        store.batches.saveError(batch.no, chunk.first + index, { code: failure.code, message: failure.message });
      }
    });
    seq = chunk.first + chunk.count;
    await deps.giveWay();
  }
}

async function placeItems(deps: Preparation, batch: Batch, layout: BatchLayout, numbers: Float64Array): Promise<void> {
  const { store } = deps;
  const { order, starts, keys } = groupItems(layout.targetOf, numbers);
  for (let from = 0; from < keys.length; from += PLACED_AT_ONCE) {
    store.db.transaction(() => {
      for (let group = from; group < Math.min(from + PLACED_AT_ONCE, keys.length); group++) {
        store.placements.save(keys[group] ?? 0, batch.run ?? 0, order.slice(starts[group], starts[group + 1]));
      }
    });
    await deps.giveWay();
  }
}
