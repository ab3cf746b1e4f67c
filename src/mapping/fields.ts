/**
 * Descriptions of values (`"{{ body }}"`, `{ from: author, map: …, default: … }`) to readers. A reader gives the value or null for
 * missing; what must not be missing is for the item to say.
 */
import type { Redactor } from './redaction/redactor.js';
import type { Problems } from './document/problems.js';
import type { DocumentPath } from './document/read-document.js';
import { compileExpression } from './expression/compile.js';
import { ExpressionMistake } from './expression/parse.js';
import { kindInWords, textOf } from './expression/values.js';
import { compileName, UnknownName, type NameUse, type Read } from './names.js';
import { lenientPath, memberOf } from './paths.js';
import { RowError, expressionError, rowError } from './row-error.js';
import type { Scope } from './scope.js';
import { traced, writtenOf, type Trace } from './trace.js';
import { compileTemplate } from './template.js';

/** What compiling needs to know about its surroundings. `level`: how many `each` are open around the field. */
export interface CompileContext {
  readonly level: number;
  readonly use: NameUse;
  readonly problems: Problems;
  /** Takes personal data out of what is sent. */
  readonly redactor?: Redactor | undefined;
  /** Told of every value that is read. */
  readonly trace?: Trace | undefined;
}

export interface Field {
  /** As the item's field is called: `thread_id`, `metadata.priority`. */
  readonly name: string;
  readonly read: Read;
  /** The text that every row gives, when it is the same for all. */
  readonly constant: string | undefined;
  /** The value is a part of the row itself, not made by an expression. */
  readonly isPath: boolean;
  /** As the mapping says; undefined when it does not. */
  readonly required: boolean | undefined;
  /** What the value is made of, for sentences: `ticket_id`, `author or sender`. */
  readonly origin: string;
}

type Scalar = string | number | boolean;

/** The parts of a description that all kinds of fields have. */
export interface FieldDescription {
  readonly from?: string | readonly string[] | undefined;
  readonly expr?: string | undefined;
  readonly map?: Readonly<Record<string, Scalar>> | undefined;
  readonly default?: Scalar | undefined;
  readonly required?: boolean | undefined;
}

const nothing: Read = () => null;

/** A field that is the same text for every row, whatever stands in it. */
export function constantField(name: string, text: string): Field {
  return { name, read: () => text, constant: text, isPath: false, required: undefined, origin: name };
}

/** The same field without personal data. */
export function redacted<T extends Field | undefined>(field: T, { redactor }: CompileContext): T {
  if (field === undefined || redactor === undefined) return field;
  const { read } = field;
  return { ...field, read: (scope: Scope) => redactor.value(read(scope)) };
}

/** Compiles a template or description; mistakes go to the problems of the context. */
export function compileField(
  spec: string | FieldDescription,
  name: string,
  path: DocumentPath,
  context: CompileContext,
): Field {
  const field =
    typeof spec === 'string' ? fromTemplate(spec, name, path, context) : fromDescription(spec, name, path, context);
  if (context.trace === undefined) return field;
  return { ...field, read: traced(field.read, { name, path, written: writtenOf(spec) }, context.trace) };
}

function fromTemplate(text: string, name: string, path: DocumentPath, context: CompileContext): Field {
  const template = guarded(text, path, context.problems, () => compileTemplate(text, context.level, context.use));
  return {
    name,
    read: template?.constant === undefined ? (template?.read ?? nothing) : fixed(template.constant, name, context),
    constant: template?.constant,
    isPath: template?.isPath ?? false,
    required: undefined,
    origin: template === undefined || template.expressions.length === 0 ? name : template.expressions.join(', '),
  };
}

/** Fields whose fixed texts are words of the service: a column that happens to be called so says nothing. */
const WORDS_OF_SERVICE = new Set(['role', 'data_type']);

/** A fixed text, which may be a column's name whose braces were forgotten. */
function fixed(text: string, name: string, { level, use }: CompileContext): Read {
  if (WORDS_OF_SERVICE.has(name)) return () => text;
  const watch = use.clashes.watchConstant(name, text, level);
  return (scope) => {
    watch(scope);
    return text;
  };
}

/** Runs a compilation and turns a mistake in `text` into a problem at its place. */
export function guarded<T>(text: string, path: DocumentPath, problems: Problems, compile: () => T): T | undefined {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof ExpressionMistake)) throw error;
    problems.add(path, error.message, error.fix, { text, offset: error.offset });
    return undefined;
  }
}

function fromDescription(spec: FieldDescription, name: string, path: DocumentPath, context: CompileContext): Field {
  const origin = originOf(spec, name);
  const source = sourceOf(spec, path, context);
  const mapped = spec.map === undefined ? source : withMap(source, spec.map, spec, name, path, context);
  const fallback = spec.default;
  if (typeof fallback === 'string') refuseTemplate(fallback, [...path, 'default'], context.problems);
  const read: Read = fallback === undefined ? mapped : (scope) => mapped(scope) ?? fallback;
  const isPath = spec.from !== undefined && spec.map === undefined;
  return { name, read, constant: undefined, isPath, required: spec.required, origin };
}

