/**
 * From a record to its rows: `where` on the record, then each `each` in turn. Lists are gone through in their order, the inner ones first
 * to last within each element of the outer.
 */
import type { DocumentPath } from './document/read-document.js';
import { compileExpression } from './expression/compile.js';
import { kindInWords } from './expression/values.js';
import { guarded, type CompileContext } from './fields.js';
import { compileCondition } from './items/templates.js';
import type { Read } from './names.js';
import { RowError, rowError } from './row-error.js';
import { MAX_STEPS, type Scope } from './scope.js';
import { traced } from './trace.js';

export interface Rows {
  /** How many `each` there are: the level at which items are made. */
  readonly depth: number;
  /** Calls `visit` for each row of the record in `scope.rows[0]`. Throws RowError for mistakes of the record itself. */
  forEach(scope: Scope, visit: () => void, reject: (error: RowError) => void): void;
}

export function compileRows(
  where: string | undefined,
  each: string | readonly string[] | undefined,
  context: Omit<CompileContext, 'level'>,
): Rows {
  const keep = where === undefined ? undefined : compileCondition(where, ['where'], 'where', { ...context, level: 0 });
  const lists = typeof each === 'string' ? [each] : (each ?? []);
  const readers = lists.map((text, level) => {
    const path: DocumentPath = typeof each === 'string' ? ['each'] : ['each', level];
    const read = compileEach(text, path, { ...context, level });
    return traced(read, { name: 'each', path, written: text.trim() }, context.trace);
  });
  return {
    depth: readers.length,
    forEach(scope, visit, reject) {
      if (keep !== undefined && !keep(scope)) return;
      if (readers.length === 0) visit();
      else walk(readers, 0, scope, visit, reject);
    },
  };
}

function walk(
  readers: readonly Read[],
  level: number,
  scope: Scope,
  visit: () => void,
  reject: (error: RowError) => void,
): void {
  const read = readers[level];
  if (read === undefined) {
    scope.steps = MAX_STEPS;
    visit();
    return;
  }
  const list = listOf(read, scope, level, reject);
  if (list === undefined) return;
  // `rows` is written anew for every element: an inner list never sees the one of another row.
  for (let index = 0; index < list.length; index++) {
    scope.rows[level + 1] = list[index];
    scope.indexes[level + 1] = index;
    walk(readers, level + 1, scope, visit, reject);
  }
}

/** An inner list that cannot be read rejects its row and lets the others pass; the outermost is the record's own. */
function listOf(
  read: Read,
  scope: Scope,
  level: number,
  reject: (error: RowError) => void,
): readonly unknown[] | undefined {
  try {
    return read(scope) as readonly unknown[] | undefined;
  } catch (error) {
    if (level === 0 || !(error instanceof RowError)) throw error;
    reject(error);
    return undefined;
  }
}

/** A reader of a list; undefined when there is none, which is a record without rows. */
function compileEach(text: string, path: DocumentPath, context: CompileContext): Read {
  const read = guarded(text, path, context.problems, () => compileExpression(text, context.level, context.use));
  const written = text.trim();
  return (scope) => {
    let value: unknown;
    try {
      value = read?.(scope) ?? null;
    } catch (error) {
      if (error instanceof RowError) error.field ??= 'each';
      throw error;
    }
    if (value === null) return undefined;
    if (Array.isArray(value)) return value as unknown;
    const fix = kindInWords(value) === 'an object' ? `: entries(${written}) makes a list of it` : '';
    throw rowError('map', 'each-not-list', `each: ${written} is ${kindInWords(value)}, not a list${fix}`, 'each');
  };
}
