/**
 * The local server: the Batch API on this machine. It stores what it is given, works it off as the service would, serves it back, and
 * fails in every way a service or a network can, on demand. It validates on its own and shares with the importer only the wire types.
 */
import { systemClock, type Clock } from '../clock.js';
import { LIMITS } from '../wire.js';
import { BASE_PATH, createApp } from './app.js';
import type { RouteContext, InvalidMode, ServerRules } from './context.js';
import { CountHistory } from './count-history.js';
import { Processor } from './engine/processor.js';
import type { FaultyCall } from './fault-effects.js';
import { parseFaults, seededRandom } from './faults.js';
import { param } from './call.js';
import { MAX_CHUNK_ITEMS } from './ids.js';
import { createKeyring, DEFAULT_PROJECT, type ApiKey } from './keys.js';
import { OPERATIONS } from './operations.js';
import { createRateLimit } from './rate-limit.js';
import { createRouter, type Route } from './router.js';
import { batchRoutes } from './routes/batches.js';
import { episodeRoutes } from './routes/episodes.js';
import { graphRoutes } from './routes/graphs.js';
import { projectRoutes } from './routes/project.js';
import { threadRoutes } from './routes/threads.js';
import { userRoutes } from './routes/users.js';
import { HttpFront } from './server.js';
import { Stats, type ServerStats } from './stats.js';
import { openProject, type Project } from './store/projects.js';
import { dataFailure } from './store/schema.js';
import { openStore, type Store } from './store/store.js';
import type { CharacterUnit } from './validate-fields.js';
import { waitUnless } from './waiting.js';
import { Webhooks, type WebhookOptions } from './webhooks.js';

export type { ApiKey } from './keys.js';
export type { ServerStats } from './stats.js';
export type { WebhookOptions, WebhookEvent } from './webhooks.js';
export type { InvalidMode } from './context.js';

export interface LocalServerLimits {
  /** Items in one add call [500]. */
  readonly maxItemsPerAdd?: number;
  /** Items in one batch [50,000]. */
  readonly maxItemsPerBatch?: number;
  /** Bytes of a request body; a larger one is refused with 413 [128 MiB]. */
  readonly maxBodyBytes?: number;
  /** Calls a minute, all projects together [no limit, and then no rate headers]. */
  readonly rateLimitPerMinute?: number;
  /** False: the rate limit holds without telling of it in headers [true]. */
  readonly rateLimitHeaders?: boolean;
  readonly episodeCharacters?: number;
  readonly messageCharacters?: number;
  readonly characterUnit?: CharacterUnit;
}

export interface LocalServerOptions {
  /** The SQLite file; without it everything is in memory and gone at the end. */
  readonly dataFile?: string;
  /** 0 for any free one [0]. */
  readonly port?: number;
  readonly host?: '127.0.0.1';
  /** Without any, every key that is not empty opens one project. A plain text is a key to that same project. */
  readonly apiKeys?: readonly (ApiKey | string)[];
  /** Items a second; Infinity [default] = as fast as it goes, 0 = nothing is processed. */
  readonly processingRate?: number;
  /** Graphs worked on side by side [16]. */
  readonly processingConcurrency?: number;
  /** A batch that is not done this many milliseconds after `process` ends; its remaining items fail [seven days]. */
  readonly expireAfterMs?: number;
  /** How a batch that names a missing destination becomes invalid [at-once]. */
  readonly invalidMode?: InvalidMode;
  /** Rules as in `faults.ts`. */
  readonly faults?: readonly string[];
  /** Of all chance in faults, jitter and item failures; without it every start differs. */
  readonly seed?: number;
  readonly clock?: Clock;
  readonly limits?: LocalServerLimits;
  readonly webhook?: WebhookOptions;
  /** One line a request, without contents. */
  readonly log?: (line: string) => void;
  readonly latencyMs?: number;
  readonly jitterMs?: number;
}

export interface LocalServer {
  /** `http://127.0.0.1:PORT/api/v2` */
  readonly url: string;
  readonly port: number;
  /** Of the first project. */
  readonly projectUuid: string;
  stats(): ServerStats;
  /** Finishes running requests, stops processing after the slice in hand, folds the log into the data file. */
  close(): Promise<void>;
}

const DEFAULTS = {
  maxBodyBytes: 128 * 1024 * 1024,
  processingConcurrency: 16,
  expireAfterMs: 7 * 24 * 3_600_000,
} as const;

function rulesOf(options: LocalServerOptions): ServerRules {
  const limits = options.limits ?? {};
  return {
    maxItemsPerAdd: Math.min(limits.maxItemsPerAdd ?? LIMITS.itemsPerAdd, MAX_CHUNK_ITEMS),
    maxItemsPerBatch: limits.maxItemsPerBatch ?? LIMITS.itemsPerBatch,
    episodeCharacters: limits.episodeCharacters ?? LIMITS.episodeCharacters,
    messageCharacters: limits.messageCharacters ?? LIMITS.messageCharacters,
    characterUnit: limits.characterUnit ?? 'code-points',
    invalidMode: options.invalidMode ?? 'at-once',
  };
}

