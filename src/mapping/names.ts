/**
 * What the names in a mapping refer to: the context (`row`, `parent`, `index`, `source`), else a column of the current row, else of the rows
 * around it. Context names
 * win over columns of the same name, a column whose whole name is the path wins over nesting, and both are noted when a row shows that
 * there was a choice.
 */
import type { Position } from '../model.js';
import type { Clashes } from './clashes.js';
import { memberOf, pathReader, type Segment } from './paths.js';
import type { Scope } from './scope.js';

/** Reads a value of the current row; null when there is none. */
export type Read = (scope: Scope) => unknown;

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
  return compileBareColumn(segments, whole, level, use);
}

/**
 * A bare name inside `each`: a column of the row, else of the row around it, and so on outwards. A row that has the column keeps it, also when it
 * is null there; `row.x` and `parent.x` ask one row alone.
 */
function compileBareColumn(segments: readonly Segment[], whole: string | undefined, level: number, use: NameUse): Read {
  const own = compileColumn(segments, whole, level, use, undefined);
  const head = segments[0]?.key;
  if (level === 0 || head === undefined) return own;
  const outer = compileBareColumn(segments, whole, level - 1, use);
  const noteOrigin = use.clashes.watchOrigin(String(head));
  return (scope) => {
    const value = own(scope);
    if (value !== null) {
      noteOrigin(true);
      return value;
    }
    const row = scope.rows[level];
    if (memberOf(row, head) !== undefined || (whole !== undefined && memberOf(row, whole) !== undefined)) return null;
    const found = outer(scope);
    if (found !== null) noteOrigin(false);
    return found;
  };
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
  const isOneName = whole === undefined || (keys.length === 1 && keys[0] === whole);
  const read = isOneName ? nestedValue : wholeFirst(whole, nested, level, use);
  if (watch === undefined) return read;
  return (scope) => {
    watch(scope);
    return read(scope);
  };
}

function wholeFirst(whole: string, nested: (value: unknown) => unknown, level: number, use: NameUse): Read {
  const own = pathReader([whole]);
  return (scope) => {
    const row = scope.rows[level];
    const value = own(row);
    if (value === undefined) return nested(row) ?? null;
    if (nested(row) !== undefined) use.clashes.noteWhole(whole);
    return value;
  };
}
