/** `serve`: the local server in the foreground until a signal stops it. Its flags are the emulator's own table. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { startLocalServer } from '../../emulator/index.js';
import { parseServeOptions, readyLine, SERVE_FLAGS, type ServeValue } from '../../emulator/options.js';
import { EXIT } from '../exit-codes.js';
import { print, type Io } from '../io.js';
import { effectiveValues } from '../options.js';
import { makeFolder, stateDir } from '../state-dir.js';

export async function serve(self: Command, io: Io): Promise<void> {
  const given: Record<string, ServeValue> = {};
  for (const { name, value: takes, repeatable } of SERVE_FLAGS) {
    const value = valueOf(self, name) ?? fromVariable(name, takes !== undefined, io.env);
    if (value !== undefined) given[name] = repeatable && typeof value === 'string' ? [value] : value;
  }
  const { stateDir: folder, quiet } = await effectiveValues(self, ownVariables(io.env), { only: SHARED });
  const parsed = parseServeOptions(given);
  const dataFile = parsed.dataFile ?? (given['data'] === ':memory:' ? undefined : localDataFile(folder, io));
  const options = { ...parsed, ...(dataFile === undefined ? {} : { dataFile }) };
  const stopped = firstSignal(io);
  const server = await startLocalServer({
    ...options,
    ...(quiet === true ? {} : { log: (line: string) => void io.stderr.write(`${line}\n`) }),
  });
  await print(io.stdout, `${readyLine(server, options)}\n`);
  await stopped;
  await server.close();
  // A server that was asked to stop and did has done its work.
  io.exitCode = EXIT.ok;
}

/** Nobody listens to the second signal, which therefore ends the process at once: what was acknowledged is on disk anyway. */
function firstSignal(io: Io): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      io.removeListener('SIGINT', stop);
      io.removeListener('SIGTERM', stop);
      resolve();
    };
    io.on('SIGINT', stop);
    io.on('SIGTERM', stop);
  });
}

function localDataFile(folder: string | undefined, io: Io): string {
  return join(makeFolder(stateDir(folder, io.env)), 'local.db');
}

/** The server's flags have variables like all others; they are checked by the server's own table. */
function fromVariable(name: string, takesValue: boolean, env: Io['env']): ServeValue {
  const text = env[`ZEP_IMPORT_${name.replaceAll('-', '_').toUpperCase()}`];
  if (text === undefined || text === '') return undefined;
  if (takesValue) return text;
  return /^(1|true|yes|on)$/i.test(text) ? true : undefined;
}

/** The flags that this command shares with others; `--rate-limit` is one of its own here. */
const SHARED: ReadonlySet<string> = new Set(['stateDir', 'quiet']);
const SHARED_VARIABLES: ReadonlySet<string> = new Set(
  ['STATE_DIR', 'QUIET', 'CONFIG', 'NO_CONFIG'].map((name) => `ZEP_IMPORT_${name}`),
);

/** The environment without the variables of flags that mean something else here. */
function ownVariables(env: Io['env']): Io['env'] {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('ZEP_IMPORT_') || SHARED_VARIABLES.has(name)),
  );
}

/** commander keeps `--no-x` as x = false. */
function valueOf(self: Command, name: string): ServeValue {
  if (!name.startsWith('no-')) return self.getOptionValue(camel(name)) as ServeValue;
  return self.getOptionValue(camel(name.slice(3))) === false ? true : undefined;
}

function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
