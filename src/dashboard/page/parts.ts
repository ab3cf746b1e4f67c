/** Pieces that several views are made of: states, bars, small charts, commands, empty states. */
import type { ItemCounts, Paging, Tone } from '../view-models.js';
import { h, type Child, type Node_ } from './dom.js';
import { count, counted, percent } from './words.js';

/** A shape for each meaning, so that nothing is told by colour alone. */
const MARKS: Readonly<Record<Tone, string>> = { idle: '○', busy: '◐', good: '✓', warning: '!', bad: '✕' };

export function chip(tone: Tone, words: string, isLarge = false): Node_ {
  return h(
    'span',
    { class: `chip ${tone}${isLarge ? ' large' : ''}` },
    h('span', { class: 'mark', 'aria-hidden': 'true' }, MARKS[tone]),
    h('span', {}, words),
  );
}

export function settledOf({ succeeded, failed, skipped, canceled }: ItemCounts): number {
  return succeeded + failed + skipped + canceled;
}

export interface BarOptions {
  readonly isMoving: boolean;
  readonly isLarge?: boolean;
  readonly label: string;
}

/** The parts of a whole; what is missing to the right is still open. */
export function bar(counts: ItemCounts, { isMoving, isLarge = false, label }: BarOptions): Node_ {
  const settled = settledOf(counts);
  const part = (name: string, value: number): Child =>
    value > 0 &&
    h('span', {
      key: name,
      class: `part ${name}`,
      style: { 'flex-grow': String(value), '--least': '3px' },
      title: `${count(value)} ${name}`,
    });
  const isDraft = counts.all > 0 && counts.inDrafts === counts.all;
  return h(
    'div',
    {
      class: `bar${isLarge ? ' large' : ''}${isMoving ? ' moving' : ''}${isDraft ? ' draft' : ''}`,
      role: 'progressbar',
      'aria-label': label,
      'aria-valuemin': '0',
      'aria-valuemax': '100',
      'aria-valuenow': String(counts.all === 0 ? 0 : Math.floor((settled / counts.all) * 100)),
      'aria-valuetext': isDraft
        ? `draft of ${counted(counts.all, 'item')}`
        : `${percent(settled, counts.all)}: ${counted(settled, 'item')} of ${count(counts.all)} settled, ${count(counts.failed)} failed`,
    },
    part('succeeded', counts.succeeded),
    part('skipped', counts.skipped),
    part('canceled', counts.canceled),
    part('failed', counts.failed),
    part('open', counts.open + counts.inDrafts),
    counts.all === 0 && h('span', { key: 'none', class: 'part none', style: { 'flex-grow': '1' } }),
  );
}

export function legend(counts: ItemCounts): Node_ {
  const entry = (name: string, words: string, value: number, always = false): Child =>
    (always || value > 0) &&
    h(
      'li',
      { key: name, class: `key ${name}` },
      h('span', { class: 'swatch', 'aria-hidden': 'true' }),
      h('span', { class: 'num' }, count(value)),
      ` ${words}`,
    );
  return h(
    'ul',
    { class: 'legend' },
    entry('succeeded', 'succeeded', counts.succeeded, true),
    entry('failed', 'failed', counts.failed, true),
    entry('canceled', 'canceled', counts.canceled),
    entry('skipped', 'skipped', counts.skipped),
    entry('open', 'open', counts.open),
    entry('drafts', 'in drafts', counts.inDrafts),
  );
}

