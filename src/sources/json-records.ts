/**
 * One JSON text in the window becomes one entry of a block: a record, or a rejection that names the place. Shared by the readers of
 * JSON lines and JSON documents, so that both judge the same text alike.
 */
import { isUtf8 } from 'node:buffer';
import type { BlockBuilder } from './block.js';
import { mayHoldInexact, quoteInexact } from './exact-numbers.js';
import { findJsonFault, placeOf } from './json-grammar.js';
import { notUtf8Message, type ReaderContext } from './reader.js';

/** Deeper values would exhaust the stack of whatever walks them later; no real row comes near it. */
export const MAX_DEPTH = 1000;

/**
 * Adds the JSON text in `[start, end)` of the window, which begins on `line`. `utf8` says that its encoding is known to be right.
 * Tells the code of the rejection when it was rejected.
 */
export function addJson(
  context: ReaderContext,
  builder: BlockBuilder,
  start: number,
  end: number,
  line: number,
  utf8: boolean,
): string | undefined {
  const { bytes } = context.window;
  if (!utf8 && !isUtf8(bytes.subarray(start, end))) {
    return builder.rejected('invalid-encoding', notUtf8Message(context), start, end, line);
  }
  const text = bytes.toString('utf8', start, end);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return builder.rejected('invalid-json', describeFault(bytes, start, end, line), start, end, line);
  }
  if (mayHoldInexact(bytes, start, end)) {
    const quoted = quoteInexact(text);
    if (quoted.count > 0) value = JSON.parse(quoted.text);
    builder.inexactNumbers += quoted.count;
  }
  if (end - start > 2 * MAX_DEPTH && deeperThan(value, MAX_DEPTH)) {
    return builder.rejected('too-deep', `this record is nested more than ${MAX_DEPTH} levels deep`, start, end, line);
  }
  builder.record(value, start, end, line);
  return undefined;
}

/** A sentence with line (when it is another than the record's own) and column. Never quotes the data. */
export function describeFault(bytes: Buffer, start: number, end: number, line: number): string {
  const fault = findJsonFault(bytes, start, end);
  if (fault === undefined) return 'not valid JSON';
  const place = placeOf(bytes, start, fault.at, line);
  const where = place.line === line ? `column ${place.column}` : `line ${place.line}, column ${place.column}`;
  return `not valid JSON: ${fault.reason}, at ${where}`;
}

function deeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (limit === 0) return true;
  if (Array.isArray(value)) {
    for (const member of value) if (typeof member === 'object' && deeperThan(member, limit - 1)) return true;
    return false;
  }
  const members = value as Readonly<Record<string, unknown>>;
  for (const name in members) {
    const member = members[name];
    if (typeof member === 'object' && deeperThan(member, limit - 1)) return true;
  }
  return false;
}
