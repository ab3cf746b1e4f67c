/** What the schema says about a document, in the words of a person who wrote it: what is wrong, and what was probably meant. */
import { distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import { keysAt } from '../schema.js';
import type { Problems } from './problems.js';

type Issue = z.core.$ZodIssue;
type Path = readonly (string | number)[];

/** Adds a problem for each issue that `document` (the plain data it was found in) gave. */
export function addShapeProblems(issues: readonly Issue[], document: unknown, problems: Problems): void {
  // A key that is mistyped is also missing: saying the first is enough.
  const meant = new Set(issues.flatMap((issue) => meantBy(issue, document)));
  for (const issue of issues) {
    const isMissing = issue.code === 'invalid_type' || issue.code === 'invalid_union';
    const path = issue.path.map(String);
    if (isMissing && valueAt(document, path) === undefined && meant.has(path.join('\n'))) continue;
    addIssue(issue, [], document, problems);
  }
}

function meantBy(issue: Issue, document: unknown): readonly string[] {
  if (issue.code !== 'unrecognized_keys') return [];
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  return issue.keys.map((key) => [...path, suggestionFor(path, key, document)].join('\n'));
}

function addIssue(issue: Issue, base: Path, document: unknown, problems: Problems): void {
  const path: Path = [...base, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
  const value = valueAt(document, path);
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) addUnknownKey(path, key, document, problems);
  } else if (issue.code === 'invalid_union') addUnion(issue, path, value, document, problems);
  else if (issue.code === 'invalid_value') addWrongChoice(path, value, issue.values.map(String), problems);
  else if (issue.code === 'too_small') problems.add(path, 'is empty', emptyFix(path));
  else if (issue.code === 'invalid_type') addWrongType(path, value, issue.expected, problems);
  else problems.add(path, issue.message);
}

function emptyFix(path: Path): string {
  const name = path.at(-1);
  return name === 'where' || name === 'when' || name === 'each' || name === 'expr' || name === 'key'
    ? 'write an expression, or leave it out'
    : 'write a value, or leave it out';
}

function valueAt(document: unknown, path: Path): unknown {
  let value = document;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[step];
  }
  return value;
}

/** A union says what each of its forms dislikes: the form that fits the value in kind is the one that was meant. */
function addUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  path: Path,
  value: unknown,
  document: unknown,
  problems: Problems,
): void {
  if (issue.discriminator !== undefined) {
    addWrongChoice(path, value, ['thread_message', 'graph_episode'], problems);
    return;
  }
  const meant = issue.errors.find(
    (form) => !form.some((each) => each.path.length === 0 && each.code === 'invalid_type'),
  );
  if (meant !== undefined) {
    for (const each of meant) addIssue(each, path, document, problems);
    return;
  }
  const choices = issue.errors
    .flat()
    .map((each) => (each.code === 'invalid_type' ? kindName(each.expected) : 'one of several words'));
  addWrongType(path, value, [...new Set(choices)].join(' or '), problems);
}

function addWrongChoice(path: Path, value: unknown, choices: readonly string[], problems: Problems): void {
  const list = choices.join(', ');
  if (value === undefined)
    problems.add(path, 'is missing', choices.length === 1 ? `write ${String(path.at(-1))}: ${list}` : `one of ${list}`);
  else
    problems.add(
      path,
      `${shown(value)} cannot stand here`,
      nearest(typeof value === 'string' ? value : '', choices) ?? `one of ${list}`,
    );
}

function addWrongType(path: Path, value: unknown, expected: string, problems: Problems): void {
  const wanted = kindName(expected);
  if (value === undefined) problems.add(path, 'is missing', `a value is needed here (${wanted})`);
  else if (value === null) problems.add(path, 'is empty', emptyFix(path));
  else if (wanted.startsWith('text') && typeof value !== 'object') {
    problems.add(path, `${shown(value)} is ${kindOf(value)}, and ${wanted} is needed`, 'put it in quotes');
  } else problems.add(path, `${wanted} is needed, not ${kindOf(value)}`);
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  object: 'a map',
  record: 'a map',
  array: 'a list',
  boolean: 'true or false',
  number: 'a number',
};

function kindName(expected: string): string {
  return KINDS[expected] ?? expected;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'a boolean' : 'a number';
}

function shown(value: unknown): string {
  const text = typeof value === 'object' ? kindOf(value) : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

/** What people write for what is meant. */
const OTHER_WORDS: Readonly<Record<string, readonly string[]>> = {
  body: ['content', 'data'],
  text: ['content', 'data'],
  message: ['content', 'data'],
  content: ['content', 'data'],
  data: ['data', 'content'],
  session_id: ['thread_id'],
  conversation_id: ['thread_id'],
  thread: ['thread_id'],
  graph: ['graph_id'],
  user: ['user_id'],
  owner: ['user_id'],
  speaker: ['name', 'role'],
  author: ['name', 'role'],
  date: ['created_at'],
  time: ['created_at'],
  timestamp: ['created_at'],
  description: ['source_description'],
  filter: ['where'],
  if: ['when'],
  foreach: ['each'],
  tz: ['zone'],
  timezone: ['zone'],
  time_zone: ['zone'],
  values: ['map'],
  fallback: ['default'],
  path: ['from'],
  column: ['from'],
  field: ['from'],
  value: ['expr', 'from'],
  expression: ['expr'],
  optional: ['required'],
  separator: ['delimiter'],
};

function knownKeys(path: Path, document: unknown): readonly string[] {
  const item = path[0] === 'items' ? path.slice(0, 2) : path.slice(0, 1);
  const type = (valueAt(document, item) as { readonly type?: unknown } | undefined)?.type;
  return keysAt(path, type);
}

/** The key that was probably meant; undefined when none is near. */
function suggestionFor(path: Path, key: string, document: unknown): string | undefined {
  const known = knownKeys(path, document);
  const other = Object.hasOwn(OTHER_WORDS, key) ? OTHER_WORDS[key]?.find((word) => known.includes(word)) : undefined;
  return other ?? nearestWord(key, known);
}

function addUnknownKey(path: Path, key: string, document: unknown, problems: Problems): void {
  const suggestion = suggestionFor(path, key, document);
  const nested = path.includes('metadata') ? 'metadata holds no maps inside maps; ' : '';
  const known = `${nested}known here: ${knownKeys(path, document).join(', ')}`;
  problems.addKey(path, key, 'unknown key', suggestion === undefined ? known : `did you mean ${suggestion}?`);
}

/** `did you mean x?` for the choice nearest to a word; undefined when none is near. */
export function nearest(word: string, choices: readonly string[]): string | undefined {
  const best = nearestWord(word, choices);
  return best === undefined ? undefined : `did you mean ${best}?`;
}

function nearestWord(word: string, choices: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const choice of choices) {
    // A choice that begins like the word is as near as one with one letter wrong.
    const isBeginning = word.length >= 3 && choice.startsWith(word.toLowerCase());
    const far = isBeginning ? 1 : distance(word.toLowerCase(), choice);
    if (far < least && far < choice.length) [best, least] = [choice, far];
  }
  return best;
}
