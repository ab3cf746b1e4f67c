/**
 * The values of all flags after parsing, and how variables of the environment, and then config files, fill those that were not given. Where each
 * value comes from is kept beside it.
 */
import { InvalidArgumentError, type Command, type Option } from 'commander';
import { usageError } from '../errors.js';
import type { ConfigChoice, Config } from './config/load.js';
import type { FileSetting, NamedBy, NamedProfile } from './config/resolve.js';
import { isSwitch, typedText } from './flags.js';
import type { DocumentKind, PresetName, SourceFormat } from '../model.js';
import type { MaxErrors } from '../run/books.js';
import type { CreatableKind } from '../run/destinations.js';
import type { Io } from './io.js';

export interface Values {
  readonly mapping?: string;
  readonly preset?: PresetName;
  readonly out?: string;
  readonly includeDms?: boolean;
  readonly format: 'auto' | SourceFormat | DocumentKind;
  readonly encoding?: string;
  readonly limit?: number;
  readonly skip: number;
  readonly maxRecordBytes: number;
  readonly maxDocumentBytes: number;
  readonly maxDocumentSeconds: number;
  readonly sort?: 'created_at' | 'none';
  readonly sortMemory: number;
  readonly graph?: string;
  readonly user?: string;
  readonly thread?: string;
  readonly createMissing?: ReadonlySet<CreatableKind>;
  readonly local?: boolean;
  readonly apiKey?: string;
  readonly apiKeyFile?: string;
  readonly apiUrl?: string;
  readonly profile?: string;
  /** The path of a config file; false: none. */
  readonly config?: string | boolean;
  readonly origin?: boolean;
  readonly rateLimit?: number;
  readonly chunkSize: number;
  readonly batchSize: number;
  readonly concurrency: number | 'auto';
  readonly order: 'strict' | 'relaxed';
  readonly settleWindow: number;
  readonly maxErrors: MaxErrors;
  readonly wait: boolean;
  readonly waitTimeout?: number;
  readonly maxDuration?: number;
  readonly stateDir?: string;
  readonly name?: string;
  readonly restart?: boolean;
  readonly dedupe: boolean;
  readonly onChanged?: 'send' | 'skip';
  readonly spool: boolean;
  readonly stageOnly?: boolean;
  readonly only?: string;
  readonly remap?: boolean;
  readonly forget?: boolean;
  readonly progress: 'auto' | 'bar' | 'plain' | 'json' | 'none';
  readonly output: 'table' | 'json' | 'csv';
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color: boolean;
  readonly yes?: boolean;
  /** Only of commands that have it. */
  readonly annotations?: 'auto' | 'github' | 'none';
  readonly junit?: string;
  readonly summaryFile?: string;
  readonly notify?: string;
  readonly dryRun?: boolean;
  readonly items: number;
  readonly testsOnly?: boolean;
  readonly explain?: string;
  readonly status?: string;
  readonly port?: number;
  readonly open?: boolean;
  readonly keep?: number;
  /** Milliseconds. */
  readonly olderThan?: number;
  readonly watch?: boolean;
  readonly deep?: boolean;
  readonly fresh?: boolean;
  /** Names of the values that came from ZEP_IMPORT_… variables. */
  readonly fromEnvironment: ReadonlySet<string>;
  /** What was typed or came from variables, as it would be typed. */
  readonly given: readonly GivenFlag[];
  /** What came from config files, as it would be typed. */
  readonly configured: readonly GivenFlag[];
  /** Where the values come from that are not the defaults, by name. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** The profile that is meant, by whatever named it. */
  readonly named?: NamedProfile;
  /** What a project's config file wants and may not have; only where that is no error. */
  readonly withheld?: readonly FileSetting[];
}

export type Origin =
  | { readonly kind: 'flag' }
  | { readonly kind: 'variable'; readonly variable: string }
  | { readonly kind: 'file'; readonly setting: FileSetting };

/** How strong an origin is: what was typed, the environment, and files by their rank. */
export function strengthOf(origin: Origin | undefined): number {
  if (origin === undefined) return 0;
  return origin.kind === 'file' ? origin.setting.rank : origin.kind === 'variable' ? 50 : 100;
}

export interface GivenFlag {
  readonly name: string;
  /** `['--limit', '5']`, or `['--local']`. */
  readonly words: readonly string[];
}

const ON = new Set(['1', 'true', 'yes', 'on']);
const OFF = new Set(['0', 'false', 'no', 'off']);

/** The parsed values of a command; flags that were not given take their variable. Throws usageError for a variable that makes no sense. */
export function valuesOf(command: Command, env: Io['env']): Values {
  const fromEnvironment = new Set<string>();
  const origins = new Map<string, Origin>();
  const given: GivenFlag[] = [];
  for (const option of command.options) {
    const name = option.attributeName();
    const typed = typedText(option);
    if (typed !== undefined) given.push(givenFlag(option, typed));
    if (command.getOptionValueSource(name) === 'cli') {
      origins.set(name, { kind: 'flag' });
      continue;
    }
    const variable = `ZEP_IMPORT_${option.name().replaceAll('-', '_').toUpperCase()}`;
    const text = env[variable];
    if (text === undefined || text === '') continue;
    try {
      command.setOptionValueWithSource(name, parsed(option, text), 'env');
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw usageError('bad-variable', `${variable}=${text} is not valid. ${error.message}`);
    }
    fromEnvironment.add(name);
    origins.set(name, { kind: 'variable', variable });
    if (!isSwitch(option) || ON.has(text.toLowerCase())) given.push(givenFlag(option, text));
  }
  return { ...command.opts<Values>(), fromEnvironment, given, configured: [], origins };
}

