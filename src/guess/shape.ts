/** What a row is: the record itself, or each element of a list in it. */
import { columnsOf, isRow, pathTo, type Column } from './columns.js';
import { chooseText } from './roles.js';

export interface Shape {
  /** As `each` of the mapping: outermost first. Empty: the record is the row. */
  readonly each: readonly string[];
  /** For people: where the rows are. */
  readonly told: string | undefined;
  readonly rows: readonly unknown[];
  /** The same rows by the record they lie in; one group when the record is the row. */
  readonly groups: readonly (readonly unknown[])[];
  readonly columns: readonly Column[];
  /** Columns of what is around the rows: expressions read them as they are, unless a row has one of the same name. */
  readonly outer: readonly Column[];
  /** The rows lie under keys that carry a number, such as session_1: the text before it. */
  readonly keyed: string | undefined;
}

const LEAST_ELEMENTS = 2;
const MOST_ROWS = 5_000;

export function shapeOf(records: readonly unknown[]): Shape {
  const flat: Shape = {
    each: [],
    told: undefined,
    rows: records,
    groups: [records],
    columns: columnsOf(records),
    outer: [],
    keyed: undefined,
  };
  const nested = [listShape(records, flat.columns, []), keyedShape(records, flat.columns)];
  const best = [flat, ...nested.filter((shape) => shape !== undefined)].map((shape) => ({
    shape,
    points: pointsOf(shape),
  }));
  best.sort((a, b) => b.points - a.points);
  return best[0]?.shape ?? flat;
}

/** How much text all rows of this shape have. */
function pointsOf({ columns }: Shape): number {
  const text = chooseText(columns)?.column;
  return text === undefined ? 0 : text.averageLength * text.given;
}

/** The list of objects with the most prose. */
function listShape(records: readonly unknown[], outer: readonly Column[], path: readonly string[]): Shape | undefined {
  const lists = new Map<string, unknown[][]>();
  for (const record of records)
    if (isRow(record)) for (const [name, value] of listsOf(record, '')) push(lists, name, value);
  let best: Shape | undefined;
  for (const [name, values] of lists) {
    const rows = values.flat().slice(0, MOST_ROWS);
    if (rows.length < LEAST_ELEMENTS || !rows.every(isRow)) continue;
    const shape: Shape = {
      each: [...path, name],
      told: name,
      rows,
      groups: values,
      columns: columnsOf(rows),
      outer,
      keyed: undefined,
    };
    const inner = path.length === 0 ? listShape(rows, [...outer, ...shape.columns], shape.each) : undefined;
    for (const each of [shape, inner]) {
      if (each !== undefined && pointsOf(each) > (best === undefined ? 1 : pointsOf(best))) best = each;
    }
  }
  return best;
}

function* listsOf(record: Readonly<Record<string, unknown>>, prefix: string): Generator<[string, unknown[]]> {
  for (const [name, value] of Object.entries(record)) {
    const path = pathTo(prefix, name);
    if (Array.isArray(value)) yield [path, value];
    else if (isRow(value) && prefix === '') yield* listsOf(value, path);
  }
}

function push(lists: Map<string, unknown[][]>, name: string, value: unknown[]): void {
  const known = lists.get(name);
  if (known === undefined) lists.set(name, [value]);
  else known.push(value);
}

/** session_1, session_2, … with a list of turns each. */
function keyedShape(records: readonly unknown[], outer: readonly Column[]): Shape | undefined {
  const lists = new Map<string, number>();
  const groups = new Map<string, unknown[][]>();
  for (const record of records) {
    if (!isRow(record)) continue;
    const own = new Map<string, unknown[]>();
    for (const [name, value] of Object.entries(record)) {
      const prefix = /^(.*?)\d+$/.exec(name)?.[1];
      if (prefix === undefined || !Array.isArray(value) || value.length === 0 || !value.every(isRow)) continue;
      lists.set(prefix, (lists.get(prefix) ?? 0) + 1);
      own.set(prefix, [...(own.get(prefix) ?? []), ...value]);
    }
    for (const [prefix, rows] of own) push(groups, prefix, rows);
  }
  let best: Shape | undefined;
  for (const [prefix, values] of groups) {
    if ((lists.get(prefix) ?? 0) < LEAST_ELEMENTS) continue;
    const rows = values.flat().slice(0, MOST_ROWS);
    const shape: Shape = {
      each: [`entries(row).filter(e, e.key.matches(${JSON.stringify(patternOf(prefix))})).sort(e, e.key)`, 'value'],
      told: `${prefix}1, ${prefix}2, …`,
      rows,
      groups: values,
      columns: columnsOf(rows),
      outer,
      keyed: prefix,
    };
    if (best === undefined || pointsOf(shape) > pointsOf(best)) best = shape;
  }
  return best;
}

function patternOf(prefix: string): string {
  return `^${prefix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}[0-9]+$`;
}
