/**
 * An import in one process for tests: rows that know where they go, a real local server behind real HTTP, a real ledger, and what the server
 * holds afterwards. Only the waiting is short.
 */
import { systemClock } from '../../src/clock.js';
import type { RunEvent } from '../../src/events.js';
import { startLocalServer, type LocalServer, type LocalServerOptions } from '../../src/emulator/index.js';
import { Ledger } from '../../src/ledger/ledger.js';
import type { Item, MapOutput, RecordBlock, Rejection, Source, SourceInfo, SourceRecord } from '../../src/model.js';
import { FULL_PROTOCOL } from '../../src/run/protocol.js';
import { createHttpApi } from '../../src/remote/http-client.js';
import {
  runImport,
  type ImportDeps,
  type ImportOptions,
  type ImportOutcome,
  type Stops,
} from '../../src/run/import-run.js';
import type { WireItem } from '../../src/wire.js';

export interface Row {
  readonly wire: WireItem;
  readonly owner?: string;
}

export const episode = (graph: string, data: string): Row => ({
  wire: { type: 'graph_episode', data, data_type: 'text', graph_id: graph, created_at: '2024-05-01T00:00:00Z' },
});
export const message = (thread: string, owner: string | undefined, content: string): Row => ({
  wire: { type: 'thread_message', thread_id: thread, role: 'user', content, created_at: '2024-05-01T00:00:00Z' },
  ...(owner === undefined ? {} : { owner }),
});
/** `n` episodes `row 0` … spread over `graphs` graphs. */
export const episodes = (n: number, graphs = 1): Row[] =>
  Array.from({ length: n }, (_, i) => episode(`g${i % graphs}`, `row ${i}`));

