/**
 * One message to an address of the user's choice: a POST, repeated a few times within a bounded time, always with the same id. Rule: nothing
 * here can fail the import that it tells of, redirects are not followed, and what the address holds of credentials is never shown.
 */
import type { Clock } from '../clock.js';
import { usageError } from '../errors.js';
import { isLoopback } from './base-url.js';
import { proxyFor, type Environment } from './proxy.js';

export interface WebhookAddress {
  readonly origin: string;
  /** Host and port, for people. */
  readonly host: string;
  /** With the query: for some receivers it is the secret. */
  readonly path: string;
  /** Of a user and password in the address. */
  readonly authorization: string | undefined;
}

export interface WebhookMessage {
  readonly id: string;
  readonly body: string;
  /** The signature of this message at a time; undefined sends it unsigned. */
  readonly sign: ((at: Date) => string) | undefined;
}

export interface DeliveryDeps {
  readonly clock: Clock;
  readonly env: Environment;
  readonly userAgent: string;
  /** Gives up at once. */
  readonly signal?: AbortSignal | undefined;
}

export type Delivery =
  | { readonly ok: true; readonly tries: number }
  | { readonly ok: false; readonly tries: number; readonly reason: string };

const TRIES = 3;
const TOTAL_MS = 10_000;
const TRY_MS = 3_000;
const PAUSES_MS: readonly number[] = [500, 1_500];

/** https anywhere, http on this machine only. Throws usageErrors `bad-notify-url` and, of the proxy variables, `bad-proxy`; they do not repeat it. */
export function webhookAddress(text: string, env: Environment): WebhookAddress {
  const hint = 'e.g. --notify https://hooks.example.com/imports';
  if (!URL.canParse(text.trim())) throw usageError('bad-notify-url', 'the address behind --notify is not a URL', hint);
  const url = new URL(text.trim());
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
  if (!isSafe) {
    const message = 'the address behind --notify must begin with https:// (http:// is for this machine only)';
    throw usageError('bad-notify-url', message, hint);
  }
  proxyFor(url.origin, env);
  return {
    origin: url.origin,
    host: url.host,
    path: url.pathname + url.search,
    authorization: authorizationOf(url),
  };
}

function authorizationOf(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  try {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    return `Basic ${Buffer.from(pair).toString('base64')}`;
  } catch {
    const message = 'the user or password in the address behind --notify is not URL-encoded';
    throw usageError('bad-notify-url', message, 'write % as %25');
  }
}

/** Resolves in at most ten seconds, whatever the receiver does. Never rejects. */
export async function deliver(address: WebhookAddress, message: WebhookMessage, deps: DeliveryDeps): Promise<Delivery> {
  const limit = AbortSignal.timeout(TOTAL_MS);
  const signal = deps.signal === undefined ? limit : AbortSignal.any([limit, deps.signal]);
  let reason = '';
  for (let tries = 1; ; tries++) {
    const outcome = await attempt(address, message, deps, signal);
    if (outcome.reason === undefined) return { ok: true, tries };
    // What a time-out of all tries says is less than what the last answer said.
    reason = signal.aborted && reason !== '' ? reason : outcome.reason;
    const pauseMs = PAUSES_MS[tries - 1];
    if (!outcome.isTransient || tries >= TRIES || pauseMs === undefined) return { ok: false, tries, reason };
    await deps.clock.sleep(pauseMs, signal).catch(() => undefined);
    if (signal.aborted) return { ok: false, tries, reason };
  }
}

interface Outcome {
  /** Undefined when it was taken. */
  readonly reason: string | undefined;
  /** Another try may end differently. */
  readonly isTransient: boolean;
}

async function attempt(
  { origin, path, authorization, host }: WebhookAddress,
  { id, body, sign }: WebhookMessage,
  { clock, env, userAgent, signal: leave }: DeliveryDeps,
  total: AbortSignal,
): Promise<Outcome> {
  const { HttpClient } = await import('./http-client.js');
  const at = new Date(clock.date());
  const client = new HttpClient({
    base: { origin, path, href: origin + path, loopback: false },
    proxy: proxyFor(origin, env),
    connections: 1,
    timeouts: { connectMs: TRY_MS, headersMs: TRY_MS, bodyMs: TRY_MS },
    headers: {
      'user-agent': userAgent,
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      ...(sign === undefined ? {} : { 'webhook-signature': sign(at) }),
      ...(authorization === undefined ? {} : { authorization }),
    },
    clock,
  });
  const once = AbortSignal.timeout(TRY_MS);
  try {
    const request = { method: 'POST', path, body: Buffer.from(body, 'utf8') } as const;
    const { status } = await client.exchange(request, AbortSignal.any([total, once]));
    if (status >= 200 && status < 300) return { reason: undefined, isTransient: false };
    const why = status >= 300 && status < 400 ? `${status}, a redirect, which is not followed` : String(status);
    return { reason: `${host} answered ${why}`, isTransient: status === 408 || status === 429 || status >= 500 };
  } catch (error) {
    if (leave?.aborted === true) return { reason: `${host} was not waited for any longer`, isTransient: false };
    if (once.aborted || total.aborted) return { reason: `${host} did not answer in time`, isTransient: true };
    return { reason: error instanceof Error ? error.message : String(error), isTransient: true };
  } finally {
    await client.close().catch(() => undefined);
  }
}
