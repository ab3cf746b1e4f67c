/**
 * The functions of the expression language, in one table: the compiler calls from it and the reference is made of it. Every function may
 * be written `f(x, y)` or `x.f(y)`. Unless its text says otherwise, a missing first argument gives missing.
 */
import { hash as digest } from 'node:crypto';
import { DATE_FUNCTIONS } from './date-functions.js';
import type { CallSite } from './expression/call-site.js';
import { compilePattern, stepsOfMatch } from './expression/regex.js';
import { kindOf, textOf } from './expression/values.js';
import {
  cased,
  contains,
  entriesOf,
  extract,
  flattened,
  joined,
  jsonOf,
  pattern,
  replaceAll,
  sizeOf,
  sortList,
  splitText,
  substring,
  text,
  toBoolean,
  toNumber,
  toText,
} from './function-bodies.js';
import type { Scope } from './scope.js';

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

function preparePattern(index: number, literal: unknown): Prepared | undefined {
  if (index !== 1 || typeof literal !== 'string') return undefined;
  const compiled = compilePattern(literal);
  return typeof compiled === 'string' ? { problem: compiled } : { value: compiled };
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
