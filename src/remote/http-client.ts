/**
 * HTTP/1.1 over undici, and nothing but: one request, one answer. The only file that knows undici; load it when a call is about to be
 * made, since undici costs start-up time. Repeating is decided elsewhere (retry.ts): the exchange keeps undici from writing a request
 * a second time, which it would do by itself after some connection losses.
 *
 * `Pool.dispatch` with a handler of our own rather than `Pool.request`: the handler is told right before a request is written, which is
 * what makes "certainly not sent" provable, and bodies are gathered without a stream in between.
 */
import { createRequire } from 'node:module';
import type { Pool as UndiciPool } from 'undici';
import type { Clock } from '../clock.js';
import { usageError } from '../errors.js';
import type { ConnectionFacts, RemoteApi } from './api.js';
import { normaliseBaseUrl, type BaseUrl } from './base-url.js';
import { Caller, type OnWait } from './caller.js';
import { Exchange, type Timeouts } from './exchange.js';
import { Pace } from './pace.js';
import { proxyFor, type Environment, type Proxy } from './proxy.js';
import { DEFAULT_RETRY_POLICY } from './retry.js';
import { redactor } from './server-words.js';
import type { Transport, WireAnswer, WireRequest } from './transport.js';
import { openTunnel } from './tunnel.js';
import { ZepV2 } from './zep-v2.js';

export interface Patience {
  /** Milliseconds after which refusals by 429 in a row end the call (exit 5). */
  readonly rateLimitMs: number;
  /** Milliseconds after which failures in a row end a call that may be repeated. */
  readonly unavailableMs: number;
  /** Tries in a row of such a call. */
  readonly attempts: number;
}

export interface HttpApiOptions {
  /** With or without /api/v2; see base-url.ts. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly clock: Clock;
  /** Connections, and so calls in flight, at most. */
  readonly connections: number;
  /** The user's own cap, calls a minute. */
  readonly rateLimit?: number | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
  readonly patience?: Partial<Patience> | undefined;
  /** Told when calls wait: for the rate, or before a repeat. Must not throw. */
  readonly onWait?: OnWait | undefined;
  /** Where HTTPS_PROXY, HTTP_PROXY and NO_PROXY are looked up: the process's environment, handed in. */
  readonly env: Environment;
  readonly userAgent?: string | undefined;
}

export interface HttpApi extends RemoteApi {
  connectionFacts(): ConnectionFacts;
}

type PoolClass = typeof UndiciPool;

/** The pool alone: all of undici takes three times as long to load. Where it no longer lies there, all of it. */
function loadPool(): PoolClass {
  const load = createRequire(import.meta.url);
  try {
    return load('undici/lib/dispatcher/pool.js') as PoolClass;
  } catch {
    return (load('undici') as { readonly Pool: PoolClass }).Pool;
  }
}

const Pool = loadPool();

export const DEFAULT_TIMEOUTS: Timeouts = { connectMs: 10_000, headersMs: 60_000, bodyMs: 30_000 };

/**
 * The client of the Batch API. Nothing is sent before the first call; a key or address that cannot work is a usage error at once
 * (`bad-api-key`, `bad-api-url`, `bad-proxy`, `bad-rate-limit`).
 */
