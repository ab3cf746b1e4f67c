/** The script for bash. It runs on 3.2 too (macOS), where `compopt` and `mapfile` are missing. */
import { flagKinds, type CompletedCommand, type Kind } from './tree.js';

export function bashScript(commands: readonly CompletedCommand[]): string {
  const { common, own } = flagKinds(commands);
  const deeper = commands.flatMap(({ path, below }) =>
    below.map(([name]) => `      '${path}|${name}') path='${path === '' ? name : `${path}/${name}`}' ;;`),
  );
  return `# bash completion for zep-import, made by: zep-import completion bash
_zep_import_ask() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -W "$("$program" __complete "$1" "\${COMP_WORDS[@]:1}" 2>/dev/null | cut -f 1)" -- "$cur")
}

_zep_import_files() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$1" -- "$cur")
  compopt -o filenames 2>/dev/null
}

_zep_import_words() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -W "$1" -- "$cur")
}

# What takes a value: the kind of it.
_zep_import_kind() {
  kind=''
  case "$path|$1" in
${own.map(({ path, word, kind }) => `    '${path}|${word}') ${kindText(kind)} ;;`).join('\n')}
  esac
  case "$1" in
${[...byKind(common)].map(([text, words]) => `    ${words.join(' | ')}) ${text} ;;`).join('\n')}
  esac
}

_zep_import() {
  local program="$1" cur="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}"
  local path='' word kind value='' only='' i
  COMPREPLY=()
  if [[ "$cur" == '=' ]]; then cur=''; elif [[ "$before" == '=' ]]; then before="\${COMP_WORDS[COMP_CWORD - 2]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [[ "$word" == '=' ]]; then value=1; continue; fi
    if [[ -n "$value" ]]; then value=''; continue; fi
    if [[ "$word" == '--' ]]; then only=1; continue; fi
    case "$path|$word" in
${deeper.join('\n')}
      *'|-'*)
        _zep_import_kind "$word"
        if [[ -n "$kind" && "\${COMP_WORDS[i + 1]}" != '=' ]]; then value=1; fi
        ;;
      '|'*) path='run' ;;
    esac
  done
  if [[ -n "$only" ]]; then _zep_import_files -f; return; fi
  if [[ "$before" == -* ]]; then
    _zep_import_kind "$before"
    case "$kind" in
      files) _zep_import_files -f; return ;;
      folders) _zep_import_files -d; return ;;
      runs | profiles) _zep_import_ask "$kind"; return ;;
      text) compopt +o default +o bashdefault 2>/dev/null; return ;;
      'words '*) _zep_import_words "\${kind#words }"; return ;;
    esac
  fi
  case "$path" in
${commands.map((command) => `    '${command.path}')\n${caseOf(command)}\n      ;;`).join('\n')}
  esac
}

complete -o bashdefault -o default -F _zep_import zep-import
`;
}

function caseOf({ flags, below, argument }: CompletedCommand): string {
  const words = flags.flatMap((flag) => flag.words).join(' ');
  const lines = [`      if [[ "$cur" == -* ]]; then _zep_import_words '${words}'; return; fi`];
  if (below.length > 0) lines.push(`      _zep_import_words '${below.map(([name]) => name).join(' ')}'`);
  if (argument === 'files' || argument === 'folders') lines.push('      _zep_import_files -f');
  else if (argument === 'runs' || argument === 'profiles') lines.push(`      _zep_import_ask ${argument}`);
  else if (argument !== undefined && argument !== 'text') lines.push(`      _zep_import_words '${argument.join(' ')}'`);
  if (argument !== 'files') lines.push('      compopt +o default +o bashdefault 2>/dev/null');
  return lines.join('\n');
}

function kindText(kind: Kind | undefined): string {
  if (kind === undefined) return "kind=''; return";
  return typeof kind === 'string' ? `kind=${kind}; return` : `kind='words ${kind.join(' ')}'; return`;
}

function byKind(kinds: ReadonlyMap<string, Kind>): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [word, kind] of kinds) found.set(kindText(kind), [...(found.get(kindText(kind)) ?? []), word]);
  return found;
}
