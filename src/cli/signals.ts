/** Ctrl-C and SIGTERM: the first stops softly (what is in flight is finished, the books are closed), the second leaves at once. */
import type { StopReason, Stops } from '../run/import-run.js';
import type { Io } from './io.js';

export interface SignalStops extends Stops {
  /** The signal that asked for the stop, if one did. */
  signal(): 'SIGINT' | 'SIGTERM' | undefined;
  /** No signals are listened to any more, no timer runs. */
  release(): void;
}

export function stopsOf(io: Io, maxDurationMs: number | undefined, onSoft: (hard: boolean) => void): SignalStops {
  const soft = new AbortController();
  const hard = new AbortController();
  let signal: 'SIGINT' | 'SIGTERM' | undefined;
  const stop = (name: 'SIGINT' | 'SIGTERM'): void => {
    signal ??= name;
    if (soft.signal.aborted) {
      onSoft(true);
      hard.abort(new Error('interrupted'));
      return;
    }
    onSoft(false);
    soft.abort((name === 'SIGINT' ? 'interrupt' : 'terminate') satisfies StopReason);
  };
  const onInterrupt = (): void => stop('SIGINT');
  const onTerminate = (): void => stop('SIGTERM');
  io.on('SIGINT', onInterrupt);
  io.on('SIGTERM', onTerminate);
  const timer =
    maxDurationMs === undefined
      ? undefined
      : setTimeout(() => soft.abort('max-duration' satisfies StopReason), maxDurationMs).unref();
  return {
    soft: soft.signal,
    hard: hard.signal,
    signal: () => signal,
    release() {
      io.removeListener('SIGINT', onInterrupt);
      io.removeListener('SIGTERM', onTerminate);
      clearTimeout(timer);
    },
  };
}
