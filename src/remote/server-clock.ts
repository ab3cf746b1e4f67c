/**
 * The server's wall clock as seen from our monotonic one. A Date header is cut to whole seconds and arrives late, so one of them is off
 * by up to a second, too much to meet a window's end; each bounds the difference from both sides, though, and the bounds of a few calls
 * narrow it to a few milliseconds. Our own wall clock is used only until the first Date header.
 */
import type { Clock } from '../clock.js';

export class ServerClock {
  readonly #clock: Clock;
  /** server time − our monotonic time lies within these. */
  #low = Number.NEGATIVE_INFINITY;
  #high = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One answer: its Date (milliseconds), and the monotonic times at which its request left and its headers arrived. */
  observe(dateMs: number, sentAt: number, receivedAt: number): void {
    const low = dateMs - receivedAt;
    const high = dateMs + 1000 - sentAt;
    this.#low = Math.max(this.#low, low);
    this.#high = Math.min(this.#high, high);
    if (this.#low > this.#high) {
      // Somebody's clock was set, or two servers disagree: believe the newest.
      this.#low = low;
      this.#high = high;
    }
  }

  /** The server's wall clock minus ours, milliseconds, or undefined before the first date. */
  skewMs(): number | undefined {
    if (this.#low === Number.NEGATIVE_INFINITY) return undefined;
    const middle = (this.#low + this.#high) / 2;
    return Math.round(middle + this.#clock.now() - this.#clock.date());
  }

  /** Server wall-clock milliseconds at the given monotonic time, on the early side: what is computed from it is never too soon. */
  at(monotonicMs: number): number {
    if (this.#low === Number.NEGATIVE_INFINITY) return this.#clock.date() + (monotonicMs - this.#clock.now());
    return monotonicMs + this.#low;
  }

  /** The monotonic time at which the server's clock shows `serverMs`, on the late side. */
  toMonotonic(serverMs: number): number {
    const now = this.#clock.now();
    return now + (serverMs - this.at(now));
  }
}
