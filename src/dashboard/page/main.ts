/**
 * The page: an address behind the #, a stream of frames that answers it, and a drawing of the last frame. What a view showed before is shown again
 * at once while its news are on their way.
 */
import type { BatchRow, Frame, RunRow, View } from '../view-models.js';
import { batchPage, crumbs } from './batch.js';
import { draw, h, type Child } from './dom.js';
import { listenToKeys } from './keys.js';
import { batchesPage, runsPage } from './lists.js';
import { overviewPage } from './overview.js';
import { empty, waiting } from './parts.js';
import { hashOf, parseRoute, questionOf, type Route } from './route.js';
import { runPage } from './run.js';
import { Stream, type Way } from './stream.js';
import { count } from './words.js';

const KEPT_VIEWS = 40;
const FILTER_PAUSE_MS = 400;
const TICK_MS = 10_000;

const $ = (id: string): HTMLElement => document.getElementById(id) ?? document.body;

let route: Route = parseRoute(location.hash);
let frame: Frame | undefined;
let way: Way = 'connecting';
let retryAt: number | undefined;
let spoken = '';
let filterTimer: ReturnType<typeof setTimeout> | undefined;
const views = new Map<string, View>();
const knownBatches = new Map<string, BatchRow>();
const knownRuns = new Map<string, RunRow>();

const stream = new Stream({
  onFrame(question, next) {
    const before = frame;
    frame = next;
    keep(question, next.view);
    if (question === questionOf(route)) render();
    speak(before, next);
  },
  onWay(next, at) {
    way = next;
    retryAt = at;
    if (next === 'lost') say('The connection to the dashboard is lost. It is opened again by itself.');
    render();
  },
});

function keep(question: string, view: View): void {
  views.delete(question);
  views.set(question, view);
  for (const old of views.keys()) {
    if (views.size <= KEPT_VIEWS) break;
    views.delete(old);
  }
  if (view.kind === 'overview' || view.kind === 'batches') {
    for (const row of view.kind === 'overview' ? view.batches : view.rows) knownBatches.set(row.id, row);
  }
  if (view.kind === 'overview' || view.kind === 'runs') {
    for (const row of view.kind === 'overview' ? view.runs : view.rows) knownRuns.set(row.id, row);
  }
  if (knownBatches.size > 2_000) knownBatches.clear();
}

function navigate(): void {
  const before = route;
  route = parseRoute(location.hash);
  stream.ask(questionOf(route));
  render();
  const isElsewhere = before.view !== route.view || before.id !== route.id;
  if (isElsewhere || before.page !== route.page || before.trail.length !== route.trail.length) {
    window.scrollTo({ top: 0 });
    if (isElsewhere) restoreFocus(before);
  }
}

/** Back in a list, the line that was opened has the focus again. */
function restoreFocus(before: Route): void {
  const line = before.id === '' ? null : document.querySelector<HTMLElement>(`[data-id="${CSS.escape(before.id)}"]`);
  if (line !== null) line.focus();
  else if (!(document.activeElement instanceof HTMLInputElement)) $('main').focus({ preventScroll: true });
}

function render(): void {
  const now = Date.now();
  draw($('top'), top());
  draw($('main'), banner(now), content(now));
  draw($('foot'), footer());
  document.title = titleOf();
}

function top(): Child {
  const link = (to: Partial<Route>, words: string, n: number | undefined, isHere: boolean): Child =>
    h(
      'a',
      { key: words, href: hashOf(to), 'aria-current': isHere ? 'page' : undefined },
      words,
      n !== undefined && h('span', { class: 'num' }, count(n)),
    );
  const { view } = route;
  return h(
    'div',
    { class: 'top-in' },
    h('a', { class: 'brand', href: hashOf({}), 'aria-label': 'zep-import, overview' }, 'zep', h('span', {}, '-import')),
    h(
      'nav',
      { class: 'tabs', 'aria-label': 'Views' },
      link({}, 'Overview', undefined, view === 'overview'),
      link({ view: 'batches' }, 'Batches', frame?.totals.batches.all, view === 'batches' || view === 'batch'),
      link({ view: 'runs' }, 'Runs', frame?.totals.runs.all, view === 'runs' || view === 'run'),
    ),
    h(
      'div',
      { class: 'place' },
      frame !== undefined &&
        frame.project !== '' &&
        h(
          'span',
          { class: 'project', title: `${frame.project} at ${frame.host}` },
          frame.project,
          h('span', {}, frame.host),
        ),
      pill(),
    ),
  );
}

