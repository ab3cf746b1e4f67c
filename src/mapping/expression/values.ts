/**
 * The values of expressions and how they compare: null, booleans, numbers (one type), text, instants, lists and objects. They are the
 * values of JSON as they come from a source, not copies of them.
 */
import type { Scope } from '../scope.js';

/** A moment in time, as `timestamp()` gives it. `flags` are those of ItemTime. */
export class Instant {
  constructor(
    readonly ms: number,
    readonly flags: number,
  ) {}

  /** RFC 3339 in UTC, without a fraction when it is zero. */
  toString(): string {
    return formatInstant(this.ms);
  }

  toJSON(): string {
    return formatInstant(this.ms);
  }
}

/** RFC 3339 in UTC: `2024-05-06T07:08:09Z`, with milliseconds only when there are some. `ms` lies in the years 0 to 9999. */
export function formatInstant(ms: number): string {
  const text = new Date(ms).toISOString();
  return text.endsWith('.000Z') ? `${text.slice(0, -5)}Z` : text;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Instant);
}

export type Kind = 'null' | 'boolean' | 'number' | 'text' | 'timestamp' | 'list' | 'object';

export function kindOf(value: unknown): Kind {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number') return 'number';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value !== 'object' || value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  return value instanceof Instant ? 'timestamp' : 'object';
}

const ARTICLES: Readonly<Record<Kind, string>> = {
  null: 'missing',
  boolean: 'a boolean',
  number: 'a number',
  text: 'text',
  timestamp: 'a timestamp',
  list: 'a list',
  object: 'an object',
};

/** `a number`, `text`, `missing`: the kind of a value in a sentence. */
export function kindInWords(value: unknown): string {
  return ARTICLES[kindOf(value)];
}

/** Text of a scalar, or undefined for null, lists and objects. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return value instanceof Instant ? value.toString() : undefined;
}

/** The number a text is, null when it is blank, or a sentence (behind the name of the value) why it is none. */
export function parseNumber(text: string): number | null | 'is text that is no number' | typeof TOO_MANY_DIGITS {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  if (trimmed.length > 400 || !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(trimmed)) {
    return 'is text that is no number';
  }
  const result = Number(trimmed);
  const isExact = Number.isFinite(result) && (!Number.isInteger(result) || Number.isSafeInteger(result));
  return isExact ? result : TOO_MANY_DIGITS;
}

const TOO_MANY_DIGITS = 'has more digits than a number holds exactly: leave it as text';

const TRUE = new Set(['true', 't', 'yes', 'y', '1']);
const FALSE = new Set(['false', 'f', 'no', 'n', '0']);

/** What a boolean, or a text or number that people write for one, says; undefined when it says neither. */
export function parseBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const word = typeof value === 'string' ? value.trim().toLowerCase() : typeof value === 'number' ? String(value) : '';
  return TRUE.has(word) ? true : FALSE.has(word) ? false : undefined;
}

/** Deep equality of two values of one document; kinds that differ are unequal, null equals null here. */
export function deepEquals(a: unknown, b: unknown, scope: Scope): boolean {
  scope.charge(1);
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length !== b.length) return false;
    scope.chargeText(a.length);
    return a === b;
  }
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Instant || b instanceof Instant)
    return a instanceof Instant && b instanceof Instant && a.ms === b.ms;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!deepEquals(a[i], b[i], scope)) return false;
    return true;
  }
  return objectsEqual(a as JsonObject, b as JsonObject, scope);
}

function objectsEqual(a: JsonObject, b: JsonObject, scope: Scope): boolean {
  const keys = Object.keys(a);
  scope.charge(keys.length);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) {
    if (!Object.hasOwn(b, key) || !deepEquals(a[key], b[key], scope)) return false;
  }
  return true;
}

/**
 * Orders two texts as people do: runs of digits by their number (`part9` before `part10`), everything else by code unit. Consistent:
 * texts that differ never compare as 0.
 */
export function compareNaturally(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(j);
    if (isDigit(x) && isDigit(y)) {
      const [endA, endB] = [endOfDigits(a, i), endOfDigits(b, j)];
      const order = compareDigits(a.slice(i, endA), b.slice(j, endB));
      if (order !== 0) return order;
      i = endA;
      j = endB;
    } else {
      if (x !== y) return x - y;
      i += 1;
      j += 1;
    }
  }
  const rest = a.length - i - (b.length - j);
  if (rest !== 0) return rest;
  return a < b ? -1 : a > b ? 1 : 0;
}

function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

function endOfDigits(text: string, from: number): number {
  let end = from;
  while (end < text.length && isDigit(text.charCodeAt(end))) end += 1;
  return end;
}

function compareDigits(a: string, b: string): number {
  const x = a.replace(/^0+/, '');
  const y = b.replace(/^0+/, '');
  if (x.length !== y.length) return x.length - y.length;
  return x < y ? -1 : x > y ? 1 : 0;
}
