/** Where state lies: --state-dir, else the platform's folder for program state. Everything in it is for its owner alone (0700, 0600). */
import { mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
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
    makeWithParents(path);
    return path;
  } catch (error) {
    throw usageError(
      'state-unwritable',
      `the state folder ${path} cannot be made: ${reasonOf(error)}`,
      'name another folder with --state-dir',
    );
  }
}

/** mkdir's own `recursive` never returns on file systems that refuse a new folder as if its parent were missing, such as /proc. */
export function makeWithParents(path: string, mode?: number): void {
  if (isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeWithParents(parent, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Somebody else may have made it just now.
    if (!isFolder(path)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EEXIST' || code === 'ENOTDIR') return 'a file is in its place';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'EROFS') return 'the file system is read-only';
  if (code === 'ENOSPC') return 'the disk is full';
  return message;
}