function pill(): Child {
  const [tone, words] = standOf();
  return h('span', { class: `pill ${tone}` }, h('span', { class: 'dot', 'aria-hidden': 'true' }), words);
}

function standOf(): readonly [string, string] {
  if (way === 'refused') return ['bad', 'not let in'];
  if (way === 'lost') return ['bad', 'disconnected'];
  if (frame === undefined) return ['idle', 'connecting'];
  switch (frame.link.state) {
    case 'live':
      return ['good', 'live'];
    case 'waiting':
      return ['warning', 'waiting'];
    case 'lost':
      return ['bad', 'no service'];
    case 'connecting':
      return ['idle', 'connecting'];
  }
}

function banner(now: number): Child {
  const at = retryAt === undefined ? '' : ` Trying again in ${Math.max(1, Math.round((retryAt - now) / 1000))} s.`;
  if (way === 'refused') {
    return notice(
      'This page belongs to a dashboard that has ended.',
      'Open the address that zep-import dashboard has printed.',
    );
  }
  if (way === 'lost') return notice('The dashboard does not answer.', `Is zep-import dashboard still running?${at}`);
  if (frame?.ledgerProblem !== undefined) return notice('The ledger cannot be read.', frame.ledgerProblem);
  if (frame?.link.state === 'lost')
    return notice('The service cannot be reached; trying again.', frame.link.detail ?? '');
  if (frame?.link.state === 'waiting') return notice('Waiting for the service.', frame.link.detail ?? '', 'warning');
  return false;
}

function notice(strong: string, words: string, tone = 'bad'): Child {
  return h('div', { key: 'banner', class: `banner ${tone}` }, h('strong', {}, strong), ' ', words);
}

function content(now: number): Child {
  const view = views.get(questionOf(route)) ?? early();
  if (frame === undefined || view === undefined) return h('div', { class: 'page', key: 'waiting' }, waiting(6));
  const key = `${route.view}-${route.id}`;
  const isLoading = !views.has(questionOf(route));
  switch (view.kind) {
    case 'overview':
      return h('div', { key }, overviewPage(frame, view, now));
    case 'batches':
      return h('div', { key }, batchesPage(frame, view, { route, onFilter, now, isLoading }));
    case 'batch':
      return h('div', { key }, batchPage(view, route, now, isLoading));
    case 'runs':
      return h('div', { key }, runsPage(frame, view, { route, onFilter, now, isLoading }));
    case 'run':
      return h('div', { key }, runPage(view, now));
    case 'missing':
      return h(
        'div',
        { class: 'page', key: 'missing' },
        crumbs('Overview', hashOf({})),
        frame.isListed
          ? empty(`There is no ${view.what} here.`, 'It may have been deleted.', view.suggestion)
          : waiting(6),
      );
  }
}

/** What is known of a view before its first frame: the last of the same list, or the line that was followed. */
function early(): View | undefined {
  if (route.view === 'batch') {
    const batch = knownBatches.get(route.id);
    return (
      batch && {
        kind: 'batch',
        batch,
        metadata: [],
        filter: route.items,
        items: [],
        next: undefined,
        itemsProblem: undefined,
        rowsKnown: true,
      }
    );
  }
  if (route.view === 'run') {
    const run = knownRuns.get(route.id);
    return (
      run && {
        kind: 'run',
        run,
        sentence: '',
        facts: [],
        records: undefined,
        phases: [],
        span: undefined,
        lanes: [],
        batches: { all: 0, shown: 0 },
        pulse: [],
        errors: [],
        files: [],
      }
    );
  }
  const paging = { page: 1, pages: 1, found: 0, first: 0 };
  const same = [...views.values()].reverse().find(({ kind }) => kind === route.view);
  if (same !== undefined || route.view === 'overview') return same;
  return route.view === 'batches'
    ? { kind: 'batches', rows: [], paging, statuses: [], suggestion: '' }
    : { kind: 'runs', rows: [], paging, conditions: [], suggestion: '' };
}

