/**
 * The account's request budget as the service keeps it: a window that ends on the whole minute, every call costs one, refused calls count
 * too (so `remaining` goes below zero), and 429 is plain text with the seconds until the window ends.
 */
import { plain, type Answer } from './answer.js';

const WINDOW_MS = 60_000;

export interface RateDecision {
  readonly refusal: Answer | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

export interface RateLimitOptions {
  /** Calls a minute. */
  readonly perMinute: number;
  /** False: the limit holds, but no answer tells of it except by 429 without headers. */
  readonly headers: boolean;
}

export function createRateLimit(options: RateLimitOptions | undefined): (now: number) => RateDecision {
  if (options === undefined) return () => ({ refusal: undefined, headers: {} });
  const { perMinute } = options;
  let windowEnd = 0;
  let used = 0;
  return (now) => {
    if (now >= windowEnd || now < windowEnd - WINDOW_MS) {
      windowEnd = (Math.floor(now / WINDOW_MS) + 1) * WINDOW_MS;
      used = 0;
    }
    used += 1;
    const headers: Record<string, string> = options.headers
      ? {
          'x-ratelimit-limit': String(perMinute),
          'x-ratelimit-remaining': String(perMinute - used),
          'x-ratelimit-reset': String(windowEnd / 1000),
          'x-ratelimit-increment': '1',
        }
      : {};
    if (used <= perMinute) return { refusal: undefined, headers };
    const retryAfter = options.headers
      ? { 'retry-after': String(Math.max(1, Math.ceil((windowEnd - now) / 1000))) }
      : {};
    return { refusal: rateLimited({ ...headers, ...retryAfter }), headers };
  };
}

/** The service's own words. */
export function rateLimited(headers: Readonly<Record<string, string>>): Answer {
  return plain(429, 'Rate limit exceeded for FREE plan\n', headers);
}
