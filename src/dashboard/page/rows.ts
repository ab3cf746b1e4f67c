/** Batches and runs as lines of a list. A line is a link, so that it works by keyboard and without a mouse. */
import type { BatchRow, RunRow } from '../view-models.js';
import { h, type Node_ } from './dom.js';
import { bar, chip, settledOf } from './parts.js';
import { hashOf } from './route.js';
import { ago, count, fullTime, percent, rate, shortId } from './words.js';

export function runTitle(run: RunRow): string {
  return run.name ?? sourcesOf(run);
}

export function sourcesOf({ sources, id }: RunRow): string {
  const [first, ...others] = sources;
  if (first === undefined) return id;
  return others.length === 0 ? nameOf(first) : `${nameOf(first)} and ${count(others.length)} more`;
}

function nameOf(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}

function num(words: string, label: string, tone = ''): Node_ {
  return h(
    'span',
    { key: label, class: `cell num ${tone}`, 'data-label': label },
    words,
    h('span', { class: 'unit' }, ` ${label}`),
  );
}

export function batchHead(): Node_ {
  return head('batch-row', ['status', 'batch', 'progress', '', 'items', 'failed', 'rate', 'created']);
}

export function runHead(): Node_ {
  return head('run-row', ['state', 'run', 'progress', '', 'accepted', 'rejected', 'failed', 'started']);
}

function head(kind: string, words: readonly string[]): Node_ {
  return h(
    'div',
    { class: `row-head ${kind}`, 'aria-hidden': 'true' },
    words.map((word, index) => h('span', { class: index > 3 ? 'num' : '' }, word)),
  );
}

export function batchLine(row: BatchRow, now: number): Node_ {
  const { counts } = row;
  const troubled = counts.failed + counts.canceled;
  const made = row.number === undefined ? '' : `lane ${row.lane ?? 0} · no. ${row.number}`;
  return h(
    'li',
    { key: row.id },
    h(
      'a',
      { class: `row batch-row ${row.tone}`, href: hashOf({ view: 'batch', id: row.id }), 'data-id': row.id },
      h('span', { class: 'cell state' }, chip(row.tone, row.status)),
      h(
        'span',
        { class: 'cell title' },
        h('span', { class: 'mono', title: row.id }, shortId(row.id)),
        h(
          'span',
          { class: 'sub' },
          [row.runTitle ?? row.run ?? 'not of this machine', made].filter(Boolean).join(' · '),
        ),
      ),
      h(
        'span',
        { class: 'cell progress' },
        bar(counts, { isMoving: row.tone === 'busy', label: `Progress of batch ${shortId(row.id)}` }),
      ),
      h('span', { class: 'cell num share' }, counts.inDrafts > 0 ? '' : percent(settledOf(counts), counts.all)),
      num(count(counts.all), 'items'),
      num(troubled === 0 ? '0' : count(troubled), 'failed', troubled > 0 ? 'bad' : 'faint'),
      num(row.tone === 'busy' ? rate(row.perSecond) : '', 'rate', 'faint'),
      h('span', { class: 'cell num when', title: fullTime(row.created) }, ago(row.created, now)),
    ),
  );
}

export function runLine(run: RunRow, now: number): Node_ {
  const { counts } = run;
  const troubled = counts.failed + counts.canceled;
  return h(
    'li',
    { key: run.id },
    h(
      'a',
      { class: `row run-row ${run.tone}`, href: hashOf({ view: 'run', id: run.id }), 'data-id': run.id },
      h('span', { class: 'cell state' }, chip(run.tone, run.words)),
      h(
        'span',
        { class: 'cell title' },
        h('span', { class: 'strong' }, runTitle(run)),
        h('span', { class: 'sub mono' }, run.isElsewhere ? `${run.id} · another project` : run.id),
      ),
      h(
        'span',
        { class: 'cell progress' },
        bar(counts, { isMoving: run.tone === 'busy', label: `Progress of run ${run.id}` }),
      ),
      h(
        'span',
        { class: 'cell num share' },
        counts.all === counts.inDrafts ? '' : percent(settledOf(counts), counts.all),
      ),
      num(count(counts.all), 'accepted'),
      num(count(run.rejected), 'rejected', run.rejected > 0 ? 'bad' : 'faint'),
      num(count(troubled), 'failed', troubled > 0 ? 'bad' : 'faint'),
      h('span', { class: 'cell num when', title: fullTime(run.started) }, ago(run.started, now)),
    ),
  );
}
