/** Functions that do not exist: what people who know other languages probably meant. */
import { distance } from 'fastest-levenshtein';
import { FUNCTIONS, SPECIAL_FORMS } from '../functions.js';
import { ExpressionMistake } from './parse.js';

/** Names of functions in other dialects, and what they are called here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  len: 'size',
  length: 'size',
  count: 'size',
  lowerAscii: 'lower',
  upperAscii: 'upper',
  toLowerCase: 'lower',
  toUpperCase: 'upper',
  strip: 'trim',
  str: 'text',
  float: 'number',
  concat: 'join',
  includes: 'contains',
  any: 'exists',
  ifnull: 'coalesce',
  nvl: 'coalesce',
  date: 'timestamp',
  getFullYear: 'year',
  getMonth: 'month',
  getDate: 'day',
  getHours: 'hour',
  getMinutes: 'minute',
  getSeconds: 'second',
};

/** The mistake of calling a function that does not exist, with the one that was probably meant. */
export function unknownFunction(name: string, offset: number): ExpressionMistake {
  const names = [...FUNCTIONS.keys(), ...SPECIAL_FORMS.map((each) => each.name)];
  const near = names.find((each) => distance(each.toLowerCase(), name.toLowerCase()) <= Math.max(1, name.length / 4));
  const known = (Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : undefined) ?? near;
  const form = SPECIAL_FORMS.find((each) => each.name === name);
  if (form !== undefined) return new ExpressionMistake(`${name} is written as in ${form.example[0]}`, offset);
  return new ExpressionMistake(
    `there is no function ${name}`,
    offset,
    known === undefined ? undefined : `did you mean ${known}?`,
  );
}
