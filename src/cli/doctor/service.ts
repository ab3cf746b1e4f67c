/**
 * What `doctor` asks on the way to the service: the address, the name, the proxy, the connection, the key, the Batch API, the clock, the rate. Two
 * calls are made, both read; each is tried once, because a person waits and a fault is to be seen, not outlasted.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { systemClock } from '../../clock.js';
import type { Check } from '../../doctor-report.js';
import { AppError } from '../../errors.js';
import { counted, duration } from '../../progress/format.js';
import { RemoteError, type ConnectionFacts } from '../../remote/api.js';
import { normaliseBaseUrl, type BaseUrl } from '../../remote/base-url.js';
import { createHttpApi, type HttpApi } from '../../remote/http-client.js';
import { proxyFor, type Environment } from '../../remote/proxy.js';
import { EXIT, exitCodeOfError } from '../exit-codes.js';
import { packageVersion } from '../version.js';

export interface ServiceAsk {
  readonly url: string;
  /** Undefined: there is none, and nothing can be asked. */
  readonly key: string | undefined;
  readonly env: Environment;
  /** An answer that takes longer is slow. */
  readonly slowMs?: number;
  readonly timeouts?: { readonly connectMs: number; readonly headersMs: number; readonly bodyMs: number };
}

const TIMEOUTS = { connectMs: 10_000, headersMs: 20_000, bodyMs: 20_000 };
const LOOKUP_MS = 10_000;
/** The importer reads the service's clock from its answers; ours dates what is called future and what a log says. */
const SKEW_MS = 10_000;
const SLOW_MS = 2_000;
/** A free account over its quota is held to five calls a minute (help.getzep.com/v4/rate-limits). */
const PENALTY_LIMIT = 5;

export async function serviceChecks(ask: ServiceAsk): Promise<readonly Check[]> {
  let base: BaseUrl;
  let proxy: ReturnType<typeof proxyFor>;
  try {
    base = normaliseBaseUrl(ask.url);
    proxy = proxyFor(base.origin, ask.env);
  } catch (error) {
    return [problem('address', error)];
  }
  const checks: Check[] = [addressCheck(base)];
  if (proxy !== undefined) {
    checks.push({
      name: 'proxy',
      verdict: 'ok',
      message: `through ${proxy.label} (HTTPS_PROXY, HTTP_PROXY, NO_PROXY)`,
    });
  }
  const named = await nameCheck(proxy?.hostname ?? new URL(base.origin).hostname);
  if (named !== undefined) checks.push(named);
  if (named?.verdict === 'problem') return [...checks, skipped('connection', 'the name is not known')];
  if (ask.key === undefined) return [...checks, skipped('connection', 'without a key nothing is asked')];
  let api: HttpApi;
  try {
    api = createHttpApi({
      baseUrl: ask.url,
      apiKey: ask.key,
      clock: systemClock,
      connections: 1,
      env: ask.env,
      userAgent: `zep-import/${packageVersion()}`,
      timeouts: ask.timeouts ?? TIMEOUTS,
      patience: { attempts: 1, rateLimitMs: 0, unavailableMs: 0 },
    });
  } catch (error) {
    return [...checks, problem('key', error)];
  }
  try {
    return [...checks, ...(await conversation(api, base, ask.slowMs ?? SLOW_MS))];
  } finally {
    await api.close();
  }
}

function addressCheck({ href, origin, loopback }: BaseUrl): Check {
  if (loopback || origin.startsWith('https:')) return { name: 'address', verdict: 'ok', message: href };
  return {
    name: 'address',
    verdict: 'warning',
    message: `${href}: the key and the data travel unencrypted`,
    hint: 'use an https:// address',
  };
}

/** Undefined when there is no name to look up. */
async function nameCheck(hostname: string): Promise<Check | undefined> {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) return undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(Object.assign(new Error('no answer'), { code: 'no answer in time' })), LOOKUP_MS);
    });
    const found = await Promise.race([lookup(host, { all: true }), late]);
    return { name: 'name', verdict: 'ok', message: `${host} is ${found.map(({ address }) => address).join(', ')}` };
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    return {
      name: 'name',
      verdict: 'problem',
      message: `the host ${host} cannot be found (${code})`,
      hint: 'check --api-url or ZEP_API_URL, the network, and the name servers of this machine',
      exitCode: EXIT.unavailable,
    };
  } finally {
    clearTimeout(timer);
  }
}

