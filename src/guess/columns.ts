/** What is known of the columns of sampled rows: facts only, from which the guesses are made. */

export interface Column {
  /** As an expression reads it: `text`, `author.name`, `row["Ticket Id"]`. */
  readonly path: string;
  /** The last part, in lower case words: `created at` of `createdAt`. */
  readonly words: string;
  readonly values: readonly unknown[];
  /** Rows that have a value, and values that differ. */
  readonly given: number;
  readonly distinct: number;
  readonly rows: number;
  /** Of the values as text. */
  readonly averageLength: number;
  readonly longest: number;
  /** Average number of blanks. */
  readonly blanks: number;
  readonly isText: boolean;
  readonly isNumber: boolean;
  readonly isScalar: boolean;
}

type Row = Readonly<Record<string, unknown>>;

const DEPTH = 3;
const MOST_COLUMNS = 400;
const WORDS_OF_EXPRESSIONS = new Set(['row', 'parent', 'index', 'source', 'true', 'false', 'null', 'in']);

export function columnsOf(rows: readonly unknown[]): readonly Column[] {
  const found = new Map<string, { readonly name: string; readonly values: unknown[] }>();
  for (const row of rows) if (isRow(row)) collect(row, '', 0, found);
  return [...found].map(([path, { name, values }]) => column(path, name, values, rows.length));
}

function collect(
  row: Row,
  prefix: string,
  depth: number,
  found: Map<string, { readonly name: string; readonly values: unknown[] }>,
): void {
  for (const [name, value] of Object.entries(row)) {
    if (value === null || value === undefined || value === '' || !canStandInMapping(name)) continue;
    const path = pathTo(prefix, name);
    if (isRow(value)) {
      if (depth + 1 < DEPTH) collect(value, path, depth + 1, found);
      continue;
    }
    const known = found.get(path);
    if (known !== undefined) known.values.push(value);
    else if (found.size < MOST_COLUMNS) found.set(path, { name, values: [value] });
  }
}

/** A mapping file cannot name halves of characters, nor what no object keeps. */
function canStandInMapping(name: string): boolean {
  return name !== '__proto__' && !/\p{Surrogate}/u.test(name);
}

/** How an expression reads a field of what `prefix` reads. */
export function pathTo(prefix: string, name: string): string {
  const isPlain = /^[A-Za-z_]\w*$/.test(name) && !(prefix === '' && WORDS_OF_EXPRESSIONS.has(name));
  if (isPlain) return prefix === '' ? name : `${prefix}.${name}`;
  return `${prefix === '' ? 'row' : prefix}[${JSON.stringify(name)}]`;
}

function column(path: string, name: string, values: readonly unknown[], rows: number): Column {
  const texts = values.filter((value) => typeof value !== 'object').map(String);
  const total = texts.reduce((sum, text) => sum + text.length, 0);
  const count = Math.max(1, texts.length);
  return {
    path,
    words: wordsOf(name),
    values,
    given: values.length,
    distinct: new Set(texts).size,
    rows,
    averageLength: total / count,
    longest: texts.reduce((most, text) => Math.max(most, text.length), 0),
    blanks: texts.reduce((sum, text) => sum + (text.match(/\s+/g)?.length ?? 0), 0) / count,
    isText: values.every((value) => typeof value === 'string'),
    isNumber: values.every((value) => typeof value === 'number'),
    isScalar: texts.length === values.length,
  };
}

export function wordsOf(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .toLowerCase();
}

export function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
