/**
 * How the local server scales: adding, processing and listing N items and ten times as many, over real HTTP, with the data on disk.
 * Prints items a second for each step and the ratio of the two, which should stay near 10 (at most 12). Figures of one run are comparable
 * with each other only. Sizes can be given: `npm run bench:server -- 5000 50000`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { startLocalServer } from '../src/emulator/index.js';

const CHUNK = 500;
const BATCH = 50_000;
const TEXT = 'lorem ipsum dolor sit amet '.repeat(10).slice(0, 260);

interface Step {
  readonly name: string;
  readonly ms: number;
}

function chunkBody(first: number, count: number): string {
  const items = Array.from({ length: count }, (_, index) => ({
    type: 'graph_episode',
    data: `${TEXT}${first + index}`,
    data_type: 'text',
    graph_id: `g${(first + index) % 10}`,
    created_at: '2024-01-01T00:00:00Z',
    metadata: { row: first + index, source: 'bench' },
  }));
  return JSON.stringify({ items });
}

async function timed(name: string, work: () => Promise<void>): Promise<Step> {
  const from = performance.now();
  await work();
  return { name, ms: performance.now() - from };
}

async function measure(total: number): Promise<Step[]> {
  const folder = await mkdtemp(join(tmpdir(), 'zep-import-bench-'));
  const server = await startLocalServer({ dataFile: join(folder, 'local.db') });
  const pool = new Pool(new URL(server.url).origin, { connections: 1 });
  const call = async (method: 'GET' | 'POST', path: string, body?: string): Promise<unknown> => {
    const headers = { authorization: 'Api-Key bench', 'content-type': 'application/json' };
    const reply = await pool.request({
      method,
      path: `/api/v2${path}`,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const text = await reply.body.text();
    if (reply.statusCode > 299) throw new Error(`${method} ${path}: ${reply.statusCode} ${text.slice(0, 200)}`);
    return JSON.parse(text);
  };
  try {
    for (let graph = 0; graph < 10; graph++)
      await call('POST', '/graph/create', JSON.stringify({ graph_id: `g${graph}` }));
    const batches: string[] = [];
    const adding = await timed('add', async () => {
      for (let first = 0; first < total; first += CHUNK) {
        if (first % BATCH === 0)
          batches.push(((await call('POST', '/batches', '{}')) as { batch_id: string }).batch_id);
        await call('POST', `/batches/${batches.at(-1) ?? ''}/items`, chunkBody(first, Math.min(CHUNK, total - first)));
      }
    });
    const processing = await timed('process', async () => {
      for (const batch of batches) await call('POST', `/batches/${batch}/process`);
      for (const batch of batches) {
        while (((await call('GET', `/batches/${batch}`)) as { completed_at?: string }).completed_at === undefined) {
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      }
    });
    const listing = await timed('list', async () => {
      for (const batch of batches) {
        for (let cursor: number | undefined = 0; cursor !== undefined;) {
          const page = (await call('GET', `/batches/${batch}/items?limit=100&cursor=${cursor}`)) as {
            next_cursor?: number;
          };
          cursor = page.next_cursor;
        }
      }
    });
    return [adding, processing, listing];
  } finally {
    await pool.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const [small = 5_000, large = 50_000] = process.argv.slice(2).map(Number);
  await measure(small); // warms up
  const [one, other] = [await measure(small), await measure(large)];
  const sum = (steps: readonly Step[]): number => steps.reduce((ms, step) => ms + step.ms, 0);
  for (const [steps, total] of [
    [one, small],
    [other, large],
  ] as const) {
    const rates = steps.map(({ name, ms }) => `${name} ${Math.round(ms)} ms (${Math.round((total / ms) * 1000)}/s)`);
    console.log(`${total} items: ${rates.join(', ')}, all ${Math.round(sum(steps))} ms`);
  }
  for (const [index, step] of one.entries()) {
    console.log(`${step.name}: x${((other[index]?.ms ?? 0) / step.ms).toFixed(1)}`);
  }
  console.log(`ratio for ${large / small} times the items: ${(sum(other) / sum(one)).toFixed(1)}`);
}

await main();
