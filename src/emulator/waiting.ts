/** Waiting that the end of the server, or of a request, cuts short: a server that is asked to stop must not sit out its own delays. */
import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock.js';

/** Resolves after `ms`, or rejects as soon as one of `ends` is aborted. */
export async function waitUnless(clock: Clock, ms: number, ends: readonly AbortSignal[]): Promise<void> {
  const ended = new AbortController();
  const end = (): void => ended.abort(new Error('the wait was cut short'));
  for (const signal of ends) {
    setMaxListeners(0, signal); // one a request that is being held back
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true, signal: ended.signal });
  }
  try {
    await clock.sleep(ms, ended.signal);
  } finally {
    end();
  }
}
