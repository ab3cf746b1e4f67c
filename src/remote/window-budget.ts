/**
 * The budget of calls as the service's own headers tell it: so many left until the window ends. Calls in flight are taken as not yet
 * counted, which errs on the safe side and rights itself with each answer. Most of a window is spent as fast as callers ask; its last
 * part is spread up to the end, so that a long import never stands entirely still and polls get through. After a window that was used
 * up, one call goes ahead to see whether the new one has begun: our idea of its end may be a little early.
 */

/** A budget as one answer tells it; `endsAt` is monotonic milliseconds, undefined when the service's word made no sense. */
export interface BudgetSighting {
  readonly limit: number;
  readonly remaining: number;
  readonly endsAt: number | undefined;
}

/** Two ends closer than this are the same window: the header counts whole seconds and our view of the server's clock gets refined. */
const SAME_WINDOW_MS = 1_500;
const ASK_AGAIN_MS = 60_000;
const FORGET_MS = 180_000;
/** An empty budget whose end is not known, or is past: the answer to the next call will tell. */
const UNKNOWN_END_MS = 250;
const SPREAD_BELOW = 0.15;
/** With fewer calls a minute than this, spreading the last of them would only delay small imports. */
const SPREAD_FROM_LIMIT = 60;
/** With more left than this at a window's end, calls that arrive before the new one begins find room. */
const SURELY_LEFT = 32;

export class WindowBudget {
  #limit = 0;
  #remaining = 0;
  #endsAt: number | undefined;
  #seenAt = 0;
  #rolledAt = Number.NEGATIVE_INFINITY;
  #confirmed = true;
  #scoutOut = false;
  #lastSentAt = 0;

  /** Calls a window, or undefined while the service does not say. */
  get limit(): number | undefined {
    return this.#limit === 0 ? undefined : this.#limit;
  }

  /** True when, by what is known, a call sent now should not be refused. */
  hasRoom(now: number): boolean {
    this.#refresh(now, 0);
    return this.#limit !== 0 && this.#remaining > 0;
  }

  /** Milliseconds until the next call may leave: 0 = now, Infinity = when one of the calls in flight is answered. */
  waitMs(now: number, inFlight: number): number {
    this.#refresh(now, inFlight);
    if (this.#limit === 0) return 0;
    if (!this.#confirmed) return this.#scoutOut ? Number.POSITIVE_INFINITY : 0;
    const available = this.#remaining - inFlight;
    if (available <= 0) return this.#untilNews(now, inFlight);
    return this.#spreadMs(now, available);
  }

  sent(now: number): void {
    this.#lastSentAt = now;
    if (!this.#confirmed) this.#scoutOut = true;
  }

  /** The call sent at `sentAt` is over; `sighting` is what its answer said, if there was one that said anything. */
  settled(sentAt: number, sighting: BudgetSighting | undefined, answered: boolean, now: number): void {
    const ofThisWindow = sentAt >= this.#rolledAt;
    if (ofThisWindow) {
      this.#scoutOut = false;
      if (answered) this.#confirmed = true;
    }
    if (sighting !== undefined) this.#see(sighting, ofThisWindow, now);
  }

  #see(sighting: BudgetSighting, ofThisWindow: boolean, now: number): void {
    const { limit, remaining, endsAt } = sighting;
    if (!ofThisWindow && (endsAt === undefined || endsAt <= this.#rolledAt + SAME_WINDOW_MS)) return;
    const known = limit === this.#limit ? this.#endsAt : undefined;
    const laterMs = endsAt === undefined || known === undefined ? undefined : endsAt - known;
    if (laterMs !== undefined && laterMs < -SAME_WINDOW_MS) return;
    const refines = laterMs !== undefined && laterMs <= SAME_WINDOW_MS;
    this.#remaining = refines ? Math.min(this.#remaining, remaining) : remaining;
    this.#limit = limit;
    this.#seenAt = now;
    this.#endsAt = endsAt !== undefined && endsAt > now ? endsAt : undefined;
    if (this.#endsAt === undefined && remaining <= 0) this.#endsAt = now + UNKNOWN_END_MS;
  }

  /** Forgets what is too old to be true; opens a new window when the known one has ended or has kept us waiting long enough. */
  #refresh(now: number, inFlight: number): void {
    if (this.#limit === 0) return;
    if (now - this.#seenAt > FORGET_MS) {
      this.#limit = 0;
      this.#confirmed = true;
      return;
    }
    const ended = this.#endsAt !== undefined && now >= this.#endsAt;
    const waitedLong = this.#confirmed && this.#remaining <= 0 && inFlight === 0 && now - this.#seenAt >= ASK_AGAIN_MS;
    if (!ended && !waitedLong) return;
    this.#confirmed = this.#remaining - inFlight > SURELY_LEFT;
    this.#scoutOut = false;
    this.#remaining = this.#limit;
    this.#endsAt = undefined;
    this.#rolledAt = now;
  }

  #untilNews(now: number, inFlight: number): number {
    const endMs = this.#endsAt === undefined ? Number.POSITIVE_INFINITY : this.#endsAt - now;
    return inFlight > 0 ? endMs : Math.max(1, Math.min(endMs, this.#seenAt + ASK_AGAIN_MS - now));
  }

  #spreadMs(now: number, available: number): number {
    if (this.#endsAt === undefined || this.#limit < SPREAD_FROM_LIMIT || available >= this.#limit * SPREAD_BELOW)
      return 0;
    const spacingMs = (this.#endsAt - this.#lastSentAt) / (available + 1);
    return Math.max(0, this.#lastSentAt + spacingMs - now);
  }
}
