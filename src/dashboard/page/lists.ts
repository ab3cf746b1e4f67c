/** The lists: all batches, all runs, with filter and pages. */
import type { BatchesView, Frame, Paging, RunsView } from '../view-models.js';
import { h, type Child, type Node_ } from './dom.js';
import { empty, filters, pager, waiting } from './parts.js';
import { hashOf, type Route } from './route.js';
import { batchHead, batchLine, runHead, runLine } from './rows.js';

export interface ListContext {
  readonly route: Route;
  /** The text of the filter has changed; the address follows. */
  readonly onFilter: (text: string) => void;
  readonly now: number;
  /** What is shown is of another moment, or nothing yet. */
  readonly isLoading: boolean;
}

export function batchesPage(frame: Frame, view: BatchesView, context: ListContext): Node_ {
  const { route, now } = context;
  const to = (change: Partial<Route>): string => hashOf({ ...route, page: 1, ...change });
  const all = view.statuses.reduce((sum, { count }) => sum + count, 0);
  const isEmpty = frame.totals.batches.all === 0;
  return h(
    'div',
    { class: 'page' },
    title('Batches', context, 'Batch, run or description'),
    !isEmpty &&
      filters(
        route.status,
        all,
        view.statuses.map(({ status, count }) => ({ value: status, words: status, count })),
        (status) => to({ status }),
        'Status',
      ),
    isEmpty
      ? frame.isListed
        ? empty(
            'No batches in this project yet.',
            'An import makes them; they appear here by themselves.',
            view.suggestion,
          )
        : waiting(6)
      : list(
          batchHead(),
          view.rows.map((row) => batchLine(row, now)),
          context.isLoading,
          'Batches',
          view.paging,
          to,
          'batches',
        ),
  );
}

export function runsPage(frame: Frame, view: RunsView, context: ListContext): Node_ {
  const { route, now } = context;
  const to = (change: Partial<Route>): string => hashOf({ ...route, page: 1, ...change });
  const all = view.conditions.reduce((sum, { count }) => sum + count, 0);
  return h(
    'div',
    { class: 'page' },
    title('Runs', context, 'Run, name or source'),
    frame.totals.runs.all > 0 &&
      filters(
        route.status,
        all,
        view.conditions.map(({ condition, words, count }) => ({ value: condition, words, count })),
        (status) => to({ status }),
        'State',
      ),
    frame.totals.runs.all === 0
      ? empty('No runs on this machine yet.', 'A run is one import, through all its tries.', view.suggestion)
      : list(
          runHead(),
          view.rows.map((row) => runLine(row, now)),
          context.isLoading,
          'Runs',
          view.paging,
          to,
          'runs',
        ),
  );
}

function title(words: string, { route, onFilter }: ListContext, placeholder: string): Node_ {
  return h(
    'div',
    { class: 'page-head' },
    h('h1', {}, words),
    h(
      'label',
      { class: 'search' },
      h('span', { class: 'unseen' }, `Filter ${words.toLowerCase()} by text`),
      h('input', {
        type: 'search',
        id: 'filter',
        value: route.query,
        placeholder,
        autocomplete: 'off',
        spellcheck: 'false',
        'aria-keyshortcuts': '/',
        on: { input: (event) => onFilter((event.target as HTMLInputElement).value) },
      }),
      h('kbd', { 'aria-hidden': 'true' }, '/'),
    ),
  );
}

function list(
  head: Node_,
  rows: readonly Node_[],
  isLoading: boolean,
  label: string,
  paging: Paging,
  to: (change: Partial<Route>) => string,
  noun: string,
): Child {
  return h(
    'div',
    { class: 'card flush' },
    rows.length === 0
      ? isLoading
        ? waiting(6)
        : h('p', { class: 'none-found' }, 'Nothing matches. Escape clears the filter.')
      : [head, h('ul', { class: 'rows', 'aria-label': label }, rows)],
    pager(paging, (page) => to({ page }), noun),
  );
}
