/**
 * Waiting that ends at once when the signal is aborted. The promise itself goes on; its late failure is swallowed, because the
 * abort already said why nobody listens any more.
 */
import { onAbort } from '../abort-listeners.js';

export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) {
      promise.catch(() => undefined);
      abort();
      return;
    }
    promise.then(resolve, reject).finally(onAbort(signal, abort));
  });
}
