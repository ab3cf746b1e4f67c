/**
 * What a person may say about the inputs: plain data, because the same shape arrives from flags and from the `source:` section of a
 * mapping file. Everything here is optional; what is not said is found out from names and content.
 */
import { usageError } from '../errors.js';
import type { DocumentKind, PresetName, SourceFormat } from '../model.js';

export interface CsvOptions {
  /** The text between cells; found out among `,` `;` tab and `|` when not given. */
  readonly delimiter?: string | undefined;
  /** The character around cells, `"` by default; an empty text switches quoting off. */
  readonly quote?: string | undefined;
  /** What makes a quote inside a quoted cell literal; the quote itself by default. */
  readonly escape?: string | undefined;
  /** Lines that begin with this text are left out. */
  readonly comment?: string | undefined;
  /** Whether the first row names the columns: true by default, false when `columns` alone is given. */
  readonly header?: boolean | undefined;
  /** Column names; with `header: true` they replace the names in the file. */
  readonly columns?: readonly string[] | undefined;
  /** An empty cell is left out of the record (`missing`, the default) or kept as empty text. */
  readonly empty?: 'missing' | 'keep' | undefined;
  /** Blanks around unquoted cells are dropped. */
  readonly trim?: boolean | undefined;
  /** `allow` accepts rows with fewer cells than columns. Rows with more are always rejected. */
  readonly ragged?: 'reject' | 'allow' | undefined;
}

/** Told when something worth knowing stops nothing, e.g. a file left out of a folder. */
export type SourceNotice = (code: string, message: string, hint?: string) => void;

export interface SourceOptions {
  /** The system that the sources are an export of. */
  readonly preset?: PresetName | undefined;
  /** Of a Slack export: direct messages too. */
  readonly includeDms?: boolean | undefined;
  readonly format?: SourceFormat | 'auto' | undefined;
  /** What every document is; by name and content when it is not given. */
  readonly documentKind?: DocumentKind | undefined;
  readonly csv?: CsvOptions | undefined;
  /** Where the array lies inside a JSON document: `data.items`, or a JSON Pointer such as `/data/items`. */
  readonly path?: string | undefined;
  /** Name of the text encoding of sources without a byte order mark; when it is not given: the pattern of UTF-16, then UTF-8. */
  readonly encoding?: string | undefined;
  /** A record longer than this many bytes is rejected. Default 64 MiB. */
  readonly maxRecordBytes?: number | undefined;
  /** A document larger than this many bytes is rejected. Default 32 MiB. */
  readonly maxDocumentBytes?: number | undefined;
  /** A document that takes longer than this to be read is rejected. Default: a minute. */
  readonly maxDocumentMs?: number | undefined;
  /** Where `-` reads from. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  readonly notice?: SourceNotice | undefined;
  /** Folder against which relative paths are resolved; the working directory by default. */
  readonly cwd?: string | undefined;
  /** What the one source found is called and where it stands, e.g. `stdin` for a copy of it on disk. */
  readonly as?: { readonly id: string; readonly index: number } | undefined;
  /** How many bytes are read at a time. Default 256 KiB: smaller costs calls, larger costs memory and gains nothing. */
  readonly blockBytes?: number | undefined;
}

export const DEFAULT_MAX_RECORD_BYTES = 64 * 1024 * 1024;
export const DEFAULT_BLOCK_BYTES = 256 * 1024;

/** A CSV dialect with every choice made except the delimiter, which content may decide. */
export interface CsvDialect {
  readonly delimiter: string | undefined;
  /** Empty text: cells are never quoted. */
  readonly quote: string;
  readonly escape: string;
  readonly comment: string | undefined;
  readonly header: boolean;
  readonly columns: readonly string[] | undefined;
  readonly keepEmpty: boolean;
  readonly trim: boolean;
  readonly allowShortRows: boolean;
}

/** Completes the dialect and refuses combinations that cannot be read (usage errors). `delimiter` is what the format implies. */
export function csvDialect(options: CsvOptions, delimiter: string | undefined): CsvDialect {
  const quote = options.quote ?? '"';
  const dialect: CsvDialect = {
    delimiter: options.delimiter ?? delimiter,
    quote,
    escape: options.escape ?? quote,
    comment: options.comment === '' ? undefined : options.comment,
    header: options.header ?? options.columns === undefined,
    columns: options.columns,
    keepEmpty: options.empty === 'keep',
    trim: options.trim ?? false,
    allowShortRows: options.ragged === 'allow',
  };
  checkDialect(dialect);
  return dialect;
}

function checkDialect(dialect: CsvDialect): void {
  const wrong = (message: string): never => {
    throw usageError('bad-csv-options', message, 'See csv: in the mapping file, or leave the option out.');
  };
  if (dialect.delimiter === '') wrong('csv.delimiter is empty');
  for (const [name, text] of Object.entries({ quote: dialect.quote, escape: dialect.escape })) {
    if ([...text].length > 1) wrong(`csv.${name} must be one character, not ${JSON.stringify(text)}`);
  }
  if (dialect.quote !== '' && dialect.escape === '') wrong('csv.escape is empty');
  const marks = [dialect.delimiter, dialect.quote, dialect.comment].filter((mark) => mark !== undefined && mark !== '');
  if (new Set(marks).size !== marks.length) wrong('csv.delimiter, csv.quote and csv.comment must differ');
  if (marks.some((mark) => /[\r\n]/.test(mark ?? ''))) wrong('a line end cannot be a csv delimiter, quote or comment');
  if (dialect.columns !== undefined) checkColumnNames(dialect.columns, 'csv.columns');
}

/** Refuses names that would hide one another in a record (usage error, code `duplicate-columns`). */
export function checkColumnNames(names: readonly string[], where: string): void {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const name of names) (seen.has(name) ? twice : seen).add(name);
  if (twice.size === 0) return;
  const list = [...twice].map((name) => JSON.stringify(name)).join(', ');
  throw usageError(
    'duplicate-columns',
    `${where}: these column names occur more than once: ${list}`,
    'Rename the columns in the file, or name them all with csv.columns.',
  );
}
