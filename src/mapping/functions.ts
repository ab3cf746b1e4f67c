/**
 * The functions of the expression language, in one table: the compiler calls from it and the reference is made of it. Every function may
 * be written `f(x, y)` or `x.f(y)`. Unless its text says otherwise, a missing first argument gives missing.
 */
import { hash as digest } from 'node:crypto';
import { RE2JS } from 're2js';
import { DATE_FUNCTIONS } from './date-functions.js';
import type { CallSite } from './expression/call-site.js';
import { limitedText } from './expression/operators.js';
import { compilePattern, stepsOfMatch } from './expression/regex.js';
import {
  compareNaturally,
  deepEquals,
  Instant,
  isObject,
  kindInWords,
  kindOf,
  parseBoolean,
  parseNumber,
  textOf,
} from './expression/values.js';
import { MAX_TEXT, type Scope } from './scope.js';

/** What an argument that is written in the mapping itself becomes once, when the mapping is loaded. A text is what is wrong with it. */
export type Prepared = { readonly value: unknown } | { readonly problem: string };

export interface FunctionSpec {
  readonly name: string;
  /** As people read it: `text, separator?`. */
  readonly parameters: string;
  readonly least: number;
  readonly most: number;
  readonly about: string;
  /** An expression and the JSON of what it gives on a row without columns. */
  readonly example: readonly [expression: string, gives: string];
  /** What a missing first argument gives: missing, false, or `own` when the function sees to it. */
  readonly onMissing: 'missing' | 'false' | 'own';
  readonly prepare?: (index: number, literal: unknown) => Prepared | undefined;
  /** Arguments that were not written are undefined; missing values are null. Throws expression errors of `site`. */
  apply(site: CallSite, scope: Scope, args: readonly unknown[]): unknown;
}

type Apply = (site: CallSite, scope: Scope, args: readonly unknown[]) => unknown;

function about(
  call: string,
  text: string,
  example: readonly [string, string],
  apply: Apply,
  options: Partial<Pick<FunctionSpec, 'onMissing' | 'prepare'>> = {},
): FunctionSpec {
  const [name = '', parameters = ''] = call.replace(/\)$/, '').split('(');
  const list = parameters === '' ? [] : parameters.split(', ');
  const least = list.filter((each) => !each.endsWith('?')).length;
  return { name, parameters, least, most: list.length, about: text, example, onMissing: 'missing', apply, ...options };
}

/** The text at `index`; throws for other types. */
function text(site: CallSite, scope: Scope, args: readonly unknown[], index = 0): string {
  const value = args[index];
  if (typeof value === 'string') return value;
  throw site.wrongType(scope, index, value ?? null, 'text');
}

function list(site: CallSite, scope: Scope, args: readonly unknown[]): readonly unknown[] {
  const value = args[0];
  if (Array.isArray(value)) return value as readonly unknown[];
  throw site.wrongType(scope, 0, value, 'a list');
}

function number(site: CallSite, scope: Scope, args: readonly unknown[], index: number): number {
  const value = args[index];
  if (typeof value === 'number') return value;
  throw site.wrongType(scope, index, value ?? null, 'numbers');
}

function pattern(site: CallSite, scope: Scope, args: readonly unknown[]): RE2JS {
  if (args[1] instanceof RE2JS) return args[1];
  const compiled = compilePattern(text(site, scope, args, 1));
  if (typeof compiled === 'string') throw site.fail(compiled);
  return compiled;
}

function preparePattern(index: number, literal: unknown): Prepared | undefined {
  if (index !== 1 || typeof literal !== 'string') return undefined;
  const compiled = compilePattern(literal);
  return typeof compiled === 'string' ? { problem: compiled } : { value: compiled };
}

function toNumber(site: CallSite, value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') throw site.fail(`${site.operand(0)} is ${kindInWords(value)}, which is no number`);
  const result = parseNumber(value);
  if (typeof result === 'string') throw site.fail(`${site.operand(0)} ${result}`);
  return result;
}

function toBoolean(site: CallSite, value: unknown): boolean {
  const result = parseBoolean(value);
  if (result === undefined)
    throw site.fail(`${site.operand(0)} is ${kindInWords(value)} that is neither true nor false`);
  return result;
}

function toText(site: CallSite, scope: Scope, value: unknown): string {
  const result = textOf(value);
  if (result === undefined) throw site.wrongType(scope, 0, value, 'text');
  return result;
}

/** JSON of a value. The work is counted first, since one list may hold the same large value many times. */
export function jsonOf(value: unknown, scope: Scope, fail: (sentence: string) => Error): string {
  chargeJson(value, scope);
  const json = JSON.stringify(value);
  if (json.length > MAX_TEXT) throw fail('the JSON is too long');
  return json;
}

