/** One config file, read and checked: all its mistakes at once, each with its place. */
import { readFileSync, statSync } from 'node:fs';
import { sep } from 'node:path';
import { usageError, type AppError } from '../../errors.js';
import { realOr } from './find.js';
import type { ConfigFile, FileKind } from './load.js';
import type { ConfigNode, MapNode } from './nodes.js';
import { readPlain } from './plain-reader.js';
import { pathFrom, readSettings, type Setting } from './settings.js';
import type { Mistake } from './yaml-reader.js';

const MAX_BYTES = 256 * 1024;
const SHOWN = 10;
const TRUST = 'trust';
const PROFILES = 'profiles';

export interface ReadFile {
  readonly file: ConfigFile;
  /** Folders whose project files the user trusts. */
  readonly trusted: readonly string[];
}

/** Reads and checks one. Throws usageError `config-invalid` or `config-unreadable`. */
export async function readFile(path: string, kind: FileKind, trustedFolders: readonly string[]): Promise<ReadFile> {
  const map = await readMap(path);
  const mistakes: Mistake[] = [];
  const others = kind === 'project' ? [PROFILES] : [PROFILES, TRUST];
  const settings = readSettings(map, others, { file: path, profile: undefined, mistakes });
  const profiles = profilesOf(map, path, mistakes);
  const trusted = kind === 'project' ? [] : trustOf(map, path, mistakes);
  if (mistakes.length > 0) throw mistakesError(path, mistakes);
  const isTrusted =
    kind !== 'project' ||
    trustedFolders.some((folder) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep));
  return { file: { path, kind, isTrusted, settings, profiles }, trusted };
}

async function readMap(path: string): Promise<MapNode> {
  const text = textOf(path);
  const plain = readPlain(text);
  if (plain !== undefined) return plain;
  const { readYaml } = await import('./yaml-reader.js');
  const read = readYaml(text);
  if ('mistakes' in read) throw mistakesError(path, read.mistakes);
  return read.map;
}

function textOf(path: string): string {
  try {
    const stats = statSync(path);
    // A pipe or a device would never end.
    if (!stats.isFile()) throw new Error('it is not a file');
    if (stats.size > MAX_BYTES) throw new Error('it is too large for a config file');
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'permission denied' : message;
    throw usageError(
      'config-unreadable',
      `the config file ${path} cannot be read: ${why}`,
      'name another with --config, or leave it aside with --no-config',
    );
  }
}

function profilesOf(
  map: MapNode,
  file: string,
  mistakes: Mistake[],
): ReadonlyMap<string, ReadonlyMap<string, Setting>> {
  const profiles = new Map<string, ReadonlyMap<string, Setting>>();
  const node = entryOf(map, PROFILES);
  if (node === undefined) return profiles;
  if (node.kind !== 'map') {
    mistakes.push({ ...node, message: 'profiles: it takes a map: a name, and below it the settings of that profile' });
    return profiles;
  }
  for (const { key, value, line, column } of node.entries) {
    if (value.kind !== 'map') {
      mistakes.push({ line, column, message: `profiles.${key}: it takes a map of settings` });
      continue;
    }
    for (const name of ['profile', PROFILES, TRUST]) {
      const entry = value.entries.find((each) => each.key === name);
      if (entry !== undefined)
        mistakes.push({ ...entry, message: `profiles.${key}.${name}: it cannot stand inside a profile` });
    }
    profiles.set(key, readSettings(value, ['profile', PROFILES, TRUST], { file, profile: key, mistakes }));
  }
  return profiles;
}

function trustOf(map: MapNode, file: string, mistakes: Mistake[]): readonly string[] {
  const node = entryOf(map, TRUST);
  if (node === undefined) return [];
  const items = node.kind === 'list' ? node.items : [node];
  return items.flatMap((each) => {
    if (each.kind === 'scalar' && each.text !== '') return [realOr(pathFrom(file, each.text))];
    mistakes.push({ ...each, message: 'trust: it takes a folder, or a list of folders' });
    return [];
  });
}

function entryOf(map: MapNode, key: string): ConfigNode | undefined {
  return map.entries.find((each) => each.key === key)?.value;
}

function mistakesError(path: string, mistakes: readonly Mistake[]): AppError {
  const sorted = [...mistakes].sort((a, b) => a.line - b.line || a.column - b.column);
  const lines = sorted.slice(0, SHOWN).map(({ line, column, message }) => `${path}:${line}:${column} ${message}`);
  if (sorted.length > SHOWN) lines.push(`… and ${sorted.length - SHOWN} more`);
  const head = sorted.length === 1 ? '' : `${sorted.length} mistakes in the config file:\n`;
  return usageError(
    'config-invalid',
    head + lines.join('\n'),
    'nothing was done; --no-config leaves config files aside',
  );
}
