/**
 * The command to type next, as a shell takes it: with the sources and flags of the command that ran, since without them it would be another
 * import. The API key is never repeated.
 */
import { extname } from 'node:path';
import type { FlagName } from './flags.js';
import type { Values } from './options.js';

/** Flags of an input command that mean the same for `run`, `check` and `preview`. */
const NEVER: ReadonlySet<string> = new Set<FlagName>([
  'apiKey',
  'dryRun',
  'items',
  'yes',
  'status',
  'output',
  'progress',
]);
/** What is made of a run, and not what it is: of the command that runs, and no part of another. */
export const REPORTS: ReadonlySet<string> = new Set<FlagName>(['annotations', 'junit', 'summaryFile', 'notify']);
/** What says which rows of the sources are meant, how those are read, and which import it is. */
const OF_THE_SOURCES: ReadonlySet<string> = new Set<FlagName>([
  'format',
  'limit',
  'name',
  'noSpool',
  'restart',
  'skip',
]);
const OWN_LOOK: ReadonlySet<string> = new Set<FlagName>(['quiet', 'verbose', 'noColor']);
/** What says which project is meant. */
const WAY: ReadonlySet<string> = new Set<FlagName>(['local', 'apiKeyFile', 'apiUrl', 'profile', 'stateDir']);

/** `zep-import run tickets.csv -m map.yaml --graph g`: the same import as another command. */
export function sameInput(
  command: 'run' | 'check' | 'preview' | 'init',
  sources: readonly string[],
  values: Values,
): string {
  const flags = values.given.flatMap(({ name, words }) =>
    NEVER.has(name) || OWN_LOOK.has(name) || REPORTS.has(name) ? [] : words,
  );
  const looksLikeFlag = sources.some((source) => source.startsWith('-') && source !== '-');
  const words = looksLikeFlag ? [...flags, '--', ...sources] : [...sources, ...flags];
  return line([command, ...words]);
}

/** What says how the sources are read, and where their items go. */
const OF_A_GUESS: ReadonlySet<string> = new Set<FlagName>([
  'format',
  'encoding',
  'graph',
  'user',
  'thread',
  'config',
  'noConfig',
]);

/** `zep-import init tickets.csv`: a mapping for these sources. */
export function guessOf(sources: readonly string[], values: Values): string {
  return sameInput('init', sources, { ...values, given: values.given.filter(({ name }) => OF_A_GUESS.has(name)) });
}

/** Files of rejected rows, and the format that their sources were said to have. */
export interface RowsToMend {
  readonly files: readonly string[];
  readonly format: string | undefined;
}

/** The import of all rejected rows, mended where they lie: of other files than the sources, so that what is said of those alone is left out. */
export function mendedRows({ files, format }: RowsToMend, values: Values): string {
  const given = values.given.filter(({ name }) => !OF_THE_SOURCES.has(name));
  const [written] = files.map((file) => extname(file).slice(1));
  const renamed = format === undefined || written === undefined || format === written ? [] : ['--format', written];
  const line = sameInput('run', files, { ...values, given });
  return [line, ...renamed].join(' ');
}

/** `zep-import batches list --local`: a command about the same project. */
export function sameProject(words: readonly string[], values: Values): string {
  return line([...words, ...values.given.flatMap((flag) => (WAY.has(flag.name) ? flag.words : []))]);
}

function line(words: readonly string[]): string {
  return ['zep-import', ...words.map(quoted)].join(' ');
}

/** An argument as a POSIX shell takes it. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
