/** `serve`: the local server in the foreground until a signal stops it. Its flags are the emulator's own table. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { startLocalServer } from '../../emulator/index.js';
import { parseServeOptions, readyLine, SERVE_FLAGS, type ServeValue } from '../../emulator/options.js';
import { EXIT } from '../exit-codes.js';
import { print, type Io } from '../io.js';
import { makeFolder, stateDir } from '../state-dir.js';

export async function serve(self: Command, io: Io): Promise<void> {
  const given: Record<string, ServeValue> = {};
  for (const { name } of SERVE_FLAGS) {
    const value = valueOf(self, name);
    if (value !== undefined) given[name] = value;
  }
  const parsed = parseServeOptions(given);
  const dataFile = parsed.dataFile ?? (given['data'] === ':memory:' ? undefined : localDataFile(self, io));
  const options = { ...parsed, ...(dataFile === undefined ? {} : { dataFile }) };
  const stopped = new Promise<number>((resolve) => {
    io.on('SIGINT', () => resolve(EXIT.interrupted));
    io.on('SIGTERM', () => resolve(EXIT.terminated));
  });
  const server = await startLocalServer({
    ...options,
    ...(self.getOptionValue('quiet') === true ? {} : { log: (line: string) => void io.stderr.write(`${line}\n`) }),
  });
  await print(io.stdout, `${readyLine(server, options)}\n`);
  await stopped;
  await server.close();
  // A server that was asked to stop and did has done its work.
  io.exitCode = EXIT.ok;
}

function localDataFile(self: Command, io: Io): string {
  return join(makeFolder(stateDir(self.getOptionValue('stateDir') as string | undefined, io.env)), 'local.db');
}

/** commander keeps `--no-x` as x = false. */
function valueOf(self: Command, name: string): ServeValue {
  if (!name.startsWith('no-')) return self.getOptionValue(camel(name)) as ServeValue;
  return self.getOptionValue(camel(name.slice(3))) === false ? true : undefined;
}

function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
