import { afterEach, describe, expect, it } from 'vitest';
import { episodes, scene, tampered, type Scene } from '../../support/import.js';

let at: Scene;
afterEach(() => at.close());

async function expectInOrder(rows: number, graphs: number): Promise<void> {
  for (let graph = 0; graph < graphs; graph++) {
    expect(await at.graph(`g${graph}`)).toEqual(
      Array.from({ length: rows / graphs }, (_, i) => `row ${i * graphs + graph}`),
    );
  }
}

describe('lanes from the start', () => {
  it('have as much to do as each other when the names of graphs fall unevenly, and keep the order in each graph', async () => {
    at = await scene();
    const graphs = 24;
    const { summary } = await at.run(episodes(480, graphs), { lanes: 4, batchSize: 1_000, chunkSize: 20 });
    const items = summary.batches.map((batch) => batch.items);
    expect(items).toHaveLength(4);
    expect(Math.max(...items) - Math.min(...items)).toBeLessThanOrEqual(480 / graphs);
    await expectInOrder(480, graphs);
  });
});

describe('lanes that are added while a run goes on', () => {
  it('at a later batch than the first begin only when that batch was handed over', async () => {
    at = await scene({ faults: ['add:8=latency,ms=400'] });
    let asked = 0;
    const { summary } = await at.run(
      episodes(440, 20),
      { lanes: 'auto', batchSize: 200, chunkSize: 50 },
      {},
      undefined,
      (deps) => tampered(deps, { concurrencyHint: () => (++asked === 1 ? 1 : 4) }),
    );
    expect(new Set(summary.batches.map((batch) => batch.lane)).size).toBeGreaterThan(1);
    await expectInOrder(440, 20);
  });

  it('begin only when the whole batch was handed over, also when somebody else processed a part of it', async () => {
    at = await scene({ faults: ['add:2=process-draft', 'add:5=latency,ms=400'] });
    const { summary } = await at.run(episodes(240, 20), { lanes: 'auto', batchSize: 200, chunkSize: 50 });
    expect(new Set(summary.batches.map((batch) => batch.lane)).size).toBeGreaterThan(1);
    await expectInOrder(240, 20);
  });
});
