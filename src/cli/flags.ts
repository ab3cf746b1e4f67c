/**
 * Every flag in one table, from which the parser, the help, the environment variables and the README are made. A flag's variable is
 * ZEP_IMPORT_ and its long name in capitals.
 */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { DOCUMENT_KINDS, PRESETS } from '../model.js';

export type FlagGroup =
  | 'Input'
  | 'Destination'
  | 'Service'
  | 'Upload'
  | 'Stopping and waiting'
  | 'State'
  | 'Output'
  | 'Reports'
  | 'Configuration';

export interface Flag {
  /** As commander reads it: `-m, --mapping <file>`. */
  readonly flags: string;
  readonly description: string;
  readonly group: FlagGroup;
  readonly default?: string | number | boolean;
  readonly choices?: readonly string[];
  readonly parse?: (text: string) => unknown;
}

function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(
        most === Number.MAX_SAFE_INTEGER
          ? `It takes a whole number from ${least}.`
          : `It takes a whole number from ${least} to ${most}.`,
      );
    }
    return value;
  };
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `15m`, `2h`, `500ms`, or a number of seconds, as milliseconds. */
export function duration(text: string): number {
  const ms = milliseconds(text);
  if (ms === undefined) throw new InvalidArgumentError('It takes a duration such as 90s, 15m, 2h or 500ms.');
  if (ms > 2 ** 31 - 1) throw new InvalidArgumentError('It takes at most 24 days.');
  return ms;
}

/** The same without an upper limit, and with a unit: a bare number is more often meant as days than as seconds. */
function age(text: string): number {
  const ms = /[a-z]\s*$/.test(text) ? milliseconds(text) : undefined;
  if (ms === undefined) throw new InvalidArgumentError('It takes an age such as 90d or 12h.');
  return ms;
}

function milliseconds(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim());
  const unit = UNITS[match?.[2] ?? 's'];
  return match?.[1] === undefined || unit === undefined ? undefined : Number(match[1]) * unit;
}

const SIZES: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

export function size(text: string): number {
  const match = /^(\d+)\s*([kmg]?)(?:i?b)?$/i.exec(text.trim());
  const unit = SIZES[match?.[2]?.toLowerCase() ?? ''];
  const value = Number(match?.[1] ?? Number.NaN) * (unit ?? Number.NaN);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It takes a size such as 64MiB or 1048576.');
  return value;
}

function sortMemory(text: string): number {
  const bytes = size(text);
  if (bytes < 4 * 1024 || bytes > 1024 ** 3) throw new InvalidArgumentError('It takes a size from 4KiB to 1GiB.');
  return bytes;
}

export interface LaneCount {
  readonly lanes: number | 'auto';
}

function lanes(text: string): number | 'auto' {
  return text === 'auto' ? 'auto' : wholeNumber(1, 64)(text);
}

function maxErrors(text: string): unknown {
  if (text === 'unlimited') return { kind: 'unlimited' };
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text);
  if (percent !== null) {
    const value = Number(percent[1]);
    if (value > 100) throw new InvalidArgumentError('It takes at most 100%.');
    return { kind: 'percent', value };
  }
  return { kind: 'count', value: wholeNumber(0)(text) };
}

const KINDS = ['users', 'graphs', 'threads'] as const;

function createMissing(text: string): ReadonlySet<string> {
  if (text.trim() === 'none') return new Set();
  const kinds = text.split(',').map((each) => each.trim());
  for (const kind of kinds) {
    if (!(KINDS as readonly string[]).includes(kind)) {
      throw new InvalidArgumentError('It takes users, graphs, threads (with commas between), or none.');
    }
  }
  return new Set(kinds);
}

function onlyWhich(text: string): string {
  if (text === 'rejected' || text === 'failed' || /^code=.+$/.test(text)) return text;
  throw new InvalidArgumentError('It takes rejected, failed, or code=CODE.');
}

function filled(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It takes a value that is not empty.');
  return text;
}

