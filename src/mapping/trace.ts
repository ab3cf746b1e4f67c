/** What the mapping does with one row, step by step: told by the compiled mapping itself, so that it cannot differ from what a run does. */
import type { DocumentPath } from './document/read-document.js';
import type { Read } from './names.js';
import { RowError } from './row-error.js';
import type { Scope } from './scope.js';

export interface TraceStep {
  /** `where`, `each`, `when`, `key`, or the item's field. */
  readonly name: string;
  /** As the mapping has it. */
  readonly written: string;
  readonly path: DocumentPath;
  readonly value?: unknown;
  /** Why it gives no value. */
  readonly error?: string;
}

export type Trace = (step: TraceStep) => void;

/** The same reader, which tells what it gives. */
export function traced(
  read: Read,
  { name, path, written }: Pick<TraceStep, 'name' | 'path' | 'written'>,
  trace: Trace | undefined,
): Read {
  if (trace === undefined) return read;
  return (scope: Scope) => {
    try {
      const value = read(scope);
      trace({ name, path, written, value });
      return value;
    } catch (error) {
      if (error instanceof RowError) trace({ name, path, written, error: error.message });
      throw error;
    }
  };
}

/** A field's description on one line. */
export function writtenOf(spec: unknown): string {
  if (typeof spec === 'string') return spec.trim();
  const text = JSON.stringify(spec).replace(/"([A-Za-z_]\w*)":/g, '$1: ');
  return text.replace(/,(?=\S)/g, ', ');
}
