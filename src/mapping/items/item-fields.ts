/** Reading the fields of an item template: what may be missing, what may not, and the limits of the short ones. */
import { DateFailure, dateReader, type EventTime } from '../dates/date-reader.js';
import type { DocumentPath } from '../document/read-document.js';
import { rfc3339Ms } from '../dates/iso.js';
import { compileField, missingField, readField, readText, type CompileContext, type Field } from '../fields.js';
import { rowError } from '../row-error.js';
import type { DateField } from '../schema.js';
import type { Scope } from '../scope.js';
import { checkLength, checkWellFormed, isBlank } from './characters.js';
import { addDateMistakes } from './date-mistakes.js';

/** Thrown when a field that the item cannot be without is missing and the mapping says `required: false`: the item is left out. */
export const LEFT_OUT = Symbol('left out');

/** The text of a field the item cannot be without. */
export function neededText(field: Field, scope: Scope, level: number): string {
  const text = readText(field, scope);
  if (text !== null) return text;
  throw absence(field, scope, level);
}

/** The value of a field the item cannot be without. */
export function neededValue(field: Field, scope: Scope, level: number): unknown {
  const value = readField(field, scope);
  if (value !== null) return value;
  throw absence(field, scope, level);
}

function absence(field: Field, scope: Scope, level: number): unknown {
  return field.required === false ? LEFT_OUT : missingField(field, scope, level);
}

/** The text of a field the item can be without: blank counts as missing. Undefined when it is missing. */
export function optionalText(field: Field | undefined, scope: Scope, level: number, limit: number): string | undefined {
  if (field === undefined) return undefined;
  const text = readText(field, scope);
  if (text === null || isBlank(text)) {
    if (field.required === true) throw missingField(field, scope, level);
    return undefined;
  }
  checkLength(text, field.name, limit);
  checkWellFormed(text, field.name);
  return text;
}

/** An id the item cannot be without. */
export function neededId(field: Field, scope: Scope, level: number, limit: number): string {
  const id = neededText(field, scope, level);
  if (isBlank(id)) throw rowError('map', 'missing-field', `${field.name} is blank`, field.name);
  checkLength(id, field.name, limit);
  checkWellFormed(id, field.name);
  return id;
}

/** A word that must be one of a few. The word is told: without it nobody could mend the mapping. */
export function oneOf<T extends string>(word: string, choices: ReadonlySet<string>, field: string): T {
  if (choices.has(word)) return word as T;
  const shown = JSON.stringify(word.length > 40 ? `${word.slice(0, 40)}…` : word);
  const message = `${field} is ${shown}, and must be one of ${[...choices].join(', ')}: use map:`;
  throw rowError('map', `invalid-${field.replace('_', '-')}`, message, field);
}

export type ReadTime = (scope: Scope) => EventTime | undefined;

/** Compiles `created_at`. A missing date gives undefined unless the mapping says that it is required. */
export function compileTime(spec: DateField | undefined, path: DocumentPath, context: CompileContext): ReadTime {
  if (spec === undefined) return () => undefined;
  const name = 'created_at';
  const { level, problems } = context;
  const description = typeof spec === 'string' ? {} : spec;
  const field = compileField(typeof spec === 'string' ? spec : { ...spec, default: undefined }, name, path, context);
  const formats = typeof description.format === 'string' ? [description.format] : description.format;
  const read = addDateMistakes(path, description.format, problems, (mistakes) =>
    dateReader(formats, description.zone, mistakes),
  );
  const fallback = description.default === undefined ? undefined : fallbackTime(description.default, path, context);
  if (field.constant !== undefined) checkConstant(read(field.constant), path, context);
  return (scope) => {
    const value = readField(field, scope);
    if (value === null || (typeof value === 'string' && isBlank(value))) {
      if (fallback !== undefined) return fallback;
      if (field.required === true) throw missingField(field, scope, level);
      return undefined;
    }
    const time = read(value);
    if (!(time instanceof DateFailure)) return time;
    throw rowError('map', time.code, `${name}: ${field.origin} ${time.message}`, name);
  };
}

function checkConstant(time: EventTime | DateFailure, path: DocumentPath, { problems }: CompileContext): void {
  if (time instanceof DateFailure) problems.add(path, `the text ${time.message}`, 'a column is written "{{ name }}"');
}

function fallbackTime(text: string, path: DocumentPath, { problems }: CompileContext): EventTime | undefined {
  const ms = rfc3339Ms(text);
  if (ms !== undefined) return { text, ms, flags: 0 };
  problems.add([...path, 'default'], 'is no moment', 'write it as 2024-05-06T07:08:09Z');
  return undefined;
}
