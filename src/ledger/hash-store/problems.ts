/**
 * What can go wrong with the files of the hash store, in the words of the ledger they are part of. A file that is not what was written is
 * damage and stops the import: a wrong answer would send an item twice or not at all.
 */
import { AppError } from '../../errors.js';

export function damaged(path: string, what: string, cause?: unknown): AppError {
  return new AppError(`the ledger file ${path} is damaged: ${what}`, {
    code: 'ledger-damaged',
    disposition: 'ledger',
    hint: 'restore the state folder from a copy, or name another one with --state-dir',
    cause,
  });
}

/** Of an error met while reading: a file that is gone is damage, one that the system will not read now may be readable later. */
export function readingError(path: string, error: unknown): unknown {
  if (!isOfTheSystem(error)) return error;
  const { code, message } = error;
  if (code === 'ENOENT') return damaged(path, 'it is missing', error);
  return new AppError(`the ledger file ${path} could not be read: ${message}`, {
    code: 'ledger-read',
    disposition: 'ledger',
    hint: 'make it readable, or name another folder with --state-dir',
    cause: error,
  });
}

/** Of an error met while writing. Other errors than the system's are given back as they are, here and above. */
export function writingError(path: string, error: unknown): unknown {
  if (!isOfTheSystem(error)) return error;
  const { code, message } = error;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new AppError(
    full ? `the disk with the ledger file ${path} is full` : `the ledger file ${path} could not be written: ${message}`,
    {
      code: full ? 'disk-full' : 'ledger-write',
      disposition: 'ledger',
      hint: 'nothing was sent after the last recorded step',
      cause: error,
    },
  );
}

/** Only errors of the system have a number besides their code. */
function isOfTheSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).errno === 'number';
}
