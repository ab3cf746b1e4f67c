/**
 * Which config files there are: the project's, beside the data or above it, and the user's own. A project's file is looked for from the current
 * folder up to the root of the repository, or to the home folder, and never above: what lies in a folder that others can write to
 * (/tmp, the root of a shared disk) is nobody's project. For the same reason the way up ends where the owner of the folders changes.
 */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { usageError } from '../../errors.js';
import type { Io } from '../io.js';

export const PROJECT_NAMES = ['zep-import.yaml', 'zep-import.yml', 'zep-import.json'] as const;
const USER_NAMES = ['config.yaml', 'config.yml', 'config.json'] as const;

export interface Places {
  readonly cwd: string | undefined;
  readonly home: string;
  /** The folder of the user's own config file. */
  readonly userFolder: string;
}

export function placesOf(env: Io['env'], platform: NodeJS.Platform = process.platform): Places {
  const named = platform === 'win32' ? env['USERPROFILE'] : env['HOME'];
  const home = realOr(named === undefined || named === '' ? homedir() : named);
  const xdg = env['XDG_CONFIG_HOME'];
  const base =
    platform === 'win32'
      ? (env['APPDATA'] ?? join(home, 'AppData', 'Roaming'))
      : xdg !== undefined && isAbsolute(xdg)
        ? xdg
        : join(home, '.config');
  return { cwd: currentFolder(), home, userFolder: join(base, 'zep-import') };
}

/** Undefined when it was deleted meanwhile. */
function currentFolder(): string | undefined {
  try {
    return realpathSync('.');
  } catch {
    return undefined;
  }
}

/** With links resolved, as the current folder is; as it is where it leads nowhere. */
export function realOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** The folders in which a project's file may lie, nearest first. */
export function projectFolders({ cwd, home }: Places): readonly string[] {
  if (cwd === undefined) return [];
  const folders: string[] = [];
  const owner = ownerOf(cwd);
  for (let folder = cwd; ; folder = dirname(folder)) {
    folders.push(folder);
    if (folder === home || existsSync(join(folder, '.git'))) return folders;
    const above = dirname(folder);
    if (above === folder || ownerOf(above) !== owner) return [cwd];
  }
}

function ownerOf(folder: string): number | undefined {
  return statSync(folder, { throwIfNoEntry: false })?.uid;
}

/** The nearest project's file. Throws usageError when a folder holds two. */
export function findProjectFile(places: Places): string | undefined {
  for (const folder of projectFolders(places)) {
    const found = onlyOne(folder, PROJECT_NAMES);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function findUserFile({ userFolder }: Places): string | undefined {
  return onlyOne(userFolder, USER_NAMES);
}

function onlyOne(folder: string, names: readonly string[]): string | undefined {
  const found = names.map((name) => join(folder, name)).filter((path) => existsSync(path));
  if (found.length < 2) return found[0];
  throw usageError('two-configs', `there are two config files: ${found.join(' and ')}`, 'keep one of them');
}

/** All places where a user's file is looked for. */
export function userCandidates({ userFolder }: Places): readonly string[] {
  return USER_NAMES.map((name) => join(userFolder, name));
}
