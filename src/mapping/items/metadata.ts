/** Metadata of an item: up to ten named scalars or non-empty lists of scalars. Missing values and empty lists are left out. */
import type { Problems } from '../document/problems.js';
import type { DocumentPath } from '../document/read-document.js';
import { DateFailure, dateReader } from '../dates/date-reader.js';
import { Instant, isObject, kindInWords, kindOf, parseBoolean, parseNumber, textOf } from '../expression/values.js';
import { compileField, constantField, readField, type CompileContext, type Field } from '../fields.js';
import { rowError, type RowError } from '../row-error.js';
import type { ValueField } from '../schema.js';
import type { Scope } from '../scope.js';
import { LIMITS, type Metadata, type MetadataScalar } from '../../wire.js';
import { checkWellFormed } from './characters.js';
import { addDateMistakes } from './date-mistakes.js';

export type ReadMetadata = (scope: Scope) => Metadata | undefined;

type MetadataValue = MetadataScalar | readonly MetadataScalar[];
type Convert = (value: unknown, field: string) => unknown;

/** Compiles the metadata of an item template; a single template gives all of it. */
export function compileMetadata(
  spec: string | Readonly<Record<string, ValueField>>,
  path: DocumentPath,
  context: CompileContext,
): ReadMetadata {
  const read = compileAll(spec, path, context);
  const { redactor } = context;
  return redactor === undefined ? read : (scope) => redactor.value(read(scope)) as Metadata | undefined;
}

function compileAll(
  spec: string | Readonly<Record<string, ValueField>>,
  path: DocumentPath,
  context: CompileContext,
): ReadMetadata {
  if (typeof spec === 'string')
    return compileWhole(compileField(spec, 'metadata', path, context), path, context.problems);
  const entries = Object.entries(spec).map(([key, field]) => compileEntry(key, field, [...path, key], context));
  return (scope) => {
    const metadata: Record<string, MetadataValue> = {};
    let size = 0;
    for (const entry of entries) {
      const value = entry.read(scope);
      if (value === undefined) continue;
      metadata[entry.key] = value;
      size += 1;
    }
    return sized(metadata, size);
  };
}

function sized(metadata: Metadata, size: number): Metadata | undefined {
  if (size > LIMITS.metadataKeys) throw tooManyKeys(size);
  return size === 0 ? undefined : metadata;
}

function tooManyKeys(size: number): RowError {
  const message = `metadata has ${size} values, and the service takes ${LIMITS.metadataKeys}: leave some out`;
  return rowError('limit', 'metadata-keys', message, 'metadata');
}

function compileWhole(field: Field, path: DocumentPath, problems: Problems): ReadMetadata {
  if (field.constant !== undefined) {
    problems.add(path, 'metadata is a map of names and values', 'or one {{ expression }} that gives an object');
  }
  return (scope) => {
    const value = readField(field, scope);
    return value === null ? undefined : metadataOf(value);
  };
}

/** Checks an object that a row brings as metadata; throws RowError. Undefined when nothing of it is left to send. */
export function metadataOf(value: unknown): Metadata | undefined {
  if (!isObject(value)) {
    throw rowError('map', 'metadata', `metadata is ${kindInWords(value)}, and must be an object`, 'metadata');
  }
  const entries: [string, MetadataValue][] = [];
  for (const [key, each] of Object.entries(value)) {
    const field = `metadata.${key}`;
    if (key.trim() === '') throw rowError('map', 'metadata', 'metadata has a value without a name', 'metadata');
    const checked = checkValue(each, field);
    if (checked !== undefined) entries.push([key, checked]);
  }
  return sized(Object.fromEntries(entries), entries.length);
}

interface Entry {
  readonly key: string;
  read(scope: Scope): MetadataValue | undefined;
}

function compileEntry(key: string, spec: ValueField, path: DocumentPath, context: CompileContext): Entry {
  const name = `metadata.${key}`;
  if (key.trim() === '') context.problems.add(path, 'a value in metadata needs a name');
  if (typeof spec === 'number' || typeof spec === 'boolean') return { key, read: () => spec };
  const field = spec === '' ? constantField(name, '') : compileField(spec, name, path, context);
  const convert = typeof spec === 'string' ? undefined : conversionOf(spec, path, context.problems);
  const required = field.required === true;
  return {
    key,
    read(scope) {
      const raw = readField(field, scope);
      const value = raw === null || convert === undefined ? raw : convert(raw, name);
      if (typeof value === 'number') return value;
      const checked = checkValue(value, name);
      if (checked === undefined && required) throw missingValue(field);
      return checked;
    },
  };
}

function missingValue(field: Field): RowError {
  return rowError('map', 'missing-field', `${field.name} is missing: there is no ${field.origin}`, field.name);
}

type ValueDescription = Exclude<ValueField, string | number | boolean>;

function conversionOf(spec: ValueDescription, path: DocumentPath, problems: Problems): Convert | undefined {
  if (spec.format !== undefined || spec.zone !== undefined) {
    if (spec.type !== undefined && spec.type !== 'text') {
      problems.add([...path, 'type'], 'a date becomes text', 'leave out type, or format and zone');
    }
    return dateConversion(spec, path, problems);
  }
  switch (spec.type) {
    case 'number':
      return toNumber;
    case 'boolean':
      return toBoolean;
    case 'text':
      return toText;
    case undefined:
      return undefined;
  }
}

function dateConversion(spec: ValueDescription, path: DocumentPath, problems: Problems): Convert {
  const formats = typeof spec.format === 'string' ? [spec.format] : spec.format;
  const read = addDateMistakes(path, spec.format, problems, (mistakes) => dateReader(formats, spec.zone, mistakes));
  return (value, field) => {
    const time = read(value);
    if (time instanceof DateFailure) throw rowError('map', time.code, `${field} ${time.message}`, field);
    return time.text;
  };
}

function toNumber(value: unknown, field: string): number | null {
  if (typeof value === 'number') return value;
  const number = typeof value === 'string' ? parseNumber(value) : `is ${kindInWords(value)}, which is no number`;
  if (typeof number === 'string') throw rowError('map', 'wrong-type', `${field} ${number}`, field);
  return number;
}

function toBoolean(value: unknown, field: string): boolean {
  const result = parseBoolean(value);
  if (result !== undefined) return result;
  throw rowError('map', 'wrong-type', `${field} is ${kindInWords(value)} that is neither true nor false`, field);
}

function toText(value: unknown, field: string): string {
  const text = textOf(value);
  if (text !== undefined) return text;
  throw rowError('map', 'wrong-type', `${field} is ${kindInWords(value)}, and text is needed: use json()`, field);
}

function checkValue(value: unknown, field: string): MetadataValue | undefined {
  if (typeof value === 'string') {
    checkWellFormed(value, field);
    return value;
  }
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (value === null || value === undefined) return undefined;
  if (value instanceof Instant) return value.toString();
  if (!Array.isArray(value)) {
    const message = `${field} is an object, and metadata holds plain values: take parts of it, or use json()`;
    throw rowError('map', 'metadata-nested', message, field);
  }
  const list = (value as readonly unknown[]).map((each) => checkElement(each, field));
  return list.length === 0 ? undefined : list;
}

function checkElement(value: unknown, field: string): MetadataScalar {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof Instant) return value.toString();
  if (typeof value !== 'string') {
    const found = kindOf(value) === 'null' ? 'null' : kindInWords(value);
    throw rowError(
      'map',
      'metadata-nested',
      `${field} is a list that holds ${found}, and may hold plain values only`,
      field,
    );
  }
  checkWellFormed(value, field);
  return value;
}
