/**
 * One argument of the command line becomes the paths it stands for. An existing path means itself before it means a pattern, so that
 * a file called `[1].json` can be read.
 */
import { stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { usageError } from '../errors.js';
import { compressionByName } from './compression.js';
import { formatByName, KNOWN_SUFFIXES } from './formats.js';
import type { SourceOptions } from './options.js';

/** `a2` before `a10`, the same in every locale. */
const natural = new Intl.Collator('en', { numeric: true });

const compareNatural = (a: string, b: string): number => natural.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);

const FILES_TOLD = 5;

/** The paths in reading order; relative ones stay as a person would write them. */
export async function expandArgument(arg: string, options: SourceOptions): Promise<readonly string[]> {
  const cwd = resolve(options.cwd ?? '.');
  const facts = await stat(resolve(cwd, arg)).catch(() => undefined);
  if (facts?.isDirectory() === true) return await filesOfFolder(arg, cwd, options);
  if (facts !== undefined) return [arg];
  if (!isDynamicPattern(arg)) {
    throw usageError('source-not-found', `${arg} does not exist`, 'Check the name; zep-import --help shows examples.');
  }
  const found = await glob(arg, { cwd, onlyFiles: false, expandDirectories: false });
  const files: string[] = [];
  for (const path of found.sort(compareNatural)) {
    if (path.endsWith('/')) files.push(...(await filesOfFolder(path, cwd, options)));
    else files.push(path);
  }
  if (files.length === 0) {
    throw usageError(
      'source-not-found',
      `no file matches ${arg}`,
      'Check the pattern, and quote it if the shell must not expand it.',
    );
  }
  return files;
}

/** Every file of a known format below a folder; hidden files and folders are left out. */
async function filesOfFolder(folder: string, cwd: string, options: SourceOptions): Promise<readonly string[]> {
  const root = resolve(cwd, folder);
  const found = await glob('**/*', { cwd: root, dot: false, onlyFiles: true, expandDirectories: false });
  const files = found.map((path) => join(folder, relative(root, resolve(root, path)))).sort(compareNatural);
  const known = options.format === undefined || options.format === 'auto' ? files.filter(isKnown) : files;
  const others = files.filter((path) => !known.includes(path));
  if (known.length === 0) {
    throw usageError(
      'empty-folder',
      `the folder ${folder} holds no file of a known format${others.length > 0 ? `: ${list(others)}` : ''}`,
      `Known are ${KNOWN_SUFFIXES} (also with .gz .br .zst); --format reads files of other names.`,
    );
  }
  if (others.length > 0) {
    options.notice?.(
      'files-left-out',
      `${folder}: ${others.length === 1 ? '1 file is' : `${others.length} files are`} left out, of no known format: ${list(others)}`,
    );
  }
  return known;
}

function isKnown(path: string): boolean {
  return formatByName(compressionByName(path.slice(path.lastIndexOf(sep) + 1)).inner) !== undefined;
}

function list(paths: readonly string[]): string {
  return paths.slice(0, FILES_TOLD).join(', ') + (paths.length > FILES_TOLD ? ', …' : '');
}
