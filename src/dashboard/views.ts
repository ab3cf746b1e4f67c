/** What a tab is shown: the answer to its question (which view, filter, page), from the snapshot of the moment. */
import { statSync } from 'node:fs';
import type { Clock } from '../clock.js';
import { batchRow, itemTone, matchesBatch } from './batch-rows.js';
import { signature } from './batch-store.js';
import { ItemPages } from './item-pages.js';
import { matchesRun } from './run-rows.js';
import { runView } from './run-view.js';
import { Snapshots, type Snapshot } from './snapshot.js';
import { sourceRows } from './source-rows.js';
import type { BatchView, Frame, ItemRow, Paging, View } from './view-models.js';
import type { Watcher } from './watcher.js';
import type { BatchItem, BatchSummary } from '../remote/api.js';

export type Question =
  | { readonly view: 'overview' }
  | { readonly view: 'batches' | 'runs'; readonly status: string; readonly query: string; readonly page: number }
  | { readonly view: 'batch'; readonly id: string; readonly items: string; readonly cursor: string | undefined }
  | { readonly view: 'run'; readonly id: string };

export interface ViewsDeps {
  readonly watcher: Watcher;
  readonly clock: Clock;
  /** Words after `zep-import` become a line that a shell takes. */
  readonly commandLine: (words: readonly string[]) => string;
}

const ROWS = 50;
const OVERVIEW_ROWS = 6;
const METADATA_ROWS = 20;
const MAX_TEXT = 2_000;

export class Views {
  readonly #watcher: Watcher;
  readonly #clock: Clock;
  readonly #commandLine: ViewsDeps['commandLine'];
  readonly #snapshots: Snapshots;
  readonly #items: ItemPages;

  constructor({ watcher, clock, commandLine }: ViewsDeps) {
    this.#watcher = watcher;
    this.#clock = clock;
    this.#commandLine = commandLine;
    this.#snapshots = new Snapshots(watcher);
    this.#items = new ItemPages(watcher.service, clock);
  }

  expire(): void {
    this.#snapshots.expire();
  }

  async frame(question: Question): Promise<Frame> {
    const snapshot = this.#snapshots.now(this.#clock.now(), this.#clock.date());
    const view = await this.#view(question, snapshot);
    const { service, store, link, runs } = this.#watcher;
    return {
      project: service.known?.projectName ?? '',
      host: service.known?.host ?? '',
      isLocal: service.known?.isLocal ?? false,
      link,
      ledgerProblem: runs.problem,
      isListed: store.isListed,
      totals: snapshot.totals,
      view,
    };
  }

