/**
 * Following pages without trusting them: a cursor that comes back or pages that repeat would make an endless list of a finite one. Holds
 * one page and the cursors seen; entries that the next page repeats (something was added in between) are given once.
 */
import type { Page } from './answers.js';
import { badAnswer, type Operation } from './problems.js';

export interface Paging<T> {
  readonly operation: Operation;
  readonly page: (cursor: number | string | undefined) => Promise<Page<T>>;
  /** What makes two entries the same; undefined = cannot be told. */
  readonly identity: (entry: T) => string | number | undefined;
  /** Entries to give at most. */
  readonly limit: number | undefined;
}

/** Pages of filtered lists may be empty with more behind them, but not for ever. */
const MAX_EMPTY_PAGES = 1_000;

/** Throws RemoteError (`bad-answer`) when the pages do not advance. */
export async function* followPages<T>(paging: Paging<T>): AsyncGenerator<T, void, undefined> {
  const { operation, page, identity } = paging;
  const cursors = new Set<number | string>();
  let cursor: number | string | undefined;
  let previous = new Set<string | number>();
  let emptyPages = 0;
  let left = paging.limit ?? Number.POSITIVE_INFINITY;
  while (left > 0) {
    const { entries, nextCursor } = await page(cursor);
    const current = new Set<string | number>();
    let fresh = 0;
    for (const entry of entries) {
      const id = identity(entry);
      if (id !== undefined) {
        if (previous.has(id) || current.has(id)) continue;
        current.add(id);
      }
      fresh++;
      yield entry;
      if (--left === 0) return;
    }
    if (nextCursor === undefined) return;
    emptyPages = fresh === 0 ? emptyPages + 1 : 0;
    const stuck = cursors.has(nextCursor) || (entries.length > 0 && fresh === 0) || emptyPages > MAX_EMPTY_PAGES;
    if (stuck) throw badAnswer(operation, 200, 'its pages do not advance', undefined);
    cursors.add(nextCursor);
    cursor = nextCursor;
    previous = current;
  }
}