function chargeJson(value: unknown, scope: Scope): void {
  if (typeof value === 'string') {
    scope.chargeText(value.length);
    return;
  }
  scope.charge(1);
  if (Array.isArray(value)) for (const each of value as readonly unknown[]) chargeJson(each, scope);
  else if (isObject(value)) for (const key of Object.keys(value)) chargeJson(value[key], scope);
}

/** Orders values of one type; missing ones last. */
export function compareForSort(a: unknown, b: unknown, site: CallSite, scope: Scope): number {
  scope.charge(1);
  if (a === null || a === undefined) return b === null || b === undefined ? 0 : 1;
  if (b === null || b === undefined) return -1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') {
    scope.chargeText(Math.min(a.length, b.length));
    return compareNaturally(a, b);
  }
  if (a instanceof Instant && b instanceof Instant) return a.ms - b.ms;
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  throw site.fail(`${site.operand(0)} holds ${kindInWords(a)} and ${kindInWords(b)}: sort needs values of one type`);
}

function replaceAll(site: CallSite, scope: Scope, args: readonly unknown[]): string {
  const [whole, from, to] = [text(site, scope, args), text(site, scope, args, 1), text(site, scope, args, 2)];
  if (from === '') throw site.fail('replace needs a text to look for that is not empty');
  scope.chargeText(whole.length);
  if (to.length > from.length) {
    let found = 0;
    for (let at = whole.indexOf(from); at >= 0; at = whole.indexOf(from, at + from.length)) found += 1;
    if (whole.length + found * (to.length - from.length) > MAX_TEXT)
      throw site.fail('the text that replace makes is too long');
  }
  return limitedText(whole.split(from).join(to), scope, site);
}

function joined(site: CallSite, scope: Scope, args: readonly unknown[]): string {
  const separator = args[1] === undefined ? '' : text(site, scope, args, 1);
  let length = 0;
  const texts: string[] = [];
  for (const element of list(site, scope, args)) {
    scope.charge(1);
    if (element === null || element === undefined) continue;
    const each = textOf(element);
    if (each === undefined) throw site.fail(`${site.operand(0)} holds ${kindInWords(element)}: join needs texts`);
    length += each.length + separator.length;
    if (length > MAX_TEXT) throw site.fail('the text that join makes is too long');
    texts.push(each);
  }
  return limitedText(texts.join(separator), scope, site);
}

function flattened(site: CallSite, scope: Scope, args: readonly unknown[]): unknown[] {
  const flat: unknown[] = [];
  for (const element of list(site, scope, args)) {
    const inner = Array.isArray(element) ? (element as readonly unknown[]) : [element];
    scope.charge(inner.length + 1);
    for (const each of inner) flat.push(each);
  }
  return flat;
}

function splitText(site: CallSite, scope: Scope, args: readonly unknown[]): string[] {
  const whole = text(site, scope, args);
  const parts = whole.split(text(site, scope, args, 1));
  scope.charge(parts.length);
  scope.chargeText(whole.length);
  return parts;
}

function contains(site: CallSite, scope: Scope, args: readonly unknown[]): boolean {
  const [whole, part] = args;
  if (part === null) return false;
  if (Array.isArray(whole)) return (whole as readonly unknown[]).some((each) => deepEquals(each, part, scope));
  const searched = text(site, scope, args);
  scope.chargeText(searched.length);
  return searched.includes(text(site, scope, args, 1));
}

function sizeOf(site: CallSite, scope: Scope, value: unknown): number {
  if (typeof value === 'string') {
    scope.chargeText(value.length);
    let size = 0;
    for (let i = 0; i < value.length; i++) if ((value.charCodeAt(i) & 0xfc00) !== 0xdc00) size += 1;
    return size;
  }
  if (Array.isArray(value)) return value.length;
  if (isObject(value)) return Object.keys(value).length;
  throw site.wrongType(scope, 0, value, 'text');
}

function substring(site: CallSite, scope: Scope, args: readonly unknown[]): string {
  const characters = Array.from(text(site, scope, args));
  scope.charge(characters.length);
  const from = number(site, scope, args, 1);
  return characters.slice(from, args[2] === undefined ? undefined : number(site, scope, args, 2)).join('');
}

function extract(site: CallSite, scope: Scope, args: readonly unknown[]): string | null {
  const whole = text(site, scope, args);
  const regex = pattern(site, scope, args);
  scope.charge(stepsOfMatch(regex, whole.length));
  const matcher = regex.matcher(whole);
  if (!matcher.find()) return null;
  return matcher.group(regex.groupCount() > 0 ? 1 : 0);
}