  async #view(question: Question, snapshot: Snapshot): Promise<View> {
    switch (question.view) {
      case 'overview':
        return this.#overview(snapshot);
      case 'batches':
        return this.#batches(question, snapshot);
      case 'batch':
        return this.#batch(question, snapshot);
      case 'runs':
        return this.#runs(question, snapshot);
      case 'run':
        return this.#run(question.id, snapshot);
    }
  }

  #overview({ batches, runs, context }: Snapshot): View {
    const here = runs.filter(({ isElsewhere }) => !isElsewhere);
    const rows = batches.slice(0, 200).map((summary) => batchRow(summary, context));
    const busyFirst = [...rows.filter(({ tone }) => tone === 'busy'), ...rows.filter(({ tone }) => tone !== 'busy')];
    return {
      kind: 'overview',
      hero: here.find(({ tone }) => tone === 'busy') ?? here[0],
      batches: busyFirst.slice(0, OVERVIEW_ROWS),
      runs: runs.slice(0, OVERVIEW_ROWS),
      pulse: this.#watcher.pulse.course(),
      perSecond: this.#watcher.pulse.rate(this.#clock.now()),
      suggestion: this.#commandLine(['run', 'YOUR-FILE', '-m', 'map.yaml']),
    };
  }

  #batches({ status, query, page }: Extract<Question, { query: string }>, { batches, context }: Snapshot): View {
    const titleOf = (summary: BatchSummary): string | undefined => {
      const run = summary.metadata['zi_run'];
      return typeof run === 'string' ? context.runTitleOf(run) : undefined;
    };
    const matching = batches.filter((summary) => matchesBatch(summary, titleOf(summary), query));
    const statuses = counted(matching.map((each) => each.status));
    const found = status === '' ? matching : matching.filter((each) => each.status === status);
    const paging = pagingOf(found.length, page);
    return {
      kind: 'batches',
      rows: found.slice(paging.first, paging.first + ROWS).map((summary) => batchRow(summary, context)),
      paging,
      statuses: statuses.map(([word, count]) => ({ status: word, count })),
      suggestion: this.#commandLine(['run', 'YOUR-FILE', '-m', 'map.yaml']),
    };
  }

  async #batch(question: Extract<Question, { view: 'batch' }>, { batches, context }: Snapshot): Promise<View> {
    const summary = batches.find(({ batchId }) => batchId === question.id);
    if (summary === undefined) {
      return { kind: 'missing', what: `batch ${question.id}`, suggestion: this.#commandLine(['batches', 'list']) };
    }
    return {
      kind: 'batch',
      batch: batchRow(summary, context),
      metadata: Object.entries(summary.metadata)
        .slice(0, METADATA_ROWS)
        .map(([name, value]) => ({
          name,
          value: shortText(typeof value === 'string' ? value : JSON.stringify(value)),
        })),
      filter: question.items,
      ...(await this.#itemsOf(summary, question)),
    };
  }

  async #itemsOf(
    summary: BatchSummary,
    { id, items: status, cursor }: Extract<Question, { view: 'batch' }>,
  ): Promise<Pick<BatchView, 'items' | 'next' | 'itemsProblem' | 'rowsKnown'>> {
    const rows = sourceRows(this.#watcher.runs.ledger, id);
    try {
      const page = await this.#items.get({ batch: id, status, cursor, stand: signature(summary) });
      return {
        items: page.items.map((item) => itemRow(item, rows.of.bind(rows))),
        next: page.next,
        itemsProblem: undefined,
        rowsKnown: rows.isKnown,
      };
    } catch (error) {
      const itemsProblem = error instanceof Error ? error.message : String(error);
      return { items: [], next: undefined, itemsProblem, rowsKnown: rows.isKnown };
    }
  }

  #runs({ status, query, page }: Extract<Question, { query: string }>, { runs }: Snapshot): View {
    const matching = runs.filter((row) => matchesRun(row, query));
    const found = status === '' ? matching : matching.filter(({ condition }) => condition === status);
    const paging = pagingOf(found.length, page);
    const words = new Map(runs.map((row) => [row.condition, row.words]));
    return {
      kind: 'runs',
      rows: found.slice(paging.first, paging.first + ROWS),
      paging,
      conditions: counted(matching.map(({ condition }) => condition)).map(([condition, count]) => ({
        condition,
        words: words.get(condition) ?? condition,
        count,
      })),
      suggestion: this.#commandLine(['run', 'YOUR-FILE', '-m', 'map.yaml']),
    };
  }

  async #run(id: string, { runs }: Snapshot): Promise<View> {
    const { runs: book, store } = this.#watcher;
    const row = runs.find((each) => each.id === id);
    const report = await book.report(id, (batch) => store.get(batch));
    const entry = book.get(id);
    if (row === undefined || report === undefined || entry === undefined) {
      return { kind: 'missing', what: `run ${id}`, suggestion: this.#commandLine(['runs']) };
    }
    return runView({
      report,
      row,
      stored: book.batchesOf(id),
      told: (batch) => store.get(batch),
      summary: entry.run.summary,
      pulse: entry.settled.course(),
      files: report.files.map((path) => ({ path, bytes: sizeOf(path) })),
      nowIso: new Date(this.#clock.date()).toISOString(),
    });
  }
}

/** Says what a request asks for; undefined when that makes no sense. */
export function questionOf(parameters: URLSearchParams): Question | undefined {
  const short = (name: string): string => (parameters.get(name) ?? '').slice(0, 200);
  const page = Number(short('page') === '' ? '1' : short('page'));
  const view = parameters.get('view') ?? '';
  switch (view) {
    case 'overview':
      return { view };
    case 'batches':
    case 'runs':
      if (!Number.isSafeInteger(page) || page < 1) return undefined;
      return { view, status: short('status'), query: short('q'), page };
    case 'batch':
      return { view, id: short('id'), items: short('items'), cursor: short('cursor') || undefined };
    case 'run':
      return { view, id: short('id') };
    default:
      return undefined;
  }
}

function pagingOf(found: number, page: number): Paging {
  const pages = Math.max(1, Math.ceil(found / ROWS));
  const at = Math.min(page, pages);
  return { page: at, pages, found, first: (at - 1) * ROWS };
}

/** Words with how often they occur, most frequent first. */
function counted(words: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, 12);
}

function itemRow(item: BatchItem, rowOf: (index: number) => string | undefined): ItemRow {
  return {
    index: item.index,
    status: item.status === '' ? 'unknown' : item.status,
    tone: itemTone(item.status),
    kind: item.kind,
    destination: item.threadId ?? item.graphId ?? item.userId,
    uuid: item.episodeUuid,
    source: item.index === undefined ? undefined : rowOf(item.index),
    error: item.error === undefined ? undefined : shortText(item.error.message),
    errorCode: item.error?.code,
  };
}

function shortText(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