export const FLAGS = {
  mapping: {
    flags: '-m, --mapping <file>',
    description: 'mapping file (YAML or JSON): how a row becomes an item',
    group: 'Input',
    parse: filled,
  },
  preset: {
    flags: '--preset <name>',
    description: 'the sources are an export of this system',
    group: 'Input',
    choices: PRESETS,
  },
  includeDms: {
    flags: '--include-dms',
    description: 'of a Slack export: direct messages too',
    group: 'Input',
  },
  out: {
    flags: '--out <file>',
    description: 'where the mapping is written; - is standard output [NAME.zep.yaml]',
    group: 'Output',
    parse: filled,
  },
  format: {
    flags: '--format <format>',
    description: 'format of the sources, when name and content do not tell',
    group: 'Input',
    choices: ['auto', 'jsonl', 'json', 'csv', 'tsv', 'document', ...DOCUMENT_KINDS],
    default: 'auto',
  },
  encoding: {
    flags: '--encoding <name>',
    description: 'encoding of the sources, when it is not UTF-8 and no byte order mark tells',
    group: 'Input',
    parse: filled,
  },
  limit: { flags: '--limit <n>', description: 'read at most so many records', group: 'Input', parse: wholeNumber(0) },
  skip: {
    flags: '--skip <n>',
    description: 'pass over so many records first',
    group: 'Input',
    parse: wholeNumber(0),
    default: 0,
  },
  sort: {
    flags: '--sort <by>',
    description: 'created_at: send what each graph gets in the order of its time [mapping, else none]',
    group: 'Input',
    choices: ['created_at', 'none'],
  },
  sortMemory: {
    flags: '--sort-memory <size>',
    description: 'memory for sorting; what does not fit is sorted on disk',
    group: 'Input',
    parse: sortMemory,
    default: '48MiB',
  },
  maxRecordBytes: {
    flags: '--max-record-bytes <size>',
    description: 'a longer record is rejected',
    group: 'Input',
    parse: size,
    default: '64MiB',
  },
  maxDocumentBytes: {
    flags: '--max-document-bytes <size>',
    description: 'a larger document (PDF, Word, text, mail) is rejected',
    group: 'Input',
    parse: size,
    default: '32MiB',
  },
  maxDocumentSeconds: {
    flags: '--max-document-seconds <n>',
    description: 'a document that takes longer to read is rejected',
    group: 'Input',
    parse: wholeNumber(1, 86_400),
    default: 60,
  },
  graph: {
    flags: '--graph <id>',
    description: 'graph of every episode, whatever the mapping says',
    group: 'Destination',
    parse: filled,
  },
  user: {
    flags: '--user <id>',
    description: "user of every episode, owner of every message's thread",
    group: 'Destination',
    parse: filled,
  },
  thread: { flags: '--thread <id>', description: 'thread of every message', group: 'Destination', parse: filled },
  createMissing: {
    flags: '--create-missing <kinds>',
    description: 'create what does not exist: users,graphs,threads or none [threads; with --local all]',
    group: 'Destination',
    parse: createMissing,
  },
  local: {
    flags: '--local',
    description: 'use the local server inside this process (data in the state folder)',
    group: 'Service',
  },
  apiKey: {
    flags: '-k, --api-key <key>',
    description: 'API key; better in ZEP_API_KEY or a file',
    group: 'Service',
    parse: filled,
  },
  apiKeyFile: {
    flags: '--api-key-file <file>',
    description: 'file that holds the API key',
    group: 'Service',
    parse: filled,
  },
  apiUrl: {
    flags: '--api-url <url>',
    description: 'address of the service [ZEP_API_URL, else https://api.getzep.com]',
    group: 'Service',
    parse: filled,
  },
  profile: {
    flags: '-p, --profile <name>',
    description: 'named profile of a config file [ZEP_PROFILE]',
    group: 'Service',
    parse: filled,
  },
  rateLimit: {
    flags: '--rate-limit <n>',
    description: 'make at most so many calls a minute',
    group: 'Service',
    parse: wholeNumber(1),
  },
  chunkSize: {
    flags: '--chunk-size <n>',
    description: 'items in one add call',
    group: 'Upload',
    parse: wholeNumber(1, 10_000),
    default: 500,
  },
  batchSize: {
    flags: '--batch-size <n>',
    description: 'items in one batch',
    group: 'Upload',
    parse: wholeNumber(1, 50_000),
    default: 50_000,
  },
  concurrency: {
    flags: '--concurrency <n|auto>',
    description: 'lanes: batches that are filled at the same time',
    group: 'Upload',
    parse: lanes,
    default: 'auto',
  },
  order: {
    flags: '--order <order>',
    description: 'strict: a batch is processed when every earlier one with the same graphs is done; relaxed: at once',
    group: 'Upload',
    choices: ['strict', 'relaxed'],
    default: 'strict',
  },
  settleWindow: {
    flags: '--settle-window <duration>',
    description: 'how long an unanswered add may still arrive at the service',
    group: 'Upload',
    parse: duration,
    default: '30s',
  },
  maxErrors: {
    flags: '--max-errors <n|n%|unlimited>',
    description: 'stop when more rows than this are rejected',
    group: 'Stopping and waiting',
    parse: maxErrors,
    default: '100',
  },
  wait: {
    flags: '--wait',
    description: 'wait until the service has processed everything',
    group: 'Stopping and waiting',
    default: true,
  },
  noWait: {
    flags: '--no-wait',
    description: 'do not wait for the service to process what was handed over',
    group: 'Stopping and waiting',
  },
  waitTimeout: {
    flags: '--wait-timeout <duration>',
    description: 'wait at most so long after the upload',
    group: 'Stopping and waiting',
    parse: duration,
  },
  maxDuration: {
    flags: '--max-duration <duration>',
    description: 'stop after so long, as at an interrupt',
    group: 'Stopping and waiting',
    parse: duration,
  },
  stateDir: {
    flags: '--state-dir <folder>',
    description: 'where the ledger and the reports of runs are kept [$XDG_STATE_HOME/zep-import]',
    group: 'State',
    parse: filled,
  },
  name: {
    flags: '--name <name>',
    description: 'what this import is called: the same name goes on with it [its sources and mapping file]',
    group: 'State',
    parse: filled,
  },
  restart: {
    flags: '--restart',
    description: 'begin anew: the drafts of the unfinished run are deleted',
    group: 'State',
  },
  dedupe: {
    flags: '--dedupe',
    description: 'do not send again what the project holds already',
    group: 'State',
    default: true,
  },
  noDedupe: {
    flags: '--no-dedupe',
    description: 'send everything, and remember nothing of it for later imports',
    group: 'State',
  },
  onChanged: {
    flags: '--on-changed <what>',
    description: 'a known key with new content: send it again, or skip it [send]',
    group: 'State',
    choices: ['send', 'skip'],
  },
  noSpool: {
    flags: '--no-spool',
    description: 'keep no copy of standard input: then a draft that goes wrong cannot be made anew (exit 20)',
    group: 'State',
  },
  stageOnly: {
    flags: '--stage-only',
    description: 'upload drafts and process none: zep-import commit does, zep-import discard deletes them',
    group: 'Stopping and waiting',
  },
  only: {
    flags: '--only <which>',
    description: 'only these: rejected, failed, or code=CODE',
    group: 'Input',
    parse: onlyWhich,
  },
  remap: {
    flags: '--remap',
    description: 'by the mapping as it is now',
    group: 'Input',
  },
  forget: {
    flags: '--forget',
    description: 'send nothing: take them off the list',
    group: 'Input',
  },
  progress: {
    flags: '--progress <mode>',
    description: 'how progress is shown on standard error',
    group: 'Output',
    choices: ['auto', 'bar', 'plain', 'json', 'none'],
    default: 'auto',
  },
  output: {
    flags: '-o, --output <format>',
    description: 'how the result is printed on standard output',
    group: 'Output',
    choices: ['table', 'json'],
    default: 'table',
  },
  quiet: { flags: '-q, --quiet', description: 'say only what went wrong', group: 'Output' },
  verbose: { flags: '-v, --verbose', description: 'say more', group: 'Output' },
  annotations: {
    flags: '--annotations <kind>',
    description: 'github: show what went wrong at its file and line, as commands of GitHub Actions; auto: there only',
    group: 'Reports',
    choices: ['auto', 'github', 'none'],
    default: 'auto',
  },
  junit: {
    flags: '--junit <file>',
    description: 'write the outcome as JUnit XML: a case for the rows, one for each batch',
    group: 'Reports',
    parse: filled,
  },
  summaryFile: {
    flags: '--summary-file <file>',
    description: 'write the summary as Markdown; it is added to $GITHUB_STEP_SUMMARY anyway',
    group: 'Reports',
    parse: filled,
  },
  notify: {
    flags: '--notify <url>',
    description: 'POST the summary there as JSON when the run ends, signed with ZEP_IMPORT_NOTIFY_SECRET',
    group: 'Reports',
    parse: filled,
  },
  noColor: { flags: '--no-color', description: 'no colours', group: 'Output' },
  yes: { flags: '-y, --yes', description: 'answer every question with yes', group: 'Output' },
  items: {
    flags: '-n, --items <n>',
    description: 'how many items to show',
    group: 'Input',
    parse: wholeNumber(1, 10_000),
    default: 10,
  },
  dryRun: {
    flags: '-n, --dry-run',
    description: 'read and map everything, send nothing (the same as check)',
    group: 'Stopping and waiting',
  },
  explain: {
    flags: '--explain <rows>',
    description: 'show the way of these records from source to item: numbers, or FILE:LINE, apart by commas',
    group: 'Input',
    parse: filled,
  },
  testsOnly: {
    flags: '--tests-only',
    description: "run only the mapping's own tests; no source is needed",
    group: 'Input',
  },
  keep: {
    flags: '--keep <n>',
    description: 'so many of the newest runs stay',
    group: 'State',
    parse: wholeNumber(0),
  },
  olderThan: {
    flags: '--older-than <age>',
    description: 'only runs that ended so long ago, such as 90d',
    group: 'State',
    parse: age,
  },
  watch: {
    flags: '--watch',
    description: 'follow it until nothing moves any more',
    group: 'Stopping and waiting',
  },
  deep: {
    flags: '--deep',
    description: 'compare the uuid of every item as well (lists every batch)',
    group: 'Service',
  },
  fresh: {
    flags: '--fresh',
    description: 'ask the service for the state of every item (lists every batch)',
    group: 'Service',
  },
  port: {
    flags: '--port <n>',
    description: 'port on 127.0.0.1 [any free one]',
    group: 'Service',
    parse: wholeNumber(0, 65_535),
  },
  noOpen: { flags: '--no-open', description: 'do not open the browser', group: 'Output' },
  config: {
    flags: '--config <file>',
    description: 'config file, instead of the ones that are found [zep-import.yaml, the user config]',
    group: 'Configuration',
    parse: filled,
  },
  noConfig: { flags: '--no-config', description: 'read no config file', group: 'Configuration' },
  origin: { flags: '--origin', description: 'say where each value comes from', group: 'Output' },
  status: { flags: '--status <status>', description: 'only those with this status', group: 'Input', parse: filled },
} as const satisfies Record<string, Flag>;

