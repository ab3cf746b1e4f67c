import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import type { Item } from '../../../src/model.js';
import { createHttpApi } from '../../../src/remote/http-client.js';
import type { DestinationApi, EnsureOutcome } from '../../../src/remote/api.js';
import { Destinations, type CreatableKind } from '../../../src/run/destinations.js';
import { scene, type Scene } from '../../support/import.js';

const CALLS = 16;
const source = { index: 0, id: 'a.jsonl', label: 'a.jsonl', bytes: undefined, compression: 'none' } as never;

let at: Scene;
afterEach(() => at.close());

function message(i: number, thread: string, owner: string | undefined): Item {
  return {
    wire: { type: 'thread_message', thread_id: thread, role: 'user', content: `row ${i}` },
    owner,
    position: { source, ordinal: i, line: i + 1, byteStart: i, byteEnd: i + 1 },
    index: 0,
    time: { ms: undefined, flags: 0 },
  };
}

interface Watched {
  readonly destinations: Destinations;
  /** What was asked for, in order. */
  readonly calls: string[];
  readonly most: () => number;
}

/** Asks the real server; `fail` may throw in the place of a call. */
async function watched(create: readonly CreatableKind[], fail?: (call: string) => Error | undefined): Promise<Watched> {
  at = await scene();
  const api = createHttpApi({ baseUrl: at.server.url, apiKey: 'test', clock: systemClock, connections: 64, env: {} });
  const calls: string[] = [];
  let now = 0;
  let most = 0;
  const watch = async <T>(call: string, work: () => Promise<T>): Promise<T> => {
    calls.push(call);
    most = Math.max(most, ++now);
    try {
      const error = fail?.(call);
      if (error !== undefined) throw error;
      return await work();
    } finally {
      now -= 1;
    }
  };
  const watching: DestinationApi = {
    project: (signal) => api.project(signal),
    userExists: (id, signal) => watch(`user ${id}`, () => api.userExists(id, signal)),
    graphExists: (id, signal) => watch(`graph ${id}`, () => api.graphExists(id, signal)),
    threadOwner: (id, signal) => watch(`owner ${id}`, () => api.threadOwner(id, signal)),
    createUser: (id, signal) => watch(`create user ${id}`, () => api.createUser(id, signal)),
    createGraph: (id, signal) => watch(`create graph ${id}`, () => api.createGraph(id, signal)),
    createThread: (id, owner, signal): Promise<EnsureOutcome | 'user-missing'> =>
      watch(`create thread ${id}`, () => api.createThread(id, owner, signal)),
  };
  const destinations = new Destinations(watching, {
    create: new Set(create),
    concurrency: CALLS,
    observe: () => undefined,
  });
  return { destinations, calls, most: () => most };
}

describe('destinations', () => {
  it('are made once each, also when several blocks want them at the same time, with so many calls under way and no more', async () => {
    const { destinations, calls, most } = await watched(['users', 'threads']);
    const items = Array.from({ length: 1_500 }, (_, i) => message(i, `t${i % 300}`, `u${(i % 300) % 40}`));
    const blocks = [items.slice(0, 700), items.slice(400, 1_100), items.slice(900)];
    await Promise.all(blocks.map(async (block) => destinations.ensure(block)));
    expect(calls.filter((call) => call.startsWith('create thread'))).toHaveLength(300);
    expect(calls.filter((call) => call.startsWith('create user'))).toHaveLength(40);
    expect(new Set(calls).size).toBe(calls.length);
    expect(most()).toBeLessThanOrEqual(CALLS);
    expect(most()).toBeGreaterThan(CALLS / 2);
    expect(destinations.created).toEqual({ users: 40, graphs: 0, threads: 300 });
    for (const item of items) expect(destinations.place(item)).toBeTypeOf('number');
    expect(destinations.ensure(items)).toBeUndefined();
    expect(destinations.isBusy).toBe(false);
  });

  it('of an earlier block are there when it is told so, whatever was asked for since', async () => {
    const { destinations } = await watched(['users', 'threads']);
    const first = Array.from({ length: 200 }, (_, i) => message(i, `a${i}`, 'u'));
    const second = Array.from({ length: 200 }, (_, i) => message(i, i % 2 === 0 ? `a${i}` : `b${i}`, 'u'));
    const both = [destinations.ensure(first), destinations.ensure(second)];
    await both[0];
    for (const item of first) expect(destinations.place(item)).toBeTypeOf('number');
    await both[1];
    for (const item of second) expect(destinations.place(item)).toBeTypeOf('number');
  });

  it('that cannot be asked for end the asking: the first error is told when nothing is under way any more', async () => {
    let underWay = 0;
    const { destinations, calls } = await watched(['users', 'threads'], (call) =>
      call === 'create thread t50' ? new Error('the line is cut') : undefined,
    );
    const items = Array.from({ length: 1_000 }, (_, i) => message(i, `t${i}`, 'u'));
    const others = Array.from({ length: 100 }, (_, i) => message(i, `o${i}`, 'u'));
    const asked = destinations.ensure(items)?.finally(() => (underWay = calls.length));
    const alsoAsked = destinations.ensure(others);
    await expect(asked).rejects.toThrow('the line is cut');
    expect(underWay).toBeLessThan(300);
    await alsoAsked;
    for (const item of others) expect(destinations.place(item)).toBeTypeOf('number');
  });

  it('are not asked for any more once the signal is aborted', async () => {
    const { destinations, calls } = await watched(['users', 'threads']);
    const stop = new AbortController();
    const items = Array.from({ length: 1_000 }, (_, i) => message(i, `t${i}`, 'u'));
    const asked = destinations.ensure(items, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(asked).rejects.toThrow('stopped');
    const then = calls.length;
    expect(then).toBeLessThan(200);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(calls).toHaveLength(then);
  });

  it('a thread that an earlier row named without its owner is made for a later row that names it', async () => {
    const { destinations } = await watched(['users', 'threads']);
    const nameless = message(0, 't', undefined);
    const named = message(1, 't', 'u');
    await destinations.ensure([nameless]);
    expect(destinations.place(nameless)).toMatchObject({ code: 'thread-missing' });
    await destinations.ensure([nameless, named]);
    expect(destinations.place(named)).toBeTypeOf('number');
  });
});
