/**
 * Compiled code is kept for the next start, where Node can do that (22.8 and later): in a folder that is the user's own, because what is in it is
 * run. Whatever stands in the way means a start without it.
 */
import { statSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { makeWithParents } from './state-dir.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where compiled code lies, by the conventions of the platform. */
export function compileCacheFolder(env: Environment, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') {
    return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'zep-import', 'compiled');
  }
  const xdg = env['XDG_CACHE_HOME'];
  const home = platform === 'darwin' ? join(homedir(), 'Library', 'Caches') : join(homedir(), '.cache');
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : home, 'zep-import', 'compiled');
}

/** Call it before the program is loaded. Does nothing where NODE_COMPILE_CACHE names another folder, or NODE_DISABLE_COMPILE_CACHE is set. */
export function keepCompiled(env: Environment): void {
  const { enableCompileCache } = nodeModule as { readonly enableCompileCache?: (folder: string) => unknown };
  if (
    enableCompileCache === undefined ||
    isSet(env['NODE_COMPILE_CACHE']) ||
    isSet(env['NODE_DISABLE_COMPILE_CACHE'])
  ) {
    return;
  }
  try {
    const folder = compileCacheFolder(env);
    // As root in the home of somebody else, a folder of ours would be in their way.
    if (!isOurs(nearestThatIs(folder))) return;
    makeWithParents(folder, 0o700);
    if ([folder, dirname(folder)].every(isOursAlone)) enableCompileCache(folder);
  } catch {
    // No home, no room, no right to write: not worth a word.
  }
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '';

function nearestThatIs(folder: string): string {
  const parent = dirname(folder);
  const isThere = statSync(folder, { throwIfNoEntry: false }) !== undefined;
  return isThere || parent === folder ? folder : nearestThatIs(parent);
}

function isOurs(folder: string): boolean {
  return process.getuid === undefined || statSync(folder).uid === process.getuid();
}

/** Nobody else may put code there. */
function isOursAlone(folder: string): boolean {
  return process.getuid === undefined || (isOurs(folder) && (statSync(folder).mode & 0o022) === 0);
}
