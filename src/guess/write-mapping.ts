/** A guess as a mapping file: with the reason of every choice, what else it could be, and two rows as tests. */
import { wordsOf, type Column } from './columns.js';
import type { Guess } from './guess.js';

export interface MappingContext {
  /** Names of the sources, for the head. */
  readonly sources: readonly string[];
  /** Lines of `source:`, without the first; empty: nothing needs to be said. */
  readonly source: Readonly<Record<string, string>>;
  /** Ids from the command line or from a person; a made-up one where nobody said. */
  readonly graph: string | undefined;
  readonly user: string | undefined;
  readonly thread: string | undefined;
  /** Taken where nothing tells where items go. */
  readonly placeholder: string;
  /** Rows as tests. */
  readonly tests: readonly { readonly row: unknown; readonly expect: Readonly<Record<string, unknown>> }[];
}

const MOST_ALTERNATIVES = 3;

export function writeMapping(guess: Guess, context: MappingContext): string {
  const lines = [
    `# A mapping guessed from ${guess.sampled.toLocaleString('en-US')} ${guess.sampled === 1 ? 'record' : 'records'} of ${context.sources.join(', ')}: look it over, change what is wrong.`,
    '# What the words mean: zep-import schema, and docs/mapping.md. Then: zep-import check',
    'version: 1',
    ...sourceLines(context),
    ...eachLines(guess),
    ...keyLines(guess),
    'item:',
    `  type: ${guess.kind}`,
    ...(guess.kind === 'thread_message' ? messageLines(guess, context) : episodeLines(guess, context)),
    ...timeLines(guess),
    ...metadataLines(guess),
    ...testLines(context),
  ];
  return `${lines.join('\n')}\n`;
}

/** A value that is one expression. */
export function template(path: string): string {
  return quoted(`{{ ${path} }}`);
}

