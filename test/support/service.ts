/**
 * A local server for one test, behind real HTTP and inside the process of the test: with faults of its own, and with what it holds laid open.
 * What is read here is the truth that a run is held against.
 */
import { systemClock } from '../../src/clock.js';
import { startLocalServer, type LocalServerOptions, type ServerStats } from '../../src/emulator/index.js';

export const KEY = 'k_test-4711';

export interface HeldBatch {
  readonly batch_id: string;
  readonly status: string;
  readonly item_count: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly created_at: string;
  readonly processed_at?: string;
}

/** A batch in one line, for the story of a test that failed. */
export function batchLine({ batch_id: id, status, item_count: items, metadata = {}, ...times }: HeldBatch): string {
  const { zi_run: run, zi_lane: lane, zi_no: number, zi_first: first } = metadata;
  const processed = times.processed_at === undefined ? 'never' : times.processed_at.slice(11, 23);
  const place = `run ${String(run)}, lane ${String(lane)}, number ${String(number)}, from ${String(first)}`;
  return `  batch ${id}: ${status}, ${items} items, made ${times.created_at.slice(11, 23)}, processed ${processed}; ${place}`;
}

export interface Service {
  readonly url: string;
  /** The flags that lead to it. */
  readonly flags: readonly string[];
  stats(): ServerStats;
  /** Contents in the order in which they were processed, at most the last 1,000; `g:ID` names a graph, `u:ID` the graph of a user. */
  contents(key: string): Promise<string[]>;
  /** All batches, newest first. */
  batches(): Promise<HeldBatch[]>;
  /** Drafts and invalid batches: what nobody will ever process. */
  leftovers(): Promise<HeldBatch[]>;
  /** Items in batches that were handed over, whatever came of them. */
  handedOver(): Promise<number>;
  /** Resolves when nothing is being processed and no late call is on its way. */
  settled(): Promise<void>;
  /** From now on nothing fails any more; there is no way back. */
  peace(): void;
  call(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }>;
  close(): Promise<void>;
}

/** How long faults last, in seconds of the server's clock: `peace` is a leap of that clock. */
const FAULT_SECONDS = 100_000;
const PATIENCE_MS = 15_000;

export interface ServiceOptions extends LocalServerOptions {
  /** Faults that do not end with `peace`: they are properties of the rows. */
  readonly lasting?: readonly string[];
}

/** Starts a server whose faults end with `peace`. Everything is closed by `close`. */
export async function service({ lasting = [], ...options }: ServiceOptions = {}): Promise<Service> {
  let leapMs = 0;
  const server = await startLocalServer({
    seed: 1,
    ...options,
    faults: [...lasting, ...(options.faults ?? []).map((fault) => `${fault},for=${FAULT_SECONDS}`)],
    clock: { ...systemClock, now: () => systemClock.now() + leapMs },
  });
  const call: Service['call'] = async (method, path, body) => {
    const response = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Api-Key ${KEY}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: /^[{[]/.test(text) ? JSON.parse(text) : text };
  };
  const batches = async (): Promise<HeldBatch[]> => {
    const all: HeldBatch[] = [];
    for (let cursor: number | undefined = 0; cursor !== undefined;) {
      const { status, body } = await call('GET', `/batches?limit=100&cursor=${cursor}`);
      if (status !== 200) throw new Error(`the batches cannot be listed: ${status}`);
      const page = body as { batches: HeldBatch[]; next_cursor?: number };
      all.push(...page.batches);
      cursor = page.next_cursor;
    }
    return all;
  };
  const isBusy = async (): Promise<boolean> =>
    server.stats().pending > 0 ||
    (await batches()).some(({ status }) => status === 'queued' || status === 'processing');
  return {
    url: server.url,
    flags: ['--api-url', server.url, '--api-key', KEY],
    stats: () => server.stats(),
    call,
    batches,
    async contents(key) {
      const kind = key.startsWith('u:') ? 'user' : 'graph';
      const { body } = await call('GET', `/graph/episodes/${kind}/${encodeURIComponent(key.slice(2))}?lastn=1000`);
      return ((body as { episodes?: { content: string }[] }).episodes ?? []).map(({ content }) => content);
    },
    leftovers: async () => (await batches()).filter(({ status }) => status === 'draft' || status === 'invalid'),
    handedOver: async () =>
      (await batches())
        .filter(({ status }) => status !== 'draft' && status !== 'invalid')
        .reduce((sum, each) => sum + each.item_count, 0),
    async settled() {
      const deadline = performance.now() + PATIENCE_MS;
      while (await isBusy()) {
        if (performance.now() > deadline) throw new Error('the server does not come to rest');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    peace() {
      leapMs = (FAULT_SECONDS + 1) * 1_000;
    },
    close: () => server.close(),
  };
}
