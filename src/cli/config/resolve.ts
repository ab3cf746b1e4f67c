/**
 * From config files to the settings that hold for a command: which profile is meant, which file wins, and what a file found beside the data may not
 * decide. Such a file may come from anybody. It may say how an import runs, but not where the key goes, which key that is, where the books
 * lie (a foreign ledger names addresses too), what is overwritten, or what a question is answered with.
 */
import { usageError, type AppError } from '../../errors.js';
import type { Io } from '../io.js';
import type { Config, ConfigFile } from './load.js';
import type { Setting } from './settings.js';

export type NamedBy =
  | { readonly by: 'flag' }
  | { readonly by: 'variable'; readonly variable: string }
  | { readonly by: 'file'; readonly setting: Setting; readonly isTrusted: boolean };

/** The profile that is meant. */
export interface NamedProfile {
  readonly name: string;
  readonly named: NamedBy;
  /** Whose it is; unknown: no file has it. */
  readonly owner: 'own' | 'zepctl' | 'unknown';
  /** Of an own profile: the file with its key. */
  readonly keyFile: Setting | undefined;
  readonly apiUrl: string | undefined;
  /** Names that are known, for a person who mistyped one. */
  readonly known: readonly string[];
}

export interface FileSetting extends Setting {
  /** The higher one wins. */
  readonly rank: number;
  /** It stands in a project's file that may not decide this. */
  readonly isWithheld: boolean;
}

export interface Resolved {
  readonly settings: ReadonlyMap<string, FileSetting>;
  readonly profile: NamedProfile | undefined;
}

/** What a project's file may not decide. */
const NOT_FOR_A_PROJECT: ReadonlySet<string> = new Set([
  'apiUrl',
  'apiKeyFile',
  'stateDir',
  'out',
  'junit',
  'summaryFile',
  'notify',
  'yes',
  'restart',
  'forget',
  'keep',
  'olderThan',
]);

const RANKS = { base: { project: 2, user: 1, named: 1 }, profile: { project: 4, user: 3, named: 3 } } as const;

/** `asked`: the profile that a flag or a variable names. Throws usageError `config-untrusted`. */
export async function resolveConfig(
  config: Config,
  asked: { readonly name: string; readonly named: NamedBy } | undefined,
  env: Io['env'],
): Promise<Resolved> {
  const meant = asked ?? profileOfFiles(config);
  const layers = config.files.flatMap((file) => layersOf(file, meant?.name));
  const profile = meant === undefined ? undefined : await profileOf(config, meant.name, meant.named, env);
  if (profile?.owner === 'zepctl' && profile.zepctl !== undefined) {
    layers.push({ rank: RANKS.profile.user, isTrusted: true, settings: new Map([['apiUrl', profile.zepctl]]) });
  }
  return { settings: merged(layers), profile };
}

interface Layer {
  readonly rank: number;
  readonly isTrusted: boolean;
  readonly settings: ReadonlyMap<string, Setting>;
}

function layersOf(file: ConfigFile, profile: string | undefined): Layer[] {
  const { kind, isTrusted } = file;
  const base = { rank: RANKS.base[kind], isTrusted, settings: file.settings };
  const own = profile === undefined ? undefined : file.profiles.get(profile);
  return own === undefined ? [base] : [base, { rank: RANKS.profile[kind], isTrusted, settings: own }];
}

function merged(layers: readonly Layer[]): ReadonlyMap<string, FileSetting> {
  const settings = new Map<string, FileSetting>();
  const ordered = [...layers].sort((a, b) => a.rank - b.rank);
  for (const { rank, isTrusted, settings: own } of ordered) {
    for (const [attribute, setting] of own) {
      if (attribute === 'profile') continue;
      const below = settings.get(attribute);
      const agrees = below !== undefined && !below.isWithheld && below.text === setting.text;
      const isWithheld = !isTrusted && NOT_FOR_A_PROJECT.has(attribute) && !agrees;
      settings.set(attribute, { ...setting, rank, isWithheld });
    }
  }
  return settings;
}

/** A project's file may choose among the user's profiles, but not against a choice that the user has made. */
function profileOfFiles({ files }: Config): { readonly name: string; readonly named: NamedBy } | undefined {
  const choices = files.flatMap(({ settings, isTrusted }) => {
    const setting = settings.get('profile');
    return setting === undefined ? [] : [{ setting, isTrusted }];
  });
  const [first, second] = choices;
  if (first === undefined) return undefined;
  if (!first.isTrusted && second !== undefined && second.setting.text !== first.setting.text) {
    throw untrusted(first.setting, `the profile ${first.setting.text} (your own config says ${second.setting.text})`);
  }
  return { name: first.setting.text, named: { by: 'file', ...first } };
}

async function profileOf(
  { files }: Config,
  name: string,
  named: NamedBy,
  env: Io['env'],
): Promise<NamedProfile & { readonly zepctl: Setting | undefined }> {
  const own = files.filter(({ profiles }) => profiles.has(name));
  const known = files.flatMap(({ profiles }) => [...profiles.keys()]);
  if (own.length > 0) {
    // The key of a project's own profile would have to be agreed to first.
    const settings = own.filter(({ isTrusted }) => isTrusted).map(({ profiles }) => profiles.get(name));
    const first = (attribute: string): Setting | undefined =>
      settings.map((each) => each?.get(attribute)).find((each) => each !== undefined);
    const apiUrl = first('apiUrl')?.text;
    return { name, named, owner: 'own', keyFile: first('apiKeyFile'), apiUrl, known, zepctl: undefined };
  }
  const [{ readZepctl }, { placesOf }] = await Promise.all([import('./zepctl.js'), import('./find.js')]);
  const zepctl = await readZepctl(placesOf(env));
  const found = zepctl?.profiles.filter((each) => each.name === name).at(-1);
  const all = [...known, ...(zepctl?.profiles.map((each) => each.name) ?? [])];
  const facts = { name, named, keyFile: undefined, apiUrl: found?.apiUrl, known: all };
  if (found === undefined || zepctl === undefined) return { ...facts, owner: 'unknown', zepctl: undefined };
  const { apiUrl, line, column } = found;
  const setting: Setting | undefined =
    apiUrl === undefined
      ? undefined
      : {
          attribute: 'apiUrl',
          text: apiUrl,
          value: apiUrl,
          words: ['--api-url', apiUrl],
          file: zepctl.path,
          profile: name,
          line,
          column,
        };
  return { ...facts, owner: 'zepctl', zepctl: setting };
}

/** A project's file wants to decide what it may not. */
export function untrusted(setting: Setting, what: string): AppError {
  return usageError(
    'config-untrusted',
    `${placeOf(setting)}: a config file that lies beside the data may not choose ${what}: it may come from anybody, and could lead your key astray or answer in your name`,
    `if it is yours: name it with --config, or add its folder to trust: in your own config file; else give the flag yourself, or leave the file aside with --no-config`,
  );
}

export function withheldError(setting: Setting): AppError {
  const key = setting.words[0]?.replace(/^--/, '') ?? setting.attribute;
  return untrusted(setting, `${key} (${setting.text})`);
}

/** `zep-import.yaml:3`, as an editor opens it. */
export function placeOf({ file, line }: Pick<Setting, 'file' | 'line'>): string {
  return `${file}:${line}`;
}
