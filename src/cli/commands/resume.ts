/** `resume` and `commit`: the command of an undelivered run once more, from what was typed then; what is typed now wins. */
import { AppError, usageError } from '../../errors.js';
import type { StoredRun } from '../../ledger/runs.js';
import type { Protocol } from '../../run/protocol.js';
import { findRun, noRuns } from '../../run/find-run.js';
import { withReports, type Reports } from '../ci-reports.js';
import { importSources } from '../import-command.js';
import type { Io } from '../io.js';
import { openBooks, wayOf } from '../known-runs.js';
import type { ImportSettings } from '../last-words.js';
import { parseRun } from '../main.js';
import type { Values } from '../options.js';
import { retryAgain } from './retry.js';

export async function resume(args: readonly string[], values: Values, io: Io, protocol: Protocol): Promise<void> {
  await withReports('resume', values, io, (reports) => goOn(args, values, io, protocol, reports));
}

async function goOn(
  args: readonly string[],
  values: Values,
  io: Io,
  protocol: Protocol,
  reports: Reports,
): Promise<void> {
  const run = await openRunOf(args, values, io, ({ state }) => state === 'open');
  if (run.parent !== undefined) {
    await retryAgain(run, values, io, protocol, reports);
    return;
  }
  const { args: sources, values: typed } = typedAgain(run, values, io);
  const readsStdin = sources.includes('-');
  if (readsStdin && !run.complete) {
    throw usageError(
      'needs-input',
      `run ${run.id} reads standard input, and has not read it to its end`,
      'give the same input to the same command again: it goes on where it was; zep-import discard gives the run up',
    );
  }
  await importSources(sources, { ...typed, stageOnly: false }, io, settingsOf(run, protocol, readsStdin, reports));
}

export async function commit(args: readonly string[], values: Values, io: Io, protocol: Protocol): Promise<void> {
  await withReports('commit', values, io, async (reports) => {
    const run = await openRunOf(args, values, io, ({ state, staged }) => state === 'open' && staged);
    const { args: sources, values: typed } = typedAgain(run, values, io);
    await importSources(sources, { ...typed, stageOnly: false }, io, settingsOf(run, protocol, true, reports));
  });
}

function settingsOf(run: StoredRun, protocol: Protocol, handOverOnly: boolean, reports: Reports): ImportSettings {
  return { command: 'run', key: run.key, handOverOnly, protocol, reports };
}

/** The run that is meant: without a word, the newest that the command can do something about. Exit 4 when there is none. */
export async function openRunOf(
  args: readonly string[],
  values: Values,
  io: Io,
  isMeant: (run: StoredRun) => boolean,
): Promise<StoredRun> {
  const ledger = await openBooks(values, io);
  if (ledger === undefined) throw noRuns();
  try {
    if (args[0] === undefined) {
      const newest = ledger.runs.all().find(isMeant);
      if (newest !== undefined) return newest;
      throw notOpen('there is no such run');
    }
    const run = findRun(ledger, args[0]);
    if (!isMeant(run)) throw notOpen(`run ${run.id} is ${run.state === 'open' ? 'not staged' : run.state}`);
    return run;
  } finally {
    ledger.close();
  }
}

function notOpen(message: string): AppError {
  return new AppError(`${message}: there is nothing to go on with`, {
    code: 'not-open',
    disposition: 'not-found',
    hint: 'zep-import runs lists all of them',
  });
}

const OF_RETRY: ReadonlySet<string> = new Set(['only', 'remap', 'forget']);

/** What was typed for a run, with the flags that are typed now behind it. */
export function typedAgain(
  run: StoredRun,
  values: Values,
  io: Io,
): { readonly args: readonly string[]; readonly values: Values } {
  const { command } = run;
  const before = command.flags.filter(({ name }) => name !== 'stageOnly').flatMap(({ words }) => words);
  const now = values.given.flatMap(({ name, words }) => (OF_RETRY.has(name) ? [] : words));
  const typed = parseRun([...before, ...now, '--', ...command.sources]);
  const way = wayOf(run, values, io);
  const taken: Record<string, unknown> = { named: way.named };
  const origins = new Map(typed.values.origins);
  const take = (name: string, from: Values): void => {
    taken[name] = from[name as keyof Values];
    const origin = from.origins.get(name);
    if (origin === undefined) origins.delete(name);
    else origins.set(name, origin);
  };
  for (const name of ['local', 'apiUrl', 'apiKeyFile', 'profile']) take(name, way);
  // How things are shown is what the files say now, where nobody typed it.
  for (const name of ['quiet', 'verbose', 'color', 'output', 'progress']) {
    if (!origins.has(name) && values.origins.has(name)) take(name, values);
  }
  return { args: typed.args, values: { ...typed.values, ...taken, origins } };
}