/** A line of what was, the newest at the right. Decoration: the number stands beside it. */
export function spark(points: readonly number[]): Node_ {
  const most = Math.max(1e-9, ...points);
  const [width, height] = [240, 48];
  const from = 60 - points.length;
  const at = (value: number, index: number): string =>
    `${(((from + index) / 59) * width).toFixed(1)},${(height - 2 - (value / most) * (height - 6)).toFixed(1)}`;
  const line = points.map(at).join(' ');
  const first = ((Math.max(0, from) / 59) * width).toFixed(1);
  return h(
    'svg',
    { class: 'spark', viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    h('line', { class: 'base', x1: '0', y1: String(height - 1), x2: String(width), y2: String(height - 1) }),
    points.length > 1 && h('polygon', { class: 'area', points: `${first},${height} ${line} ${width},${height}` }),
    points.length > 1 && h('polyline', { class: 'line', points: line }),
  );
}

/** A command to type, and a button that copies it. */
export function command(text: string, lead = 'next'): Node_ {
  return h(
    'div',
    { class: 'command' },
    h('span', { class: 'lead' }, lead),
    h('code', {}, text),
    h(
      'button',
      { type: 'button', class: 'ghost', 'aria-label': 'Copy the command', on: { click: (event) => copy(event, text) } },
      'Copy',
    ),
  );
}

function copy(event: Event, text: string): void {
  const button = event.currentTarget as HTMLElement;
  const say = (words: string): void => {
    button.textContent = words;
    setTimeout(() => (button.textContent = 'Copy'), 1_500);
  };
  navigator.clipboard.writeText(text).then(
    () => say('Copied'),
    () => say('Not allowed'),
  );
}

export function empty(title: string, text: string, suggestion?: string): Node_ {
  return h(
    'div',
    { class: 'empty' },
    h('p', { class: 'empty-title' }, title),
    h('p', {}, text),
    suggestion !== undefined && command(suggestion, 'type'),
  );
}

export function section(title: string, aside: Child, ...children: Child[]): Node_ {
  const id = `s-${title.toLowerCase().replace(/\W+/g, '-')}`;
  return h(
    'section',
    { class: 'card', 'aria-labelledby': id, key: id },
    h('div', { class: 'card-head' }, h('h2', { id }, title), aside),
    children,
  );
}

export function pager(paging: Paging, hrefOf: (page: number) => string, noun: string): Node_ {
  const { page, pages, found, first } = paging;
  const last = Math.min(found, first + 50);
  return h(
    'nav',
    { class: 'pager', 'aria-label': 'Pages' },
    h('span', { class: 'num' }, found === 0 ? `no ${noun}` : `${count(first + 1)}–${count(last)} of ${count(found)}`),
    pages > 1 && pageLink('p', '← Newer', page > 1 ? hrefOf(page - 1) : undefined),
    pages > 1 && pageLink('n', 'Older →', page < pages ? hrefOf(page + 1) : undefined),
  );
}

/** The keys p and n follow these links. */
export function pageLink(key: string, words: string, href: string | undefined): Node_ {
  return href === undefined
    ? h('span', { key, class: 'page-link off', 'aria-disabled': 'true' }, words)
    : h('a', { key, class: 'page-link', href, 'data-page': key, 'aria-keyshortcuts': key }, words);
}

export function filters(
  current: string,
  all: number,
  entries: readonly { readonly value: string; readonly words: string; readonly count: number | undefined }[],
  hrefOf: (value: string) => string,
  label: string,
): Node_ {
  const entry = (value: string, words: string, n: number | undefined): Node_ =>
    h(
      'a',
      {
        key: `f-${value}`,
        class: 'filter',
        href: hrefOf(value),
        'aria-current': value === current ? 'true' : undefined,
      },
      words,
      n !== undefined && h('span', { class: 'num' }, ` ${count(n)}`),
    );
  return h(
    'nav',
    { class: 'filters', 'aria-label': label },
    entry('', 'all', all < 0 ? undefined : all),
    entries.map(({ value, words, count: n }) => entry(value, words, n)),
  );
}

/** Lines that wait to be filled. */
export function waiting(rows: number): Node_ {
  return h(
    'div',
    { class: 'waiting', role: 'status', 'aria-label': 'Loading' },
    Array.from({ length: rows }, () => h('div', { class: 'ghost-row' })),
  );
}
