/**
 * The rules for single fields, as the service states them. A value that cannot be the field's type is `invalid json` (the service reads
 * bodies into typed structures); a value that breaks a rule is `bad request`. Null means "not given". All refusals are thrown.
 */
import { ROLES, type Role } from '../wire.js';
import { ApiError, badRequest, invalidJson } from './answer.js';
import { isObject, type JsonObject } from './call.js';
import { isRfc3339 } from './rfc3339.js';

/** How the length of a text is counted; the service does not say. */
export type CharacterUnit = 'code-points' | 'bytes';

export function longerThan(text: string, max: number, unit: CharacterUnit): boolean {
  if (unit === 'bytes') return text.length > max || (text.length * 3 > max && Buffer.byteLength(text) > max);
  if (text.length <= max) return false;
  if (text.length > 2 * max) return true;
  let points = text.length;
  for (let at = 1; at < text.length; at++) {
    const unitCode = text.charCodeAt(at);
    if (unitCode >= 0xdc00 && unitCode <= 0xdfff) {
      const before = text.charCodeAt(at - 1);
      if (before >= 0xd800 && before <= 0xdbff) points -= 1;
    }
  }
  return points > max;
}

export function isBlank(text: string): boolean {
  return text.trim().length === 0;
}

export function optionalText(value: unknown, where: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw invalidJson(`${where} must be a string`);
  return value;
}

export function requiredText(value: unknown, where: string): string {
  const text = optionalText(value, where);
  if (text === undefined || isBlank(text)) throw badRequest(`${where} is required`);
  return text;
}

/** An id that a caller chose: not blank, and without NUL, which no database of text takes. */
export function requiredId(value: unknown, where: string): string {
  const id = requiredText(value, where);
  if (id.includes('\0')) throw badRequest(`${where} must not hold a NUL character`);
  return id;
}

/** An object of any content that can be kept; nested too deeply to be written is refused. */
export function optionalObject(value: unknown, where: string): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw invalidJson(`${where} must be an object`);
  try {
    JSON.stringify(value);
  } catch {
    throw invalidJson(`${where} is nested too deeply`);
  }
  return value;
}

export function optionalBoolean(value: unknown, where: string): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw invalidJson(`${where} must be true or false`);
  return value;
}

const roleNames: ReadonlySet<string> = new Set(ROLES);

export function isRole(text: string): text is Role {
  return roleNames.has(text);
}

/** The service's own words for a role that it does not know. */
export function badRole(role: string): ApiError {
  return new ApiError(400, `invalid role type%!(EXTRA string=${role.slice(0, 100)})`);
}

export function optionalRoles(value: unknown, where: string): Role[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw invalidJson(`${where} must be an array`);
  return value.map((role: unknown) => {
    if (typeof role !== 'string') throw invalidJson(`${where} must hold strings`);
    if (!isRole(role)) throw badRole(role);
    return role;
  });
}

export function checkTime(value: unknown, where: string): void {
  const text = optionalText(value, where);
  if (text !== undefined && !isRfc3339(text)) throw invalidJson(`${where} must be an RFC 3339 time with an offset`);
}

function isScalar(value: unknown): boolean {
  return (
    typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
  );
}

/** At most `maxKeys` keys; scalars, or arrays of scalars that are not empty. Null values are accepted. */
export function checkMetadata(value: unknown, where: string, maxKeys: number): void {
  if (value === undefined || value === null) return;
  if (typeof value !== 'object' || Array.isArray(value)) throw invalidJson(`${where} must be an object`);
  const keys = Object.keys(value);
  if (keys.length > maxKeys) throw badRequest(`${where} has ${keys.length} keys, at most ${maxKeys} are allowed`);
  for (const key of keys) {
    if (isBlank(key)) throw badRequest(`${where} has a blank key`);
    const entry: unknown = (value as Record<string, unknown>)[key];
    if (entry === null || isScalar(entry)) continue;
    if (!Array.isArray(entry)) throw badRequest(`${where}.${key.slice(0, 100)} must not be nested`);
    if (entry.length === 0) throw badRequest(`${where}.${key.slice(0, 100)} must not be an empty array`);
    if (!entry.every(isScalar))
      throw badRequest(`${where}.${key.slice(0, 100)} may hold strings, numbers and booleans only`);
  }
}

/** An IANA time zone. */
export function checkTimeZone(value: unknown): void {
  if (typeof value !== 'string') return;
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
  } catch {
    throw badRequest('time_zone must be an IANA time zone');
  }
}
