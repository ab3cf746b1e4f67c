/**
 * The services that the contract suite runs against: the local server always; the real service only when it is asked for twice, by a key
 * (ZEP_API_KEY) and by ZEP_CONTRACT_REAL=1, so that neither a key in a developer's shell nor one in CI is ever used by accident. On the
 * real service everything the suite makes carries its own prefix and is deleted at the end.
 */
import { randomUUID } from 'node:crypto';
import { ZepClient } from '@getzep/zep-cloud';
import { startLocalServer } from '../../src/emulator/index.js';

export interface Connection {
  readonly client: ZepClient;
  /** A raw call, for what the official client hides. */
  raw(method: string, path: string, body?: unknown, key?: string): Promise<RawReply>;
  close(): Promise<void>;
}

export interface RawReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: unknown;
}

export interface Service {
  readonly name: string;
  /** How long a small batch may take from process to its end. */
  readonly patienceMs: number;
  readonly pollMs: number;
  connect(): Promise<Connection>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function connection(url: string, apiKey: string, close: () => Promise<void>): Connection {
  return {
    client: new ZepClient({ apiKey, baseUrl: url }),
    async raw(method, path, body, key = apiKey) {
      const reply = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Api-Key ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await reply.text();
      return { status: reply.status, headers: reply.headers, text, json: parsed(text) };
    },
    close,
  };
}

const local: Service = {
  name: 'the local server',
  patienceMs: 30_000,
  pollMs: 10,
  async connect() {
    const server = await startLocalServer({
      apiKeys: ['contract-key'],
      limits: { maxItemsPerAdd: 350, rateLimitPerMinute: 100_000 },
    });
    return connection(server.url, 'contract-key', () => server.close());
  },
};

function realService(): Service | undefined {
  const { ZEP_API_KEY: key, ZEP_CONTRACT_REAL: wanted, ZEP_API_URL: address = 'https://api.getzep.com' } = process.env;
  if (key === undefined || key === '' || wanted !== '1') return undefined;
  const url = `${address.replace(/\/+$/, '').replace(/\/api\/v2$/, '')}/api/v2`;
  return {
    name: `the service at ${new URL(url).host}`,
    patienceMs: 30 * 60_000,
    pollMs: 10_000,
    connect: async () => connection(url, key, async () => undefined),
  };
}

export const services: readonly Service[] = [local, realService()].filter((service) => service !== undefined);

/** Unique to this run of the suite, so that nothing of anybody else's is touched. */
export const prefix = `zep-import-contract-${randomUUID().slice(0, 8)}`;
