/**
 * Ctrl-C and SIGTERM: the first stops softly (what is in flight is finished, the books are closed), the second leaves at once. Leaving never
 * depends on what is still waited for: a pipe that nobody writes to cannot be closed from within, so the signal itself ends the process then.
 */
import type { StopReason, Stops } from '../run/import-run.js';
import type { Io } from './io.js';

export type SignalName = 'SIGINT' | 'SIGTERM';

export interface SignalStops extends Stops {
  /** The signal that asked for the stop, if one did. */
  signal(): SignalName | undefined;
  /** Why `soft` was aborted; meaningless before. */
  reason(): StopReason;
  /** No signals are listened to any more, no timer runs. */
  release(): void;
}

/** So long may closing the books take after the second signal. */
const LEAVE_MS = 3_000;

export function stopsOf(io: Io, maxDurationMs: number | undefined, onSoft: (hard: boolean) => void): SignalStops {
  const soft = new AbortController();
  const hard = new AbortController();
  let signal: SignalName | undefined;
  const stop = (name: SignalName): void => {
    signal ??= name;
    if (soft.signal.aborted) {
      onSoft(true);
      hard.abort(new Error('interrupted'));
      endBySignal(io, signal, LEAVE_MS);
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
    reason: () => soft.signal.reason as StopReason,
    release() {
      io.removeListener('SIGINT', onInterrupt);
      io.removeListener('SIGTERM', onTerminate);
      clearTimeout(timer);
    },
  };
}

/** The stop came before anything was sent: there are no books to close. */
export class StoppedEarly extends Error {
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(reason === 'max-duration' ? '--max-duration reached' : 'interrupted');
    this.name = 'StoppedEarly';
    this.reason = reason;
  }
}

/** Waits for work that knows of no stop, such as the first bytes of a pipe. Rejects with StoppedEarly, and leaves the work to itself. */
export async function untilStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  work.catch(() => undefined);
  let onStop: () => void = () => undefined;
  const stopped = new Promise<never>((_, reject) => {
    onStop = (): void => reject(new StoppedEarly(stop.reason as StopReason));
    if (stop.aborted) onStop();
    else stop.addEventListener('abort', onStop, { once: true });
  });
  try {
    return await Promise.race([work, stopped]);
  } catch (error) {
    throw stop.aborted ? new StoppedEarly(stop.reason as StopReason) : error;
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}

/** If the process still lives then, something keeps it that cannot be ended from within: the signal, unheard, ends it. */
export function endBySignal(io: Io, name: SignalName, afterMs: number): void {
  setTimeout(() => {
    io.removeAllListeners?.(name);
    if (io.pid !== undefined) io.kill?.(io.pid, name);
  }, afterMs).unref();
}
