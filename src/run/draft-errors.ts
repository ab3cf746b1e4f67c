/** Why a draft cannot be brought to its end now, each with what to do about it. */
import { AppError } from '../errors.js';
import type { Draft } from './drafts.js';

export function taken(draft: Draft, cause?: unknown): AppError {
  return new AppError(`batch ${draft.id} was processed by somebody else while it was not complete`, {
    code: 'batch-taken',
    disposition: 'timeout',
    hint: `compare it with the input: zep-import batches show ${draft.id}`,
    cause,
  });
}

export function unanswered(draft: Draft, attempts: number): AppError {
  return new AppError(`the service answered none of ${attempts} add calls to batch ${draft.id}, and applied none`, {
    code: 'unsettled',
    disposition: 'timeout',
    hint: 'run the same command again when the service answers',
  });
}

export function unsettled(draft: Draft, rebuilds: number): AppError {
  return new AppError(`batch ${draft.number} of lane ${draft.lane} did not come right after ${rebuilds} attempts`, {
    code: 'unsettled',
    disposition: 'timeout',
    hint: 'run the same command again when the service is steady',
  });
}
