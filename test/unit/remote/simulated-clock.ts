/** Time that passes only when everything has been done that can be done now. */
import type { Clock } from '../../../src/clock.js';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

export class SimulatedClock implements Clock {
  readonly #wallAtStart: number;
  readonly #timers = new Set<Timer>();
  #now = 1_000;
  #order = 0;
  #seed: number;

  /** `wallMs`: what the wall clock shows at the start. */
  constructor(wallMs = Date.UTC(2026, 10, 21, 12, 0, 20, 300), seed = 1) {
    this.#wallAtStart = wallMs - this.#now;
    this.#seed = seed;
  }

  now(): number {
    return this.#now;
  }

  date(): number {
    return Math.floor(this.#wallAtStart + this.#now);
  }

  /** mulberry32: the same numbers on every run. */
  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const timer: Timer = {
        at: this.#now + Math.max(0, ms),
        order: this.#order++,
        wake: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      const abort = (): void => {
        this.#timers.delete(timer);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#timers.add(timer);
    });
  }

  /** Lets time pass up to `untilMs` (monotonic). */
  async run(untilMs: number): Promise<void> {
    for (;;) {
      await settled();
      let next: Timer | undefined;
      for (const timer of this.#timers) {
        if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order))
          next = timer;
      }
      if (next === undefined || next.at > untilMs) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
    this.#now = Math.max(this.#now, untilMs);
    await settled();
  }
}

/** Every promise that can run has run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
