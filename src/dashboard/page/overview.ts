/** The first view: what runs now, large; the sums of the project; the newest batches and runs. Made to be read from across a room. */
import type { Frame, ItemCounts, OverviewView, RunRow } from '../view-models.js';
import { h, type Child, type Node_ } from './dom.js';
import { bar, chip, command, empty, legend, section, settledOf, spark, waiting } from './parts.js';
import { hashOf } from './route.js';
import { batchLine, runLine, runTitle } from './rows.js';
import { ago, count, counted, fullTime, percent, rate, span } from './words.js';

export function overviewPage(frame: Frame, view: OverviewView, now: number): Node_ {
  const { totals } = frame;
  const isNew = totals.batches.all === 0 && totals.runs.all === 0;
  return h(
    'div',
    { class: 'page' },
    h('h1', { class: 'unseen' }, 'Overview'),
    isNew &&
      frame.isListed &&
      empty('Nothing imported yet.', 'Start an import in a terminal; this page follows it by itself.', view.suggestion),
    isNew && !frame.isListed && waiting(5),
    view.hero !== undefined && hero(view.hero, view, now),
    !isNew && tiles(frame, view),
    view.batches.length > 0 &&
      section(
        'Batches',
        h('a', { class: 'more', href: hashOf({ view: 'batches' }) }, `all ${count(totals.batches.all)}`),
        h(
          'ul',
          { class: 'rows' },
          view.batches.map((row) => batchLine(row, now)),
        ),
      ),
    view.runs.length > 0 &&
      section(
        'Runs',
        h('a', { class: 'more', href: hashOf({ view: 'runs' }) }, `all ${count(totals.runs.all)}`),
        h(
          'ul',
          { class: 'rows' },
          view.runs.map((row) => runLine(row, now)),
        ),
      ),
  );
}

/** The number that matters most while it uploads is another than while the service works. */
export function hero(run: RunRow, view: Pick<OverviewView, 'pulse' | 'perSecond'>, now: number, isLink = true): Node_ {
  const { counts } = run;
  const settled = settledOf(counts);
  const isUploading = counts.all === 0 || (run.condition === 'running' && settled === 0);
  const isStaged = counts.all > 0 && counts.inDrafts === counts.all && !isUploading;
  const isBusy = run.tone === 'busy';
  const titleText = runTitle(run);
  return h(
    'section',
    { class: `hero ${run.tone}`, key: 'hero', 'aria-label': `Run ${run.id}` },
    h(
      'div',
      { class: 'hero-head' },
      chip(run.tone, run.words, true),
      isLink
        ? h('a', { class: 'hero-title', href: hashOf({ view: 'run', id: run.id }) }, titleText)
        : h('h1', { class: 'hero-title' }, titleText),
      h('span', { class: 'when', title: fullTime(run.started) }, whenOf(run, now)),
    ),
    h(
      'div',
      { class: 'hero-body' },
      h('div', { class: 'giant num' }, isUploading || isStaged ? count(counts.all) : percent(settled, counts.all)),
      h(
        'div',
        { class: 'hero-side' },
        h('p', { class: 'hero-words' }, heroWords(run, settled, isUploading, isStaged)),
        isBusy && h('p', { class: 'hero-rate num' }, rateWords(run, isUploading)),
      ),
      isBusy && spark(view.pulse),
    ),
    bar(counts, { isMoving: isBusy, isLarge: true, label: 'Progress of the run' }),
    h('div', { class: 'hero-foot' }, legend(counts), rejectedWords(run)),
    run.next !== undefined && command(run.next),
  );
}

function whenOf(run: RunRow, now: number): string {
  const ms = Date.parse(run.ended ?? '') - Date.parse(run.started);
  const took = Number.isNaN(ms) ? '' : `, took ${span(ms)}`;
  return `started ${ago(run.started, now)}${took}`;
}

function heroWords(run: RunRow, settled: number, isUploading: boolean, isStaged: boolean): Child {
  const { counts } = run;
  if (counts.all === 0) {
    return run.known === undefined || run.known === 0
      ? 'items accepted so far'
      : `items were new: ${counted(run.known, 'item')} of it the project holds already`;
  }
  if (isUploading) return `${counts.all === 1 ? 'item' : 'items'} accepted so far`;
  if (isStaged) return `${counts.all === 1 ? 'item' : 'items'} in drafts, not processed yet`;
  const accepted = run.condition === 'running' && counts.inDrafts > 0 ? ' accepted' : '';
  return [h('span', { class: 'num' }, `${count(settled)} of ${count(counts.all)}`), `${accepted} items processed`];
}

function rateWords(run: RunRow, isUploading: boolean): string {
  const perSecond = isUploading ? run.acceptedPerSecond : run.settledPerSecond;
  const left = run.etaMs === undefined ? '' : ` · ${span(run.etaMs)} left`;
  return perSecond === undefined ? 'measuring' : `${rate(perSecond)}${left}`;
}

function rejectedWords(run: RunRow): Child {
  if (run.read === undefined) return false;
  return h(
    'span',
    { class: `aside ${run.rejected > 0 ? 'bad' : ''}` },
    h('span', { class: 'num' }, count(run.read)),
    ' rows read, ',
    h('span', { class: 'num' }, count(run.rejected)),
    ' rejected',
  );
}

function tiles({ totals }: Frame, view: OverviewView): Node_ {
  const { batches, items, runs } = totals;
  const tile = (name: string, value: string, words: string, tone = ''): Node_ =>
    h(
      'div',
      { key: name, class: `tile ${tone}` },
      h('dt', {}, name),
      h('dd', { class: 'num' }, value),
      h('dd', { class: 'sub' }, words),
    );
  return h(
    'dl',
    { class: 'tiles', 'aria-label': 'Totals of the project' },
    tile('Items', count(items.all), openIn(items)),
    tile('Succeeded', count(items.succeeded), `${percent(items.succeeded, items.all)} of all items`),
    tile(
      'Failed',
      count(items.failed + items.canceled),
      items.failed + items.canceled === 0
        ? 'nothing to do'
        : `in ${counted(batches.troubled, 'batch').replace('batchs', 'batches')}`,
      items.failed + items.canceled > 0 ? 'bad' : '',
    ),
    tile('Batches', count(batches.all), `${count(batches.open)} at work, ${count(batches.drafts)} drafts`),
    tile(
      'Throughput',
      items.open > 0 ? rate(view.perSecond) : '–',
      items.open > 0 ? 'processed now' : `${counted(runs.all, 'run')} on this machine`,
    ),
  );
}

function openIn(items: ItemCounts): string {
  const words = [`${count(items.open)} open`];
  if (items.inDrafts > 0) words.push(`${count(items.inDrafts)} in drafts`);
  return words.join(', ');
}
