/** `dashboard`: a page over batches and runs, served on loopback until a signal ends it. */
import { join } from 'node:path';
import { systemClock } from '../../clock.js';
import { startDashboard, type Connection, type Dashboard } from '../../dashboard/index.js';
import { jsonLine, printable } from '../../progress/escape.js';
import { folderOfRun } from '../../run/prune-runs.js';
import { openInBrowser } from '../browser.js';
import { EXIT } from '../exit-codes.js';
import { print, type Io } from '../io.js';
import { factsOf, openBooks, outOfReach, runsFolder } from '../known-runs.js';
import { sameProject } from '../next-command.js';
import type { Values } from '../options.js';
import { openSession, type Session } from '../session.js';
import { endBySignal, type SignalName } from '../signals.js';
import { stateDir } from '../state-dir.js';

/** So long may an open call keep a process that was asked to end. */
const LINGER_MS = 2_000;
/** So long is the first answer of the service waited for before the page is served without it. */
const SLOW_MS = 3_000;

export async function dashboard(_args: readonly string[], values: Values, io: Io): Promise<void> {
  const stop = firstSignal(io);
  const state = stateDir(values.stateDir, io.env);
  let served: Dashboard | undefined;
  const open = async (): Promise<Session> =>
    openSession(values, io, {
      stop: stop.signal,
      onWait: (reason, ms, detail) => served?.waits(reason, waitText(ms, detail)),
    });
  let pending: Promise<Session> | undefined = open();
  try {
    if (!(await isWayOpen(pending, values, io, stop.signal))) pending = undefined;
    served = await startDashboard({
      port: values.port ?? 0,
      clock: systemClock,
      commandLine: (words) => sameProject(words, values),
      openBooks: () => openBooks(values, io),
      factsOf: (run) => factsOf(run, state, values),
      folderOf: (run) => folderOfRun(runsFolder(state), run) ?? join(state, 'runs', 'none'),
      connect: async () => {
        const session = pending ?? open();
        pending = undefined;
        return connectionOf(await session);
      },
    });
    await announce(served, values, io);
    await stop.done;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    stop.release();
    if (stop.name() !== undefined) endBySignal(io, stop.name() ?? 'SIGTERM', LINGER_MS);
    await served?.close();
    await pending?.then(
      (session) => session.close(),
      () => undefined,
    );
  }
  // A server that was asked to stop and did has done its work.
  io.exitCode = EXIT.ok;
}

/**
 * A wrong key or address is told at once; a service that cannot be reached now, or is slow to answer, is told on the page and tried again. False
 * when the session is none that could be used.
 */
async function isWayOpen(opening: Promise<Session>, values: Values, io: Io, stop: AbortSignal): Promise<boolean> {
  const isQuiet = values.quiet === true || values.output === 'json';
  const answered = new AbortController();
  try {
    const session = await Promise.race([opening, slowness(AbortSignal.any([stop, answered.signal]))]);
    if (session === undefined) {
      if (!isQuiet) await print(io.stderr, 'the service has not answered yet\n');
      return true;
    }
    if (!isQuiet) {
      await print(io.stderr, `project ${session.projectName} at ${session.host}, key from ${session.keyOrigin}\n`);
    }
    if (!session.isLocal) return true;
    // The data of the local server are held only while somebody looks.
    await session.close();
    return false;
  } catch (error) {
    const why = stop.aborted ? undefined : outOfReach(error, true);
    if (why === undefined) throw error;
    if (!isQuiet) await print(io.stderr, `not reached yet, trying again: ${printable(why)}\n`);
    return false;
  } finally {
    answered.abort();
  }
}

function slowness(stop: AbortSignal): Promise<undefined> {
  return systemClock.sleep(SLOW_MS, stop).then(
    () => undefined,
    () => undefined,
  );
}

function connectionOf(session: Session): Connection {
  const { api, project, projectName, host, isLocal } = session;
  return {
    api,
    project,
    projectName,
    host,
    isLocal,
    callsAMinute: () => api.connectionFacts().budget?.limit,
    close: () => session.close(),
  };
}

async function announce(served: Dashboard, values: Values, io: Io): Promise<void> {
  const url = served.url();
  await print(
    io.stdout,
    values.output === 'json' ? jsonLine({ type: 'dashboard', url, port: served.port }) : `${url}\n`,
  );
  const hasTerminal = io.stdout.isTTY === true && io.stderr.isTTY === true;
  if (hasTerminal && values.open !== false && !(await openInBrowser(served.urlForOnce(), io.env))) {
    if (values.quiet !== true) await print(io.stderr, 'no browser could be opened: open the address above\n');
  }
  if (values.quiet !== true && values.output !== 'json') await print(io.stderr, 'Ctrl-C ends it\n');
}

function waitText(ms: number, detail: string | undefined): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  return detail === undefined ? `again in ${seconds} s` : `${detail}, again in ${seconds} s`;
}

/** The second signal finds nobody listening and ends the process at once: nothing is lost by that. */
function firstSignal(io: Io): {
  readonly signal: AbortSignal;
  readonly done: Promise<void>;
  name(): SignalName | undefined;
  release(): void;
} {
  const stop = new AbortController();
  let name: SignalName | undefined;
  let resolveDone: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (resolveDone = resolve));
  const on = (signal: SignalName) => (): void => {
    name = signal;
    release();
    stop.abort('interrupt');
    resolveDone();
  };
  const onInterrupt = on('SIGINT');
  const onTerminate = on('SIGTERM');
  function release(): void {
    io.removeListener('SIGINT', onInterrupt);
    io.removeListener('SIGTERM', onTerminate);
  }
  io.on('SIGINT', onInterrupt);
  io.on('SIGTERM', onTerminate);
  return { signal: stop.signal, done, name: () => name, release };
}
