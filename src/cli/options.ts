/** The values of all flags after parsing, and how variables of the environment fill those that were not given. */
import { InvalidArgumentError, type Command, type Option } from 'commander';
import { usageError } from '../errors.js';
import { typedText } from './flags.js';
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
  const given: GivenFlag[] = [];
  for (const option of command.options) {
    const name = option.attributeName();
    const typed = typedText(option);
    if (typed !== undefined) given.push(givenFlag(option, typed));
    if (command.getOptionValueSource(name) === 'cli') continue;
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
    if (!option.isBoolean() || ON.has(text.toLowerCase())) given.push(givenFlag(option, text));
  }
  return { ...command.opts<Values>(), fromEnvironment, given };
}

function givenFlag(option: Option, text: string): GivenFlag {
  const flag = option.short ?? option.long ?? '';
  return { name: camelCase(option.name()), words: option.isBoolean() ? [flag] : [flag, text] };
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function parsed(option: Command['options'][number], text: string): unknown {
  if (option.isBoolean()) {
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
