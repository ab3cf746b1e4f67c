/**
 * One limiter for every call of a run, polls included. It combines, and is the only place that combines: connections in flight, the
 * user's own cap, the budget the service's headers tell, the rate found by trial where there are none, and the pause after a 429. A
 * refusal holds for the account, not for one call, so it stops everybody; when the pause is over one call goes ahead and the others
 * follow its success. Where nothing limits, a permit is given at once, without a timer.
 */
import { onAbort } from '../abort-listeners.js';
import type { Clock } from '../clock.js';
import { Cruise } from './cruise.js';
import { OwnCap } from './own-cap.js';
import { WireFailure } from './transport.js';
import { WindowBudget, type BudgetSighting } from './window-budget.js';

export interface PaceOptions {
  readonly clock: Clock;
  /** Calls in flight at most. */
  readonly connections: number;
  /** The user's own cap, calls a minute. */
  readonly rateLimit?: number | undefined;
  /** Told when callers begin to wait a second or more, and whether it is for the user's own cap. */
  readonly onWait?: ((ms: number, ownCap: boolean) => void) | undefined;
}

/** Leave for one call; given back exactly once, by `answered`, `refused` or `lost`. */
export interface Permit {
  readonly sentAt: number;
  /** Number of the pause after which it was given: an older one says nothing about a newer pause. */
  readonly epoch: number;
}

interface Waiter {
  readonly grant: (permit: Permit) => void;
  readonly refuse: (reason: Error) => void;
}

/** Waits shorter than this are the ordinary spacing of calls and nobody's concern. */
const WORTH_TELLING_MS = 1_000;
const LATENCY_WEIGHT = 0.1;

