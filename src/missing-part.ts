/**
 * A part of the program, or of a library, that does not lie where it should: the program was updated or removed while this process runs, or is not
 * wholly installed. Never the fault of what is being read.
 */
import { AppError } from './errors.js';

/** The error to end with, when `error` says that code could not be found. */
export function missingPart(error: unknown): AppError | undefined {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return undefined;
  const [what = ''] = message.split('\n');
  return new AppError(`zep-import was updated or removed while it ran, or is not wholly installed: ${what}`, {
    code: 'program-part-missing',
    disposition: 'bug',
    hint: 'the same command goes on where this one ended; if it ends like this too, install zep-import anew',
    cause: error,
  });
}
