/**
 * How the runner of GitHub Actions finds commands in the output of a step: `::name key=value,...::data` where a line begins, blanks aside, and
 * the older `##[name key=value;...]data` anywhere in it.
 */
export interface RunnerCommand {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

const KNOWN = new Set(
  [
    'add-mask',
    'add-matcher',
    'add-path',
    'debug',
    'echo',
    'endgroup',
    'error',
    'group',
    'notice',
    'remove-matcher',
  ].concat(['save-state', 'set-env', 'set-output', 'stop-commands', 'warning']),
);

export function commandsIn(output: string): RunnerCommand[] {
  return output.split(/\r\n|\n|\r/).flatMap((line) => modern(line) ?? older(line) ?? []);
}

function modern(line: string): RunnerCommand | undefined {
  const text = line.trim();
  if (!text.startsWith('::')) return undefined;
  const end = text.indexOf('::', 2);
  if (end < 0) return undefined;
  const head = text.slice(2, end);
  const space = head.indexOf(' ');
  const name = (space < 0 ? head : head.slice(0, space)).toLowerCase();
  if (!KNOWN.has(name)) return undefined;
  const pairs =
    space < 0
      ? []
      : head
          .slice(space + 1)
          .trim()
          .split(',');
  const properties = pairs
    .filter((pair) => pair.includes('='))
    .map((pair): [string, string] => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), unescaped(pair.slice(at + 1), true)];
    });
  return { name, properties: Object.fromEntries(properties), data: unescaped(text.slice(end + 2), false) };
}

function older(line: string): RunnerCommand | undefined {
  const start = line.indexOf('##[');
  const end = line.indexOf(']', start);
  if (start < 0 || end < 0) return undefined;
  const [name = ''] = line.slice(start + 3, end).split(' ');
  return KNOWN.has(name.toLowerCase()) ? { name, properties: {}, data: line.slice(end + 1) } : undefined;
}

function unescaped(text: string, isProperty: boolean): string {
  const plain = isProperty ? text.replaceAll('%2C', ',').replaceAll('%3A', ':') : text;
  return plain.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}
