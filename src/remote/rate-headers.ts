/**
 * What an answer says about when to ask again: Retry-After, X-RateLimit-*, Date. All of it comes from outside, so every value may be
 * missing, negative, absurd or garbage; what makes no sense reads as absent. Zep documents X-RateLimit-Limit, -Remaining (seen negative)
 * and -Reset (unix seconds) on answers, and Retry-After (seconds) on 429 (help.getzep.com/rate-limits).
 */

export type HeaderLookup = (name: string) => string | undefined;

/** One answer's view of the account's budget. `resetAt` is server wall-clock milliseconds, or undefined when it is absurd. */
export interface RateHeaders {
  readonly limit: number;
  readonly remaining: number;
  readonly resetAt: number | undefined;
}

/** A reset further away than this is a mistake (milliseconds read as seconds, a wrong clock), not a window. */
const MAX_WINDOW_MS = 3_600_000;
/** Values below this are seconds from now, values above it that many seconds since 1970 (1973 and later). */
const DELTA_SECONDS_BELOW = 1e8;
/** Unix seconds reach this in the year 5138; larger values are milliseconds. */
const MILLISECONDS_FROM = 1e11;

/**
 * Milliseconds to wait by a Retry-After header: seconds (fractions too) or an HTTP date, which is compared with the answer's own Date
 * where there is one, since our clock may be wrong. Undefined when absent, negative or unreadable. Not capped: a year is a year here.
 */
export function retryAfterMs(
  value: string | undefined,
  serverDateMs: number | undefined,
  ourDateMs: number,
): number | undefined {
  const text = value?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d+(\.\d*)?$|^\.\d+$/.test(text)) {
    const ms = Number(text) * 1000;
    return Number.isFinite(ms) ? ms : Number.MAX_SAFE_INTEGER;
  }
  const date = httpDateMs(text);
  return date === undefined ? undefined : Math.max(0, date - (serverDateMs ?? ourDateMs));
}

/** Milliseconds since the epoch of an HTTP date; undefined for anything that does not look like one. */
export function httpDateMs(value: string | undefined): number | undefined {
  // Date.parse alone would read "soon 5" as a day in 2001.
  if (value === undefined || !/^(mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .*\d{2}:\d{2}:\d{2}/i.test(value))
    return undefined;
  // The asctime form has no zone; HTTP dates are always GMT.
  const ms = Date.parse(/gmt|utc|[+-]\d{4}$/i.test(value) ? value : `${value} GMT`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** `serverNowMs`: the server's wall clock, best estimate. Undefined when the answer carries no usable budget. */
export function rateHeaders(header: HeaderLookup, serverNowMs: number): RateHeaders | undefined {
  const limit = integer(header('x-ratelimit-limit'));
  const remaining = integer(header('x-ratelimit-remaining'));
  if (limit === undefined || remaining === undefined || limit < 1) return undefined;
  return {
    limit,
    remaining: Math.min(remaining, limit),
    resetAt: resetAt(integer(header('x-ratelimit-reset')), serverNowMs),
  };
}

function resetAt(value: number | undefined, serverNowMs: number): number | undefined {
  if (value === undefined || value < 0) return undefined;
  let ms = value * 1000;
  if (value < DELTA_SECONDS_BELOW) ms += serverNowMs;
  else if (value >= MILLISECONDS_FROM) ms = value;
  return Math.abs(ms - serverNowMs) > MAX_WINDOW_MS ? undefined : ms;
}

/** The number a header begins with: `600`, `-43`, `60.0`, and `100, 100;w=60` as some gateways write it. */
function integer(value: string | undefined): number | undefined {
  const digits = /^\s*(-?\d{1,15})(?![\d])/.exec(value ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}
