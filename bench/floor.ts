/**
 * The floor: what a bare script needs for the same file and service. It reads, splits, parses, maps by hand, and posts 500 items after another,
 * with no checks, repetitions or books. `node floor.js FILE URL`, or `node floor.js --bodies FILE URL`: bodies that are made beforehand, of which
 * only posting is timed. Prints the milliseconds.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { Pool } from 'undici';
import type { BenchRow } from './inputs.js';

const CHUNK = 500;
const BATCH = 50_000;
const headers = { authorization: 'Api-Key bench', 'content-type': 'application/json' };

const [, , ...args] = process.argv;
const isReady = args[0] === '--bodies';
const [file = '', url = ''] = isReady ? args.slice(1) : args;
const pool = new Pool(url, { connections: 1 });

async function post(path: string, body: string | Buffer): Promise<string> {
  const answer = await pool.request({ method: 'POST', path: `/api/v2${path}`, headers, body });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${text}`);
  return text;
}

function itemOf(row: BenchRow): object {
  return {
    type: 'graph_episode',
    graph_id: `bench-${row.ticket}`,
    data: row.body,
    data_type: 'text',
    created_at: row.sent,
    metadata: { author: row.author, topic: row.topic, id: row.id },
  };
}

function* bodies(): Generator<string> {
  const handle = openSync(file, 'r');
  const block = Buffer.allocUnsafe(256 * 1024);
  let rest: Buffer = Buffer.alloc(0);
  let items: object[] = [];
  for (;;) {
    const length = readSync(handle, block);
    if (length === 0) break;
    const bytes = Buffer.concat([rest, block.subarray(0, length)]);
    let from = 0;
    for (let to = bytes.indexOf(10); to >= 0; to = bytes.indexOf(10, from)) {
      items.push(itemOf(JSON.parse(bytes.toString('utf8', from, to)) as BenchRow));
      from = to + 1;
      if (items.length === CHUNK) {
        yield JSON.stringify({ items });
        items = [];
      }
    }
    rest = bytes.subarray(from);
  }
  closeSync(handle);
  if (items.length > 0) yield JSON.stringify({ items });
}

const ready = isReady ? [...bodies()].map((body) => Buffer.from(body)) : undefined;
const startedAt = performance.now();
let batch = '';
let posted = 0;
for (const body of ready ?? bodies()) {
  if (posted % BATCH === 0) batch = (JSON.parse(await post('/batches', '{}')) as { batch_id: string }).batch_id;
  await post(`/batches/${batch}/items`, body);
  posted += CHUNK;
}
console.log((performance.now() - startedAt).toFixed(0));
await pool.close();
