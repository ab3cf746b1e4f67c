/**
 * The operators, as a person expects them of rows: a missing value is unequal to everything and neither less nor greater; arithmetic
 * with it gives missing; numbers are one type and `/` divides exactly; text joins with numbers. Anything else of the wrong type rejects
 * the row.
 */
import type { Read } from '../names.js';
import { MAX_TEXT, type Scope } from '../scope.js';
import type { CallSite } from './call-site.js';
import { Instant, deepEquals, isObject, kindInWords, kindOf, textOf } from './values.js';

export type BinaryOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/' | '%' | 'in';

type Binary = (left: Read, right: Read, site: CallSite) => Read;

/** The reader of a binary operation. */
export function compileBinary(operator: BinaryOperator, left: Read, right: Read, site: CallSite): Read {
  return BINARY[operator](left, right, site);
}

const BINARY: Readonly<Record<BinaryOperator, Binary>> = {
  '==': (left, right, site) => (scope) => equals(left(scope), right(scope), scope, site),
  '!=': (left, right, site) => (scope) => !equals(left(scope), right(scope), scope, site),
  '<': (left, right, site) => (scope) => {
    const a = left(scope);
    const b = right(scope);
    return typeof a === 'number' && typeof b === 'number' ? a < b : compare(a, b, scope, site) < 0;
  },
  '<=': (left, right, site) => (scope) => compare(left(scope), right(scope), scope, site) <= 0,
  '>': (left, right, site) => (scope) => {
    const a = left(scope);
    const b = right(scope);
    return typeof a === 'number' && typeof b === 'number' ? a > b : compare(a, b, scope, site) > 0;
  },
  '>=': (left, right, site) => (scope) => compare(left(scope), right(scope), scope, site) >= 0,
  '+': (left, right, site) => (scope) => {
    const a = left(scope);
    const b = right(scope);
    if (typeof a === 'number' && typeof b === 'number') return finite(a + b, site);
    return add(a, b, scope, site);
  },
  '-': arithmetic((a, b) => a - b),
  '*': arithmetic((a, b) => a * b),
  '/': arithmetic((a, b, site) => divide(a, b, site, a / b)),
  '%': arithmetic((a, b, site) => divide(a, b, site, a % b)),
  in: (left, right, site) => (scope) => isIn(left(scope), right(scope), scope, site),
};

function arithmetic(calculate: (a: number, b: number, site: CallSite) => number): Binary {
  return (left, right, site) => (scope) => {
    const a = left(scope);
    const b = right(scope);
    if (typeof a === 'number' && typeof b === 'number') return finite(calculate(a, b, site), site);
    if (a === null || b === null) return null;
    throw site.wrongType(scope, typeof a === 'number' ? 1 : 0, typeof a === 'number' ? b : a, 'numbers');
  };
}

function divide(_a: number, b: number, site: CallSite, result: number): number {
  if (b === 0) throw site.fail(`${site.operand(1)} is 0, and nothing can be divided by it`);
  return result;
}

function finite(value: number, site: CallSite): number {
  if (!Number.isFinite(value)) throw site.fail(`the result of ${site.operands.join(` ${site.name} `)} is too large`);
  return value;
}

/** Throws when the two are scalars of different types: comparing them is a mistake that would be silent otherwise. */
export function equals(a: unknown, b: unknown, scope: Scope, site: CallSite): boolean {
  if (a === null || b === null) return false;
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length !== b.length) return false;
    if (a.length > 256) scope.chargeText(a.length);
    return a === b;
  }
  if (typeof a === typeof b && typeof a !== 'object') return a === b;
  if (kindOf(a) === kindOf(b)) return deepEquals(a, b, scope);
  throw differentTypes(a, b, scope, site);
}

function differentTypes(a: unknown, b: unknown, scope: Scope, site: CallSite): Error {
  // The side that is text is the one that can be converted.
  const text = typeof a === 'string' ? 0 : typeof b === 'string' ? 1 : undefined;
  const other = text === 0 ? b : a;
  if (text !== undefined && typeof other === 'number')
    return site.wrongType(scope, text, text === 0 ? a : b, 'numbers');
  if (text !== undefined && typeof other === 'boolean') {
    return site.wrongType(scope, text, text === 0 ? a : b, 'true or false');
  }
  return site.fail(
    `${site.operand(0)} is ${kindInWords(a)} and ${site.operand(1)} is ${kindInWords(b)}: they cannot be compared`,
  );
}

