/** The script for fish. */
import type { CompletedCommand, CompletedFlag, Kind } from './tree.js';

export function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = [
    '# fish completion for zep-import, made by: zep-import completion fish',
    ...HELPERS(commands),
    'complete -c zep-import -f',
  ];
  for (const { path, below, argument } of commands) {
    for (const [name, about] of below) lines.push(complete([path], `-a ${quoted(name)} -d ${quoted(about)}`));
    if (argument === 'files' || argument === 'folders') lines.push(complete([path], '-F'));
    else if (argument !== undefined && argument !== 'text') lines.push(complete([path], `-a ${values(argument)}`));
  }
  for (const [text, paths] of flagLines(commands)) lines.push(complete(paths, text));
  return `${lines.join('\n')}\n`;
}

function HELPERS(commands: readonly CompletedCommand[]): readonly string[] {
  const deeper = commands.flatMap(({ path, below }) =>
    below.map(([name]) => `      case '${path}|${name}'\n        set path '${path === '' ? name : `${path}/${name}`}'`),
  );
  const valued = commands.flatMap(({ path, flags }) =>
    flags.flatMap(({ words, kind }) => (kind === undefined ? [] : words.map((word) => `'${path}|${word}'`))),
  );
  return [
    '# Whether the command that is being typed is one of these.',
    'function __zep_import_at',
    "  set -l path ''",
    "  set -l value ''",
    '  for word in (commandline -opc)[2..-1]',
    '    if test -n "$value"',
    "      set value ''",
    '      continue',
    '    end',
    '    switch "$path|$word"',
    ...deeper,
    `      case ${valued.join(' ')}`,
    '        set value 1',
    "      case '*|-*'",
    "      case '|*'",
    "        set path 'run'",
    '    end',
    '  end',
    '  contains -- "$path" $argv',
    'end',
    '',
    'function __zep_import_ask',
    '  set -l words (commandline -opc)',
    '  $words[1] __complete $argv[1] $words[2..-1] 2>/dev/null',
    'end',
    '',
  ];
}

/** What is the same for several commands is written once. */
function flagLines(commands: readonly CompletedCommand[]): ReadonlyMap<string, readonly string[]> {
  const lines = new Map<string, string[]>();
  for (const { path, flags } of commands) {
    for (const flag of flags) lines.set(flagText(flag), [...(lines.get(flagText(flag)) ?? []), path]);
  }
  return lines;
}

function flagText({ words, description, kind }: CompletedFlag): string {
  const names = words.map((word) => (word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`));
  return [...names, ...takes(kind), `-d ${quoted(description)}`].join(' ');
}

function takes(kind: Kind | undefined): readonly string[] {
  if (kind === undefined) return [];
  if (kind === 'files') return ['-r', '-F'];
  if (kind === 'folders') return ['-x', "-a '(__fish_complete_directories (commandline -ct))'"];
  return kind === 'text' ? ['-x'] : ['-x', `-a ${values(kind)}`];
}

function values(kind: Exclude<Kind, 'files' | 'folders' | 'text'>): string {
  return typeof kind === 'string' ? `'(__zep_import_ask ${kind})'` : quoted(kind.join(' '));
}

function complete(paths: readonly string[], text: string): string {
  return `complete -c zep-import -n "__zep_import_at ${paths.map((path) => `'${path}'`).join(' ')}" ${text}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