function sortList(site: CallSite, scope: Scope, args: readonly unknown[]): unknown[] {
  const values = list(site, scope, args);
  scope.charge(values.length);
  return [...values].sort((a, b) => compareForSort(a, b, site, scope));
}

function entriesOf(site: CallSite, scope: Scope, value: unknown): unknown[] {
  if (!isObject(value)) throw site.wrongType(scope, 0, value, 'an object');
  const keys = Object.keys(value);
  scope.charge(keys.length * 2);
  return keys.map((key) => ({ key, value: value[key] }));
}

function cased(site: CallSite, scope: Scope, args: readonly unknown[], change: (text: string) => string): string {
  const value = text(site, scope, args);
  scope.chargeText(value.length);
  return change(value);
}

const onMissingFalse = { onMissing: 'false' } as const;

const TABLE: readonly FunctionSpec[] = [
  about(
    'size(value)',
    'Characters of a text, elements of a list, members of an object.',
    ['size("añ😀")', '3'],
    (site, scope, args) => sizeOf(site, scope, args[0]),
  ),
  about(
    'contains(text, part)',
    'Whether a text has a part, or a list an element. False when either is missing.',
    ['"refund please".contains("refund")', 'true'],
    contains,
    onMissingFalse,
  ),
  about(
    'startsWith(text, beginning)',
    'Whether a text begins so. False when either is missing.',
    ['"INC-7".startsWith("INC")', 'true'],
    (site, scope, args) => args[1] !== null && text(site, scope, args).startsWith(text(site, scope, args, 1)),
    onMissingFalse,
  ),
  about(
    'endsWith(text, end)',
    'Whether a text ends so. False when either is missing.',
    ['"a.png".endsWith(".png")', 'true'],
    (site, scope, args) => args[1] !== null && text(site, scope, args).endsWith(text(site, scope, args, 1)),
    onMissingFalse,
  ),
  about(
    'matches(text, pattern)',
    'Whether a regular expression (RE2 syntax) matches anywhere in the text; ^ and $ tie it to the ends. False when the text is missing.',
    ['"session_12".matches("^session_[0-9]+$")', 'true'],
    (site, scope, args) => {
      const searched = text(site, scope, args);
      const regex = pattern(site, scope, args);
      scope.charge(stepsOfMatch(regex, searched.length));
      return regex.test(searched);
    },
    { onMissing: 'false', prepare: preparePattern },
  ),
  about(
    'extract(text, pattern)',
    'What the first group of a regular expression (or all of it, without groups) matches; missing when it does not match.',
    ['extract("Order #123", "#([0-9]+)")', '"123"'],
    extract,
    { prepare: preparePattern },
  ),
  about('lower(text)', 'The text in lower case.', ['lower("URGENT")', '"urgent"'], (site, scope, args) =>
    cased(site, scope, args, (value) => value.toLowerCase()),
  ),
  about('upper(text)', 'The text in upper case.', ['upper("abc")', '"ABC"'], (site, scope, args) =>
    cased(site, scope, args, (value) => value.toUpperCase()),
  ),
  about('trim(text)', 'The text without white space around it.', ['trim("  a b ")', '"a b"'], (site, scope, args) =>
    cased(site, scope, args, (value) => value.trim()),
  ),
  about(
    'replace(text, from, to)',
    'The text with every occurrence of `from` replaced; no patterns.',
    ['replace("26.json", ".json", "")', '"26"'],
    replaceAll,
  ),
  about(
    'split(text, separator)',
    'The parts of a text between the separators.',
    ['split("a,b", ",")', '["a","b"]'],
    splitText,
  ),
  about(
    'substring(text, from, to?)',
    'Characters from the 0-based place `from` up to, not with, `to`; a negative place counts from the end.',
    ['substring("2024-05-06", 0, 4)', '"2024"'],
    substring,
  ),
  about(
    'join(list, separator?)',
    'The elements in one text; missing ones are left out.',
    ['join(["a", null, "b"], " ")', '"a b"'],
    joined,
  ),
  about(
    'number(value)',
    'The number that a text is; a blank text gives missing. Texts with more digits than a number holds stay texts: they are refused.',
    ['number(" 12.50 ")', '12.5'],
    (site, _scope, args) => toNumber(site, args[0]),
  ),
  about('double(value)', 'The same as number.', ['double("1e3")', '1000'], (site, _scope, args) =>
    toNumber(site, args[0]),
  ),
  about('int(value)', 'The number that a text is, without its decimals.', ['int("7.9")', '7'], (site, _scope, args) => {
    const value = toNumber(site, args[0]);
    return value === null ? null : Math.trunc(value);
  }),
  about(
    'bool(value)',
    'true for true, yes, t, y and 1; false for false, no, f, n and 0; any case.',
    ['bool("Yes")', 'true'],
    (site, _scope, args) => toBoolean(site, args[0]),
  ),
  about('text(value)', 'The text of a number, boolean or timestamp.', ['text(7) + "a"', '"7a"'], (site, scope, args) =>
    toText(site, scope, args[0]),
  ),
  about('string(value)', 'The same as text.', ['string(true)', '"true"'], (site, scope, args) =>
    toText(site, scope, args[0]),
  ),
  about(
    'json(value)',
    'The value as JSON text.',
    ['json({"a": [1, "b"]})', '"{\\"a\\":[1,\\"b\\"]}"'],
    (site, scope, args) => jsonOf(args[0], scope, (sentence) => site.fail(sentence)),
  ),
  about(
    'hash(value)',
    'SHA-256 in 64 hexadecimal digits, of a text in UTF-8 or of the JSON of a list or object. The same value always has the same hash.',
    ['substring(hash("a"), 0, 8)', '"ca978112"'],
    (site, scope, args) => {
      const value = textOf(args[0]) ?? jsonOf(args[0], scope, (sentence) => site.fail(sentence));
      scope.chargeText(value.length * 8);
      return digest('sha256', value, 'hex');
    },
  ),
  about(
    'entries(object)',
    'The members of an object as a list of objects with `key` and `value`, in the order of the row (names that are whole numbers come first).',
    ['entries({"a": 1})', '[{"key":"a","value":1}]'],
    (site, scope, args) => entriesOf(site, scope, args[0]),
  ),
  about(
    'sort(list)',
    'The elements in order: numbers by value, texts in natural order (`part9` before `part10`), missing ones last; equal ones stay as they were. `list.sort(x, expression)` orders by a value of each element.',
    ['sort(["part10", "part9"])', '["part9","part10"]'],
    sortList,
  ),
  about('flatten(list)', 'One level of lists inside a list removed.', ['flatten([[1, 2], [3]])', '[1,2,3]'], flattened),
  about(
    'type(value)',
    'The name of the type: null, boolean, number, text, timestamp, list or object.',
    ['type(1)', '"number"'],
    (_site, _scope, args) => kindOf(args[0]),
    { onMissing: 'own' },
  ),
  about('dyn(value)', 'The value itself.', ['dyn(1)', '1'], (_site, _scope, args) => args[0], { onMissing: 'own' }),
  ...DATE_FUNCTIONS,
];

