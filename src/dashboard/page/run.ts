/** One run: how it stands, when it uploaded and when the service worked, what went wrong and what to type next. */
import type { Bar, ErrorRow, Phase, RunView } from '../view-models.js';
import { crumbs } from './batch.js';
import { h, type Child, type Node_ } from './dom.js';
import { hero } from './overview.js';
import { empty, section, settledOf } from './parts.js';
import { hashOf } from './route.js';
import { bytes, clock, count, counted, percent, span } from './words.js';

export function runPage(view: RunView, now: number): Node_ {
  const { run, records } = view;
  return h(
    'div',
    { class: 'page' },
    crumbs('Runs', hashOf({ view: 'runs' })),
    hero(run, { pulse: view.pulse, perSecond: run.settledPerSecond }, now, false),
    h('p', { class: 'sentence', key: 'sentence' }, view.sentence),
    h(
      'dl',
      { class: 'facts card', key: 'facts' },
      fact('run', run.id, 'mono'),
      fact('sources', run.sources.join(', ')),
      fact('service', run.host),
      records !== undefined && [
        fact('rows read', count(records.read), 'num'),
        fact('mapped', count(records.mapped), 'num'),
        records.skipped > 0 && fact('skipped by the mapping', count(records.skipped), 'num'),
        fact('rejected', count(run.rejected), run.rejected > 0 ? 'num bad' : 'num'),
      ],
      view.facts.map(({ name, value }) => fact(name, value, 'num')),
    ),
    timeline(view, now),
    errors(view.errors),
    files(view),
  );
}

function fact(name: string, value: string, kind = ''): Node_ {
  return h('div', { key: name }, h('dt', {}, name), h('dd', { class: kind }, value));
}

const TICKS = 4;

function timeline(view: RunView, now: number): Child {
  if (view.span === undefined || (view.lanes.length === 0 && view.phases.length === 0)) return false;
  const from = Date.parse(view.span.from);
  const to = Math.max(Date.parse(view.span.to), from + 1_000);
  const place = (start: string | undefined, end: string | undefined): Readonly<Record<string, string>> => {
    const left = at(start === undefined ? from : Date.parse(start));
    const right = at(end === undefined ? to : Date.parse(end));
    return { left: `${left}%`, width: `${Math.max(0.4, right - left)}%` };
  };
  const at = (ms: number): number => Math.min(100, Math.max(0, ((ms - from) / (to - from)) * 100));
  const hidden = view.batches.all - view.batches.shown;
  return section(
    'Time line',
    h(
      'a',
      { class: 'more', href: hashOf({ view: 'batches', query: view.run.id }) },
      view.batches.all === 1 ? '1 batch' : `${count(view.batches.all)} batches`,
    ),
    h(
      'div',
      { class: 'timeline', role: 'list', 'aria-label': 'Phases and lanes' },
      h(
        'div',
        { class: 'axis', 'aria-hidden': 'true' },
        Array.from({ length: TICKS + 1 }, (_, i) =>
          h(
            'span',
            { class: 'tick num', style: { left: `${(i * 100) / TICKS}%` } },
            i === 0 ? clock(from) : `+${span(((to - from) * i) / TICKS)}`,
          ),
        ),
      ),
      view.phases.map((phase) => phaseLine(phase, place(phase.from, phase.to), now)),
      view.lanes.map(({ lane, bars }) =>
        h(
          'div',
          { class: 'lane', key: `lane-${lane}`, role: 'listitem' },
          h('span', { class: 'lane-name' }, `lane ${lane}`),
          h(
            'div',
            { class: 'track' },
            bars.map((each) => barsOf(each, place)),
          ),
        ),
      ),
    ),
    h(
      'p',
      { class: 'note' },
      'Of each batch: a thin line while it is filled, a bar with its number while the service works on it.',
      hidden > 0 && ` ${count(hidden)} earlier batches are not drawn.`,
    ),
  );
}

function phaseLine(phase: Phase, style: Readonly<Record<string, string>>, now: number): Node_ {
  const ms = (phase.to === undefined ? now : Date.parse(phase.to)) - Date.parse(phase.from);
  const share = phase.all === undefined ? count(phase.done) : percent(phase.done, phase.all);
  const words = `${share} · ${span(ms)}`;
  return h(
    'div',
    { class: 'lane phase', key: phase.name, role: 'listitem', 'aria-label': `${phase.name}: ${words}` },
    h('span', { class: 'lane-name' }, phase.name),
    h(
      'div',
      { class: 'track' },
      h('span', { class: `span phase-${phase.name} ${phase.tone}${phase.to === undefined ? ' moving' : ''}`, style }),
      h('span', { class: 'span-words num', style: { left: style['left'] ?? '0' } }, words),
    ),
  );
}

function barsOf(bar: Bar, place: (from?: string, to?: string) => Readonly<Record<string, string>>): Child {
  const words = `batch ${bar.number}: ${bar.status}, ${counted(bar.counts.all, 'item')}, ${percent(settledOf(bar.counts), bar.counts.all)}`;
  const href = hashOf({ view: 'batch', id: bar.batch });
  if (bar.from === undefined && bar.handed === undefined) return false;
  return [
    h('span', { key: `f-${bar.batch}`, class: 'span fill', style: place(bar.from, bar.handed ?? undefined) }),
    h(
      'a',
      {
        key: bar.batch,
        class: `span work ${bar.tone}`,
        href,
        title: words,
        'aria-label': words,
        style: {
          ...(bar.handed === undefined ? place(bar.from, undefined) : place(bar.handed, bar.to)),
          '--trouble': `${troubleOf(bar)}%`,
        },
      },
      h('span', { class: 'num' }, String(bar.number)),
    ),
  ];
}

/** Never too little to be seen. */
function troubleOf({ counts: { all, succeeded, open, inDrafts } }: Bar): number {
  return all === 0 ? 0 : Math.max(4, ((all - succeeded - open - inDrafts) / all) * 100);
}

function errors(rows: readonly ErrorRow[]): Node_ {
  const all = rows.reduce((sum, { count: n }) => sum + n, 0);
  return section(
    'What went wrong',
    all > 0 && h('span', { class: 'num' }, count(all)),
    rows.length === 0
      ? empty('Nothing, or it was dealt with.', 'Rejected rows and failed items appear here, grouped by reason.')
      : h(
          'ul',
          { class: 'rows', 'aria-label': 'Reasons' },
          rows.map((row) =>
            h(
              'li',
              { key: `${row.stage}-${row.code}-${row.message}`, class: 'row error-row', tabindex: '-1' },
              h('span', { class: 'cell num strong bad' }, count(row.count)),
              h(
                'span',
                { class: 'cell title' },
                h('span', {}, row.message === '' ? row.code : row.message),
                h(
                  'span',
                  { class: 'sub' },
                  row.stage === 'remote' ? 'failed at the service' : `rejected in ${row.stage}`,
                  ' · ',
                  h('span', { class: 'mono' }, row.code),
                ),
              ),
              h('span', { class: 'cell mono source' }, row.first === '' ? '' : `first: ${row.first}`),
            ),
          ),
        ),
  );
}

function files({ files: written }: RunView): Child {
  if (written.length === 0) return false;
  return section(
    'Files written',
    undefined,
    h(
      'ul',
      { class: 'files' },
      written.map(({ path, bytes: size }) =>
        h('li', { key: path }, h('span', { class: 'mono' }, path), h('span', { class: 'num' }, bytes(size))),
      ),
    ),
  );
}
