/** A running local server, plain calls to it, and a clock that moves only when told. */
import { afterEach } from 'vitest';
import type { Clock } from '../../../src/clock.js';
import { startLocalServer, type LocalServer, type LocalServerOptions } from '../../../src/emulator/index.js';

const open: LocalServer[] = [];

afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; undefined when it is not JSON. */
  readonly json: unknown;
}

export interface Api {
  readonly server: LocalServer;
  call(method: string, path: string, body?: unknown, key?: string | null): Promise<Reply>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function apiOf(server: LocalServer): Api {
  return {
    server,
    async call(method, path, body, key = 'test-key') {
      const raw = typeof body === 'string' || body instanceof Uint8Array;
      const response = await fetch(`${server.url}${path}`, {
        method,
        headers: key === null ? {} : { authorization: `Api-Key ${key}` },
        ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, json: parsed(text) };
    },
  };
}

/** Closed after the test. */
export async function serve(options: LocalServerOptions = {}): Promise<Api> {
  const server = await startLocalServer(options);
  open.push(server);
  return apiOf(server);
}

export function field(value: unknown, ...names: readonly (string | number)[]): unknown {
  let at = value;
  for (const name of names) at = (at as Record<string | number, unknown> | undefined)?.[name];
  return at;
}

export function text(value: unknown, ...names: readonly (string | number)[]): string {
  const found = field(value, ...names);
  if (typeof found !== 'string') throw new Error(`${names.join('.')} is not text: ${JSON.stringify(found)}`);
  return found;
}

export function list(value: unknown, ...names: readonly (string | number)[]): unknown[] {
  const found = names.length === 0 ? value : field(value, ...names);
  if (!Array.isArray(found)) throw new Error(`${names.join('.')} is not a list`);
  return found;
}

export async function createBatch(api: Api, body: unknown = {}): Promise<string> {
  return text((await api.call('POST', '/batches', body)).json, 'batch_id');
}

export function episode(data: string, more: object = {}): object {
  return { type: 'graph_episode', data, data_type: 'text', graph_id: 'g', ...more };
}

export function message(content: string, more: object = {}): object {
  return { type: 'thread_message', content, role: 'user', thread_id: 't', ...more };
}

/** A graph `g`, a user `u` and the user's thread `t`. */
export async function createTargets(api: Api): Promise<void> {
  await api.call('POST', '/graph/create', { graph_id: 'g' });
  await api.call('POST', '/users', { user_id: 'u' });
  await api.call('POST', '/threads', { thread_id: 't', user_id: 'u' });
}

export async function add(api: Api, batch: string, items: readonly object[]): Promise<Reply> {
  return api.call('POST', `/batches/${batch}/items`, { items });
}

export async function summary(api: Api, batch: string): Promise<unknown> {
  return (await api.call('GET', `/batches/${batch}`)).json;
}

/** Asks until the batch is at an end. */
export async function finished(api: Api, batch: string): Promise<unknown> {
  return until(async () => {
    const found = await summary(api, batch);
    return field(found, 'completed_at') !== undefined || field(found, 'status') === 'invalid' ? found : undefined;
  });
}

export async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 2_000; attempt++) {
    const found = await ask();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('waited in vain');
}

export interface ManualClock extends Clock {
  advance(ms: number): void;
}

/** Starts at the given wall-clock time; sleepers wake when the clock is moved past their time. */
export function manualClock(startAt = Date.parse('2026-01-01T00:00:00Z')): ManualClock {
  let elapsed = 0;
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();
  return {
    now: () => elapsed,
    date: () => startAt + elapsed,
    random: () => 0.5,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        const sleeper = { at: elapsed + ms, wake: resolve };
        if (signal?.aborted === true) {
          reject(new Error('aborted'));
          return;
        }
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(new Error('aborted'));
        });
      });
    },
    advance(ms) {
      elapsed += ms;
      for (const sleeper of [...sleepers]) {
        if (sleeper.at > elapsed) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
    },
  };
}
