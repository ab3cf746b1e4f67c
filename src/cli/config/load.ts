/**
 * The config files of a command, found and read. A file that is not there is no mistake, unless it was named. What reads files is loaded when there is
 * one, since most commands run without.
 */
import { resolve } from 'node:path';
import type { Io } from '../io.js';
import { findProjectFile, findUserFile, placesOf } from './find.js';
import type { Setting } from './settings.js';

/** project: found beside the data; user: the user's own; named: given by --config. */
export type FileKind = 'project' | 'user' | 'named';

export interface ConfigFile {
  readonly path: string;
  readonly kind: FileKind;
  /** What stands in it counts as the user's own word. A project's file is somebody else's until the user says otherwise. */
  readonly isTrusted: boolean;
  readonly settings: ReadonlyMap<string, Setting>;
  readonly profiles: ReadonlyMap<string, ReadonlyMap<string, Setting>>;
}

export interface Config {
  /** The one that wins first. */
  readonly files: readonly ConfigFile[];
}

export const NO_CONFIG: Config = { files: [] };

/** What was said of config files by flag or variable: one by name, or none. */
export type ConfigChoice = { readonly file: string } | 'none' | undefined;

/** Reads what there is. Throws usageError `config-invalid`, `config-unreadable` or `two-configs`. */
export async function loadConfig(env: Io['env'], choice?: ConfigChoice): Promise<Config> {
  if (choice === 'none') return NO_CONFIG;
  if (choice !== undefined) {
    const { readFile } = await import('./read-file.js');
    return { files: [(await readFile(resolve(choice.file), 'named', [])).file] };
  }
  const places = placesOf(env);
  const project = findProjectFile(places);
  const userPath = findUserFile(places);
  if (project === undefined && userPath === undefined) return NO_CONFIG;
  const { readFile } = await import('./read-file.js');
  const user = userPath === undefined ? undefined : await readFile(userPath, 'user', []);
  const files: ConfigFile[] = [];
  if (project !== undefined && project !== userPath) {
    files.push((await readFile(project, 'project', user?.trusted ?? [])).file);
  }
  if (user !== undefined) files.push(user.file);
  return { files };
}
