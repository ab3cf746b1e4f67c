/**
 * The formats: which names and which content mean which, and who reads them. A new format is a row in `BY_EXTENSION` and in `READERS`.
 */
import type { RecordBlock, SourceFormat } from '../model.js';
import { DOCUMENT_SUFFIXES, documentKindByName } from './documents/kinds.js';
import { guessDelimiter } from './csv-delimiter.js';
import { readJsonLines } from './jsonl-reader.js';
import { readJsonDocument } from './json-reader.js';
import type { Reader, ReaderContext } from './reader.js';

const BY_EXTENSION: ReadonlyMap<string, SourceFormat> = new Map([
  ['.jsonl', 'jsonl'],
  ['.ndjson', 'jsonl'],
  ['.json', 'json'],
  ['.csv', 'csv'],
  ['.tsv', 'tsv'],
  ['.tab', 'tsv'],
]);

const READERS: ReadonlyMap<SourceFormat, Reader> = new Map<SourceFormat, Reader>([
  ['jsonl', readJsonLines],
  ['json', readJsonDocument],
  ['csv', readTable],
  ['tsv', readTable],
]);

/** What reads tables is loaded when there is one. */
async function* readTable(context: ReaderContext): AsyncGenerator<RecordBlock, void, undefined> {
  const { readCsv } = await import('./csv-reader.js');
  yield* readCsv(context);
}

/** For sentences: every suffix that is known. */
export const KNOWN_SUFFIXES = [...BY_EXTENSION.keys(), ...DOCUMENT_SUFFIXES].join(' ');

export function readerOf(format: SourceFormat): Reader | undefined {
  return READERS.get(format);
}

/** The format a file name without its compression suffix stands for. */
export function formatByName(name: string): SourceFormat | undefined {
  const dot = name.lastIndexOf('.');
  const rows = dot < 0 ? undefined : BY_EXTENSION.get(name.slice(dot).toLowerCase());
  return rows ?? (documentKindByName(name) === undefined ? undefined : 'document');
}

/** Files that are no text at all, by their first bytes: what they are and what to do instead. */
const BINARY: readonly (readonly [string, string])[] = [
  [
    'PK\u0003\u0004',
    'a zip archive or an office document; unpack it, save the sheet as CSV, or name the export it is: --preset slack',
  ],
  ['PAR1', 'a Parquet file; convert it to JSON lines first'],
  ['SQLite format 3', 'an SQLite database; export the table as CSV or JSON lines'],
  ['Obj\u0001', 'an Avro file; convert it to JSON lines first'],
  ['BZh', 'compressed with bzip2; unpack it, or compress it with gzip or zstd'],
  ['\u00fd7zXZ', 'compressed with xz; unpack it, or compress it with gzip or zstd'],
];

/** What kind of binary file this is; undefined for text. */
export function describeBinary(head: Buffer): string | undefined {
  const text = head.toString('latin1', 0, 16);
  return BINARY.find(([signature]) => text.startsWith(signature))?.[1];
}

/** What the content looks like. `head` is UTF-8 text from the beginning, `whole` says that there is no more. */
export function formatByContent(head: Buffer, whole: boolean): SourceFormat | undefined {
  const text = head.toString('utf8').trimStart();
  if (text === '') return 'jsonl';
  if (isJsonLines(text, whole)) return 'jsonl';
  if (/^[[{]/.test(text)) return 'json';
  const guess = guessDelimiter(head, whole, '"');
  if (guess.confidence < 0.8) return undefined;
  return guess.delimiter === '\t' ? 'tsv' : 'csv';
}

/**
 * What a file named like one of the JSON formats really holds: JSON lines often come as `.json`, and a document now and then as `.jsonl`.
 */
export function settleJson(named: 'json' | 'jsonl', head: Buffer, whole: boolean): 'json' | 'jsonl' {
  const text = head.toString('utf8').trimStart();
  if (named === 'json') return isJsonLines(text, whole) && hasSecondLine(text) ? 'jsonl' : 'json';
  return /^[[{][ \t]*\r?\n/.test(text) ? 'json' : 'jsonl';
}

/** The first line is a whole JSON value (an object or array when it is the only one looked at). */
function isJsonLines(text: string, whole: boolean): boolean {
  const end = text.indexOf('\n');
  if (end < 0 && !whole) return false;
  const line = end < 0 ? text : text.slice(0, end);
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && (hasSecondLine(text) || !Array.isArray(value));
  } catch {
    return false;
  }
}

/** Another line that begins like a JSON value. */
function hasSecondLine(text: string): boolean {
  const end = text.indexOf('\n');
  return end >= 0 && /^\s*[[{"\-0-9tfn]/.test(text.slice(end + 1));
}