async function conversation(api: HttpApi, base: BaseUrl, slowMs: number): Promise<readonly Check[]> {
  const project = await asked(() => api.project());
  if (project.error !== undefined && statusOf(project.error) === undefined) {
    return [problem('connection', project.error), skipped('key', 'the service was not reached')];
  }
  const checks: Check[] = [{ name: 'connection', verdict: 'ok', message: connectionText(base) }];
  if (project.error !== undefined) {
    const name = exitCodeOfError(project.error) === EXIT.notFound ? 'batch-api' : 'key';
    return [...checks, problem(name, project.error), ...factChecks(api.connectionFacts())];
  }
  const { name, uuid } = project.value ?? {};
  checks.push({ name: 'key', verdict: 'ok', message: `accepted: project ${name ?? uuid ?? 'without a name'}` });
  const batches = await asked(async () => {
    for await (const batch of api.listBatches({ limit: 1 })) return batch;
    return undefined;
  });
  checks.push(batches.error === undefined ? batchApi() : withoutBatchApi(batches.error, base));
  return [...checks, latencyCheck(batches.ms, slowMs), ...factChecks(api.connectionFacts())];
}

interface Asked<T> {
  readonly value?: T;
  readonly error?: unknown;
  readonly ms: number;
}

async function asked<T>(call: () => Promise<T>): Promise<Asked<T>> {
  const begun = performance.now();
  try {
    return { value: await call(), ms: performance.now() - begun };
  } catch (error) {
    return { error, ms: performance.now() - begun };
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof RemoteError ? error.status : undefined;
}

function connectionText({ origin }: BaseUrl): string {
  const { host } = new URL(origin);
  return origin.startsWith('https:') ? `${host} answers, and its certificate is trusted` : `${host} answers`;
}

function batchApi(): Check {
  return { name: 'batch-api', verdict: 'ok', message: 'there, and the key may use it' };
}

function withoutBatchApi(error: unknown, { href }: BaseUrl): Check {
  const found = problem('batch-api', error);
  if (statusOf(error) !== 404) return found;
  return {
    ...found,
    message: `there is no Batch API at ${href} (404), though the project is there`,
    hint: 'it is not in the plan or not enabled for the account, or a gateway does not pass it on; see https://app.getzep.com',
  };
}

function latencyCheck(ms: number, slowMs: number): Check {
  const message = `an answer takes ${duration(ms)}`;
  if (ms < slowMs) return { name: 'latency', verdict: 'ok', message };
  return {
    name: 'latency',
    verdict: 'warning',
    message,
    hint: 'the line, a proxy or the service is slow: an import will be too',
  };
}

/** What the headers of all answers told. */
export function factChecks({ clockSkewMs, budget }: Pick<ConnectionFacts, 'clockSkewMs' | 'budget'>): readonly Check[] {
  return [clockCheck(clockSkewMs), rateCheck(budget)];
}

function clockCheck(skewMs: number | undefined): Check {
  if (skewMs === undefined) return skipped('clock', 'no answer told the time');
  const off = duration(Math.abs(skewMs));
  if (Math.abs(skewMs) < SKEW_MS)
    return { name: 'clock', verdict: 'ok', message: "this machine's agrees with the service's" };
  return {
    name: 'clock',
    verdict: 'warning',
    message: `this machine is ${off} ${skewMs > 0 ? 'behind' : 'ahead of'} the service`,
    hint: 'set the clock (NTP): times are compared with it, such as which dates of items lie in the future',
  };
}

function rateCheck(budget: ConnectionFacts['budget']): Check {
  if (budget === undefined) {
    return { name: 'rate', verdict: 'ok', message: 'no answer told a limit: an import finds out its own pace' };
  }
  const { limit, remaining } = budget;
  const message = `${counted(limit, 'call')} a minute, ${Math.max(0, remaining)} left in this one`;
  if (limit <= PENALTY_LIMIT) {
    const hint = 'so few are a sign of an account over its quota: look at plan and usage at https://app.getzep.com';
    return { name: 'rate', verdict: 'warning', message, hint };
  }
  if (remaining > 0) return { name: 'rate', verdict: 'ok', message };
  return {
    name: 'rate',
    verdict: 'warning',
    message,
    hint: 'others use the same account: --rate-limit leaves room for them',
  };
}

export function problem(name: string, error: unknown): Check {
  if (!(error instanceof AppError)) throw error;
  const { message, hint } = error;
  return { name, verdict: 'problem', message, hint, exitCode: exitCodeOfError(error) };
}

export function skipped(name: string, why: string): Check {
  return { name, verdict: 'skipped', message: `not looked at: ${why}` };
}
