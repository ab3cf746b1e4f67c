/** Looking at a run again and again until nothing moves in it any more. */
import type { Clock } from '../clock.js';
import type { RunReport } from '../run-report.js';

const FIRST_POLL_MS = 1_000;
const SLOWEST_POLL_MS = 15_000;
const POLL_GROWTH = 1.4;

export interface FollowDeps {
  readonly look: () => Promise<RunReport>;
  readonly show: (report: RunReport) => void;
  readonly clock: Clock;
}

/** Resolves with the last look. An abort ends it at once, also in the middle of a look, with what was known then, if anything was. */
export async function followRun(
  { look, show, clock }: FollowDeps,
  signal: AbortSignal,
): Promise<RunReport | undefined> {
  let pollMs = FIRST_POLL_MS;
  let last: RunReport | undefined;
  try {
    for (;;) {
      last = await look();
      show(last);
      if (!moves(last)) return last;
      await clock.sleep(pollMs, signal);
      pollMs = Math.min(SLOWEST_POLL_MS, pollMs * POLL_GROWTH);
    }
  } catch (error) {
    if (signal.aborted && error === signal.reason) return last;
    throw error;
  }
}

function moves({ condition }: RunReport): boolean {
  return condition === 'running' || condition === 'processing';
}