/** A text in single quotes, as YAML has them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function plain(text: string): string {
  const isSafe = /^[A-Za-z_][\w-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off)$/i.test(text);
  return isSafe ? text : quoted(text);
}

function sourceLines({ source }: MappingContext): readonly string[] {
  const entries = Object.entries(source);
  if (entries.length === 0) return [];
  return ['source:', ...entries.map(([name, value]) => `  ${name}: ${value}`)];
}

function eachLines({ shape }: Guess): readonly string[] {
  const { each, told } = shape;
  if (each.length === 0) return [];
  const head = [
    '',
    `# The rows are the elements of ${told ?? each.join(', ')}. Columns around them can be used as well.`,
  ];
  if (each.length === 1) return [...head, `each: ${quoted(each[0] ?? '')}`];
  return [...head, 'each:', ...each.map((path) => `  - ${quoted(path)}`)];
}

function keyLines({ id, shape, conversation }: Guess): readonly string[] {
  const within = shape.each.length > 0 ? outerKey(conversation?.column, shape.keyed) : undefined;
  if (id !== undefined) {
    const key = within === undefined ? `{{ ${id.column.path} }}` : `${within}-{{ ${id.column.path} }}`;
    return ['', `# Identity across runs: ${id.reason}.${alternatives(id.others)}`, `key: ${quoted(key)}`];
  }
  if (within !== undefined) {
    return [
      '',
      '# Identity across runs: the place in the list, which must not change.',
      `key: ${quoted(`${within}-{{ index }}`)}`,
    ];
  }
  return [
    '',
    '# No column identifies a row. Without a key, rows are known again by their content: give one if there is one.',
    "# key: '{{ id }}'",
  ];
}

function outerKey(conversation: Column | undefined, keyed: string | undefined): string {
  if (conversation !== undefined) return `{{ ${conversation.path} }}`;
  return keyed === undefined ? '{{ source.stem }}-{{ source.line }}' : '{{ source.stem }}-{{ parent.key }}';
}

function messageLines(guess: Guess, context: MappingContext): readonly string[] {
  const { conversation, shape, user, role, speaker, text } = guess;
  const within = quoted(outerKey(conversation?.column, shape.keyed));
  const thread = context.thread === undefined ? within : quoted(context.thread);
  return [
    ...(conversation === undefined ? [] : [`  # ${conversation.reason}.${alternatives(conversation.others)}`]),
    `  thread_id: ${thread}`,
    ...ownerLines(user, context),
    ...roleLines(role),
    ...(speaker === undefined ? [] : [`  name: ${optional(speaker.column)}`]),
    `  # ${text.reason}.${alternatives(text.others)}`,
    `  content: ${template(text.column.path)}`,
  ];
}

function ownerLines(user: Guess['user'], context: MappingContext): readonly string[] {
  if (context.user !== undefined) return [`  user_id: ${plain(context.user)}`];
  if (user !== undefined) {
    return [
      `  # Whose memory the thread goes to: one user a thread.${alternatives(user.others)}`,
      `  user_id: ${template(user.column.path)}`,
    ];
  }
  return [
    '  # CHANGE THIS: whose memory the threads go to. Nothing in the data tells; an id of your own, or a column.',
    `  user_id: ${plain(context.placeholder)}`,
  ];
}

function roleLines(role: Guess['role']): readonly string[] {
  if (role === undefined) {
    return [
      '  # No column says who is the user and who the assistant: { from: COLUMN, map: { agent: assistant }, default: user }',
      '  role: norole',
    ];
  }
  const entries = Object.entries(role.map).map(([value, name]) => `${plain(value)}: ${name}`);
  const unknown =
    role.unknown.length === 0
      ? ''
      : ` Not known what these are: ${role.unknown.map((each) => JSON.stringify(each)).join(', ')}.`;
  const from = isPath(role.column.path) ? `from: ${plain(role.column.path)}` : `expr: ${quoted(role.column.path)}`;
  return [
    `  # Who speaks, by ${role.column.path}.${unknown}`,
    `  role: { ${from}, map: { ${entries.join(', ')} }, default: norole }`,
  ];
}

function episodeLines({ text, isWholeRow }: Guess, context: MappingContext): readonly string[] {
  const place =
    context.user !== undefined && context.graph === undefined
      ? [`  user_id: ${plain(context.user)}`]
      : context.graph !== undefined
        ? [`  graph_id: ${plain(context.graph)}`]
        : [
            '  # CHANGE THIS: the graph that the episodes go to (or user_id: the user). An id of your own, or a column.',
            `  graph_id: ${plain(context.placeholder)}`,
          ];
  if (isWholeRow) {
    return [
      ...place,
      '  # No column holds prose: a row is sent whole, as JSON, from which facts are made as well.',
      "  data: '{{ row }}'",
      '  data_type: json',
    ];
  }
  return [
    ...place,
    `  # ${text.reason}.${alternatives(text.others)}`,
    `  data: ${template(text.column.path)}`,
    '  data_type: text',
  ];
}

function timeLines({ time, timeExpression }: Guess): readonly string[] {
  if (time === undefined) {
    return [
      '  # No column says when: the service dates such items at import time, for good.',
      '  # created_at: { from: COLUMN, format: iso, zone: UTC }',
    ];
  }
  const source =
    timeExpression !== undefined
      ? `expr: ${quoted(timeExpression)}`
      : isPath(time.path)
        ? `from: ${plain(time.path)}`
        : `expr: ${quoted(time.path)}`;
  const comments: string[] = [];
  if (time.otherwise !== undefined) {
    comments.push(
      time.isByOrder
        ? `  # Day and month could be the other way round (${time.otherwise}); the order of the rows speaks for this.`
        : `  # AMBIGUOUS: no value tells day from month; it could be ${time.otherwise} as well.`,
    );
  }
  if (time.isLocal)
    comments.push('  # The times say no zone: change UTC if they are local times, e.g. to Europe/Lisbon.');
  const format = time.format === 'iso' ? '' : `, format: ${quoted(time.format)}`;
  const zone = time.isLocal ? ', zone: UTC' : '';
  return [...comments, `  created_at: { ${source}${format}${zone}, required: false }`];
}

function metadataLines({ metadata }: Guess): readonly string[] {
  if (metadata.length === 0) return [];
  return [
    '  # Up to ten short values, kept with the item. Take out what is of no use.',
    '  metadata:',
    ...namesOf(metadata).map(([name, column]) => `    ${plain(name)}: ${optional(column)}`),
  ];
}

function optional(column: Column): string {
  const { path } = column;
  return isPath(path) ? `{ from: ${plain(path)}, required: false }` : `{ expr: ${quoted(path)}, required: false }`;
}

/** `from` takes names and dots. */
function isPath(path: string): boolean {
  return /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/.test(path);
}

/** A name for each column: that of its last part, else of all its parts, else with a number. */
function namesOf(columns: readonly Column[]): readonly (readonly [string, Column])[] {
  const taken = new Set<string>();
  return columns.map((column) => {
    const { path, words } = column;
    const [first = path, ...others] = [words, wordsOf(path.replace(/^row\b/, ''))]
      .map((text) => text.replace(/\s+/g, '_'))
      .filter((text) => text !== '');
    let name = [first, ...others].find((text) => !taken.has(text)) ?? first;
    for (let n = 2; taken.has(name); n++) name = `${first}_${n}`;
    taken.add(name);
    return [name, column] as const;
  });
}

function alternatives(others: readonly Column[]): string {
  if (others.length === 0) return '';
  return ` Or: ${others
    .slice(0, MOST_ALTERNATIVES)
    .map(({ path }) => path)
    .join(', ')}.`;
}

function testLines({ tests }: MappingContext): readonly string[] {
  if (tests.length === 0) return [];
  return [
    '',
    '# Rows of the data, and what they give: zep-import check --tests-only runs them.',
    'tests:',
    ...tests.flatMap(({ row, expect }) => [`  - row: ${JSON.stringify(row)}`, `    expect: ${JSON.stringify(expect)}`]),
  ];
}