export function createHttpApi(options: HttpApiOptions): HttpApi {
  checkKey(options.apiKey);
  const { rateLimit, clock, connections, patience } = options;
  if (rateLimit !== undefined && !(rateLimit > 0 && Number.isFinite(rateLimit))) {
    throw usageError('bad-rate-limit', '--rate-limit must be a number of calls a minute above 0');
  }
  const base = normaliseBaseUrl(options.baseUrl);
  const onWait: OnWait = options.onWait ?? (() => undefined);
  const proxy = proxyFor(base.origin, options.env);
  const transport = new HttpClient({
    base,
    proxy,
    connections,
    timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    headers: { authorization: `Api-Key ${options.apiKey}`, 'user-agent': options.userAgent ?? 'zep-import' },
    clock,
  });
  const redact = redactor(options.apiKey);
  const pace = new Pace({
    clock,
    connections,
    rateLimit,
    onWait: (ms, ownCap) => onWait('rate-limited', ms, ownCap ? 'by --rate-limit' : 'by the service'),
  });
  const policy = {
    ...DEFAULT_RETRY_POLICY,
    ...(patience?.rateLimitMs === undefined ? {} : { rateLimitPatienceMs: patience.rateLimitMs }),
    ...(patience?.unavailableMs === undefined ? {} : { patienceMs: patience.unavailableMs }),
    ...(patience?.attempts === undefined ? {} : { attempts: patience.attempts }),
  };
  return new ZepV2({
    base,
    caller: new Caller({ transport, pace, policy, clock, redact, onWait }),
    pace,
    transport,
    redact,
    proxy,
  });
}

/** A header can carry visible ASCII only; a newline from a key file is the usual slip. The key itself is not shown. */
function checkKey(apiKey: string): void {
  if (apiKey === '') throw usageError('bad-api-key', 'the API key is empty', 'set ZEP_API_KEY');
  if (/[^\x21-\x7e]/.test(apiKey)) {
    const hint = 'look for a line break, a space or a quotation mark that was copied along';
    throw usageError('bad-api-key', 'the API key holds a character that no key has', hint);
  }
}

export interface HttpOptions {
  readonly base: BaseUrl;
  readonly proxy: Proxy | undefined;
  readonly connections: number;
  readonly timeouts: Timeouts;
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

export class HttpClient implements Transport {
  readonly #pool: UndiciPool;
  readonly #options: HttpOptions;
  readonly #headers: Record<string, string>;
  readonly #jsonHeaders: Record<string, string>;
  /** What precedes a path in the request line: a proxy that is no tunnel wants the whole address. */
  readonly #prefix: string;
  readonly #where: string;

  constructor(options: HttpOptions) {
    this.#options = options;
    const { base, proxy } = options;
    const url = new URL(base.origin);
    const forwarded = proxy !== undefined && url.protocol === 'http:';
    this.#where = forwarded ? `${url.host} (through the proxy ${proxy.label})` : url.host;
    this.#prefix = forwarded ? base.origin : '';
    this.#headers = {
      host: url.host,
      accept: 'application/json',
      'accept-encoding': 'identity',
      ...options.headers,
      ...(forwarded && proxy.authorization !== undefined ? { 'proxy-authorization': proxy.authorization } : {}),
    };
    this.#jsonHeaders = { ...this.#headers, 'content-type': 'application/json' };
    this.#pool = new Pool(forwarded ? proxy.label : base.origin, {
      connections: options.connections,
      pipelining: 1,
      allowH2: false,
      // Each exchange keeps its own time: one timer for all phases, exact, and named in the failure.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect:
        proxy === undefined || forwarded
          ? { timeout: options.timeouts.connectMs }
          : (endpoint, callback) => {
              const port = endpoint.port === '' ? 443 : Number(endpoint.port);
              openTunnel(proxy, { hostname: endpoint.hostname, port }, options.timeouts.connectMs).then(
                (socket) => callback(null, socket),
                (error: unknown) => callback(error as Error, null),
              );
            },
    });
  }

  exchange(request: WireRequest, signal: AbortSignal | undefined): Promise<WireAnswer> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const { timeouts, clock } = this.#options;
      const bodyBytes = request.body?.byteLength ?? 0;
      const exchange = new Exchange({ timeouts, clock, where: this.#where, bodyBytes, signal }, resolve, reject);
      this.#pool.dispatch(
        {
          method: request.method,
          path: this.#prefix + request.path,
          headers: request.body === undefined ? this.#headers : this.#jsonHeaders,
          body: request.body ?? null,
        },
        exchange,
      );
    });
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}
