/**
 * One request as a route sees it, and how a route reads its body and its query: the few conversions that every route needs, each refusing
 * with the words the service is known to use.
 */
import { badRequest, invalidJson } from './answer.js';
import type { RunPlan } from './store/batches.js';
import type { Project } from './store/projects.js';

export interface Call {
  readonly operation: string;
  readonly project: Project;
  /** Decoded path parameters, in order. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Buffer;
  /** What a fault wants to become of the run that this call starts. */
  readonly plan?: RunPlan;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The path parameter at `place`; a route's own pattern guarantees that it is there. */
export function param(call: Call, place = 0): string {
  return call.params[place] ?? '';
}

/** The body as a JSON object; an empty body is `{}` only where `optional`. */
export function bodyObject(call: Call, optional = false): JsonObject {
  if (call.body.length === 0) {
    if (optional) return {};
    throw invalidJson('the body is empty');
  }
  let value: unknown;
  try {
    value = JSON.parse(call.body.toString('utf8'));
  } catch {
    throw invalidJson('the body is not JSON');
  }
  if (!isObject(value)) throw invalidJson('the body must be an object');
  return value;
}

/** A whole number from the query, at least `min`, or undefined when it is not given. */
export function queryInteger(call: Call, name: string, min: number): number | undefined {
  const text = call.query.get(name);
  if (text === null || text === '') return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (value < min) throw badRequest(`${name} must be a whole number of at least ${min}`);
  return value;
}

/** `limit` of a listing: what the service does not document is taken as default 50, clamped at `max`. */
export function pageLimit(call: Call, name = 'limit', defaultLimit = 50, max = 100): number {
  return Math.min(queryInteger(call, name, 1) ?? defaultLimit, max);
}

export function queryBoolean(call: Call, name: string): boolean | undefined {
  const text = call.query.get(name);
  if (text === null || text === '') return undefined;
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw badRequest(`${name} must be true or false`);
}
