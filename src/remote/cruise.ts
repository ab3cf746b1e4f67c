/**
 * The rate to keep when the service limits calls but does not say to how many: none until it first refuses, then multiplicative decrease
 * at each refusal and additive increase while the rate is what holds us back. The calls it accepted in the minute before a refusal are
 * the best measure of the limit, so the rate never stays above that.
 */

const MINUTE_MS = 60_000;
/**
 * Refused within our first minute, perhaps at our first call, we know little: others may have used the window up. This many calls a
 * minute are tried at least, then.
 */
const LEAST_KNOWN = 60;
/** A Retry-After up to this long is taken for the length of the service's window. */
const SHORT_WINDOW_MS = 10_000;
const BUCKETS = 60;
const DECREASE = 0.88;
/** Share of the rate after the last decrease that is won back a second. */
const INCREASE_PER_SECOND = 0.006;
/** A whole window passed without a refusal: the limit is well above us (others used it up before, or it was raised). */
const CATCH_UP_AFTER_MS = MINUTE_MS;
const CATCH_UP_PER_SECOND = 0.02;
/** Time without calls says nothing about the limit: only so much of it counts towards an increase. */
const LONGEST_STEP_MS = 5_000;

export class Cruise {
  #perMinute: number | undefined;
  #refusedAt = 0;
  #afterDecrease = 0;
  #dueAt = Number.NEGATIVE_INFINITY;
  #beganAt: number | undefined;
  #lastSentAt = Number.NEGATIVE_INFINITY;
  readonly #accepted = new LastMinute();

  /** Calls a minute, or undefined while no limit was met. */
  get perMinute(): number | undefined {
    return this.#perMinute;
  }

  waitMs(now: number): number {
    return this.#perMinute === undefined ? 0 : Math.max(0, this.#dueAt - now);
  }

  sent(now: number): void {
    this.#beganAt ??= now;
    const perMinute = this.#perMinute;
    if (perMinute === undefined) return;
    const spacingMs = MINUTE_MS / perMinute;
    const rateHoldsUsBack = now - this.#dueAt < spacingMs;
    if (rateHoldsUsBack) this.#perMinute = perMinute + this.#increase(perMinute, now);
    this.#dueAt = rateHoldsUsBack ? this.#dueAt + spacingMs : now + spacingMs;
    this.#lastSentAt = now;
  }

  accepted(now: number): void {
    this.#accepted.add(now);
  }

  /**
   * The first refusal of a row of refusals. `askedWaitMs`: how long the service asked to wait. A wait of seconds belongs to a window of seconds:
   * then what it took in our first moments is not all that it takes in a minute.
   */
  refused(now: number, askedWaitMs = MINUTE_MS): void {
    const watchedWholeMinute = now - (this.#beganAt ?? now) >= MINUTE_MS;
    const accepted = this.#accepted.count(now);
    const windows = watchedWholeMinute || askedWaitMs > SHORT_WINDOW_MS ? 1 : MINUTE_MS / Math.max(1_000, askedWaitMs);
    const measured = Math.max(accepted * windows, watchedWholeMinute ? 1 : LEAST_KNOWN);
    const lowered = this.#perMinute === undefined ? measured : this.#perMinute * DECREASE;
    this.#perMinute = Math.max(1, Math.min(lowered, measured));
    this.#afterDecrease = this.#perMinute;
    this.#refusedAt = now;
    this.#dueAt = now;
    this.#lastSentAt = now;
  }

  /** The service has begun to say its limit: what was found by trial is forgotten. */
  forget(): void {
    this.#perMinute = undefined;
  }

  #increase(perMinute: number, now: number): number {
    const seconds = Math.min(now - this.#lastSentAt, LONGEST_STEP_MS) / 1000;
    if (now - this.#refusedAt > CATCH_UP_AFTER_MS) return seconds * CATCH_UP_PER_SECOND * perMinute;
    return seconds * INCREASE_PER_SECOND * this.#afterDecrease;
  }
}

/** How many events the last sixty seconds saw, to the second. */
class LastMinute {
  readonly #counts = new Uint32Array(BUCKETS);
  readonly #seconds = new Float64Array(BUCKETS).fill(Number.NEGATIVE_INFINITY);

  add(now: number): void {
    const second = Math.floor(now / 1000);
    const bucket = second % BUCKETS;
    if (this.#seconds[bucket] !== second) {
      this.#seconds[bucket] = second;
      this.#counts[bucket] = 0;
    }
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  count(now: number): number {
    const since = Math.floor(now / 1000) - BUCKETS;
    let sum = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if ((this.#seconds[bucket] ?? 0) > since) sum += this.#counts[bucket] ?? 0;
    }
    return sum;
  }
}