/** Forms that the compiler itself understands, for the reference: they see their arguments before these are evaluated. */
export const SPECIAL_FORMS: readonly Pick<FunctionSpec, 'name' | 'parameters' | 'about' | 'example'>[] = [
  special('coalesce', 'value, ...', 'The first value that is not missing.', ['coalesce(null, "b")', '"b"']),
  special('has', 'value', 'Whether the value is there and not null.', ['has(row.nothing)', 'false']),
  special('all', 'list, name, condition', 'Whether the condition holds for each element.', [
    '[1, 2].all(n, n > 0)',
    'true',
  ]),
  special('exists', 'list, name, condition', 'Whether it holds for at least one.', ['[1, 2].exists(n, n > 1)', 'true']),
  special('exists_one', 'list, name, condition', 'Whether it holds for exactly one.', [
    '[1, 2].exists_one(n, n > 1)',
    'true',
  ]),
  special('filter', 'list, name, condition', 'The elements for which it holds.', [
    '[1, 2, 3].filter(n, n > 1)',
    '[2,3]',
  ]),
  special(
    'map',
    'list, name, value',
    'A value made of each element; with a condition before it, of those for which it holds.',
    ['[1, 2].map(n, n * 2)', '[2,4]'],
  ),
  special('sort', 'list, name, value', 'The elements in the order of a value made of each.', [
    '[3, 1].sort(n, -n)',
    '[3,1]',
  ]),
  special('cel.bind', 'name, value, expression', 'The expression with a name for a value.', [
    'cel.bind(x, 2, x * x)',
    '4',
  ]),
];

function special(name: string, parameters: string, text: string, example: readonly [string, string]) {
  return { name, parameters, about: text, example };
}

/** All functions by name. */
export const FUNCTIONS: ReadonlyMap<string, FunctionSpec> = new Map(TABLE.map((each) => [each.name, each]));
