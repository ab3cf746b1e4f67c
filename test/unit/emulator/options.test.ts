/** The flags of serve: what they become, and what is refused before anything starts. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KINDS } from '../../../src/emulator/fault-kinds.js';
import { OPERATIONS } from '../../../src/emulator/operations.js';
import { faultHelp, parseServeOptions, readyLine, SERVE_FLAGS } from '../../../src/emulator/options.js';
import { serve } from './support.js';

const secret = `whsec_${Buffer.from('key').toString('base64')}`;

test('without flags only the port is fixed, and the server’s own defaults hold', () => {
  expect(parseServeOptions({})).toEqual({ port: 8787, limits: {} });
});

test('every flag becomes an option', () => {
  const options = parseServeOptions({
    port: '0',
    data: 'x.db',
    'api-key': ['k1', 'k=2=other'],
    'processing-rate': 'max',
    'processing-concurrency': '3',
    'expire-after': '60',
    invalid: 'late',
    'max-items-per-add': '350',
    'max-items-per-batch': '1000',
    'max-body-bytes': '4000000',
    'episode-characters': '9',
    'message-characters': '8',
    'character-unit': 'bytes',
    'rate-limit': '600',
    'no-rate-headers': true,
    latency: '20',
    jitter: '2.5',
    fault: ['add:1=500', 'get=404'],
    seed: '7',
    webhook: 'http://127.0.0.1:1/hook',
    'webhook-secret': secret,
    'webhook-event': ['episode.processed'],
    'webhook-delay': '1.5',
    'webhook-duplicate': true,
    'webhook-missign': true,
  });
  expect(options).toEqual({
    port: 0,
    dataFile: 'x.db',
    apiKeys: [
      { key: 'k1', project: 'local' },
      { key: 'k=2', project: 'other' },
    ],
    processingRate: Infinity,
    processingConcurrency: 3,
    expireAfterMs: 60_000,
    invalidMode: 'late',
    limits: {
      maxItemsPerAdd: 350,
      maxItemsPerBatch: 1000,
      maxBodyBytes: 4_000_000,
      episodeCharacters: 9,
      messageCharacters: 8,
      characterUnit: 'bytes',
      rateLimitPerMinute: 600,
      rateLimitHeaders: false,
    },
    latencyMs: 20,
    jitterMs: 2.5,
    faults: ['add:1=500', 'get=404'],
    seed: 7,
    webhook: {
      url: 'http://127.0.0.1:1/hook',
      secret,
      events: ['episode.processed'],
      delayMs: 1_500,
      duplicate: true,
      missign: true,
    },
  });
});

test(':memory: is no data file, and a fault file gives its lines', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'zep-import-serve-'));
  const file = join(folder, 'faults.txt');
  await writeFile(file, '# rehearsal\r\nadd:1=500\n\n  get=404\n');
  const options = parseServeOptions({ data: ':memory:', fault: ['add:2=500'], 'fault-file': file });
  expect(options).not.toHaveProperty('dataFile');
  expect(options.faults).toEqual(['add:2=500', 'add:1=500', 'get=404']);
  await rm(folder, { recursive: true });
});

test.each([
  [{ port: '70000' }, '--port'],
  [{ port: 'x' }, '--port'],
  [{ 'processing-rate': 'fast' }, '--processing-rate'],
  [{ invalid: 'never' }, '--invalid'],
  [{ 'max-items-per-add': '0' }, '--max-items-per-add'],
  [{ 'max-items-per-add': '70000' }, '--max-items-per-add'],
  [{ 'api-key': ['=project'] }, '--api-key'],
  [{ webhook: 'ftp://x', 'webhook-secret': secret }, '--webhook'],
  [{ webhook: 'http://127.0.0.1/' }, '--webhook-secret'],
  [{ webhook: 'http://127.0.0.1/', 'webhook-secret': 'secret' }, '--webhook-secret'],
  [{ 'fault-file': '/does/not/exist' }, '--fault-file'],
  [{ unheard: 'of' }, '--unheard'],
])('%j is refused naming the flag', (values, flag) => {
  expect(() => parseServeOptions(values as Record<string, string>)).toThrow(flag);
});

test('no refusal repeats a key or a secret', () => {
  for (const values of [
    { 'api-key': ['very-secret='] },
    { webhook: 'http://x/', 'webhook-secret': 'whsec_very-secret!' },
  ]) {
    expect(() => parseServeOptions(values)).toThrow(/^(?!.*very-secret)/s);
  }
});

test('the table names every flag once, each with a description', () => {
  const names = SERVE_FLAGS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { description } of SERVE_FLAGS) expect(description).not.toBe('');
});

test('the help on faults names every operation and every kind', () => {
  const help = faultHelp().join('\n');
  for (const name of [...OPERATIONS, ...KINDS.keys()]) expect(help).toContain(name);
});

test('the ready line tells address, data and project', async () => {
  const { server } = await serve();
  expect(readyLine(server, { dataFile: 'x.db' })).toBe(
    `zep-import local server ready on http://127.0.0.1:${server.port}/api/v2 (data: x.db, project: ${server.projectUuid})`,
  );
});
