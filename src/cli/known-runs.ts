/**
 * What the commands about earlier runs have in common: the ledger, which is only looked at where there is one; the run that is meant; the way to
 * its project; the last line.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError } from '../errors.js';
import { Ledger } from '../ledger/ledger.js';
import { RunLock } from '../ledger/run-lock.js';
import type { StoredRun } from '../ledger/runs.js';
import { printable } from '../progress/escape.js';
import { findRun, noRuns } from '../run/find-run.js';
import type { ReportFacts } from '../run/report-run.js';
import { print, type Io } from './io.js';
import { sameProject } from './next-command.js';
import type { Values } from './options.js';
import { openSession, type Session, type SessionOptions } from './session.js';
import { stateDir } from './state-dir.js';

export interface KnownRun {
  readonly ledger: Ledger;
  readonly run: StoredRun;
  /** The state folder. */
  readonly state: string;
}

export function runsFolder(state: string): string {
  return join(state, 'runs');
}

/** Opens the ledger of the state folder; undefined where there is none, and none is made. The caller closes it. */
export async function openBooks(values: Values, io: Io): Promise<Ledger | undefined> {
  const path = join(stateDir(values.stateDir, io.env), 'ledger.db');
  return existsSync(path) ? Ledger.open(path) : undefined;
}

/** Finds the run that the first argument means (the newest without one), and closes the ledger behind the work. Exit 4 when there is none. */
export async function withKnownRun(
  args: readonly string[],
  values: Values,
  io: Io,
  work: (known: KnownRun) => Promise<void>,
): Promise<void> {
  const ledger = await openBooks(values, io);
  if (ledger === undefined) throw noRuns();
  try {
    await work({ ledger, run: findRun(ledger, args[0]), state: stateDir(values.stateDir, io.env) });
  } finally {
    ledger.close();
  }
}

/** Whether a process is at work on the run. */
export async function isRunning(run: StoredRun, state: string): Promise<boolean> {
  const folder = join(state, 'locks');
  if (run.state !== 'open' || !existsSync(join(folder, `${run.key}.lock`))) return false;
  return RunLock.isHeld(folder, run.key);
}

export async function factsOf(run: StoredRun, state: string, values: Values): Promise<ReportFacts> {
  return { isRunning: await isRunning(run, state), commandLine: (words) => sameProject(words, values) };
}

/** The way to the project of a run: as the run itself went, unless another way is given. Exit 4 when it leads to another project. */
export async function openSessionOf(run: StoredRun, values: Values, io: Io, options: SessionOptions): Promise<Session> {
  const session = await openSession(wayOf(run, values, io), io, options);
  if (session.project === run.project) return session;
  await session.close();
  throw new AppError(
    `run ${run.id} belongs to project ${run.project} at ${run.host}; the key from ${session.keyOrigin} opens ${session.projectName} at ${session.host}`,
    {
      code: 'other-project',
      disposition: 'not-found',
      hint: 'give the key of that project',
    },
  );
}

/** Where nothing is given that says which service or which key, the flags of the run do. */
export function wayOf({ command }: StoredRun, values: Values, io: Io): Values {
  const typed = new Map(command.flags.map(({ name, words }) => [name, words[1] ?? '']));
  const isSaid = (name: 'local' | 'apiUrl' | 'apiKey' | 'apiKeyFile' | 'profile'): boolean =>
    values[name] !== undefined && isOfNow(values, name);
  const hasAddress = isSaid('local') || isSaid('apiUrl') || (io.env['ZEP_API_URL'] ?? '') !== '';
  const hasKey = isSaid('apiKey') || isSaid('apiKeyFile') || isSaid('profile');
  const [apiUrl, keyFile, profile] = [typed.get('apiUrl'), typed.get('apiKeyFile'), typed.get('profile')];
  const way: Partial<Record<WayName, unknown>> = {
    ...(hasAddress || !typed.has('local') ? {} : { local: true, apiUrl: undefined }),
    ...(hasAddress || apiUrl === undefined ? {} : { apiUrl, local: undefined }),
    ...(hasKey || (keyFile === undefined && profile === undefined)
      ? {}
      : { apiKeyFile: keyFile === undefined ? undefined : resolve(command.cwd, keyFile), profile, named: undefined }),
  };
  const origins = new Map(values.origins);
  for (const name of Object.keys(way)) origins.delete(name);
  return { ...values, ...way, origins } as Values;
}

type WayName = 'local' | 'apiUrl' | 'apiKeyFile' | 'profile' | 'named';

/** Said now, as opposed to standing in a file always: a run goes on as it went. The profile that is named now brings its settings along. */
function isOfNow({ origins, named }: Values, name: string): boolean {
  const origin = origins.get(name);
  if (origin?.kind !== 'file') return true;
  return named !== undefined && named.named.by !== 'file' && origin.setting.profile === named.name;
}

/** What keeps a service from being asked, as opposed to what is wrong with the question. */
const OUT_OF_REACH: ReadonlySet<string> = new Set(['unavailable', 'timeout', 'rate-limited']);

/** Why the service cannot be asked now; undefined for an error that must be told as such. Waiting helps, but not against a missing key. */
export function outOfReach(error: unknown, isWaitedFor: boolean): string | undefined {
  if (!(error instanceof AppError)) return undefined;
  const isPassing = OUT_OF_REACH.has(error.disposition) || error.code === 'local-data-in-use';
  return isPassing || (error.code === 'no-api-key' && !isWaitedFor) ? error.message : undefined;
}

/** Tells on standard error why it takes long before the first answer. */
export function tellWaiting(values: Values, io: Io): NonNullable<SessionOptions['onWait']> {
  return (_reason, _ms, detail) => {
    if (detail !== undefined && values.quiet !== true) io.stderr.write(`trying again: ${printable(detail)}\n`);
  };
}

/** The last line of a command that leaves something to do. */
export async function tellNext(next: string | undefined, values: Values, io: Io): Promise<void> {
  if (next !== undefined && values.quiet !== true) await print(io.stderr, `next: ${next}\n`);
}
