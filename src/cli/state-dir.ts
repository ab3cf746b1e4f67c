/** Where state lies: --state-dir, else the platform's folder for program state. Everything in it is for its owner alone (0700, 0600). */
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { usageError } from '../errors.js';
import type { Io } from './io.js';

export function stateDir(
  flag: string | undefined,
  env: Io['env'],
  platform: NodeJS.Platform = process.platform,
): string {
  if (flag !== undefined) return resolve(flag);
  if (platform === 'win32') {
    return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'zep-import');
  }
  const base = env['XDG_STATE_HOME'];
  return join(base !== undefined && base.startsWith('/') ? base : join(homedir(), '.local', 'state'), 'zep-import');
}

/** Makes the folder (and those above it). Throws usageError `state-unwritable`. */
export function makeFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  } catch (error) {
    throw usageError(
      'state-unwritable',
      `the state folder ${path} cannot be made: ${error instanceof Error ? error.message : String(error)}`,
      'make its parent writable, or name another folder with --state-dir',
    );
  }
}
