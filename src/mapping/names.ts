/**
 * What the names in a mapping refer to: the context (`row`, `parent`, `index`, `source`), else a column of the current row. Context names
 * win over columns of the same name, a column whose whole name is the path wins over nesting, and both are noted when a row shows that
 * there was a choice.
 */
import type { CheckNotice } from '../check-report.js';
import type { Position } from '../model.js';
import type { Scope } from './scope.js';

/** Reads a value of the current row; null when there is none. */
export type Read = (scope: Scope) => unknown;

/** `isDotted`: written `.name`; a name in brackets is always a column. */
export interface Segment {
  readonly key: string | number;
  readonly isDotted: boolean;
}

/** Names that objects or lists inherit: only these need the slower question whether the value has them itself. */
const INHERITED = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  ...Object.getOwnPropertyNames(Array.prototype),
]);

/** A member of an object or an element of a list; undefined when there is none. */
export function memberOf(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (typeof key === 'number') {
    return Array.isArray(value) ? (value as readonly unknown[])[key] : ownMember(value, String(key));
  }
  return Array.isArray(value) ? undefined : ownMember(value, key);
}

function ownMember(value: object, key: string): unknown {
  if (INHERITED.has(key) && !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

/** A reader of one fixed member; undefined when there is none. */
function memberReader(key: string | number): (value: unknown) => unknown {
  if (typeof key === 'number' || INHERITED.has(key)) return (value) => memberOf(value, key);
  return (value) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined);
}

/** A reader of a path below a value; undefined when any step is missing. */
export function pathReader(keys: readonly (string | number)[]): (value: unknown) => unknown {
  const readers = keys.map(memberReader);
  const [first, second] = readers;
  if (first === undefined) return (value) => value;
  if (second === undefined) return first;
  if (readers.length === 2) return (value) => second(first(value));
  return (value) => {
    for (const read of readers) {
      value = read(value);
      if (value === undefined) return undefined;
    }
    return value;
  };
}

const SOURCE_MEMBERS: Readonly<Record<string, (position: Position) => unknown>> = {
  name: ({ source }) => baseName(source.id),
  stem: ({ source }) => stemOf(baseName(source.id)),
  path: ({ source }) => source.id,
  format: ({ source }) => source.format,
  line: ({ line }) => line,
  ordinal: ({ ordinal }) => ordinal,
};

/** Members of the context name `source`, for messages. */
export const SOURCE_NAMES = Object.keys(SOURCE_MEMBERS);

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

/** The file name without its extension, and without that of the compression before it: `chat.jsonl.gz` is `chat`. */
function stemOf(name: string): string {
  const plain = name.replace(/\.(?:gz|br|zst)$/i, '');
  const dot = plain.lastIndexOf('.');
  return dot > 0 ? plain.slice(0, dot) : plain;
}

function wholeSource(position: Position): unknown {
  return Object.fromEntries(Object.entries(SOURCE_MEMBERS).map(([name, read]) => [name, read(position)]));
}

/** Names for which rows have shown that a column stands behind a context name or beside a nested value. */
export class Clashes {
  readonly #notices = new Map<string, CheckNotice>();

  /** A question to ask of each row of a level until it has been answered with yes once. */
  watch(column: string, level: number): (scope: Scope) => void {
    let told = false;
    return (scope) => {
      if (told) return;
      const row = scope.rows[level];
      if (typeof row !== 'object' || row === null || !Object.hasOwn(row, column)) return;
      told = true;
      this.#notices.set(`context ${column}`, {
        level: 'warning',
        code: 'name-clash',
        message: `rows have a column "${column}", but in this mapping ${column} is the name of something else`,
        hint: `the column is row.${column}`,
      });
    };
  }

  /** Notes that a row has both a column named `whole` and a value of that path inside another column. */
  noteWhole(whole: string): void {
    if (this.#notices.has(`whole ${whole}`)) return;
    this.#notices.set(`whole ${whole}`, {
      level: 'warning',
      code: 'name-clash',
      message: `rows have both a column named "${whole}" and a nested value of that path: the column is taken`,
      hint: `the nested value is ${bracketed(whole)}`,
    });
  }

  list(): readonly CheckNotice[] {
    return [...this.#notices.values()];
  }
}

function bracketed(whole: string): string {
  const [first = '', ...rest] = whole.split('.');
  return first + rest.map((name) => `["${name}"]`).join('');
}

/** What a mapping uses of the rows, collected while it is compiled. */
export interface NameUse {
  /** First names of all paths that are read from the record itself. */
  readonly columns: Set<string>;
  readonly clashes: Clashes;
}

/**
 * A name that cannot be resolved: only members of `source` are known beforehand.
 */
export class UnknownName extends Error {
  constructor(
    readonly unknown: string,
    readonly known: readonly string[],
  ) {
    super(`source has no "${unknown}"`);
  }
}

/**
 * Compiles a path that begins with a context name or a column. `level`: how many `each` are open; 0 is the record itself. `whole` is
 * the path as one name, when it can be one. Throws UnknownName.
 */
