/**
 * Whether a failed call is made again, and when: one pure function, facts in, decision out. The rule it keeps: a call that appends
 * (create, add, process) is repeated only when the service certainly did not apply it, that is after a 429 or when its request never
 * left; everything else that is transient is repeated only for calls that are harmless twice.
 */

export interface RetryFacts {
  /** Failures of this kind in a row, this one included: of this call, or of any call for 429, since a limit is common to all. */
  readonly attempt: number;
  /** Milliseconds since the first failure of that row. */
  readonly elapsedMs: number;
  /** `no` = the request certainly never left this machine. */
  readonly sent: 'no' | 'maybe';
  /** Status of the answer; undefined when none came. */
  readonly status: number | undefined;
  /** The answer's status was fine but its body was not what this call answers. */
  readonly badAnswer: boolean;
  /** Repeating the call does no harm. */
  readonly idempotent: boolean;
  /** Waiting cannot help: an untrusted certificate, a proxy that wants a password. */
  readonly hopeless: boolean;
  /** The service has answered this client at least once: before that, an address is as likely wrong as a service is down. */
  readonly contacted: boolean;
  /** From Retry-After. */
  readonly retryAfterMs: number | undefined;
  /** Until the end of the rate window, from X-RateLimit-Reset. */
  readonly resetMs: number | undefined;
  /** Until the service's clock begins a new minute, where its rate windows were seen to end. */
  readonly minuteEndMs: number;
}

export interface RetryPolicy {
  /** Tries in a row for failures other than 429. */
  readonly attempts: number;
  /** No new try when it would begin later than this after the first failure. */
  readonly patienceMs: number;
  readonly firstContactAttempts: number;
  readonly badAnswerAttempts: number;
  readonly rateLimitPatienceMs: number;
  readonly baseMs: number;
  readonly capMs: number;
  /** One wait for a rate limit is at most this long, whatever the service asks for; then it is asked again. */
  readonly rateLimitCapMs: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  attempts: 10,
  patienceMs: 300_000,
  firstContactAttempts: 4,
  badAnswerAttempts: 3,
  rateLimitPatienceMs: 1_800_000,
  baseMs: 500,
  capMs: 30_000,
  rateLimitCapMs: 60_000,
};

export type RetryDecision =
  | { readonly again: true; readonly reason: 'rate-limited' | 'retry'; readonly delayMs: number }
  | { readonly again: false };

const GIVE_UP: RetryDecision = { again: false };
/** However often a service says "at once" while refusing, it is asked about once a second. */
const REPEATED_REFUSAL_FLOOR_MS = 1_000;

/** Pure given `random` (0 inclusive to 1 exclusive). */
export function decideRetry(facts: RetryFacts, policy: RetryPolicy, random: () => number): RetryDecision {
  if (facts.status === 429) return decideRateLimited(facts, policy, random);
  const safe = facts.sent === 'no' || facts.idempotent;
  if (!safe || facts.hopeless || !isTransient(facts)) return GIVE_UP;
  if (facts.attempt >= attemptsFor(facts, policy)) return GIVE_UP;
  const backoff = backoffMs(facts.attempt, policy.baseMs, policy.capMs) * (0.75 + random() / 2);
  const delayMs = facts.retryAfterMs === undefined ? backoff : asked(facts.retryAfterMs, policy.capMs, random);
  return facts.elapsedMs + delayMs > policy.patienceMs ? GIVE_UP : { again: true, reason: 'retry', delayMs };
}

/** True for statuses that may be different on the next try. 501 and 505 will not; 408 and 425 say so themselves. */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

function isTransient(facts: RetryFacts): boolean {
  return facts.status === undefined || facts.badAnswer || isTransientStatus(facts.status);
}

function attemptsFor(facts: RetryFacts, policy: RetryPolicy): number {
  if (facts.badAnswer) return policy.badAnswerAttempts;
  return facts.contacted ? policy.attempts : Math.min(policy.attempts, policy.firstContactAttempts);
}

/** A 429 was never applied, so every call may be made again; the question is only how long to wait and for how long in all. */
function decideRateLimited(facts: RetryFacts, policy: RetryPolicy, random: () => number): RetryDecision {
  const explicit = facts.retryAfterMs ?? facts.resetMs;
  const delayMs =
    explicit === undefined
      ? guess(facts, policy, random)
      : asked(atLeast(explicit, facts), policy.rateLimitCapMs, random);
  if (facts.elapsedMs + delayMs > policy.rateLimitPatienceMs) return GIVE_UP;
  return { again: true, reason: 'rate-limited', delayMs };
}

function atLeast(explicitMs: number, facts: RetryFacts): number {
  return facts.attempt > 1 ? Math.max(explicitMs, REPEATED_REFUSAL_FLOOR_MS) : explicitMs;
}

/** Never earlier than asked; a little later, so that many clients do not come back in the same instant. */
function asked(ms: number, capMs: number, random: () => number): number {
  const capped = Math.min(ms, capMs);
  return capped + random() * Math.min(250, 20 + capped / 50);
}

/** Exponential, but awake shortly after the minute that most likely ends the refusal. */
function guess(facts: RetryFacts, policy: RetryPolicy, random: () => number): number {
  const backoff = backoffMs(facts.attempt, policy.baseMs * 2, policy.rateLimitCapMs) * (0.75 + random() / 2);
  return Math.min(backoff, policy.rateLimitCapMs, facts.minuteEndMs + 50 + random() * 200);
}

function backoffMs(attempt: number, baseMs: number, capMs: number): number {
  return Math.min(baseMs * 2 ** Math.min(attempt - 1, 30), capMs);
}
