/**
 * One argument of the command line becomes the paths it stands for. An existing path means itself before it means a pattern, so that
 * a file called `[1].json` can be read.
 */
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { usageError } from '../errors.js';
import { compressionByName } from './compression.js';
import { formatByName, KNOWN_SUFFIXES } from './formats.js';
import type { SourceFormat } from '../model.js';
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
  // A file that is named is found without it.
  const { glob, isDynamicPattern } = await import('tinyglobby');
  if (!isDynamicPattern(arg)) {
    throw usageError('source-not-found', `${arg} does not exist`, 'Check the name; zep-import --help shows examples.');
  }
  const found = await glob(arg, { cwd, onlyFiles: false, expandDirectories: false });
  // A pattern with ** names folders and what lies in them: every file counts once.
  const files = new Set<string>();
  for (const path of found) {
    if (!path.endsWith('/')) files.add(path);
    else for (const file of await filesBelow(path, cwd)) files.add(file);
  }
  if (files.size === 0) {
    throw usageError(
      'source-not-found',
      `no file matches ${arg}`,
      'Check the pattern, and quote it if the shell must not expand it.',
    );
  }
  const sorted = sortOut([...files], options);
  if (sorted.known.length === 0) return sorted.others;
  tellOthers(arg, sorted, options);
  return sorted.known;
}

/** Every file of a known format below a folder; hidden files and folders are left out. */
async function filesOfFolder(folder: string, cwd: string, options: SourceOptions): Promise<readonly string[]> {
  const sorted = sortOut(await filesBelow(folder, cwd), options);
  const { known, others } = sorted;
  if (known.length === 0) {
    throw usageError(
      'empty-folder',
      `the folder ${folder} holds no file of a known format${others.length > 0 ? `: ${list(others)}` : ''}`,
      `Known are ${KNOWN_SUFFIXES} (also with .gz .br .zst); --format reads files of other names.`,
    );
  }
  tellOthers(folder, sorted, options);
  return known;
}

async function filesBelow(folder: string, cwd: string): Promise<readonly string[]> {
  const root = resolve(cwd, folder);
  // The pattern below finds nothing, silently, in a folder that cannot be read.
  await access(root, constants.R_OK | constants.X_OK).catch(() => {
    throw usageError('unreadable-source', `${folder} cannot be read: permission denied`, `Try: ls -ld ${folder}`);
  });
  const { glob } = await import('tinyglobby');
  const found = await glob('**/*', { cwd: root, dot: false, onlyFiles: true, expandDirectories: false });
  return await withoutTwins(
    found.map((path) => join(folder, relative(root, resolve(root, path)))),
    cwd,
  );
}

interface Sorted {
  readonly known: readonly string[];
  /** Documents beside files of rows: a folder of data often holds a README. */
  readonly documents: readonly string[];
  readonly others: readonly string[];
}

/** Files of known formats and the others, each in natural order. Where the format is given, every file is of it. */
function sortOut(files: readonly string[], { format = 'auto' }: SourceOptions): Sorted {
  const sorted = [...files].sort(compareNatural);
  if (format !== 'auto' && format !== 'document') return { known: sorted, documents: [], others: [] };
  const of = (wanted: (format: SourceFormat | undefined) => boolean): string[] =>
    sorted.filter((path) => wanted(formatOf(path)));
  const documents = of((each) => each === 'document');
  const rows = of((each) => each !== undefined && each !== 'document');
  const others = of((each) => each === undefined);
  if (format === 'document') return { known: documents, documents: [], others: [...rows, ...others] };
  return rows.length === 0 ? { known: documents, documents: [], others } : { known: rows, documents, others };
}

function tellOthers(where: string, { documents, others }: Sorted, options: SourceOptions): void {
  if (documents.length > 0) {
    const count = documents.length === 1 ? '1 document is' : `${documents.length} documents are`;
    options.notice?.(
      'documents-left-out',
      `${where}: ${count} left out beside files of rows: ${list(documents)}`,
      'to import documents, name them, or give --format document',
    );
  }
  if (others.length === 0) return;
  const count = others.length === 1 ? '1 file is' : `${others.length} files are`;
  options.notice?.('files-left-out', `${where}: ${count} left out, of no known format: ${list(others)}`);
}

/** A file that a link in the folder leads to as well is one file, by the name without a link. */
async function withoutTwins(paths: readonly string[], cwd: string): Promise<readonly string[]> {
  const names = new Map<string, string>();
  const root = await realpath(cwd);
  for (const path of paths) {
    const absolute = resolve(root, path);
    const real = await realpath(absolute).catch(() => absolute);
    if (real === absolute || !names.has(real)) names.set(real, path);
  }
  const kept = new Set(names.values());
  return paths.filter((path) => kept.has(path));
}

function formatOf(path: string): SourceFormat | undefined {
  return formatByName(compressionByName(path.slice(path.lastIndexOf(sep) + 1)).inner);
}

function list(paths: readonly string[]): string {
  return paths.slice(0, FILES_TOLD).join(', ') + (paths.length > FILES_TOLD ? ', …' : '');
}
