/**
 * From the layouts of a batch's add calls to what processing works with: the distinct destinations of the whole batch, the graph each one
 * ends in, and the items sorted by graph. Nothing here reads the bodies.
 */
import type { Role } from '../../wire.js';
import { roleOfType, sourceOfType, type ItemTarget } from '../layout.js';
import type { Batch } from '../store/batches.js';
import type { Store } from '../store/store.js';
import { countStates, FAILED, isFinal, QUEUED, SKIPPED, SUCCEEDED } from './machine.js';
import type { ActiveBatch } from './work-queue.js';

export interface BatchLayout {
  readonly targets: readonly ItemTarget[];
  readonly targetOf: Uint32Array;
  readonly types: Uint8Array;
}

/** One layout out of those of all chunks. */
export function mergeLayouts(store: Store, batch: Batch): BatchLayout {
  const targets: ItemTarget[] = [];
  const known = {
    user: new Map<string, number>(),
    graph: new Map<string, number>(),
    thread: new Map<string, number>(),
  };
  const targetOf = new Uint32Array(batch.itemCount);
  const types = new Uint8Array(batch.itemCount);
  for (const chunk of store.chunks.layouts(batch.no)) {
    const local = chunk.targets.map((target) => {
      const found = known[target.kind].get(target.id);
      if (found !== undefined) return found;
      known[target.kind].set(target.id, targets.length);
      return targets.push(target) - 1;
    });
    types.set(chunk.types.subarray(0, batch.itemCount - chunk.first), chunk.first);
    for (let item = 0; item < chunk.types.length; item++) {
      targetOf[chunk.first + item] = local[chunk.targetOf[item] ?? 0] ?? 0;
    }
  }
  return { targets, targetOf, types };
}

export interface ResolvedTargets {
  /** The number of each target; 0 for one that does not exist. */
  readonly numbers: Float64Array;
  readonly missing: readonly ItemTarget[];
}

const RESOLVED_AT_ONCE = 500;

/** Looks the destinations up, giving way to requests in between. */
export async function resolveTargets(
  store: Store,
  project: number,
  targets: readonly ItemTarget[],
  giveWay: () => Promise<void>,
): Promise<ResolvedTargets> {
  const numbers = new Float64Array(targets.length);
  const missing: ItemTarget[] = [];
  for (const [index, target] of targets.entries()) {
    if (index % RESOLVED_AT_ONCE === RESOLVED_AT_ONCE - 1) await giveWay();
    const found = store.targets.numberOf(project, target.kind, target.id);
    if (found === undefined) missing.push(target);
    numbers[index] = found ?? 0;
  }
  return { numbers, missing };
}

/** The graph (number of a user or graph) in which each target's items end; a target that is gone gets 0 in both arrays. */
async function graphsOf(store: Store, numbers: Float64Array, giveWay: () => Promise<void>): Promise<Float64Array> {
  const graphs = new Float64Array(numbers.length);
  for (let index = 0; index < numbers.length; index++) {
    if (index % RESOLVED_AT_ONCE === RESOLVED_AT_ONCE - 1) await giveWay();
    graphs[index] = store.targets.graphOf(numbers[index] ?? 0);
    if (graphs[index] === 0) numbers[index] = 0;
  }
  return graphs;
}

export interface Groups {
  readonly order: Uint32Array;
  readonly starts: Uint32Array;
  /** The key of each group, as given. */
  readonly keys: Float64Array;
}

/** Sorts item indexes by the key of their target, keeping their order within a key. */
export function groupItems(targetOf: Uint32Array, keyOfTarget: Float64Array): Groups {
  const groupOfKey = new Map<number, number>();
  const groupOfTarget = Uint32Array.from(keyOfTarget, (key) => {
    const known = groupOfKey.get(key);
    if (known !== undefined) return known;
    groupOfKey.set(key, groupOfKey.size);
    return groupOfKey.size - 1;
  });
  const starts = new Uint32Array(groupOfKey.size + 1);
  for (const target of targetOf)
    starts[(groupOfTarget[target] ?? 0) + 1] = (starts[(groupOfTarget[target] ?? 0) + 1] ?? 0) + 1;
  for (let group = 1; group < starts.length; group++) starts[group] = (starts[group] ?? 0) + (starts[group - 1] ?? 0);
  const place = starts.slice();
  const order = new Uint32Array(targetOf.length);
  for (const [item, target] of targetOf.entries()) {
    const group = groupOfTarget[target] ?? 0;
    const at = place[group] ?? 0;
    order[at] = item;
    place[group] = at + 1;
  }
  return { order, starts, keys: Float64Array.from(groupOfKey.keys()) };
}

function fatesOf(types: Uint8Array, ignored: readonly Role[], failing: readonly number[]): Uint8Array {
  const fates = types.map((type) => {
    const role = roleOfType(type);
    return role !== undefined && ignored.includes(role) ? SKIPPED : SUCCEEDED;
  });
  for (const seq of failing) fates[seq] = FAILED;
  return fates;
}

/** A prepared batch, ready for the queue. What was at work when the process died is queued again. */
export async function loadActive(store: Store, batch: Batch, giveWay: () => Promise<void>): Promise<ActiveBatch> {
  const layout = mergeLayouts(store, batch);
  const numbers = store.batches.resolved(batch.no) ?? new Float64Array(layout.targets.length);
  const graphs = await graphsOf(store, numbers, giveWay);
  const groups = groupItems(layout.targetOf, graphs);
  const saved = store.batches.states(batch.no);
  const states = Uint8Array.from(saved ?? new Uint8Array(batch.itemCount), (state) =>
    isFinal(state) ? state : QUEUED,
  );
  return {
    no: batch.no,
    run: batch.run ?? 0,
    project: batch.project,
    uuid: batch.uuid,
    states,
    fates: fatesOf(layout.types, batch.settings.ignoreRoles ?? [], store.batches.errorPlaces(batch.no)),
    counts: countStates(states),
    order: groups.order,
    starts: groups.starts,
    graphs: groups.keys,
    targetOf: layout.targetOf,
    targets: numbers,
    sourceOf: (seq) => sourceOfType(layout.types[seq] ?? 0),
  };
}