export class Pace {
  readonly #clock: Clock;
  readonly #connections: number;
  readonly #onWait: (ms: number, ownCap: boolean) => void;
  readonly #cap: OwnCap | undefined;
  readonly #cruise = new Cruise();
  readonly #budget = new WindowBudget();
  readonly #queue: Waiter[] = [];
  #inFlight = 0;
  #latencyMs = 0;
  #epoch = 0;
  #refusals = 0;
  #refusedSince = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #scout: Permit | undefined;
  #alarm: { readonly at: number; readonly cancel: AbortController } | undefined;
  #toldUntil = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: PaceOptions) {
    this.#clock = options.clock;
    this.#connections = options.connections;
    this.#cap = options.rateLimit === undefined ? undefined : new OwnCap(options.rateLimit);
    this.#onWait = options.onWait ?? (() => undefined);
  }

  /** Resolves in order of asking, but a call made `again` comes before new ones. Rejects with `signal.reason` when aborted,
   * with WireFailure (`closed`) after `close`. */
  take(signal?: AbortSignal, again = false): Promise<Permit> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    if (this.#closed) return Promise.reject(closedFailure());
    const now = this.#clock.now();
    if ((again || this.#queue.length === 0) && this.#waitMs(now) <= 0) return Promise.resolve(this.#permit(now));
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        grant: (permit) => {
          release();
          resolve(permit);
        },
        refuse: (reason) => {
          release();
          reject(reason);
        },
      };
      const release = onAbort(signal, () => {
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        if (this.#queue.length === 0) this.#disarm();
        release();
        reject(signal?.reason as Error);
      });
      if (again) this.#queue.unshift(waiter);
      else this.#queue.push(waiter);
      this.#pump();
    });
  }

  /** The call was answered, by whatever but a 429. */
  answered(permit: Permit, sighting: BudgetSighting | undefined): void {
    const now = this.#clock.now();
    this.#settle(permit, sighting, true, now);
    this.#latencyMs += (now - permit.sentAt - this.#latencyMs) * (this.#latencyMs === 0 ? 1 : LATENCY_WEIGHT);
    this.#cruise.accepted(now);
    if (permit.epoch === this.#epoch) this.#refusals = 0;
    this.#pump();
  }

  /** No answer came: says nothing about the rate. */
  lost(permit: Permit): void {
    this.#settle(permit, undefined, false, this.#clock.now());
    this.#pump();
  }

  /**
   * The call was answered by a 429. Returns how many refusals there are in a row, by whichever calls, and how long they have lasted in
   * milliseconds. `askedWaitMs` is what Retry-After said. Follow it with `pause`, or with `giveUp`.
   */
  refused(
    permit: Permit,
    sighting: BudgetSighting | undefined,
    askedWaitMs?: number,
  ): { readonly attempt: number; readonly elapsedMs: number } {
    const now = this.#clock.now();
    const contradicted = sighting === undefined ? !this.#budgetExplains(now) : sighting.remaining > 0;
    this.#settle(permit, sighting, true, now);
    if (this.#refusals === 0) {
      this.#refusedSince = now;
      if (contradicted) this.#cruise.refused(now, askedWaitMs);
    }
    // Calls that were under way when the pause began are refused for the same reason, not once more.
    if (this.#refusals === 0 || permit.epoch === this.#epoch) this.#refusals++;
    return { attempt: this.#refusals, elapsedMs: now - this.#refusedSince };
  }

  /** Nobody calls for `ms`; then one call goes ahead. Of several pauses the longest counts. */
  pause(permit: Permit, ms: number): void {
    if (permit.epoch === this.#epoch) this.#epoch++;
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + ms);
    this.#pump();
  }

  /** How many calls may usefully be in flight: enough to use the rate allowed at the latency seen, at most the connections. */
  concurrencyHint(): number {
    const rates = [this.#cap?.perMinute, this.#budget.limit, this.#cruise.perMinute];
    const perMinute = Math.min(...rates.map((rate) => rate ?? Number.POSITIVE_INFINITY));
    if (perMinute === Number.POSITIVE_INFINITY || this.#latencyMs === 0) return this.#connections;
    // Half as much again: latency varies, and a caller computes between its calls.
    const useful = Math.ceil((perMinute / 60_000) * this.#latencyMs * 1.5);
    return Math.min(this.#connections, Math.max(1, useful));
  }

  /** Sends everybody away who waits or will ask. */
  close(): void {
    this.#closed = true;
    this.#disarm();
    for (const waiter of this.#queue.splice(0)) waiter.refuse(closedFailure());
  }

  #budgetExplains(now: number): boolean {
    return this.#budget.limit !== undefined && !this.#budget.hasRoom(now);
  }

  #permit(now: number): Permit {
    const permit: Permit = { sentAt: now, epoch: this.#epoch };
    if (this.#refusals > 0) this.#scout = permit;
    this.#inFlight++;
    this.#cap?.sent(now);
    this.#cruise.sent(now);
    this.#budget.sent(now);
    return permit;
  }

  #settle(permit: Permit, sighting: BudgetSighting | undefined, answered: boolean, now: number): void {
    this.#inFlight--;
    if (permit === this.#scout) this.#scout = undefined;
    if (sighting !== undefined && this.#budget.limit === undefined) this.#cruise.forget();
    this.#budget.settled(permit.sentAt, sighting, answered, now);
  }

  #waitMs(now: number): number {
    if (this.#inFlight >= this.#connections) return Number.POSITIVE_INFINITY;
    const capMs = this.#cap?.waitMs(now) ?? 0;
    if (this.#refusals > 0) {
      if (this.#scout !== undefined) return Number.POSITIVE_INFINITY;
      return Math.max(capMs, this.#pausedUntil - now);
    }
    return Math.max(capMs, this.#budget.waitMs(now, this.#inFlight), this.#cruise.waitMs(now));
  }

  #pump(): void {
    while (this.#queue.length > 0) {
      const now = this.#clock.now();
      const waitMs = this.#waitMs(now);
      if (waitMs > 0) {
        this.#arm(now, waitMs);
        return;
      }
      const waiter = this.#queue.shift();
      waiter?.grant(this.#permit(now));
    }
    this.#disarm();
  }

  #arm(now: number, waitMs: number): void {
    if (waitMs === Number.POSITIVE_INFINITY) {
      this.#disarm();
      return;
    }
    const at = now + waitMs;
    this.#tell(waitMs, at, now);
    if (this.#alarm !== undefined && Math.abs(this.#alarm.at - at) < 1) return;
    this.#disarm();
    const cancel = new AbortController();
    const alarm = { at, cancel };
    this.#alarm = alarm;
    this.#clock.sleep(waitMs, cancel.signal).then(
      () => {
        if (this.#alarm === alarm) this.#alarm = undefined;
        this.#pump();
      },
      () => undefined,
    );
  }

  #disarm(): void {
    this.#alarm?.cancel.abort();
    this.#alarm = undefined;
  }

  #tell(waitMs: number, until: number, now: number): void {
    if (waitMs < WORTH_TELLING_MS || until < this.#toldUntil + WORTH_TELLING_MS) return;
    this.#toldUntil = until;
    this.#onWait(waitMs, (this.#cap?.waitMs(now) ?? 0) >= waitMs);
  }
}

function closedFailure(): WireFailure {
  return new WireFailure('the client was closed', { kind: 'closed', sent: 'no' });
}
