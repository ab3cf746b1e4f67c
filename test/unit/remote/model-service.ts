/** A service that limits calls a minute, in simulated time, and callers that use it. */
import { Caller } from '../../../src/remote/caller.js';
import { Pace } from '../../../src/remote/pace.js';
import type { Operation } from '../../../src/remote/problems.js';
import { DEFAULT_RETRY_POLICY } from '../../../src/remote/retry.js';
import type { Transport, WireAnswer, WireRequest } from '../../../src/remote/transport.js';
import type { SimulatedClock } from './simulated-clock.js';

export interface ServiceRules {
  /** Calls a window, by the service's wall clock. */
  limit(wallMs: number): number;
  readonly headers: boolean;
  readonly retryAfter?: boolean;
  readonly windowMs?: number;
  /** Service's wall clock minus ours. */
  readonly skewMs?: number;
  /** A call's time on the way, both directions together. */
  readonly latencyMs: number;
  /** Calls a minute that other clients of the account make, evenly. */
  readonly othersPerMinute?: number;
  /** Replaces the value of X-RateLimit-Reset. */
  reset?(endsAtMs: number): string;
  readonly dateHeader?: boolean;
}

export class ModelService implements Transport {
  readonly #clock: SimulatedClock;
  readonly #rules: ServiceRules;
  #window = -1;
  #used = 0;
  #othersAt = 0;
  accepted = 0;
  refused = 0;
  /** Arrival times of all calls, monotonic. */
  readonly arrivals: number[] = [];

  constructor(clock: SimulatedClock, rules: ServiceRules) {
    this.#clock = clock;
    this.#rules = rules;
    this.#othersAt = clock.now();
  }

  async exchange(_request: WireRequest, signal: AbortSignal | undefined): Promise<WireAnswer> {
    const sentAt = this.#clock.now();
    const latency = this.#rules.latencyMs * (0.5 + this.#clock.random());
    await this.#clock.sleep(latency / 2, signal);
    const answer = this.#answer();
    await this.#clock.sleep(latency / 2, signal);
    return { ...answer, sentAt, headersAt: this.#clock.now() };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #answer(): Pick<WireAnswer, 'status' | 'header' | 'body'> {
    const rules = this.#rules;
    const wall = this.#clock.date() + (rules.skewMs ?? 0);
    const windowMs = rules.windowMs ?? 60_000;
    this.arrivals.push(this.#clock.now());
    if (Math.floor(wall / windowMs) !== this.#window) {
      this.#window = Math.floor(wall / windowMs);
      this.#used = 0;
      this.#othersAt = this.#clock.now();
    }
    if (rules.othersPerMinute !== undefined) {
      const since = Math.floor(((this.#clock.now() - this.#othersAt) * rules.othersPerMinute) / 60_000);
      this.#used += since;
      this.#othersAt += (since * 60_000) / rules.othersPerMinute;
    }
    const limit = rules.limit(wall);
    this.#used++;
    const refused = this.#used > limit;
    if (refused) this.refused++;
    else this.accepted++;
    const endsAt = (this.#window + 1) * windowMs;
    const headers = new Map<string, string>();
    if (rules.dateHeader !== false) headers.set('date', new Date(Math.floor(wall / 1000) * 1000).toUTCString());
    if (rules.headers) {
      headers.set('x-ratelimit-limit', String(limit));
      headers.set('x-ratelimit-remaining', String(limit - this.#used));
      headers.set('x-ratelimit-reset', rules.reset?.(endsAt) ?? String(endsAt / 1000));
    }
    if (refused && rules.retryAfter === true) headers.set('retry-after', String(Math.ceil((endsAt - wall) / 1000)));
    return {
      status: refused ? 429 : 200,
      header: (name) => headers.get(name),
      body: Buffer.from(refused ? 'Rate limit exceeded for FREE plan\n' : '{}'),
    };
  }
}

export interface Load {
  readonly connections: number;
  readonly rateLimit?: number;
  /** Callers that each make one call after the other. */
  readonly callers: number;
}

export interface Measured {
  readonly pace: Pace;
  readonly caller: Caller;
  readonly service: ModelService;
  readonly waits: number[];
}

const ADD: Operation = { name: 'addItems', doing: 'adding', idempotent: false, missing: { thing: 'batch b' } };

/** Callers call as often as they may for `durationMs` of simulated time. */
export async function simulate(
  clock: SimulatedClock,
  rules: ServiceRules,
  load: Load,
  durationMs: number,
): Promise<Measured> {
  const service = new ModelService(clock, rules);
  const waits: number[] = [];
  const pace = new Pace({
    clock,
    connections: load.connections,
    rateLimit: load.rateLimit,
    onWait: (ms) => waits.push(ms),
  });
  const caller = new Caller({
    transport: service,
    pace,
    policy: DEFAULT_RETRY_POLICY,
    clock,
    redact: (text) => text,
    onWait: () => undefined,
  });
  const stop = new AbortController();
  const failures: unknown[] = [];
  const loops = Array.from({ length: load.callers }, async () => {
    while (!stop.signal.aborted) {
      try {
        await caller.call(ADD, { method: 'POST', path: '/x' }, () => true, stop.signal);
      } catch (error) {
        if (!stop.signal.aborted) failures.push(error);
      }
    }
  });
  const measured = { pace, caller, service, waits };
  await clock.run(clock.now() + durationMs);
  stop.abort(new Error('the end'));
  await Promise.all(loops);
  if (failures.length > 0) throw failures[0] as Error;
  return measured;
}