function onFilter(text: string): void {
  clearTimeout(filterTimer);
  filterTimer = setTimeout(() => replace({ ...route, query: text.trim(), page: 1 }), FILTER_PAUSE_MS);
}

function replace(to: Partial<Route>): void {
  history.replaceState(null, '', hashOf(to));
  navigate();
}

/** Escape: what is narrowed is widened first, then one level up. */
function back(): void {
  const filter = document.querySelector<HTMLInputElement>('#filter');
  clearTimeout(filterTimer);
  if (filter !== null && (filter.value !== '' || route.query !== '' || route.status !== '')) {
    filter.value = '';
    filter.blur();
    replace({ view: route.view });
  } else if (filter !== null && document.activeElement === filter) filter.blur();
  else if (route.view === 'batch' && (route.items !== '' || route.trail.length > 0))
    replace({ view: 'batch', id: route.id });
  else if (route.view === 'batch') location.hash = hashOf({ view: 'batches' });
  else if (route.view === 'run') location.hash = hashOf({ view: 'runs' });
  else if (route.view !== 'overview') location.hash = hashOf({});
}

function footer(): Child {
  return h(
    'p',
    {},
    'Read only. ',
    h('button', { type: 'button', class: 'link', 'aria-keyshortcuts': '?', on: { click: help } }, 'Keys'),
    h(
      'span',
      { class: 'key-hints', 'aria-hidden': 'true' },
      ' j k move · Enter opens · Esc back · / filter · n p pages',
    ),
  );
}

function help(): void {
  const dialog = $('help') as HTMLDialogElement;
  const entry = (keys: string, words: string): Child => [
    h(
      'dt',
      {},
      keys.split(' ').map((key) => h('kbd', {}, key)),
    ),
    h('dd', {}, words),
  ];
  draw(
    dialog,
    h('h2', { id: 'help-title' }, 'Keys'),
    h(
      'dl',
      {},
      entry('1 2 3', 'overview, batches, runs'),
      entry('j k ↓ ↑', 'next and previous line'),
      entry('Enter', 'open the line'),
      entry('Esc', 'clear the filter, then go back'),
      entry('/', 'filter'),
      entry('n p', 'next and previous page'),
      entry('?', 'this'),
    ),
    h(
      'form',
      { method: 'dialog' },
      h('button', { type: 'button', class: 'ghost', on: { click: () => dialog.close() } }, 'Close'),
    ),
  );
  dialog.showModal();
}

function titleOf(): string {
  const hero = frame?.view.kind === 'overview' ? frame.view.hero : undefined;
  const name =
    route.view === 'overview' ? '' : `${route.id === '' ? route.view : `${route.view} ${route.id.slice(0, 24)}`} · `;
  if (hero?.tone === 'busy' && hero.counts.all > 0) {
    const { all, open, inDrafts } = hero.counts;
    return `${Math.floor(((all - open - inDrafts) / all) * 100)}% · zep-import`;
  }
  return `${name}zep-import`;
}

/** What somebody who does not see the page is told: beginnings and ends, not every step. */
function speak(before: Frame | undefined, after: Frame): void {
  if (before === undefined) return;
  if (before.link.state !== after.link.state) {
    if (after.link.state === 'lost') say('The service cannot be reached.');
    else if (after.link.state === 'live' && before.link.state === 'lost') say('The service answers again.');
  }
  const [old, now] = [before.totals.batches, after.totals.batches];
  if (old.open > 0 && now.open < old.open) {
    say(now.open === 0 ? 'All batches are processed.' : `${now.open} batches are still at work.`);
  }
}

function say(words: string): void {
  if (words === spoken) return;
  spoken = words;
  $('live').textContent = words;
}

// The token is in a cookie now: it need not stay in the address, which people copy.
if (location.search !== '') history.replaceState(null, '', `/${location.hash}`);
$('skip').addEventListener('click', (event) => {
  event.preventDefault();
  $('main').focus();
});
window.addEventListener('hashchange', navigate);
listenToKeys({ back, help });
setInterval(render, TICK_MS);
setInterval(() => {
  if (way === 'lost') render();
}, 1_000);
render();
stream.ask(questionOf(route));
