/**
 * Time and chance come in as parameters, so that waiting can be tested without waiting. `now` is monotonic milliseconds where only
 * differences matter; `date` is wall-clock milliseconds, for people and for HTTP dates only: no decision of the protocol trusts it.
 */
import { onAbort } from './abort-listeners.js';

export interface Clock {
  now(): number;
  date(): number;
  /** Resolves after `ms`, or rejects with `signal.reason` as soon as the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  random(): number;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  random: () => Math.random(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const timer = setTimeout(() => {
        release();
        resolve();
      }, ms);
      const release = onAbort(signal, () => {
        clearTimeout(timer);
        release();
        reject(signal?.reason as Error);
      });
    });
  },
};
