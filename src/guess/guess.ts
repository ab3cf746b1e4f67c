/** From sampled records to a mapping: what each column is, and why. Pure: the same records give the same guess. */
import { isRow, wordsOf, type Column } from './columns.js';
import {
  chooseConversation,
  chooseId,
  chooseMetadata,
  chooseSpeaker,
  chooseText,
  chooseUser,
  guessRole,
  type Choice,
  type RoleGuess,
} from './roles.js';
import { shapeOf, type Shape } from './shape.js';
import { guessFormat, guessTime, type TimeGuess } from './times.js';

export interface Guess {
  readonly shape: Shape;
  readonly kind: 'thread_message' | 'graph_episode';
  readonly text: Choice;
  /** No column is prose: the row as a whole is sent, as JSON. */
  readonly isWholeRow: boolean;
  readonly id: Choice | undefined;
  readonly conversation: Choice | undefined;
  readonly user: Choice | undefined;
  readonly speaker: Choice | undefined;
  readonly role: RoleGuess | undefined;
  readonly time: TimeGuess | undefined;
  /** Instead of a column: an expression, where the time stands beside the rows. */
  readonly timeExpression: string | undefined;
  readonly metadata: readonly Column[];
  readonly sampled: number;
}

/** `text`: the column that a person has chosen. Undefined when no column holds text. */
export function guessMapping(records: readonly unknown[], text?: string): Guess | undefined {
  const shape = shapeOf(records);
  const { columns } = shape;
  const chosen = text === undefined ? chooseText(columns) : chosenText(columns, text);
  if (chosen === undefined) return undefined;
  const outer = shape.outer.filter((column) => column.isScalar && !isHidden(column, shape));
  const id = chooseId(columns, chosen.column, shape.groups);
  const nested = shape.each.length > 0;
  const conversation = nested ? outerId(records, outer, shape) : chooseConversation(columns, id?.column);
  const role = guessRole(columns.filter((column) => column !== chosen.column));
  const taken = [chosen.column, id?.column, conversation?.column, role?.column];
  const speaker = chooseSpeaker(columns, taken);
  const isPoor = text === undefined && isPoorText(chosen.column, columns);
  const isTalk =
    !isPoor &&
    (conversation !== undefined || nested) &&
    (role !== undefined || (speaker !== undefined && chosen.column.blanks >= LEAST_BLANKS));
  const user = isTalk ? chooseUser([...columns, ...outer], taken) : undefined;
  const own = guessTime(columns);
  const beside = own === undefined ? timeBesideKeys(records, shape) : undefined;
  const time = own ?? beside?.time ?? (nested ? guessTime(outer) : undefined);
  const used = [
    ...taken,
    speaker?.column,
    user?.column,
    ...[...columns, ...outer].filter(({ path }) => path === time?.path),
  ];
  return {
    shape,
    kind: isTalk ? 'thread_message' : 'graph_episode',
    isWholeRow: isPoor,
    text: chosen,
    id,
    conversation,
    user,
    speaker,
    role,
    time,
    timeExpression: beside?.expression,
    metadata: isPoor ? [] : chooseMetadata(columns, used),
    sampled: records.length,
  };
}

/** Less than a few words: names and codes, not what somebody wrote. */
const LEAST_BLANKS = 1.5;
const LEAST_CHARACTERS = 25;

function isPoorText({ blanks, averageLength, words }: Column, columns: readonly Column[]): boolean {
  if (/^(?:text|content|body|message|comment|utterance)$/.test(words)) return false;
  return blanks < LEAST_BLANKS && averageLength < LEAST_CHARACTERS && columns.length > 1;
}

function chosenText(columns: readonly Column[], path: string): Choice | undefined {
  const column = columns.find((each) => each.path === path);
  return column === undefined ? undefined : { column, reason: 'chosen', others: [] };
}

/** A row that has a column of the same name hides it. */
function isHidden({ path }: Column, { columns }: Shape): boolean {
  const name = path.split('.')[0] ?? path;
  return columns.some((column) => (column.path.split('.')[0] ?? column.path) === name);
}

/** What tells the records around the rows apart. */
function outerId(records: readonly unknown[], outer: readonly Column[], { each }: Shape): Choice | undefined {
  if (each.length === 0) return undefined;
  const single = outer.filter(({ rows }) => rows === 1 && outer.every((column) => column.rows === 1));
  return chooseId(outer, undefined, [records]) ?? (single.length > 0 ? singleId(single) : undefined);
}

/** Of one record nothing shows whether it is unique: the name must tell. */
function singleId(columns: readonly Column[]): Choice | undefined {
  const column = columns.find(({ words }) => /\b(?:id|uuid|key)$/.test(words));
  return column === undefined ? undefined : { column, reason: 'by its name', others: [] };
}

/** session_1_date_time beside session_1. */
function timeBesideKeys(
  records: readonly unknown[],
  { keyed }: Shape,
): { readonly time: TimeGuess; readonly expression: string } | undefined {
  if (keyed === undefined) return undefined;
  const pattern = new RegExp(`^${keyed.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\d+(\\D.*)$`);
  const found = new Map<string, unknown[]>();
  for (const record of records) {
    if (!isRow(record)) continue;
    for (const [name, value] of Object.entries(record)) {
      const suffix = pattern.exec(name)?.[1];
      if (suffix !== undefined && typeof value === 'string') found.set(suffix, [...(found.get(suffix) ?? []), value]);
    }
  }
  for (const [suffix, values] of found) {
    const isNamed = /\b(?:date|time|at|ts)\b/.test(wordsOf(suffix));
    const time = guessFormat({ path: suffix, values }, isNamed);
    if (time !== undefined) return { time, expression: `parent.parent[parent.key + ${JSON.stringify(suffix)}]` };
  }
  return undefined;
}
