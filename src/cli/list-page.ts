/**
 * Which part of a list is shown. Only what was typed counts: a variable or a config file that limits an import says nothing about lists, and a list
 * with a part missing looks like a whole one.
 */
import type { Values } from './options.js';

export interface ListPage {
  readonly skip: number;
  readonly limit: number;
  readonly status: string | undefined;
}

/** `standard`: how many are shown when no limit was typed. */
export function pageOf({ skip, limit, status, origins }: Values, standard = Number.POSITIVE_INFINITY): ListPage {
  const isTyped = (name: string): boolean => origins.get(name)?.kind === 'flag';
  return {
    skip: isTyped('skip') ? skip : 0,
    limit: isTyped('limit') ? (limit ?? standard) : standard,
    status: isTyped('status') ? status : undefined,
  };
}

/** What is said when there is more: `first` is what a page from the beginning on is called. */
export function pageText({ skip }: ListPage, shown: number, first: string): string {
  const next = skip + shown;
  const which = skip === 0 ? `the ${first} ${shown}` : `${skip + 1} to ${next}`;
  return `${which}; --limit shows more, --skip ${next} the next ones\n`;
}
