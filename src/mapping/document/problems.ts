/**
 * Mistakes of a mapping file, collected so that a person sees them all at once, each with its place in the file, its path in the
 * document, and what to do.
 */
import { usageError, type AppError } from '../../errors.js';
import type { DocumentPath, MappingDocument } from './read-document.js';

const SHOWN = 10;

interface Problem {
  readonly line: number;
  readonly column: number;
  readonly path: DocumentPath;
  readonly message: string;
}

/** Where inside a text value a mistake stands. */
export interface TextOffset {
  readonly text: string;
  readonly offset: number;
}

export class Problems {
  readonly #document: MappingDocument;
  readonly #problems: Problem[] = [];

  constructor(document: MappingDocument) {
    this.#document = document;
  }

  get count(): number {
    return this.#problems.length;
  }

  add(path: DocumentPath, message: string, fix?: string, at?: TextOffset): void {
    const { line, column } = this.#document.locate(path, at);
    this.#problems.push({ line, column, path, message: fix === undefined ? message : `${message}: ${fix}` });
  }

  /** The same for a key that should not stand in the map at `path`. */
  addKey(path: DocumentPath, key: string, message: string, fix?: string): void {
    const { line, column } = this.#document.locateKey(path, key);
    const whole = fix === undefined ? message : `${message}: ${fix}`;
    this.#problems.push({ line, column, path: [...path, key], message: whole });
  }

  /** Throws the usage error that tells all of them, in the order of the file. */
  throwIfAny(): void {
    if (this.#problems.length > 0) throw problemsError(this.#document.filename, this.#problems);
  }
}

/** The usage error for mistakes in a mapping file. */
export function problemsError(filename: string, problems: readonly Problem[]): AppError {
  const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
  const lines = sorted.slice(0, SHOWN).map((each) => sentence(filename, each));
  if (sorted.length > SHOWN) lines.push(`… and ${sorted.length - SHOWN} more`);
  const head = sorted.length === 1 ? '' : `${sorted.length} mistakes in the mapping:\n`;
  return usageError(
    'mapping-invalid',
    head + lines.join('\n'),
    'nothing was read; zep-import schema prints what may stand in a mapping file',
    { places: sorted.map((each) => ({ file: filename, line: each.line, column: each.column, message: words(each) })) },
  );
}

function sentence(filename: string, problem: Problem): string {
  return `${filename}:${problem.line}:${problem.column} ${words(problem)}`;
}

function words({ path, message }: Problem): string {
  const name = pathText(path);
  return name === '' ? message : `${name}: ${message}`;
}

/** `items[1].metadata["Ticket Id"]`: a path in the document as people write it. */
export function pathText(path: DocumentPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\p{L}_][\p{L}\p{N}_-]*$/u.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}