export interface ConfigUse {
  /** Only these take a value from a file; undefined: all flags of the command. */
  readonly only?: ReadonlySet<string>;
  /** What a project's file may not decide is told in `withheld` instead of being an error. */
  readonly isLenient?: boolean;
  /** Instead of what flags and variables say. */
  readonly config?: Config;
}

/** The same, with what config files say of flags that neither were given nor have a variable. Throws usageError for a file that makes no sense. */
export async function effectiveValues(command: Command, env: Io['env'], use: ConfigUse = {}): Promise<Values> {
  const values = valuesOf(command, env);
  const { loadConfig } = await import('./config/load.js');
  const config = use.config ?? (await loadConfig(env, configChoice(values)));
  const asked = askedProfile(values, env);
  if (config.files.length === 0 && asked === undefined) return values;
  const { resolveConfig, withheldError } = await import('./config/resolve.js');
  const { settings, profile } = await resolveConfig(config, asked, env);
  const origins = new Map(values.origins);
  const configured: GivenFlag[] = [];
  const withheld: FileSetting[] = [];
  const taken: Record<string, unknown> = {};
  const isLocal = values.local === true;
  for (const option of command.options) {
    const name = option.attributeName();
    const setting = settings.get(name);
    if (setting === undefined || origins.has(name) || use.only?.has(name) === false) continue;
    if (name === 'apiUrl' && isSet(env['ZEP_API_URL'])) continue;
    // Nobody is asked where the local server is, or with which key.
    if (isLocal && (name === 'apiUrl' || name === 'apiKeyFile')) continue;
    // What this command takes may be other words than elsewhere, such as csv.
    if (option.argChoices?.includes(setting.text) === false) continue;
    if (setting.isWithheld) {
      // Taken, but without effect: then it harms nobody.
      if (use.isLenient !== true && !option.hidden) throw withheldError(setting);
      if (use.isLenient === true) withheld.push(setting);
      continue;
    }
    taken[name] = setting.value;
    origins.set(name, { kind: 'file', setting });
    configured.push({ name: camelCase(setting.words[0]?.replace(/^--/, '') ?? name), words: setting.words });
  }
  if (profile?.named.by === 'file') origins.set('profile', { kind: 'file', setting: fileSetting(profile.named) });
  return {
    ...values,
    ...taken,
    ...(profile?.named.by === 'file' ? { profile: profile.name } : {}),
    configured: configured.filter(({ words }) => words.length > 0),
    origins,
    ...(profile === undefined ? {} : { named: profile }),
    ...(withheld.length > 0 ? { withheld } : {}),
  };
}

function fileSetting(named: Extract<NamedBy, { by: 'file' }>): FileSetting {
  return { ...named.setting, rank: 1, isWithheld: false };
}

/** What flags and variables say of config files. */
export function configChoice({
  config,
  origins,
}: {
  readonly config?: unknown;
  readonly origins: Values['origins'];
}): ConfigChoice {
  if (config === false) return 'none';
  return typeof config === 'string' && origins.has('config') ? { file: config } : undefined;
}

/** The profile that was typed, or that a variable names. */
function askedProfile(values: Values, env: Io['env']): { readonly name: string; readonly named: NamedBy } | undefined {
  const origin = values.origins.get('profile');
  if (values.profile !== undefined && origin !== undefined) {
    return {
      name: values.profile,
      named: origin.kind === 'variable' ? { by: 'variable', variable: origin.variable } : { by: 'flag' },
    };
  }
  const name = env['ZEP_PROFILE'];
  return isSet(name) ? { name, named: { by: 'variable', variable: 'ZEP_PROFILE' } } : undefined;
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

function givenFlag(option: Option, text: string): GivenFlag {
  const flag = option.short ?? option.long ?? '';
  return { name: camelCase(option.name()), words: isSwitch(option) ? [flag] : [flag, text] };
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function parsed(option: Command['options'][number], text: string): unknown {
  if (isSwitch(option)) {
    const value = text.toLowerCase();
    if (!ON.has(value) && !OFF.has(value)) throw new InvalidArgumentError('It takes 1 or 0.');
    return option.negate ? !ON.has(value) : ON.has(value);
  }
  if (option.argChoices !== undefined && !option.argChoices.includes(text)) {
    throw new InvalidArgumentError(`It takes one of ${option.argChoices.join(', ')}.`);
  }
  const parse = option.parseArg as ((text: string, previous: unknown) => unknown) | undefined;
  return parse === undefined ? text : parse(text, undefined);
}
