/**
 * The identity of a mapping: equal for files that map in the same way, whatever their comments, formatting or order of keys. Only the
 * order of metadata counts, since it is the order in which the values are sent.
 */
import { hash } from 'node:crypto';
import type { MappingFile } from './schema.js';

/** SHA-256 in hexadecimal digits. Examples, the order of sending and the editors' `$schema` say nothing about how rows are mapped and are left out. */
export function fingerprintOf(file: MappingFile): string {
  const mapped = { ...file, tests: undefined, sort: undefined, $schema: undefined };
  return hash('sha256', JSON.stringify(canonical(mapped, '')), 'hex');
}

function canonical(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((each) => canonical(each, name));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  if (name !== 'metadata') entries.sort(([a], [b]) => (a < b ? -1 : 1));
  // Pairs keep their order whatever the names; an object would move names that are whole numbers to the front.
  return entries.map(([key, each]) => [key, canonical(each, key)]);
}
