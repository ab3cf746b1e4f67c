/**
 * Time and chance come in as parameters, so that waiting can be tested without waiting. `now` is monotonic milliseconds where only
 * differences matter; `date` is wall-clock milliseconds, for people and for HTTP dates only: no decision of the protocol trusts it.
 */
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
      const done = (): void => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const timer = setTimeout(done, ms);
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
  },
};
