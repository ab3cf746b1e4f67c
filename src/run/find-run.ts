/** The run that a person means. */
import { AppError } from '../errors.js';
import type { Ledger } from '../ledger/ledger.js';
import type { StoredRun } from '../ledger/runs.js';

const NAMED = 5;

/**
 * By its id, its name (the newest of that name), or the beginning of its id where that is enough; without a word the newest run. Throws
 * AppError `run-not-found`, `run-ambiguous` or `no-runs` (exit 4).
 */
export function findRun(ledger: Ledger, word: string | undefined): StoredRun {
  const runs = ledger.runs.all();
  const [newest] = runs;
  if (newest === undefined) throw noRuns();
  if (word === undefined) return newest;
  const exact = runs.find((run) => run.id === word) ?? runs.find((run) => run.name === word);
  if (exact !== undefined) return exact;
  const [first, ...others] = word === '' ? [] : runs.filter((run) => run.id.startsWith(word));
  if (first === undefined) throw notFound('run-not-found', `no run ${word} in this state folder`);
  if (others.length === 0) return first;
  const named = [first, ...others].slice(0, NAMED).map((run) => run.id);
  const more = others.length + 1 > named.length ? ', ...' : '';
  throw notFound('run-ambiguous', `${others.length + 1} runs begin with ${word}: ${named.join(', ')}${more}`);
}

/** There is a state folder without runs, or none. */
export function noRuns(): AppError {
  return new AppError('no runs yet', {
    code: 'no-runs',
    disposition: 'not-found',
    hint: 'zep-import run makes one; --state-dir names another folder',
  });
}

function notFound(code: string, message: string): AppError {
  return new AppError(message, { code, disposition: 'not-found', hint: 'zep-import runs' });
}