/** Negative, 0 or positive; NaN (which is neither) when one of them is missing. */
function compare(a: unknown, b: unknown, scope: Scope, site: CallSite): number {
  if (a === null || b === null) return Number.NaN;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length > 256 && b.length > 256) scope.chargeText(Math.min(a.length, b.length));
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (a instanceof Instant && b instanceof Instant) return a.ms - b.ms;
  if (a instanceof Instant || b instanceof Instant) throw timestampNeeded(a, site);
  if (kindOf(a) !== kindOf(b)) throw differentTypes(a, b, scope, site);
  throw site.fail(`${site.operand(0)} is ${kindInWords(a)}, and ${site.name} needs numbers or text`);
}

function timestampNeeded(a: unknown, site: CallSite): Error {
  const index = a instanceof Instant ? 1 : 0;
  return site.fail(`${site.operand(index)} is no timestamp: timestamp(${site.operand(index)})`);
}

function add(a: unknown, b: unknown, scope: Scope, site: CallSite): unknown {
  if (a === null || b === null) return null;
  if (Array.isArray(a) && Array.isArray(b)) {
    scope.charge(a.length + b.length);
    return [...(a as readonly unknown[]), ...(b as readonly unknown[])];
  }
  const [left, right] = [textOf(a), textOf(b)];
  if (left === undefined) throw site.wrongType(scope, 0, a, 'text');
  if (right === undefined) throw site.wrongType(scope, 1, b, 'text');
  if (typeof a !== 'string' && typeof b !== 'string') {
    throw site.fail(`${kindInWords(a)} and ${kindInWords(b)} cannot be added`);
  }
  return limitedText(left + right, scope, site);
}

/** A text an expression has made; throws when it is longer than anything that could be meant. */
export function limitedText(text: string, scope: Scope, site: CallSite): string {
  if (text.length > MAX_TEXT) throw site.fail(`the text that ${site.name} makes is too long`);
  if (text.length > 256) scope.chargeText(text.length);
  return text;
}

function isIn(value: unknown, container: unknown, scope: Scope, site: CallSite): boolean {
  if (value === null || container === null) return false;
  if (Array.isArray(container)) return isElement(value, container, scope, site);
  if (isObject(container)) {
    const key = textOf(value);
    return key !== undefined && Object.hasOwn(container, key);
  }
  if (typeof container === 'string') {
    throw site.fail(`${site.operand(1)} is text: ${site.operand(1)}.contains(${site.operand(0)})`);
  }
  throw site.wrongType(scope, 1, container, 'a list');
}

/** Elements of another type are unequal; only when all of them are of another type is it a mistake. */
function isElement(value: unknown, list: readonly unknown[], scope: Scope, site: CallSite): boolean {
  let stranger: unknown = null;
  let sameType = false;
  for (const element of list) {
    if (deepEquals(value, element, scope)) return true;
    if (element === null || element === undefined) continue;
    if (kindOf(element) === kindOf(value)) sameType = true;
    else stranger = element;
  }
  if (!sameType && stranger !== null) throw differentTypes(value, stranger, scope, site);
  return false;
}

/** Conditions take a missing value for false; anything else but true and false is a mistake. */
export function truth(value: unknown, scope: Scope, site: CallSite, index: number): boolean {
  if (typeof value === 'boolean') return value;
  if (value === null || value === undefined) return false;
  throw site.wrongType(scope, index, value, 'true or false');
}

/** Negation of a number. */
export function negate(operand: Read, site: CallSite): Read {
  return (scope) => {
    const value = operand(scope);
    if (typeof value === 'number') return -value;
    if (value === null) return null;
    throw site.wrongType(scope, 0, value, 'numbers');
  };
}

/** `container[key]` with a key that is calculated. */
export function element(container: unknown, key: unknown, scope: Scope, site: CallSite): unknown {
  if (container === null || key === null) return null;
  if (Array.isArray(container)) {
    if (typeof key !== 'number') throw site.wrongType(scope, 1, key, 'numbers');
    return (container as readonly unknown[])[key] ?? null;
  }
  const name = textOf(key);
  if (!isObject(container) || name === undefined) return null;
  return Object.hasOwn(container, name) ? (container[name] ?? null) : null;
}