/** Each entry is a record; an array is a record that becomes several items. */
export function sourceOf(rows: readonly (Row | readonly Row[])[], blockSize = 100, index = 0): Source {
  const info: SourceInfo = {
    id: `rows-${index}.jsonl`,
    index,
    format: 'jsonl',
    bytes: rows.length * 10,
    compression: 'none',
  };
  return {
    info,
    async *read(signal): AsyncGenerator<RecordBlock> {
      for (let at = 0; at < rows.length; at += blockSize) {
        if (signal.aborted) return;
        const slice = rows.slice(at, at + blockSize);
        yield {
          source: info,
          entries: slice.map((value, i) => ({
            kind: 'record' as const,
            value,
            position: {
              source: info,
              ordinal: at + i,
              line: at + i + 1,
              byteStart: (at + i) * 10,
              byteEnd: (at + i) * 10 + 9,
            },
          })),
          bytesRead: Math.min(rows.length, at + blockSize) * 10,
          inexactNumbers: 0,
          head: undefined,
          raw: () => '',
        };
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

export const rowMapper = {
  map(record: SourceRecord, out: MapOutput): 'mapped' {
    const rows = Array.isArray(record.value) ? (record.value as Row[]) : [record.value as Row];
    for (const [index, { wire, owner }] of rows.entries()) {
      const item: Item = { wire, owner, position: record.position, index, time: { ms: 1_714_521_600_000, flags: 0 } };
      out.items.push(item);
    }
    return 'mapped';
  },
};

export interface Imported extends ImportOutcome {
  readonly events: readonly RunEvent[];
  readonly rejections: readonly Rejection[];
  readonly ledger: Ledger;
}

export interface Scene {
  readonly server: LocalServer;
  run(
    rows: readonly Row[] | readonly Source[],
    options?: Partial<ImportOptions>,
    stops?: Partial<Stops>,
    onEvent?: (event: RunEvent) => void,
    /** Changes what the run is made of: another clock, a client whose answers are tampered with. */
    change?: (deps: ImportDeps) => ImportDeps,
  ): Promise<Imported>;
  /** Contents in the order in which the service processed them. */
  graph(id: string): Promise<string[]>;
  thread(id: string): Promise<string[]>;
  drafts(): Promise<string[]>;
  call(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }>;
  close(): Promise<void>;
}

/** Starts a local server with the given faults. Everything is closed by `close`. */
export async function scene(server: LocalServerOptions = {}): Promise<Scene> {
  const local = await startLocalServer({ seed: 1, ...server });
  const closers: (() => unknown)[] = [() => local.close()];
  const call: Scene['call'] = async (method, path, body) => {
    const response = await fetch(local.url + path, {
      method,
      headers: { authorization: 'Api-Key test', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
  };
  return {
    server: local,
    call,
    run: (rows, options, stops, onEvent, change) =>
      importRows(local, rows, options ?? {}, stops ?? {}, onEvent, change ?? ((deps) => deps), closers),
    graph: async (id) => {
      const { body } = await call('GET', `/graph/episodes/graph/${id}?lastn=100000`);
      return ((body as { episodes?: { content: string }[] }).episodes ?? []).map((each) => each.content);
    },
    thread: async (id) => {
      const { body } = await call('GET', `/threads/${id}/messages?limit=1000`);
      return ((body as { messages?: { content: string }[] }).messages ?? []).map((each) => each.content);
    },
    drafts: async () => {
      const { body } = await call('GET', '/batches?status=draft&limit=100');
      return ((body as { batches?: { batch_id: string }[] }).batches ?? []).map((each) => each.batch_id);
    },
    close: async () => {
      for (const close of closers.reverse()) await close();
    },
  };
}

async function importRows(
  server: LocalServer,
  rows: readonly Row[] | readonly Source[],
  options: Partial<ImportOptions>,
  stops: Partial<Stops>,
  onEvent: ((event: RunEvent) => void) | undefined,
  change: (deps: ImportDeps) => ImportDeps,
  closers: (() => unknown)[],
): Promise<Imported> {
  const sources =
    rows.length > 0 && 'read' in (rows[0] ?? {}) ? (rows as readonly Source[]) : [sourceOf(rows as readonly Row[])];
  const ledger = await Ledger.open(':memory:');
  const run = options.run ?? 'run-1';
  ledger.runs.begin(
    {
      id: run,
      key: 'key',
      name: undefined,
      parent: undefined,
      project: 'p',
      host: 'h',
      mapping: 'm',
      mappingPath: undefined,
      keyed: false,
      target: {},
      command: { cwd: '/', sources: [], flags: [] },
      sourceFingerprint: 's',
      staged: false,
    },
    '2024-05-01T00:00:00Z',
  );
  const api = createHttpApi({
    baseUrl: server.url,
    apiKey: 'test',
    clock: systemClock,
    connections: 40,
    env: {},
    userAgent: 'test',
    timeouts: { headersMs: 1_500, bodyMs: 1_500 },
  });
  closers.push(
    () => ledger.close(),
    () => api.close(),
  );
  const events: RunEvent[] = [];
  const rejections: Rejection[] = [];
  let marks = 0;
  const never = new AbortController().signal;
  const outcome = await runImport(
    change({
      sources,
      openAgain: (index) => {
        const source = sources[index];
        return source === undefined ? Promise.reject(new RangeError('no such source')) : Promise.resolve(source);
      },
      mapper: rowMapper,
      api,
      ledger,
      clock: systemClock,
      observe: (event) => {
        events.push(event);
        if (event.type === 'rejected') rejections.push(event.rejection);
        onEvent?.(event);
      },
      marks: undefined,
      folder: undefined,
      randomId: () => `mark-${marks++}`,
    }),
    {
      run: 'run-1',
      project: 'p',
      projectName: 'project',
      host: 'h',
      keyOrigin: 'test',
      command: 'run',
      settings: [],
      mappingFingerprint: 'm',
      sourceFingerprint: 's',
      batch: { metadata: {} },
      skip: 0,
      limit: Number.POSITIVE_INFINITY,
      chunkSize: 50,
      maxChunkBytes: 4_000_000,
      batchSize: 50_000,
      lanes: 1,
      order: 'strict',
      create: new Set(['users', 'graphs', 'threads']),
      maxErrors: { kind: 'count', value: 100 },
      wait: true,
      waitTimeoutMs: undefined,
      settleWindowMs: 300,
      pollMs: 20,
      stageOnly: false,
      handOverOnly: false,
      onChanged: 'send',
      protocol: FULL_PROTOCOL,
      ...options,
    },
    { soft: stops.soft ?? never, hard: stops.hard ?? never },
  );
  return { ...outcome, events, rejections, ledger };
}

/** The same client with some methods of its own. */
export function tampered(deps: ImportDeps, methods: Partial<ImportDeps['api']>): ImportDeps {
  const api = new Proxy(deps.api, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(name in methods ? methods : target, name);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
  return { ...deps, api };
}

export const notices = (events: readonly RunEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'notice' ? [event.code] : []));
