/** Which columns are the text, the id, the speaker and so on. Every choice comes with a reason that goes into the file. */
import { columnsOf, type Column } from './columns.js';

export interface Choice {
  readonly column: Column;
  readonly reason: string;
  /** Others that could have been meant, best first. */
  readonly others: readonly Column[];
}

type Names = readonly (readonly [RegExp, number])[];

const TEXT: Names = [
  [/^(?:text|content|body|message|msg|utterance|transcript|comment|selftext|plain text)$/, 12],
  [/\b(?:text|content|body|message|utterance|comment|transcript)\b/, 8],
  [
    /\b(?:description|question|answer|prompt|response|note|notes|review|feedback|post|said|tweet|data|sentence|abstract)\b/,
    6,
  ],
  [/\b(?:summary|subject|title|headline)\b/, 2],
  [/\b(?:id|url|link|name|email|status|category|type|lang|language|hash|path|html|phone|address|time|date|at)\b/, -8],
];
const ID: Names = [
  [/^(?:id|uuid|guid|key|pk|_id|message id|record id|row id)$/, 10],
  [/\b(?:uuid|guid|id|key|sid|sku|isbn|asin|ean|doi)$/, 7],
  [/\b(?:number|no|nr|ref|reference|code)$/, 4],
  [
    /\b(?:user|customer|author|account|parent|reply|thread|conversation|agent|assignee|owner|channel|room|group|org|organization|company|team)\b/,
    -6,
  ],
];
const CONVERSATION: Names = [
  [
    /^(?:thread|conversation|dialogue|dialog|chat|session|ticket|case|call|channel|room|discussion)(?: (?:id|key|number|no|uuid|ts|name))?$/,
    10,
  ],
  [/\b(?:thread|conversation|dialogue|dialog|chat|session|ticket|case|channel)\b.*\bid$/, 8],
];
const USER: Names = [
  [
    /^(?:user|customer|client|requester|contact|visitor|account|member|end user)(?: (?:id|uuid|key|email|number|no))$/,
    10,
  ],
  [/^(?:user|customer|client|requester|contact|visitor|email)$/, 5],
];
const SPEAKER: Names = [
  [/^(?:author|sender|speaker|from|user|username|name|display name|real name|participant|nickname)(?: name)?$/, 9],
  [/\b(?:author|sender|speaker|from|user)\b.*\bname$/, 9],
  [/\b(?:email|id|type|role|url|avatar|count)\b/, -8],
];
const ROLE: Names = [
  [
    /^(?:role|speaker|author type|sender type|user type|speaker role|author role|direction|from|author|sender|party|participant|type|side)$/,
    6,
  ],
  [/\b(?:role|type|direction)$/, 4],
];

function score({ words }: Column, names: Names): number {
  return names.reduce((best, [pattern, weight]) => {
    if (!pattern.test(words)) return best;
    return weight < 0 ? best + weight : Math.max(best, weight);
  }, 0);
}

function choose(
  columns: readonly Column[],
  points: (column: Column) => number,
  reason: (best: Column) => string,
): Choice | undefined {
  const ranked = columns
    .map((column) => ({ column, points: points(column) }))
    .filter((each) => each.points > 0)
    .sort((a, b) => b.points - a.points);
  const [best, ...others] = ranked;
  if (best === undefined) return undefined;
  const near = others.filter((each) => each.points > best.points * 0.6).map((each) => each.column);
  return { column: best.column, reason: reason(best.column), others: near.slice(0, 4) };
}

export function chooseText(columns: readonly Column[]): Choice | undefined {
  return choose(
    columns.filter(({ isText }) => isText),
    (column) => {
      const varied = column.distinct / Math.max(1, column.given);
      const given = column.given / Math.max(1, column.rows);
      const prose = Math.min(12, column.blanks * 1.5) + Math.min(6, column.averageLength / 40);
      return given < 0.2 ? 0 : (score(column, TEXT) + prose * (0.3 + 0.7 * varied)) * (0.4 + 0.6 * given);
    },
    ({ averageLength, blanks }) =>
      `${Math.round(averageLength)} characters on average${blanks >= 1 ? `, about ${Math.round(blanks + 1)} words` : ''}`,
  );
}

/** `groups`: the rows in which it must be unique, each for itself. */
export function chooseId(
  columns: readonly Column[],
  text: Column | undefined,
  groups: readonly (readonly unknown[])[],
): Choice | undefined {
  const unique = uniqueIn(groups);
  return choose(
    columns.filter(
      (column) =>
        column.isScalar && column !== text && unique.has(column.path) && column.longest <= 128 && column.blanks < 0.5,
    ),
    (column) => {
      const form = column.values.every((value) => /^[0-9a-f]{8}-[0-9a-f-]{27,}$/i.test(String(value))) ? 6 : 0;
      return score(column, ID) + form - (/\b(?:date|time|at|email|text|name)\b/.test(column.words) ? 8 : 0);
    },
    ({ given }) =>
      `all ${given.toLocaleString('en-US')} values that were looked at differ${groups.length > 1 ? ' within their record' : ''}`,
  );
}

/** Paths of the columns of which every row of a group has a value of its own. */
function uniqueIn(groups: readonly (readonly unknown[])[]): ReadonlySet<string> {
  const isUnique = ({ given, distinct, rows }: Column): boolean => given === rows && distinct === given;
  const [first = [], ...others] = groups
    .filter((rows) => rows.length > 1)
    .map((rows) =>
      columnsOf(rows)
        .filter(isUnique)
        .map(({ path }) => path),
    );
  const paths = new Set(first);
  for (const here of others) {
    for (const path of paths) if (!here.includes(path)) paths.delete(path);
  }
  return paths;
}

