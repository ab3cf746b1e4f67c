/** One batch: how far it is, and its items with their errors and the rows they came from. */
import type { BatchView, ItemRow } from '../view-models.js';
import { h, type Child, type Node_ } from './dom.js';
import { bar, chip, empty, filters, legend, pageLink, section, settledOf } from './parts.js';
import { hashOf, type Route } from './route.js';
import { ago, count, fullTime, percent, rate } from './words.js';

const ITEM_STATUSES = ['failed', 'canceled', 'skipped', 'succeeded', 'processing', 'queued', 'pending'];

export function batchPage(view: BatchView, route: Route, now: number, isLoading: boolean): Node_ {
  const { batch } = view;
  return h(
    'div',
    { class: 'page' },
    crumbs('Batches', hashOf({ view: 'batches' })),
    h(
      'section',
      { class: `hero ${batch.tone}`, key: 'hero', 'aria-label': `Batch ${batch.id}` },
      h(
        'div',
        { class: 'hero-head' },
        chip(batch.tone, batch.status, true),
        h('h1', { class: 'hero-title mono' }, batch.id),
      ),
      h(
        'div',
        { class: 'hero-body' },
        h(
          'div',
          { class: 'giant num' },
          batch.counts.inDrafts > 0 ? count(batch.counts.all) : percent(settledOf(batch.counts), batch.counts.all),
        ),
        h(
          'div',
          { class: 'hero-side' },
          h(
            'p',
            { class: 'hero-words' },
            batch.counts.inDrafts > 0
              ? batch.status === 'draft'
                ? 'items in a draft that is not processed yet'
                : 'items that were not processed'
              : [
                  h('span', { class: 'num' }, `${count(settledOf(batch.counts))} of ${count(batch.counts.all)}`),
                  ' items processed',
                ],
          ),
          batch.perSecond !== undefined && h('p', { class: 'hero-rate num' }, rate(batch.perSecond)),
        ),
      ),
      bar(batch.counts, { isMoving: batch.tone === 'busy', isLarge: true, label: 'Progress of the batch' }),
      h('div', { class: 'hero-foot' }, legend(batch.counts)),
      facts(view, now),
    ),
    section(
      'Items',
      undefined,
      filters(
        route.items,
        -1,
        ITEM_STATUSES.map((status) => ({ value: status, words: status, count: countOf(view, status) })).filter(
          ({ value, count: n }) => n !== 0 || value === route.items,
        ),
        (items) => hashOf({ view: 'batch', id: batch.id, items }),
        'Status of items',
      ),
      itemsPart(view, route, isLoading),
    ),
  );
}

/** Undefined where only the service knows. */
function countOf({ batch: { counts } }: BatchView, status: string): number | undefined {
  switch (status) {
    case 'failed':
      return counts.failed;
    case 'canceled':
      return counts.canceled;
    case 'skipped':
      return counts.skipped;
    case 'succeeded':
      return counts.succeeded;
    case 'pending':
      return counts.inDrafts;
    default:
      return counts.open === 0 ? 0 : undefined;
  }
}

function facts({ batch, metadata }: BatchView, now: number): Node_ {
  const time = (name: string, iso: string | undefined): Child =>
    iso !== undefined && h('div', { key: name }, h('dt', {}, name), h('dd', { title: fullTime(iso) }, ago(iso, now)));
  return h(
    'dl',
    { class: 'facts' },
    time('created', batch.created),
    time('handed over', batch.processed),
    time('completed', batch.completed),
    batch.run !== undefined &&
      h(
        'div',
        { key: 'run' },
        h('dt', {}, 'run'),
        h(
          'dd',
          {},
          batch.runTitle === undefined
            ? h('span', { class: 'mono' }, batch.run)
            : h('a', { href: hashOf({ view: 'run', id: batch.run }) }, batch.runTitle),
        ),
      ),
    batch.number !== undefined &&
      h('div', { key: 'place' }, h('dt', {}, 'place'), h('dd', {}, `lane ${batch.lane ?? 0}, number ${batch.number}`)),
    metadata
      .filter(({ name }) => !name.startsWith('zi_'))
      .map(({ name, value }) => h('div', { key: `m-${name}` }, h('dt', {}, name), h('dd', {}, value))),
  );
}

function itemsPart(view: BatchView, route: Route, isLoading: boolean): Child {
  if (view.itemsProblem !== undefined)
    return h('p', { class: 'problem', role: 'alert' }, `The items cannot be listed: ${view.itemsProblem}`);
  if (view.items.length === 0) {
    if (isLoading) return h('p', { class: 'none-found' }, 'Asking the service …');
    return empty(
      route.items === '' ? 'This batch holds no items.' : `No item is ${route.items}.`,
      route.items === '' ? 'A draft takes items until it is handed over.' : 'Another status shows others.',
    );
  }
  const here = { view: 'batch', id: view.batch.id, items: route.items } as const;
  const before = route.trail.slice(0, -1);
  return [
    h(
      'div',
      { class: 'row-head item-row', 'aria-hidden': 'true' },
      ['status', 'index', 'source row', 'destination', 'error'].map((word) => h('span', {}, word)),
    ),
    h('ul', { class: 'rows', 'aria-label': 'Items' }, view.items.map(itemLine)),
    h(
      'nav',
      { class: 'pager', 'aria-label': 'Pages of items' },
      h('span', { class: 'num' }, rangeOf(view.items)),
      (route.trail.length > 0 || view.next !== undefined) &&
        pageLink('p', '← Before', route.trail.length > 0 ? hashOf({ ...here, trail: before }) : undefined),
      (route.trail.length > 0 || view.next !== undefined) &&
        pageLink(
          'n',
          'Next →',
          view.next === undefined ? undefined : hashOf({ ...here, trail: [...route.trail, view.next] }),
        ),
    ),
    !view.rowsKnown && h('p', { class: 'note' }, 'Source rows are known for batches that this machine imported.'),
  ];
}

function rangeOf(items: readonly ItemRow[]): string {
  const [first, last] = [items[0]?.index, items.at(-1)?.index];
  return first === undefined || last === undefined
    ? `${count(items.length)} items`
    : `index ${count(first)}–${count(last)}`;
}

function itemLine(item: ItemRow, place: number): Node_ {
  return h(
    'li',
    { key: String(item.index ?? `p${place}`), class: `row item-row ${item.tone}`, tabindex: '-1' },
    h('span', { class: 'cell state' }, chip(item.tone, item.status)),
    h('span', { class: 'cell num' }, item.index === undefined ? '' : count(item.index)),
    h('span', { class: 'cell mono source' }, item.source ?? ''),
    h('span', { class: 'cell mono where', title: item.uuid ?? '' }, item.destination ?? ''),
    h(
      'span',
      { class: 'cell error' },
      item.error ?? '',
      item.errorCode !== undefined && h('span', { class: 'code' }, ` ${item.errorCode}`),
    ),
  );
}

export function crumbs(words: string, href: string): Node_ {
  return h(
    'nav',
    { class: 'crumbs', key: 'crumbs', 'aria-label': 'Back' },
    h('a', { href, 'data-back': 'yes' }, `← ${words}`),
  );
}
