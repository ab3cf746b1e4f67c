/** The numbers scripts depend on, and nowhere else. */
import { AppError, type Disposition } from '../errors.js';
import type { RunStatus } from '../events.js';
import type { RunCondition } from '../run-report.js';

export const EXIT = {
  ok: 0,
  bug: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  rateLimited: 5,
  unavailable: 6,
  timeout: 7,
  finishedWithErrors: 10,
  tooManyRejects: 11,
  waitTimeout: 12,
  maxDuration: 13,
  staged: 14,
  ledger: 20,
  locked: 21,
  interrupted: 130,
  terminated: 143,
} as const;

/** What each code means, as the help and the README print it. */
export const EXIT_MEANINGS: readonly (readonly [number, string])[] = [
  [EXIT.ok, 'every item accepted and, when waiting, processed'],
  [EXIT.bug, 'a bug of ours (stack, where to report)'],
  [
    EXIT.usage,
    'usage: flags, mapping file, unreadable source, a question that nobody answered; nothing was sent by it',
  ],
  [EXIT.refused, 'the service refuses the key, permission or plan'],
  [EXIT.notFound, 'not found: run, batch, destination, or no Batch API at this address'],
  [EXIT.rateLimited, 'rate limited beyond the patience given'],
  [EXIT.unavailable, 'service unavailable after all retries (resumable)'],
  [EXIT.timeout, 'connection or request time-out that could not be settled (resumable)'],
  [
    EXIT.finishedWithErrors,
    'finished, but rows were rejected, or items failed or were canceled (check: rows would be rejected)',
  ],
  [EXIT.tooManyRejects, 'stopped by --max-errors (counted per try; percentages after 1,000 rows; resumable)'],
  [EXIT.waitTimeout, '--wait-timeout ran out; everything is handed over, the service still works (status tells)'],
  [EXIT.maxDuration, '--max-duration reached, state saved (resumable)'],
  [EXIT.staged, 'staged: drafts wait their turn; resume, commit or the same command hands them over'],
  [EXIT.ledger, 'ledger damaged, of a newer version, or not of this input'],
  [EXIT.locked, 'another process is running this import'],
  [EXIT.interrupted, 'interrupted (Ctrl-C), state saved (resumable)'],
  [EXIT.terminated, 'terminated (SIGTERM), state saved (resumable)'],
];

const BY_DISPOSITION: Readonly<Record<Disposition, number>> = {
  bug: EXIT.bug,
  usage: EXIT.usage,
  refused: EXIT.refused,
  'not-found': EXIT.notFound,
  'rate-limited': EXIT.rateLimited,
  unavailable: EXIT.unavailable,
  timeout: EXIT.timeout,
  'too-many-rejects': EXIT.tooManyRejects,
  ledger: EXIT.ledger,
  locked: EXIT.locked,
};

/** The code of an error that ended the program. */
export function exitCodeOfError(error: unknown): number {
  return error instanceof AppError ? BY_DISPOSITION[error.disposition] : EXIT.bug;
}

/** The code of `status`. `drafts`: some wait at the service to be processed. */
export function exitCodeOfCondition(condition: RunCondition, drafts: boolean): number {
  switch (condition) {
    case 'completed':
    case 'closed':
      return EXIT.ok;
    case 'completed-with-errors':
      return EXIT.finishedWithErrors;
    case 'running':
    case 'processing':
      return EXIT.waitTimeout;
    case 'staged':
      return EXIT.staged;
    case 'unfinished':
      return drafts ? EXIT.staged : EXIT.ok;
  }
}

/** The code of a run that ended with a summary. `signal` is the one that stopped it, if one did. */
export function exitCodeOfRun(status: RunStatus, error: unknown, signal: 'SIGINT' | 'SIGTERM' | undefined): number {
  switch (status) {
    case 'completed':
    case 'accepted':
      return EXIT.ok;
    case 'completed-with-errors':
      return EXIT.finishedWithErrors;
    case 'staged':
      return EXIT.staged;
    case 'too-many-rejects':
      return EXIT.tooManyRejects;
    case 'wait-timeout':
      return EXIT.waitTimeout;
    case 'max-duration':
      return EXIT.maxDuration;
    case 'interrupted':
      return signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
    case 'failed':
      return exitCodeOfError(error);
  }
}
