/**
 * What the functions of the expression language do. Arguments are checked here, work is counted before it is done, and every error is a
 * sentence about the expression, never about a value.
 */
import { RE2JS } from 're2js';
import type { CallSite } from './expression/call-site.js';
import { limitedText } from './expression/operators.js';
import { compilePattern, stepsOfMatch } from './expression/regex.js';
import {
  compareNaturally,
  deepEquals,
  Instant,
  isObject,
  kindInWords,
  parseBoolean,
  parseNumber,
  textOf,
} from './expression/values.js';
import { MAX_TEXT, type Scope } from './scope.js';

/** The text at `index`; throws for other types. */
export function text(site: CallSite, scope: Scope, args: readonly unknown[], index = 0): string {
  const value = args[index];
  if (typeof value === 'string') return value;
  throw site.wrongType(scope, index, value ?? null, 'text');
}

export function list(site: CallSite, scope: Scope, args: readonly unknown[]): readonly unknown[] {
  const value = args[0];
  if (Array.isArray(value)) return value as readonly unknown[];
  throw site.wrongType(scope, 0, value, 'a list');
}

export function number(site: CallSite, scope: Scope, args: readonly unknown[], index: number): number {
  const value = args[index];
  if (typeof value === 'number') return value;
  throw site.wrongType(scope, index, value ?? null, 'numbers');
}

export function pattern(site: CallSite, scope: Scope, args: readonly unknown[]): RE2JS {
  if (args[1] instanceof RE2JS) return args[1];
  const compiled = compilePattern(text(site, scope, args, 1));
  if (typeof compiled === 'string') throw site.fail(compiled);
  return compiled;
}

export function toNumber(site: CallSite, value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') throw site.fail(`${site.operand(0)} is ${kindInWords(value)}, which is no number`);
  const result = parseNumber(value);
  if (typeof result === 'string') throw site.fail(`${site.operand(0)} ${result}`);
  return result;
}

export function toBoolean(site: CallSite, value: unknown): boolean {
  const result = parseBoolean(value);
  if (result === undefined)
    throw site.fail(`${site.operand(0)} is ${kindInWords(value)} that is neither true nor false`);
  return result;
}

export function toText(site: CallSite, scope: Scope, value: unknown): string {
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

export function replaceAll(site: CallSite, scope: Scope, args: readonly unknown[]): string {
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

export function joined(site: CallSite, scope: Scope, args: readonly unknown[]): string {
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

export function flattened(site: CallSite, scope: Scope, args: readonly unknown[]): unknown[] {
  const flat: unknown[] = [];
  for (const element of list(site, scope, args)) {
    const inner = Array.isArray(element) ? (element as readonly unknown[]) : [element];
    scope.charge(inner.length + 1);
    for (const each of inner) flat.push(each);
  }
  return flat;
}

export function splitText(site: CallSite, scope: Scope, args: readonly unknown[]): string[] {
  const whole = text(site, scope, args);
  scope.chargeText(whole.length);
  // One part more than the row may pay for is enough to refuse it.
  const parts = whole.split(text(site, scope, args, 1), scope.steps + 1);
  scope.charge(parts.length);
  return parts;
}

export function contains(site: CallSite, scope: Scope, args: readonly unknown[]): boolean {
  const [whole, part] = args;
  if (part === null) return false;
  if (Array.isArray(whole)) return (whole as readonly unknown[]).some((each) => deepEquals(each, part, scope));
  const searched = text(site, scope, args);
  scope.chargeText(searched.length);
  return searched.includes(text(site, scope, args, 1));
}

export function sizeOf(site: CallSite, scope: Scope, value: unknown): number {
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

export function substring(site: CallSite, scope: Scope, args: readonly unknown[]): string {
  const whole = text(site, scope, args);
  scope.charge(whole.length);
  const characters = Array.from(whole);
  const from = number(site, scope, args, 1);
  return characters.slice(from, args[2] === undefined ? undefined : number(site, scope, args, 2)).join('');
}

export function extract(site: CallSite, scope: Scope, args: readonly unknown[]): string | null {
  const whole = text(site, scope, args);
  const regex = pattern(site, scope, args);
  scope.charge(stepsOfMatch(regex, whole.length));
  const matcher = regex.matcher(whole);
  if (!matcher.find()) return null;
  return matcher.group(regex.groupCount() > 0 ? 1 : 0);
}

export function sortList(site: CallSite, scope: Scope, args: readonly unknown[]): unknown[] {
  const values = list(site, scope, args);
  scope.charge(values.length);
  return [...values].sort((a, b) => compareForSort(a, b, site, scope));
}

export function entriesOf(site: CallSite, scope: Scope, value: unknown): unknown[] {
  if (!isObject(value)) throw site.wrongType(scope, 0, value, 'an object');
  const keys = Object.keys(value);
  scope.charge(keys.length * 2);
  return keys.map((key) => ({ key, value: value[key] }));
}

export function cased(
  site: CallSite,
  scope: Scope,
  args: readonly unknown[],
  change: (text: string) => string,
): string {
  const value = text(site, scope, args);
  scope.chargeText(value.length);
  return change(value);
}
