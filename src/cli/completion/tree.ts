/** The command line as a shell needs it: commands, their flags, and what may stand behind each. Made from the parser itself, so that it never lags behind. */
import type { Argument, Command, Option } from 'commander';
import { isSwitch } from '../flags.js';

/** What completes a value: a list, or something that the shell or the program is asked for. */
export type Kind = readonly string[] | 'files' | 'folders' | 'runs' | 'profiles' | 'text';

export interface CompletedFlag {
  /** `-m` and `--mapping`. */
  readonly words: readonly string[];
  readonly description: string;
  /** Undefined: it takes no value. */
  readonly kind: Kind | undefined;
}

export interface CompletedCommand {
  /** `batches/list`; the empty one is the program itself, whose flags are those of the default command. */
  readonly path: string;
  readonly description: string;
  readonly flags: readonly CompletedFlag[];
  /** Names of the commands below it. */
  readonly below: readonly (readonly [string, string])[];
  /** What its arguments are; undefined: it takes none. */
  readonly argument: Kind | undefined;
}

const DEFAULT = 'run';

export function completedCommands(program: Command): readonly CompletedCommand[] {
  const standard = program.commands.find((command) => command.name() === DEFAULT);
  const root: CompletedCommand = {
    path: '',
    description: program.description(),
    flags: [...flagsOf(program), ...(standard === undefined ? [] : flagsOf(standard))].filter(isFirst),
    below: program.commands.map(named),
    argument: 'files',
  };
  return [root, ...program.commands.flatMap((command) => below(command, ''))];
}

/** `--help` belongs to the program and to its default command. */
function isFirst(flag: CompletedFlag, at: number, all: readonly CompletedFlag[]): boolean {
  return all.findIndex(({ words }) => words.at(-1) === flag.words.at(-1)) === at;
}

function below(command: Command, above: string): readonly CompletedCommand[] {
  const path = above === '' ? command.name() : `${above}/${command.name()}`;
  const [argument] = command.registeredArguments;
  const own: CompletedCommand = {
    path,
    description: command.description(),
    flags: flagsOf(command),
    below: command.commands.map(named),
    argument: argument === undefined ? undefined : kindOfArgument(argument),
  };
  return [own, ...command.commands.flatMap((each) => below(each, path))];
}

function named(command: Command): readonly [string, string] {
  return [command.name(), command.description()];
}

function flagsOf(command: Command): readonly CompletedFlag[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map((option) => ({
      words: [option.short, option.long].filter((word) => word !== undefined),
      description: option.description,
      kind: isSwitch(option) ? undefined : kindOf(option),
    }));
}

function kindOfArgument(argument: Argument): Kind {
  if (argument.argChoices !== undefined) return argument.argChoices;
  const kinds: Readonly<Record<string, Kind>> = { sources: 'files', run: 'runs' };
  return kinds[argument.name()] ?? 'text';
}

/** By the name of what it takes, as the help shows it. */
function kindOf(option: Option): Kind {
  if (option.argChoices !== undefined) return option.argChoices;
  if (option.long === '--profile') return 'profiles';
  const placeholder = /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1] ?? '';
  const kinds: Readonly<Record<string, Kind>> = {
    file: 'files',
    folder: 'folders',
    kinds: ['users', 'graphs', 'threads', 'none'],
    which: ['rejected', 'failed'],
  };
  // Of `<n|auto>` the words can be offered, and the numbers not.
  const words = placeholder.split('|').filter((word) => word.length > 2 && !word.includes('%'));
  return kinds[placeholder] ?? (placeholder.includes('|') && words.length > 0 ? words : 'text');
}

/** `value` when all commands that have a flag say the same of it, else what each says. */
export interface FlagKinds {
  readonly common: ReadonlyMap<string, Kind>;
  /** By path and word. */
  readonly own: readonly { readonly path: string; readonly word: string; readonly kind: Kind | undefined }[];
}

export function flagKinds(commands: readonly CompletedCommand[]): FlagKinds {
  const seen = new Map<string, { path: string; kind: Kind | undefined }[]>();
  for (const { path, flags } of commands) {
    for (const { words, kind } of flags) {
      for (const word of words) seen.set(word, [...(seen.get(word) ?? []), { path, kind }]);
    }
  }
  const common = new Map<string, Kind>();
  const own: { path: string; word: string; kind: Kind | undefined }[] = [];
  for (const [word, uses] of seen) {
    const [first] = uses;
    const isCommon = uses.every(({ kind }) => String(kind) === String(first?.kind));
    if (!isCommon) own.push(...uses.map(({ path, kind }) => ({ path, word, kind })));
    else if (first?.kind !== undefined) common.set(word, first.kind);
  }
  return { common, own };
}
