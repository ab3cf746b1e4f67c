/** Webhooks arrive, verify with Svix's own library, are tried again, and can be made to misbehave. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'svix';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startLocalServer, type WebhookOptions } from '../../../src/emulator/index.js';
import {
  add,
  apiOf,
  createBatch,
  createTargets,
  episode,
  finished,
  manualClock,
  message,
  serve,
  text,
  until,
  type Api,
} from './support.js';

const secret = `whsec_${Buffer.from('a key of thirty-two bytes, almost').toString('base64')}`;

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let received: Received[] = [];
let answers: number[] = [];
let receiver: Server;
let url: string;

beforeEach(async () => {
  received = [];
  answers = [];
  receiver = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
      response.writeHead(answers.shift() ?? 204, { location: '/elsewhere' }).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
});

afterEach(async () => {
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});

async function importOne(options: Partial<WebhookOptions>): Promise<{ api: Api; batch: string; episodes: string[] }> {
  const api = await serve({ webhook: { url, secret, retryScheduleMs: [10, 10, 10], ...options } });
  await createTargets(api);
  const batch = await createBatch(api);
  const added = await add(api, batch, [episode('x'), message('y'), message('z', { role: 'system' })]);
  await api.call('POST', `/batches/${batch}/process`);
  await finished(api, batch);
  return { api, batch, episodes: [0, 1, 2].map((index) => text(added.json, index, 'episode_uuid')) };
}

function verified({ headers, body }: Received): unknown {
  return new Webhook(secret).verify(body, headers as Record<string, string>);
}

async function waitFor(messages: number): Promise<void> {
  await until(async () => (received.length >= messages ? true : undefined));
}

test('a finished batch and each of its processed episodes are told, signed as Svix does', async () => {
  const { api, batch, episodes } = await importOne({});
  await waitFor(4);
  const payloads = received.map(verified) as Record<string, string>[];
  const completed = payloads.filter(({ event_name }) => event_name === 'ingest.batch.completed');
  expect(completed).toMatchObject([{ batch_id: batch, project_uuid: api.server.projectUuid }]);
  expect(Object.keys(completed[0] ?? {})).toEqual([
    'event_name',
    'account_uuid',
    'project_uuid',
    'batch_id',
    'completed_at',
  ]);
  const processed = payloads.filter(({ event_name }) => event_name === 'episode.processed');
  expect(new Set(processed.map(({ episode_uuid }) => episode_uuid))).toEqual(new Set(episodes));
  expect(processed.find(({ episode_uuid }) => episode_uuid === episodes[0])).toMatchObject({
    graph_type: 'graph',
    graph_id: 'g',
    source: 'text',
  });
  expect(processed.find(({ episode_uuid }) => episode_uuid === episodes[1])).toMatchObject({
    graph_type: 'user',
    user_id: 'u',
    source: 'message',
  });
});

test('a refused or redirected message is sent again under the same id until it is taken', async () => {
  answers = [500, 302, 404];
  const { api } = await importOne({ events: ['ingest.batch.completed'] });
  await waitFor(4);
  expect(new Set(received.map(({ headers }) => headers['svix-id'])).size).toBe(1);
  received.forEach((one) => void verified(one));
  await until(async () => (api.server.stats().webhooks.delivered === 1 ? true : undefined));
});

test('a message that nobody takes is given up after the last attempt', async () => {
  answers = [500, 500, 500, 500, 500];
  const { api } = await importOne({ events: ['ingest.batch.completed'] });
  await until(async () => (api.server.stats().webhooks.failed === 1 ? true : undefined));
  expect(received).toHaveLength(4);
});

test('messages can be doubled, delayed, and signed with a wrong key', async () => {
  await importOne({ events: ['ingest.batch.completed'], duplicate: true, delayMs: 50 });
  await waitFor(2);
  expect(received[0]?.headers['svix-id']).toBe(received[1]?.headers['svix-id']);
  received = [];
  await importOne({ events: ['ingest.batch.completed'], missign: true });
  await waitFor(1);
  const [wrong] = received;
  expect(() => wrong && verified(wrong)).toThrow();
});

test('an invalid batch is not told of', async () => {
  const api = await serve({ webhook: { url, secret } });
  await createTargets(api);
  const invalid = await createBatch(api);
  await add(api, invalid, [episode('x', { graph_id: 'missing' })]);
  await api.call('POST', `/batches/${invalid}/process`);
  const valid = await createBatch(api);
  await add(api, valid, [episode('x')]);
  await api.call('POST', `/batches/${valid}/process`);
  await waitFor(2);
  expect(received.map(({ body }) => body).join()).not.toContain(invalid);
});

test('a message that was not taken before the server stopped is sent by the next one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'zep-import-webhooks-'));
  const dataFile = join(folder, 'local.db');
  try {
    const delayed = { url, secret, events: ['ingest.batch.completed'] as const, delayMs: 3_600_000 };
    const first = await startLocalServer({ dataFile, webhook: delayed, clock: manualClock(0) });
    const api = apiOf(first);
    await createTargets(api);
    const batch = await createBatch(api);
    await add(api, batch, [episode('x')]);
    await api.call('POST', `/batches/${batch}/process`);
    await finished(api, batch);
    await first.close();
    expect(received).toEqual([]);
    const second = await startLocalServer({ dataFile, webhook: delayed, clock: manualClock(7_200_000) });
    await waitFor(1);
    expect(received[0]?.body).toContain(batch);
    await second.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a secret that cannot be one is refused at the start', async () => {
  await expect(startLocalServer({ webhook: { url, secret: 'whsec_***' } })).rejects.toMatchObject({
    code: 'bad-webhook-secret',
  });
});