export function compileName(
  segments: readonly Segment[],
  whole: string | undefined,
  level: number,
  use: NameUse,
): Read {
  const [head, ...rest] = segments;
  const name = head?.isDotted === true ? head.key : undefined;
  const watch = contextWatch(name, level, use);
  if (name === 'row') return compileColumn(rest, wholeOf(rest), level, use, watch);
  if (name === 'source') return compileSource(rest, watch);
  if (name === 'index' && level > 0) return compileIndex(rest, level, watch);
  if (name === 'parent' && level > 0) return compileParent(rest, level - 1, use, watch);
  return compileColumn(segments, whole, level, use, undefined);
}

type Watch = ((scope: Scope) => void) | undefined;

function contextWatch(name: string | number | undefined, level: number, use: NameUse): Watch {
  const isContext = name === 'row' || name === 'source' || (level > 0 && (name === 'index' || name === 'parent'));
  return isContext ? use.clashes.watch(name, level) : undefined;
}

function compileSource(rest: readonly Segment[], watch: Watch): Read {
  const member = rest[0]?.key;
  if (member !== undefined && (typeof member !== 'string' || !Object.hasOwn(SOURCE_MEMBERS, member))) {
    throw new UnknownName(String(member), SOURCE_NAMES);
  }
  const read = member === undefined ? wholeSource : SOURCE_MEMBERS[member];
  if (read === undefined || rest.length > 1) throw new UnknownName(rest.map(({ key }) => key).join('.'), SOURCE_NAMES);
  return (scope) => {
    watch?.(scope);
    return scope.position === undefined ? null : read(scope.position);
  };
}

function compileIndex(rest: readonly Segment[], level: number, watch: Watch): Read {
  // A number has no members.
  if (rest.length > 0) return () => null;
  return (scope) => {
    watch?.(scope);
    return scope.indexes[level] ?? null;
  };
}

/** `level`: of the parent. Its own `parent` and `index` are context names too as long as it came from an `each`. */
function compileParent(rest: readonly Segment[], level: number, use: NameUse, watch: Watch): Read {
  const [head, ...further] = rest;
  if (level > 0 && head?.isDotted === true && head.key === 'parent')
    return compileParent(further, level - 1, use, watch);
  if (level > 0 && head?.isDotted === true && head.key === 'index') return compileIndex(further, level, watch);
  return compileColumn(rest, wholeOf(rest), level, use, watch);
}

function wholeOf(segments: readonly Segment[]): string | undefined {
  if (segments.length < 2 || !segments.every((each) => each.isDotted)) return undefined;
  return segments.map((each) => each.key).join('.');
}

function compileColumn(
  segments: readonly Segment[],
  whole: string | undefined,
  level: number,
  use: NameUse,
  watch: Watch,
): Read {
  const keys = segments.map((each) => each.key);
  if (level === 0 && keys[0] !== undefined) use.columns.add(String(keys[0]));
  const nested = pathReader(keys);
  const nestedValue: Read = (scope) => nested(scope.rows[level]) ?? null;
  const read = whole === undefined || keys.length === 1 ? nestedValue : wholeFirst(whole, nested, level, use);
  if (watch === undefined) return read;
  return (scope) => {
    watch(scope);
    return read(scope);
  };
}

function wholeFirst(whole: string, nested: (value: unknown) => unknown, level: number, use: NameUse): Read {
  const own = memberReader(whole);
  return (scope) => {
    const row = scope.rows[level];
    const value = own(row);
    if (value === undefined) return nested(row) ?? null;
    if (nested(row) !== undefined) use.clashes.noteWhole(whole);
    return value;
  };
}

const SIMPLE_PATH =
  /^(?!(?:true|false|null)$)[\p{ID_Start}_$][\p{ID_Continue}$]*(?:\.[\p{ID_Start}_$][\p{ID_Continue}$]*|\[(?:\d{1,9}|"[^"\\]*"|'[^'\\]*')\])*$/u;
const STEP = /^\.?([^.[\]]+)|^\[(?:(\d{1,9})|"([^"]*)"|'([^']*)')\]/u;

/** The steps of a text that is nothing but a plain path such as `customer.id` or `turns[0].text`; undefined for any other text. */
export function plainPath(text: string): readonly Segment[] | undefined {
  return SIMPLE_PATH.test(text) ? lenientPath(text) : undefined;
}

/** The steps of a path in which any name may stand, as in `from: Ticket Id`; undefined when brackets or dots do not fit. */
export function lenientPath(text: string): readonly Segment[] | undefined {
  const segments: Segment[] = [];
  let rest = text;
  while (rest !== '') {
    const match = STEP.exec(rest);
    if (match === null) return undefined;
    const [step, name, index, double, single] = match;
    if (name !== undefined && segments.length > 0 !== step.startsWith('.')) return undefined;
    if (index !== undefined) segments.push({ key: Number(index), isDotted: false });
    else segments.push({ key: name ?? double ?? single ?? '', isDotted: name !== undefined });
    rest = rest.slice(step.length);
  }
  return segments.length === 0 ? undefined : segments;
}
