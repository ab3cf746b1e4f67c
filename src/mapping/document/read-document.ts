/**
 * Text of a mapping file to plain data, with the place of everything in it. YAML 1.2 (of which JSON is a part) without its traps: tags,
 * duplicate keys and warnings are errors, and what YAML makes of an unquoted expression is recognised and named.
 */
import {
  LineCounter,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Alias,
  type Document,
  type Node,
  type YAMLError,
} from 'yaml';
import { usageError } from '../../errors.js';
import { problemsError, type TextOffset } from './problems.js';

export type DocumentPath = readonly (string | number)[];

export interface MappingDocument {
  readonly filename: string;
  readonly value: unknown;
  /** 1-based line and column of a value (or the nearest one around it that exists), or of a character of a text value. */
  locate(path: DocumentPath, at?: TextOffset): { readonly line: number; readonly column: number };
  /** The same of a key of the map at `path`. */
  locateKey(path: DocumentPath, key: string): { readonly line: number; readonly column: number };
}

interface Mistake {
  readonly offset: number;
  readonly path: DocumentPath;
  readonly message: string;
}

const MAX_CHARACTERS = 1024 * 1024;
const MAX_NODES = 50_000;
const MAX_DEPTH = 50;
const QUOTE = "put the whole value in single quotes: '…'";

/** Reads a document; throws the usage error `mapping-invalid` with all mistakes of its notation. */
export function readDocument(text: string, filename: string): MappingDocument {
  if (text.length > MAX_CHARACTERS) throw usageError('mapping-invalid', `${filename} is too large for a mapping file`);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.2',
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    merge: false,
    logLevel: 'error',
  });
  const mistakes = [...document.errors, ...document.warnings].map((error) => notationMistake(error, document, text));
  if (document.directives?.yaml.version !== '1.2') {
    mistakes.push({ offset: 0, path: [], message: 'mapping files are YAML 1.2: leave out the %YAML line' });
  }
  const reader = new PlainReader(document, text);
  const value = mistakes.length > 0 ? undefined : reader.read();
  const all = [...mistakes, ...reader.mistakes];
  if (all.length > 0) {
    const problems = all.map(({ offset, path, message }) => ({ ...place(lines, offset), path, message }));
    throw problemsError(filename, firstOfLines(problems));
  }
  return {
    filename,
    value,
    locate: (path, at) => place(lines, offsetOf(document, path, at, text)),
    locateKey: (path, key) => place(lines, keyOffset(document, path, key) ?? offsetOf(document, path, undefined, text)),
  };
}

/** One mistake a line: YAML says several things about one stray quote. */
function firstOfLines<T extends { readonly line: number }>(problems: readonly T[]): readonly T[] {
  const seen = new Set<number>();
  return problems.filter(({ line }) => !seen.has(line) && seen.add(line));
}