export type FlagName = keyof typeof FLAGS;

const typedTexts = new WeakMap<Option, string>();

export interface FlagsOfCommand {
  /** Taken, but not shown and without effect: there so that one command line fits several commands. */
  readonly hidden?: readonly FlagName[];
  /** What a flag does in this command, where that is not what it does elsewhere. */
  readonly wording?: Readonly<Partial<Record<FlagName, string>>>;
  /** What a flag takes in this command, where that is not what it takes elsewhere; the first is the default. */
  readonly choices?: Readonly<Partial<Record<FlagName, readonly string[]>>>;
}

/** Adds flags to a command. */
export function addFlags(command: Command, names: readonly FlagName[], of: FlagsOfCommand = {}): Command {
  const hidden = (of.hidden ?? []).filter((name) => !names.includes(name));
  for (const name of [...names, ...hidden]) {
    const option = optionOf(flagOf(name, of)).hideHelp(!names.includes(name));
    command.addOption(option);
    command.on(`option:${option.name()}`, (text: string | null) => typedTexts.set(option, text ?? ''));
  }
  return command;
}

/** The value of an option as it was typed (empty for one that takes none); undefined when it was not typed. */
export function typedText(option: Option): string | undefined {
  return typedTexts.get(option);
}

/** ZEP_IMPORT_CHUNK_SIZE for --chunk-size; ZEP_IMPORT_NO_WAIT for --no-wait. */
export function variableOf(flag: Flag): string {
  const long = /--([a-z-]+)/.exec(flag.flags)?.[1] ?? '';
  return `ZEP_IMPORT_${long.replaceAll('-', '_').toUpperCase()}`;
}

function flagOf(name: FlagName, { wording, choices }: FlagsOfCommand): Flag {
  const flag: Flag = FLAGS[name];
  const [standard] = choices?.[name] ?? [];
  return {
    ...flag,
    description: wording?.[name] ?? flag.description,
    ...(standard === undefined ? {} : { choices: choices?.[name] ?? [], default: standard }),
  };
}

/** Takes no value. commander itself counts `--no-x` to neither kind. */
export function isSwitch(option: Option): boolean {
  return !option.required && !option.optional;
}

/** A flag as commander has it. */
export function optionOf(flag: Flag): Option {
  const option = new Option(flag.flags, flag.description).helpGroup(flag.group);
  if (flag.choices !== undefined) option.choices(flag.choices);
  if (flag.parse !== undefined) option.argParser(flag.parse);
  if (flag.default !== undefined) {
    const parsed =
      typeof flag.default === 'string' && flag.parse !== undefined ? flag.parse(flag.default) : flag.default;
    option.default(parsed, String(flag.default));
  }
  return option;
}