/** Every route; the context is only touched when one is called. */
function allRoutes(context: RouteContext): Route[] {
  return [
    ...batchRoutes(context),
    ...userRoutes(context),
    ...threadRoutes(context),
    ...episodeRoutes(context),
    ...graphRoutes(context),
    ...projectRoutes(),
  ];
}

function keysOf(options: LocalServerOptions): ApiKey[] {
  return (options.apiKeys ?? []).map((key) => (typeof key === 'string' ? { key, project: DEFAULT_PROJECT } : key));
}

/** Starts listening. Throws AppError: data file unusable or in use, port taken, a fault that is not understood. */
export async function startLocalServer(options: LocalServerOptions = {}): Promise<LocalServer> {
  const file = options.dataFile ?? ':memory:';
  const store = await openStore(file);
  try {
    return await startOn(store, options);
  } catch (error) {
    store.close();
    throw dataFailure(file, error);
  }
}

async function startOn(store: Store, options: LocalServerOptions): Promise<LocalServer> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? (() => undefined);
  const random = options.seed === undefined ? () => clock.random() : seededRandom(options.seed);
  const stats = new Stats();
  const stopping = new AbortController();
  const projects = new Map<string, Project>();
  const open = (name: string): Project => {
    const project = projects.get(name) ?? openProject(store.db, name, clock.date());
    projects.set(name, project);
    return project;
  };
  const keys = keysOf(options);
  const webhooks =
    options.webhook === undefined ? undefined : new Webhooks(store, clock, random, options.webhook, stats, log);
  const processor = new Processor(
    store,
    clock,
    random,
    {
      rate: options.processingRate ?? Infinity,
      concurrency: options.processingConcurrency ?? DEFAULTS.processingConcurrency,
      expireAfterMs: options.expireAfterMs ?? DEFAULTS.expireAfterMs,
    },
    webhooks === undefined ? { batchCompleted: () => undefined, log } : webhooks.events(),
  );
  const context: RouteContext = { store, processor, clock, rules: rulesOf(options), counters: stats.counters };
  const routes = allRoutes(context);
  const startedAt = clock.now();
  const faults = parseFaults(options.faults ?? [], OPERATIONS, random, () => clock.now() - startedAt);
  const effects = faultEffects(context, stats, random, stopping.signal, faults.has('stale'), log);
  const app = createApp({
    clock,
    stats,
    faults,
    projectOf: createKeyring(keys, open),
    rateLimit: createRateLimit(rateLimitOf(options)),
    match: createRouter(routes),
    effects,
    log,
  });
  const front = new HttpFront(app, clock, stats, {
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    maxBodyBytes: options.limits?.maxBodyBytes ?? DEFAULTS.maxBodyBytes,
    delayMs: () => (options.latencyMs ?? 0) + random() * (options.jitterMs ?? 0),
    stopping: stopping.signal,
    log,
  });
  const listening = await front.listen();
  processor.start();
  webhooks?.start();
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    stopping.abort(new Error('the server stops'));
    await listening.close();
    await processor.close();
    await webhooks?.close();
    if (!store.close()) log('the data file keeps its log beside it: there was no room to fold it in');
  };
  return {
    url: `http://127.0.0.1:${listening.port}${BASE_PATH}`,
    port: listening.port,
    projectUuid: open(keys[0]?.project ?? DEFAULT_PROJECT).uuid,
    stats: () => stats.snapshot(),
    close: () => (closed ??= close()),
  };
}

function rateLimitOf({ limits }: LocalServerOptions): { perMinute: number; headers: boolean } | undefined {
  if (limits?.rateLimitPerMinute === undefined) return undefined;
  return { perMinute: limits.rateLimitPerMinute, headers: limits.rateLimitHeaders ?? true };
}

function faultEffects(
  context: RouteContext,
  stats: Stats,
  random: () => number,
  stopping: AbortSignal,
  watching: boolean,
  log: (line: string) => void,
): FaultyCall {
  const { store, clock, processor } = context;
  const history = new CountHistory();
  return {
    stopping,
    struck: (fault) => stats.fault(fault.text),
    sleep: (ms, signal) => waitUnless(clock, ms, [signal, stopping]),
    now: () => clock.date(),
    random,
    later(ms, work) {
      stats.counters.pending += 1;
      clock
        .sleep(ms, stopping)
        .then(work)
        .catch(() => log('a late request was given up'))
        .finally(() => {
          stats.counters.pending -= 1;
        });
    },
    async meddle(act, call) {
      const batch = store.batches.find(call.project.no, param(call));
      if (batch === undefined) return;
      if (act === 'delete') {
        if (batch.status === 'draft' || batch.status === 'invalid') store.deleteBatch(batch);
      } else if (batch.status === 'draft' && batch.itemCount > 0) await processor.handOver(batch, {});
    },
    countAgo: (batchId, ms) => history.countAt(batchId, clock.now() - ms),
    watchCount(call) {
      if (!watching) return;
      const batch = store.batches.find(call.project.no, param(call));
      if (batch !== undefined) history.record(batch.uuid, batch.itemCount, clock.now());
    },
  };
}