function place(lines: LineCounter, offset: number): { readonly line: number; readonly column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function notationMistake(error: YAMLError, document: Document.Parsed, text: string): Mistake {
  const [end] = error.pos;
  const isUnclosed = error.message.startsWith('Missing closing');
  const offset = isUnclosed ? (startOfScalar(document, end) ?? end) : end;
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const lineEnd = text.indexOf('\n', offset);
  const line = text.slice(start, lineEnd < 0 ? undefined : lineEnd);
  const value = /^\s*(?:- +)*(?:[^\s:"'#][^:"'#]*:\s+)?(.*)$/.exec(line)?.[1] ?? '';
  // Values that begin with a sign YAML keeps for itself, or go on behind a closing quote.
  const looksUnquoted = /^(?:\{\{|!|["'`@%&*|>]|[^"'#]*: )/.test(value) && !/^[|>][+-]?\d?\s*$/.test(value);
  const isTag = error.code === 'TAG_RESOLVE_FAILED';
  const isJson = text.trimStart().startsWith('{');
  const reason = error.message.replace(/ at line \d+.*$/s, '');
  if (isTag || (looksUnquoted && !isJson)) return { offset, path: [], message: `${reason}: ${QUOTE}` };
  return { offset, path: [], message: reason };
}

/** Where the last text in quotes begins that ends at or behind `offset`. */
function startOfScalar(document: Document.Parsed, offset: number): number | undefined {
  let start: number | undefined;
  visit(document, {
    Scalar(_key, node) {
      const range = node.range;
      if (range !== null && range !== undefined && node.type?.startsWith('QUOTE') && range[1] >= offset - 1)
        [start] = range;
    },
  });
  return start;
}

/** Where the value at a path begins; of the nearest node around it when there is none. */
function offsetOf(document: Document.Parsed, path: DocumentPath, at: TextOffset | undefined, text: string): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    const key = keyOf(node, step, document);
    node = childOf(node, step, document);
    if (node === undefined) return key ?? offset;
    offset = startOf(node) ?? key ?? offset;
  }
  return at === undefined ? offset : (offsetInText(node, at, text) ?? offset);
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

function pairOf(node: unknown, step: string | number, document: Document.Parsed) {
  const resolved = isAlias(node) ? node.resolve(document) : node;
  if (!isMap(resolved)) return undefined;
  return resolved.items.find((each) => isScalar(each.key) && keyText(each.key.value, each.key.source) === String(step));
}

function keyOf(node: unknown, step: string | number, document: Document.Parsed): number | undefined {
  return startOf(pairOf(node, step, document)?.key);
}

function keyOffset(document: Document.Parsed, path: DocumentPath, key: string): number | undefined {
  let node: unknown = document.contents;
  for (const step of path) node = childOf(node, step, document);
  return keyOf(node, key, document);
}

function childOf(node: unknown, step: string | number, document: Document.Parsed): unknown {
  const resolved = isAlias(node) ? node.resolve(document) : node;
  if (isSeq(resolved) && typeof step === 'number') return resolved.items[step];
  return pairOf(resolved, step, document)?.value ?? undefined;
}

/** Where a character of a text value stands in the file: exactly, when the text stands there as it is. */
function offsetInText(node: unknown, at: TextOffset, source: string): number | undefined {
  if (!isScalar(node) || node.range === null || node.range === undefined) return undefined;
  const [start, end] = node.range;
  const found = source.slice(start, end).indexOf(at.text);
  return found < 0 ? undefined : start + found + at.offset;
}

/** Keys are text as it is written: `1`, `01` and `true` stay what they look like. */
function keyText(value: unknown, source: string | undefined): string {
  return typeof value === 'string' ? value : (source ?? String(value));
}

/** Nodes to plain data. Aliases are followed within bounds, so that a small file cannot stand for a huge one. */
class PlainReader {
  readonly mistakes: Mistake[] = [];
  readonly #document: Document.Parsed;
  readonly #text: string;
  #nodes = 0;

  constructor(document: Document.Parsed, text: string) {
    this.#document = document;
    this.#text = text;
  }

  read(): unknown {
    return this.#value(this.#document.contents, []);
  }

  #value(node: unknown, path: DocumentPath): unknown {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES || path.length > MAX_DEPTH) {
      if (this.#nodes < Number.POSITIVE_INFINITY)
        this.#mistake(node, path, 'the document is too large or nested too deeply');
      this.#nodes = Number.POSITIVE_INFINITY;
      return undefined;
    }
    if (isAlias(node)) return this.#alias(node, path);
    // Only a tag that is written in the file is kept on a node.
    if ((node as { readonly tag?: string } | null)?.tag !== undefined) {
      this.#mistake(node, path, `a leading ! makes this a YAML tag: ${QUOTE}`);
      return undefined;
    }
    if (isScalar(node)) return this.#scalar(node.value, node, path);
    if (isSeq(node)) return node.items.map((each, index) => this.#value(each, [...path, index]));
    if (isMap(node)) return this.#map(node, path);
    return null;
  }

  #alias(node: Alias, path: DocumentPath): unknown {
    const target = node.resolve(this.#document);
    if (target !== undefined) return this.#value(target, path);
    this.#mistake(node, path, `there is no anchor &${node.source}: ${QUOTE}`);
    return undefined;
  }

  #scalar(value: unknown, node: Node, path: DocumentPath): unknown {
    if (
      typeof value === 'bigint' ||
      (typeof value === 'number' && !isExact(value, (node as { source?: string }).source))
    ) {
      this.#mistake(node, path, 'the number has more digits than a number holds exactly: put it in quotes');
    }
    return value;
  }

  #map(
    node: { readonly items: readonly { readonly key: unknown; readonly value: unknown }[] },
    path: DocumentPath,
  ): unknown {
    const value: [string, unknown][] = [];
    const seen = new Set<string>();
    for (const pair of node.items) {
      if (!isScalar(pair.key)) {
        const unquoted = this.#text.slice(startOf(node) ?? 0).startsWith('{{');
        const message = unquoted ? `an unquoted {{ is a map to YAML: ${QUOTE}` : 'a key must be text';
        this.#mistake(unquoted ? node : pair.key, path, message);
        return undefined;
      }
      const key = keyText(pair.key.value, pair.key.source);
      if (key === '__proto__') this.#mistake(pair.key, [...path, key], 'this name cannot be used');
      if (seen.has(key)) this.#mistake(pair.key, [...path, key], 'this key stands here twice');
      seen.add(key);
      value.push([key, this.#value(pair.value, [...path, key])]);
    }
    return Object.fromEntries(value);
  }

  #mistake(node: unknown, path: DocumentPath, message: string): void {
    this.mistakes.push({ offset: startOf(node) ?? 0, path, message });
  }
}

function isExact(value: number, source: string | undefined): boolean {
  if (source === undefined || !Number.isInteger(value)) return true;
  return Number.isSafeInteger(value);
}
