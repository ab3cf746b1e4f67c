/**
 * The user's own cap on calls a minute. Calls are spaced evenly with room for about one second's worth at once, and no stretch of sixty
 * seconds holds more than the cap, wherever it begins.
 */

const MINUTE_MS = 60_000;
/** Above this the record of the last minute would be large and the spacing below a millisecond: spacing alone must do. */
const LARGEST_RECORD = 100_000;

export class OwnCap {
  readonly perMinute: number;
  readonly #spacingMs: number;
  readonly #slackMs: number;
  /** Send times of the last `perMinute` calls, a ring; empty when the cap is too large for one. */
  readonly #record: Float64Array;
  #next = 0;
  /** The time the next call is due when all are evenly spaced. */
  #dueAt = Number.NEGATIVE_INFINITY;

  constructor(perMinute: number) {
    this.perMinute = perMinute;
    this.#spacingMs = MINUTE_MS / perMinute;
    const recorded = perMinute <= LARGEST_RECORD;
    const together = recorded ? Math.max(1, Math.floor(perMinute / 60)) : 1;
    this.#slackMs = (together - 1) * this.#spacingMs;
    this.#record = new Float64Array(recorded ? Math.max(1, Math.floor(perMinute)) : 0).fill(Number.NEGATIVE_INFINITY);
  }

  /** Milliseconds until the next call may leave; 0 = now. */
  waitMs(now: number): number {
    const oldest = this.#record[this.#next] ?? Number.NEGATIVE_INFINITY;
    return Math.max(0, this.#dueAt - this.#slackMs - now, oldest + MINUTE_MS - now);
  }

  sent(now: number): void {
    this.#dueAt = Math.max(this.#dueAt, now) + this.#spacingMs;
    if (this.#record.length === 0) return;
    this.#record[this.#next] = now;
    this.#next = (this.#next + 1) % this.#record.length;
  }
}
