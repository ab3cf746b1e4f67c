/**
 * A service that keeps nothing but counts: answers every call of an import correctly and at once, from bodies made beforehand, so that what is
 * measured is the importer. Started by `startSink` as a process of its own; what it has seen goes over the channel between the two.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRateLimit } from '../src/emulator/rate-limit.js';
import { NOTHING_SEEN, type SinkFacts, type SinkOrder, type SinkSettings } from './sink.js';

interface SinkBatch {
  readonly id: string;
  readonly metadata: unknown;
  items: number;
  status: 'draft' | 'succeeded';
}

const GRAPH = 'bench';
const TIME = '2026-01-01T00:00:00.000Z';
/** Every item begins like this, and nothing inside an item can: quotes in its texts are escaped. */
const ITEM = Buffer.from('{"type":"');

const { latencyMs = 0, rateLimit, rateHeaders = true } = JSON.parse(process.argv[2] ?? '{}') as SinkSettings;
const limit = createRateLimit(rateLimit === undefined ? undefined : { perMinute: rateLimit, headers: rateHeaders });

const batches = new Map<string, SinkBatch>();
/** The details of an add by their first index and number: batches are filled in the same steps. */
const answers = new Map<string, Buffer>();
let facts: SinkFacts = NOTHING_SEEN;
let tellAt = Number.POSITIVE_INFINITY;

function tell(message: unknown): void {
  process.send?.(message);
}

function uuid(index: number): string {
  return `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
}

function detail(index: number, status: string): string {
  const episode = uuid(index);
  return `{"item_id":"i-${episode}","sequence_index":${index},"kind":"graph_episode","status":"${status}","episode_uuid":"${episode}","source_uuid":"${episode}","graph_id":"${GRAPH}","created_at":"${TIME}","updated_at":"${TIME}"}`;
}

function details(first: number, count: number): Buffer {
  const name = `${first} ${count}`;
  let answer = answers.get(name);
  if (answer === undefined) {
    answer = Buffer.from(`[${Array.from({ length: count }, (_, i) => detail(first + i, 'pending')).join(',')}]`);
    answers.set(name, answer);
  }
  return answer;
}

function summaryOf({ id, metadata, items, status }: SinkBatch): string {
  const progress =
    status === 'draft' ? {} : { progress: { total_items: items, succeeded_items: items, percent_complete: 100 } };
  const done = status === 'draft' ? {} : { completed_at: TIME };
  return JSON.stringify({ batch_id: id, status, item_count: items, metadata, created_at: TIME, ...progress, ...done });
}

function countItems(body: Buffer): number {
  let count = 0;
  for (let at = body.indexOf(ITEM); at >= 0; at = body.indexOf(ITEM, at + ITEM.length)) count += 1;
  return count;
}

function add(batch: SinkBatch, body: Buffer): Buffer {
  const count = countItems(body);
  facts = { ...facts, adds: facts.adds + 1, items: facts.items + count, firstAddAt: facts.firstAddAt ?? Date.now() };
  if (facts.adds === 1) tell({ kind: 'first-add' });
  if (facts.items >= tellAt) {
    tellAt = Number.POSITIVE_INFINITY;
    tell({ kind: 'reached' });
  }
  const answer = details(batch.items, count);
  batch.items += count;
  return answer;
}

const PAGE = 100;

function itemPage(batch: SinkBatch, query: URLSearchParams): string {
  const from = Number(query.get('cursor') ?? 0);
  const to = query.get('status') === 'failed' ? from : Math.min(batch.items, from + PAGE);
  const items = Array.from({ length: to - from }, (_, i) => detail(from + i, 'pending'));
  return `{"items":[${items.join(',')}]${to < batch.items && items.length > 0 ? `,"next_cursor":${to}` : ''}}`;
}

function createBatch(body: Buffer): string {
  const id = uuid(2 ** 40 + batches.size);
  const { metadata } = JSON.parse(body.toString()) as { metadata?: unknown };
  const batch: SinkBatch = { id, metadata: metadata ?? {}, items: 0, status: 'draft' };
  batches.set(id, batch);
  return summaryOf(batch);
}

function ofBatch(
  method: string,
  rest: readonly string[],
  batch: SinkBatch,
  query: URLSearchParams,
  body: Buffer,
): string | Buffer {
  const [what] = rest;
  if (what === 'items') return method === 'POST' ? add(batch, body) : itemPage(batch, query);
  if (what === 'process') batch.status = 'succeeded';
  if (method === 'DELETE') batches.delete(batch.id);
  return summaryOf(batch);
}

/** Undefined: there is no such thing. */
function answerTo(method: string, url: URL, body: Buffer): string | Buffer | undefined {
  const [what, id, ...rest] = url.pathname.replace(/^\/api\/v2\//, '').split('/');
  if (what === 'projects') return `{"project":{"uuid":"${uuid(1)}","name":"bench"}}`;
  if (what !== 'batches') return `{"graph_id":"${GRAPH}"}`;
  if (id === undefined) {
    if (method === 'POST') return createBatch(body);
    const status = url.searchParams.get('status');
    const listed = [...batches.values()].filter((batch) => status === null || batch.status === status);
    return `{"batches":[${listed.map(summaryOf).join(',')}]}`;
  }
  const batch = batches.get(id);
  return batch === undefined ? undefined : ofBatch(method, rest, batch, url.searchParams, body);
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    const { refusal, headers } = limit(Date.now());
    facts = { ...facts, calls: facts.calls + 1, refused: facts.refused + (refusal === undefined ? 0 : 1) };
    const answer = (): void => {
      if (refusal !== undefined) {
        response.writeHead(429, { ...headers, ...refusal.headers }).end(refusal.body);
        return;
      }
      const url = new URL(request.url ?? '/', 'http://sink');
      const body = answerTo(request.method ?? 'GET', url, Buffer.concat(pieces));
      response.writeHead(body === undefined ? 404 : 200, { ...headers, 'content-type': 'application/json' });
      response.end(body ?? '{"message":"not found"}');
    };
    if (latencyMs > 0) setTimeout(answer, latencyMs);
    else answer();
  });
}

const server = createServer(serve);
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  tell({ kind: 'ready', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});

process.on('message', (order: SinkOrder) => {
  if (order.kind === 'facts') tell({ kind: 'facts', facts });
  else if (order.kind === 'tell-at') tellAt = order.items;
  else {
    facts = NOTHING_SEEN;
    tellAt = Number.POSITIVE_INFINITY;
    if (order.forget) batches.clear();
    tell({ kind: 'forgotten' });
  }
});
process.on('disconnect', () => process.exit());
