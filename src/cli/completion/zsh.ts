/** The script for zsh: sourced, or put as _zep-import into a folder of $fpath. */
import { flagKinds, type CompletedCommand, type Kind } from './tree.js';

export function zshScript(commands: readonly CompletedCommand[]): string {
  const { common, own } = flagKinds(commands);
  const deeper = commands.flatMap(({ path, below }) =>
    below.map(([name]) => `      '${path}|${name}') where='${path === '' ? name : `${path}/${name}`}' ;;`),
  );
  return `#compdef zep-import
# zsh completion for zep-import, made by: zep-import completion zsh
_zep_import_ask() {
  local -a found
  local id about
  while IFS=$'\\t' read -r id about; do found+=("\${id//:/\\\\:}:$about"); done < <("\${words[1]}" __complete "$1" "\${(@)words[2,-1]}" 2>/dev/null)
  _describe "$1" found
}

_zep_import_kind() {
  kind=''
  case "$where|$1" in
${own.map(({ path, word, kind }) => `    '${path}|${word}') ${kindText(kind)} ;;`).join('\n')}
  esac
  case "$1" in
${[...common].map(([word, kind]) => `    ${word}) ${kindText(kind)} ;;`).join('\n')}
  esac
}

_zep_import_value() {
  case "$kind" in
    files) _files ;;
    folders) _files -/ ;;
    runs | profiles) _zep_import_ask "$kind" ;;
    'words '*) compadd -- \${=kind#words } ;;
    *) _message value ;;
  esac
}

_zep-import() {
  local where='' word kind value='' only='' i
  local -a flags below
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    if [[ -n "$value" ]]; then value=''; continue; fi
    if [[ "$word" == '--' ]]; then only=1; continue; fi
    case "$where|$word" in
${deeper.join('\n')}
      *'|-'*'='*) ;;
      *'|-'*)
        _zep_import_kind "$word"
        [[ -n "$kind" ]] && value=1
        ;;
      '|'*) where='run' ;;
    esac
  done
  if [[ -n "$only" ]]; then _files; return; fi
  if [[ -n "$value" ]]; then _zep_import_kind "\${words[CURRENT - 1]}"; _zep_import_value; return; fi
  if [[ "\${words[CURRENT]}" == --*=* ]]; then
    _zep_import_kind "\${words[CURRENT]%%=*}"
    compset -P '*='
    _zep_import_value
    return
  fi
  case "$where" in
${commands.map((command) => `    '${command.path}')\n${caseOf(command)}\n      ;;`).join('\n')}
  esac
}

if [[ "\${funcstack[1]}" == _zep-import ]]; then _zep-import "$@"; else compdef _zep-import zep-import; fi
`;
}

function caseOf({ flags, below, argument }: CompletedCommand): string {
  const described = flags.flatMap(({ words, description }) => words.map((word) => quoted(word, description)));
  const lines = [
    '      if [[ "${words[CURRENT]}" == -* ]]; then',
    `        flags=(${described.join(' ')})`,
    "        _describe -o 'flag' flags",
    '        return',
    '      fi',
  ];
  if (below.length > 0) {
    lines.push(
      `      below=(${below.map(([name, about]) => quoted(name, about)).join(' ')})`,
      "      _describe 'command' below",
    );
  }
  if (argument === 'files' || argument === 'folders') lines.push('      _files');
  else if (argument === 'runs' || argument === 'profiles') lines.push(`      _zep_import_ask ${argument}`);
  else if (argument !== undefined && argument !== 'text') lines.push(`      compadd -- ${argument.join(' ')}`);
  return lines.join('\n');
}

/** `'name:what it does'`, as _describe takes it. */
function quoted(word: string, description: string): string {
  return `'${word.replaceAll(':', '\\:')}:${description.replaceAll("'", "'\\''")}'`;
}

function kindText(kind: Kind | undefined): string {
  if (kind === undefined) return "kind=''; return";
  return typeof kind === 'string' ? `kind=${kind}; return` : `kind='words ${kind.join(' ')}'; return`;
}
