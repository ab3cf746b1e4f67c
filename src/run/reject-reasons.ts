/**
 * Why rows were rejected: a JSON object for each rejection, a line each, in a file beside the rejected rows. No row content. It is written
 * once from what the database holds, which is the truth: a copy for people and scripts, never read again by the program.
 */
import type { Position, Rejection, SourceInfo } from '../model.js';
import { removeFile, replaceText } from './durable-files.js';

/** A rejection as it is remembered: of its source only the name. Every `Rejection` is one. */
export interface StoredRejection extends Omit<Rejection, 'kind' | 'position'> {
  readonly position: Omit<Position, 'source'> & { readonly source: Pick<SourceInfo, 'id'> };
  /** Which of several items with the same identity it was, when that tells them apart. */
  readonly occurrence?: number | undefined;
}

/**
 * Writes the reasons to `path` in one step, replacing what was there; no rejections, no file. Gives their number. Throws AppError
 * `disk-full` or `rejects-unwritable`.
 */
export function writeReasons(path: string, rejections: Iterable<StoredRejection>): number {
  let count = 0;
  const lines = function* (): Generator<string> {
    for (const rejection of rejections) {
      count += 1;
      yield reasonLine(rejection);
    }
  };
  replaceText(path, lines());
  if (count === 0) removeFile(path);
  return count;
}

function reasonLine({ stage, code, message, position, item, field, occurrence }: StoredRejection): string {
  const reason = {
    source: position.source.id,
    line: position.line,
    ordinal: position.ordinal,
    byte_start: position.byteStart,
    byte_end: position.byteEnd,
    item,
    occurrence,
    stage,
    code,
    field,
    message,
  };
  return `${JSON.stringify(reason)}\n`;
}