/** Several rows share it. */
export function chooseConversation(columns: readonly Column[], id: Column | undefined): Choice | undefined {
  return choose(
    columns.filter(
      (column) =>
        column.isScalar &&
        column !== id &&
        column.given === column.rows &&
        column.distinct < column.given &&
        column.blanks < 3,
    ),
    (column) => score(column, CONVERSATION),
    ({ distinct, given }) => `${distinct.toLocaleString('en-US')} values in ${given.toLocaleString('en-US')} rows`,
  );
}

export function chooseUser(columns: readonly Column[], taken: readonly (Column | undefined)[]): Choice | undefined {
  return choose(
    columns.filter(
      (column) => column.isScalar && !taken.includes(column) && column.given > column.rows * 0.95 && column.blanks < 1,
    ),
    (column) => score(column, USER),
    ({ distinct }) => `${distinct.toLocaleString('en-US')} different`,
  );
}

export function chooseSpeaker(columns: readonly Column[], taken: readonly (Column | undefined)[]): Choice | undefined {
  return choose(
    columns.filter(
      (column) =>
        column.isText &&
        !taken.includes(column) &&
        column.longest <= 100 &&
        column.blanks < 4 &&
        column.given > column.rows / 2,
    ),
    (column) => score(column, SPEAKER),
    ({ distinct }) => `${distinct.toLocaleString('en-US')} different`,
  );
}

export interface RoleGuess {
  readonly column: Column;
  /** From what stands in the column to roles of the service. */
  readonly map: Readonly<Record<string, string>>;
  /** Values of which nobody can know. */
  readonly unknown: readonly string[];
}

const USERS =
  /^(?:user|customer|client|human|person|visitor|end.?user|requester|guest|lead|contact|inbound|in|incoming|received|caller|patient|student|buyer|consumer|prompter|participant|member)s?$/i;
const ASSISTANTS =
  /^(?:assistant|agent|bot|support|admin|operator|ai|gpt|chatgpt|claude|model|staff|rep|representative|employee|outbound|out|outgoing|teammate|advisor|doctor|teacher|seller|csr|helpdesk|chatbot|system agent|machine)s?$/i;
const SYSTEMS = /^(?:system|developer)$/i;
const TOOLS = /^(?:tool|function|api)$/i;
const MOST_ROLES = 12;

export function guessRole(columns: readonly Column[]): RoleGuess | undefined {
  let best: (RoleGuess & { readonly points: number }) | undefined;
  for (const column of columns) {
    if (!column.isScalar || column.isNumber || column.distinct > MOST_ROLES || column.given < column.rows * 0.9)
      continue;
    const values = [...new Set(column.values.map(String))];
    const map = isYesOrNo(values) ? roleOfAnswer(column, values) : roleMap(values);
    const unknown = values.filter((value) => map[value] === undefined);
    const known = values.length - unknown.length;
    if (known === 0 || known < values.length / 2 || values.every((value) => SYSTEMS.test(value))) continue;
    const points = known + score(column, ROLE) - unknown.length;
    if (best === undefined || points > best.points) best = { column, map, unknown, points };
  }
  return best;
}

/** `is_bot: true`, `inbound: False`. */
function roleOfAnswer({ words }: Column, values: readonly string[]): Record<string, string> {
  const [yes, no] = OF_ASSISTANT.test(words) ? ['assistant', 'user'] : OF_USER.test(words) ? ['user', 'assistant'] : [];
  if (yes === undefined || no === undefined) return {};
  return Object.fromEntries(values.map((value) => [value, /^true$/i.test(value) ? yes : no]));
}

const OF_ASSISTANT = /\b(?:bot|agent|assistant|outbound|outgoing|staff|ai)$/;
const OF_USER = /\b(?:inbound|incoming|customer|user)$/;

function isYesOrNo(values: readonly string[]): boolean {
  return values.every((value) => /^(?:true|false)$/i.test(value));
}

/** Where only users and a system speak, the system is the assistant. */
function roleMap(values: readonly string[]): Record<string, string> {
  const hasAssistant = values.some((value) => ASSISTANTS.test(value));
  const map: Record<string, string> = {};
  for (const value of values) {
    if (USERS.test(value)) map[value] = 'user';
    else if (ASSISTANTS.test(value)) map[value] = 'assistant';
    else if (SYSTEMS.test(value)) map[value] = hasAssistant ? 'system' : 'assistant';
    else if (TOOLS.test(value)) map[value] = 'tool';
  }
  return map;
}

const MOST_METADATA = 8;
const DULL = /\b(?:url|link|avatar|image|html|hash|token|password|raw|json|blob)\b/;

/** What is worth keeping beside the text: short values, some of which repeat, and ids. */
export function chooseMetadata(columns: readonly Column[], taken: readonly (Column | undefined)[]): readonly Column[] {
  return columns
    .filter(
      (column) =>
        column.isScalar &&
        !taken.includes(column) &&
        !DULL.test(column.words) &&
        column.longest <= 200 &&
        column.averageLength <= 60 &&
        column.given > column.rows * 0.05 &&
        (column.distinct > 1 || column.rows < 3),
    )
    .sort((a, b) => Number(b.distinct < b.given * 0.5) - Number(a.distinct < a.given * 0.5) || b.given - a.given)
    .slice(0, MOST_METADATA);
}