function originOf(spec: FieldDescription, name: string): string {
  if (spec.expr !== undefined) return spec.expr.trim();
  if (spec.from === undefined) return name;
  return typeof spec.from === 'string' ? spec.from : spec.from.join(' or ');
}

function sourceOf(spec: FieldDescription, path: DocumentPath, context: CompileContext): Read {
  const { from, expr } = spec;
  if (from !== undefined && expr !== undefined) {
    context.problems.add([...path, 'expr'], 'from and expr cannot stand together', 'leave one of them');
    return nothing;
  }
  if (expr !== undefined) {
    const at = [...path, 'expr'];
    return guarded(expr, at, context.problems, () => compileExpression(expr, context.level, context.use)) ?? nothing;
  }
  if (from === undefined) {
    context.problems.add(
      path,
      'nothing says where the value comes from',
      'add from: with a column, or expr: with an expression',
    );
    return nothing;
  }
  const paths = typeof from === 'string' ? [from] : from;
  const readers = paths.map((each, index) =>
    compilePathText(each, typeof from === 'string' ? [...path, 'from'] : [...path, 'from', index], context),
  );
  const [only] = readers;
  if (only !== undefined && readers.length === 1) return only;
  return (scope) => {
    for (const read of readers) {
      const value = read(scope);
      if (value !== null) return value;
    }
    return null;
  };
}

/** A path as `from` takes it: any text may be a column's whole name. */
function compilePathText(text: string, path: DocumentPath, context: CompileContext): Read {
  if (text.includes('{{')) {
    context.problems.add(path, 'from takes the path of a value', 'leave out the {{ }}, or use expr for an expression');
    return nothing;
  }
  const segments = lenientPath(text);
  const { level, use, problems } = context;
  if (segments === undefined) {
    if (level === 0) use.columns.add(text);
    return (scope) => memberOf(scope.rows[level], text) ?? null;
  }
  try {
    return compileName(segments, text, level, use);
  } catch (error) {
    if (!(error instanceof UnknownName)) throw error;
    problems.add(path, `source has no member "${error.unknown}"`, `it has ${error.known.join(', ')}`);
    return nothing;
  }
}

function refuseTemplate(text: string, path: DocumentPath, problems: Problems): void {
  if (text.includes('{{'))
    problems.add(path, 'this is a fixed value, not a template', 'use expr: coalesce(a, b) for a second choice');
}

function withMap(
  source: Read,
  map: Readonly<Record<string, Scalar>>,
  spec: FieldDescription,
  name: string,
  path: DocumentPath,
  context: CompileContext,
): Read {
  const table = new Map(Object.entries(map));
  for (const [key, value] of table) {
    if (typeof value === 'string') refuseTemplate(value, [...path, 'map', key], context.problems);
  }
  const hasDefault = spec.default !== undefined;
  const origin = originOf(spec, name);
  return (scope) => {
    const value = source(scope);
    if (value === null) return null;
    const key = textOf(value);
    const mapped = key === undefined ? undefined : table.get(key);
    if (mapped !== undefined) return mapped;
    if (hasDefault) return null;
    throw rowError('map', 'not-in-map', notInMap(origin, value, key), name);
  };
}

/** The value itself is told: a map is for values of a small set, and without it nobody could mend the mapping. */
function notInMap(origin: string, value: unknown, key: string | undefined): string {
  if (key === undefined) return `${origin} is ${kindInWords(value)}, and a map needs a text, number or boolean`;
  const shown = key.length > 40 ? `${key.slice(0, 40)}…` : key;
  return `${origin} is ${JSON.stringify(shown)}, which is not in the map: add it, or a default:`;
}

/** Reads a field as text: null when it is missing. Errors carry the name of the field. */
export function readText(field: Field, scope: Scope): string | null {
  const value = readField(field, scope);
  if (typeof value === 'string' || value === null) return value;
  const text = textOf(value);
  if (text !== undefined) return text;
  const error = expressionError(
    `${field.origin} is ${kindInWords(value)}, and ${field.name} needs text: json(${field.origin})`,
  );
  error.field = field.name;
  throw error;
}

/** Reads a field with its type; null when it is missing. Errors carry the name of the field. */
export function readField(field: Field, scope: Scope): unknown {
  try {
    return field.read(scope);
  } catch (error) {
    throw named(error, field.name);
  }
}

function named(error: unknown, field: string): unknown {
  if (error instanceof RowError) error.field ??= field;
  return error;
}

/** The error for a field that must not be missing. */
export function missingField(field: Field, scope: Scope, level: number): RowError {
  const reason = field.origin === field.name ? 'is missing' : `is missing: there is no ${field.origin}`;
  const message = `${field.name} ${reason}${elsewhere(field, scope, level)}`;
  return rowError('map', 'missing-field', message, field.name);
}

/** Where the value may be instead: in a column whose name was taken for an expression (`sent-at`). */
function elsewhere(field: Field, scope: Scope, level: number): string {
  const row = scope.rows[level];
  if (typeof row !== 'object' || row === null) return ` in the row, which is ${kindInWords(row ?? null)}`;
  if ((memberOf(row, field.origin) ?? null) !== null)
    return `: for the column of that name write row[${JSON.stringify(field.origin)}]`;
  return '';
}
