/**
 * Ids and values from rows made safe for where they go: one segment of a path, a query, a body, a message. An id can never change which
 * path is called.
 */
import { unaddressable, type Operation } from './problems.js';
import { presentable } from './server-words.js';

/** An id as a message may hold it: ids come from rows, and rows may hold anything. */
export function shown(id: string): string {
  const clean = presentable(id, (text) => text) ?? '""';
  return clean.length > 80 ? `${clean.slice(0, 80)}…` : clean;
}

/**
 * One path segment, encoded. Throws RemoteError (`bad-id`) for an id no segment can carry: dot segments are resolved by clients, proxies
 * and servers alike, even when encoded.
 */
export function segment(id: string, operation: Operation): string {
  if (id === '') throw unaddressable(operation, 'an empty id names nothing');
  if (id === '.' || id === '..') throw unaddressable(operation, `the id "${id}" cannot be part of an address`);
  try {
    return encodeURIComponent(id);
  } catch {
    throw unaddressable(operation, 'the id holds half a character (a lone surrogate)');
  }
}

export function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return `?${search.toString()}`;
}

export function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
