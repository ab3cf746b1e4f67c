/** What must hold of the status machine whatever batches, graphs, speeds and deletions meet in it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CANCELED,
  countStates,
  FAILED,
  finalStatus,
  isFinal,
  PROCESSING,
  progressOf,
  SKIPPED,
  SUCCEEDED,
} from '../../../src/emulator/engine/machine.js';
import { groupItems } from '../../../src/emulator/engine/plan.js';
import { WorkQueue, type ActiveBatch } from '../../../src/emulator/engine/work-queue.js';

function activeBatch(no: number, graphOfItem: readonly number[], fates: readonly number[]): ActiveBatch {
  const targets = Float64Array.from([...new Set(graphOfItem)]);
  const targetOf = Uint32Array.from(graphOfItem, (graph) => targets.indexOf(graph));
  const { order, starts, keys } = groupItems(targetOf, targets);
  const states = new Uint8Array(graphOfItem.length).fill(1);
  return {
    no,
    run: no,
    project: 1,
    uuid: String(no),
    states,
    fates: Uint8Array.from(graphOfItem, (_, item) => fates[item % fates.length] ?? SUCCEEDED),
    counts: countStates(states),
    order,
    starts,
    graphs: keys,
    targetOf,
    targets,
    sourceOf: () => 'text',
  };
}

const batchesOfGraphs = fc.array(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 30 }), {
  minLength: 1,
  maxLength: 4,
});
const fateLists = fc.array(fc.constantFrom(SUCCEEDED, FAILED, SKIPPED), { minLength: 1, maxLength: 5 });
const steps = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 });

function checkInvariants(batches: readonly ActiveBatch[], concurrency: number, ended: Map<string, number>): void {
  let processing = 0;
  for (const batch of batches) {
    expect(batch.counts.reduce((sum, count) => sum + count, 0)).toBe(batch.states.length);
    expect(batch.counts).toEqual(countStates(batch.states));
    processing += batch.counts[PROCESSING] ?? 0;
    for (const [seq, state] of batch.states.entries()) {
      const key = `${batch.no}/${seq}`;
      const before = ended.get(key);
      if (before !== undefined) expect(state).toBe(before);
      if (isFinal(state)) ended.set(key, state);
    }
  }
  expect(processing).toBeLessThanOrEqual(concurrency);
}

describe('the work queue', () => {
  test('counters sum to the total, an item at an end stays there, and every item comes to its end', () => {
    fc.assert(
      fc.property(
        batchesOfGraphs,
        fateLists,
        steps,
        fc.integer({ min: 1, max: 4 }),
        (graphs, fates, quotas, concurrency) => {
          const queue = new WorkQueue(concurrency);
          const batches = graphs.map((items, index) => activeBatch(index + 1, items, fates));
          for (const batch of batches) queue.admit(batch);
          const ended = new Map<string, number>();
          for (const quota of quotas) {
            expect(queue.advance(quota, () => undefined)).toBeLessThanOrEqual(quota);
            checkInvariants(batches, concurrency, ended);
            queue.takeDirty();
          }
          queue.advance(Infinity, () => undefined);
          queue.takeDirty();
          expect(queue.open).toBe(0);
          for (const batch of batches) expect(batch.states).toEqual(batch.fates);
        },
      ),
    );
  });

  test('items of one graph end in the order in which they were added, across batches too', () => {
    fc.assert(
      fc.property(batchesOfGraphs, steps, fc.integer({ min: 1, max: 4 }), (graphs, quotas, concurrency) => {
        const queue = new WorkQueue(concurrency);
        const batches = graphs.map((items, index) => activeBatch(index + 1, items, [SUCCEEDED]));
        const ends: { graph: number; run: number; seq: number }[] = [];
        const note = (batch: ActiveBatch, seq: number): void => {
          ends.push({ graph: batch.targets[batch.targetOf[seq] ?? 0] ?? 0, run: batch.run, seq });
        };
        for (const [index, batch] of batches.entries()) {
          queue.admit(batch);
          queue.advance(quotas[index % quotas.length] ?? 1, note);
        }
        queue.advance(Infinity, note);
        for (const graph of new Set(ends.map((end) => end.graph))) {
          const own = ends.filter((end) => end.graph === graph).map(({ run, seq }) => run * 1000 + seq);
          expect(own).toEqual([...own].sort((a, b) => a - b));
        }
        expect(ends).toHaveLength(graphs.flat().length);
      }),
    );
  });

  test('deleting a graph cancels what is left of it and nothing else', () => {
    fc.assert(
      fc.property(
        batchesOfGraphs,
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 5 }),
        (graphs, done, gone) => {
          const queue = new WorkQueue(2);
          const batches = graphs.map((items, index) => activeBatch(index + 1, items, [SUCCEEDED]));
          for (const batch of batches) queue.admit(batch);
          queue.advance(done, () => undefined);
          const before = batches.map(({ states }) => Uint8Array.from(states));
          queue.targetsDeleted(new Set([gone]), () => undefined);
          queue.advance(Infinity, () => undefined);
          for (const [index, batch] of batches.entries()) {
            for (const [seq, graph] of (graphs[index] ?? []).entries()) {
              const was = before[index]?.[seq] ?? 0;
              expect(batch.states[seq]).toBe(isFinal(was) || graph !== gone ? SUCCEEDED : CANCELED);
            }
          }
        },
      ),
    );
  });

  test('failing the rest of a batch leaves what is at an end and the other batches alone', () => {
    const queue = new WorkQueue(1);
    const [one, two] = [activeBatch(1, [1, 1, 1], [SUCCEEDED]), activeBatch(2, [1, 1], [SUCCEEDED])];
    queue.admit(one);
    queue.admit(two);
    queue.advance(1, () => undefined);
    queue.failRest(one, () => undefined);
    expect([...one.states]).toEqual([SUCCEEDED, FAILED, FAILED]);
    queue.advance(Infinity, () => undefined);
    expect([...two.states]).toEqual([SUCCEEDED, SUCCEEDED]);
  });
});

describe('the end of a batch', () => {
  const states = fc.array(fc.constantFrom(SUCCEEDED, FAILED, SKIPPED, CANCELED), { minLength: 1, maxLength: 20 });

  test('its status follows from its items alone', () => {
    fc.assert(
      fc.property(states, (items) => {
        const has = (state: number): boolean => items.some((item) => item === state);
        const status = finalStatus(countStates(Uint8Array.from(items)));
        if (has(FAILED)) expect(status).toBe(has(SUCCEEDED) ? 'partial' : 'failed');
        else expect(status).toBe(items.every((state) => state === CANCELED) ? 'canceled' : 'succeeded');
      }),
    );
  });

  test('its progress sums to the total and stands at 100', () => {
    fc.assert(
      fc.property(states, (items) => {
        const {
          total_items: total,
          percent_complete: percent,
          ...counts
        } = progressOf(countStates(Uint8Array.from(items)));
        expect(total).toBe(items.length);
        expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(total);
        expect(percent).toBe(100);
      }),
    );
  });
});
