/**
 * Everything a renderer may show, folded from events by a pure function. Rule: memory does not grow with rows, rejects or time; only
 * batches are remembered one by one, and those are bounded (batch-book.ts).
 */
import type { InheritedSetting, Phase, RunEvent, WaitReason } from '../events.js';
import { EMPTY_BOOK, findBatch, putBatch, type BatchBook } from './batch-book.js';
import { advance, rateWindow, type RateWindow } from './rate-window.js';

export interface RunIdentity {
  readonly run: string;
  readonly command: 'run' | 'check' | 'demo';
  readonly project: string;
  readonly host: string;
  readonly keyOrigin: string;
  readonly sources: number;
  readonly settings: readonly InheritedSetting[];
}

export interface Waiting {
  readonly reason: WaitReason;
  readonly untilMs: number;
  readonly detail: string | undefined;
}

export interface ProgressState {
  /** Undefined until the run has said who it is. */
  readonly identity: RunIdentity | undefined;
  readonly phase: Phase;
  readonly startedMs: number;
  readonly bytes: { readonly read: number; readonly total: number | undefined };
  readonly records: {
    readonly read: number;
    readonly mapped: number;
    readonly skipped: number;
    readonly rejected: number;
  };
  readonly items: {
    readonly produced: number;
    /** Items of all add calls so far, repeated ones included. */
    readonly sent: number;
    /** Items in batches that still exist. */
    readonly accepted: number;
    readonly known: number;
    /** Mapped items that the service, or a destination of it, refused. */
    readonly refused: number;
  };
  /** Rejections of any stage, rows and single items. */
  readonly rejects: number;
  readonly failedItems: number;
  readonly inDoubtCalls: number;
  readonly inputEnded: boolean;
  readonly lanes: number;
  readonly created: { readonly users: number; readonly graphs: number; readonly threads: number };
  readonly book: BatchBook;
  /** Items settled by the service while we watched: what earlier tries had settled is no pace of this one. */
  readonly watched: number;
  readonly waiting: Waiting | undefined;
  /** Items read over ten seconds: the pace of `check`, which sends nothing. */
  readonly mapRate: RateWindow;
  readonly acceptRate: RateWindow;
  /** Bytes read over a minute: the estimate of the end should not jump with every wait. */
  readonly readRate: RateWindow;
  /** Over a minute, since the service is asked every 15 s at the latest. */
  readonly processRate: RateWindow;
}

const SHORT_MS = 10_000;
const LONG_MS = 60_000;

export function initialState(nowMs: number): ProgressState {
  return {
    identity: undefined,
    phase: 'starting',
    startedMs: nowMs,
    bytes: { read: 0, total: undefined },
    records: { read: 0, mapped: 0, skipped: 0, rejected: 0 },
    items: { produced: 0, sent: 0, accepted: 0, known: 0, refused: 0 },
    rejects: 0,
    failedItems: 0,
    inDoubtCalls: 0,
    inputEnded: false,
    lanes: 0,
    created: { users: 0, graphs: 0, threads: 0 },
    book: EMPTY_BOOK,
    watched: 0,
    waiting: undefined,
    mapRate: rateWindow(SHORT_MS, 250),
    acceptRate: rateWindow(SHORT_MS, 250),
    readRate: rateWindow(LONG_MS, 1000),
    processRate: rateWindow(LONG_MS, 1000),
  };
}

/** The state after `event`, which was seen at `nowMs` (monotonic milliseconds). Pure; unknown events change nothing. */
export function reduce(state: ProgressState, event: RunEvent, nowMs: number): ProgressState {
  switch (event.type) {
    case 'started':
      return begin(state, event, nowMs);
    case 'phase':
      return { ...state, phase: event.phase, processRate: advance(state.processRate, nowMs, state.watched) };
    case 'read':
      return read(state, event, nowMs);
    case 'input-end':
      return { ...state, inputEnded: true };
    case 'known':
      return { ...state, items: { ...state.items, known: state.items.known + event.items } };
    case 'rejected':
      return reject(state, event);
    case 'lanes':
      return { ...state, lanes: event.lanes };
    case 'destinations':
      return { ...state, created: add(state.created, event.created) };
    case 'chunk':
      return chunk(state, event, nowMs);
    case 'batch':
      return batch(state, event, nowMs);
    case 'item-failed':
      return { ...state, failedItems: state.failedItems + 1 };
    case 'waiting':
      return { ...state, waiting: chooseWaiting(state.waiting, event, nowMs) };
    case 'summary':
    case 'exit-error':
      return { ...state, phase: 'done', waiting: undefined };
    case 'notice':
      return state;
    default:
      event satisfies never;
      return state;
  }
}

type EventOf<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;

function begin(state: ProgressState, event: EventOf<'started'>, nowMs: number): ProgressState {
  const { run, command, project, host, keyOrigin, sources } = event;
  const skipped = event.skippedBytes ?? 0;
  const records = event.resumed?.records ?? 0;
  const items = event.resumed?.items ?? 0;
  return {
    ...state,
    identity: { run, command, project, host, keyOrigin, sources, settings: event.settings ?? [] },
    startedMs: nowMs,
    bytes: { read: skipped, total: event.totalBytes },
    records: { ...state.records, read: records },
    items: { ...state.items, sent: items, accepted: items },
    mapRate: advance(state.mapRate, nowMs, 0),
    acceptRate: advance(state.acceptRate, nowMs, items),
    readRate: advance(state.readRate, nowMs, skipped),
  };
}

function read(state: ProgressState, event: EventOf<'read'>, nowMs: number): ProgressState {
  const { records, items } = state;
  const bytesRead = state.bytes.read + event.bytes;
  const produced = items.produced + event.items;
  return {
    ...state,
    bytes: { read: bytesRead, total: state.bytes.total },
    records: {
      read: records.read + event.records,
      mapped: records.mapped + event.mapped,
      skipped: records.skipped + event.skipped,
      rejected: records.rejected + event.rejected,
    },
    items: { ...items, produced },
    mapRate: advance(state.mapRate, nowMs, produced),
    readRate: advance(state.readRate, nowMs, bytesRead),
  };
}

function reject(state: ProgressState, event: EventOf<'rejected'>): ProgressState {
  const rejects = state.rejects + 1;
  if (event.rejection.stage !== 'remote') return { ...state, rejects };
  return { ...state, rejects, items: { ...state.items, refused: state.items.refused + 1 } };
}

function chunk(state: ProgressState, event: EventOf<'chunk'>, nowMs: number): ProgressState {
  const { items } = state;
  switch (event.phase) {
    case 'sent':
      return { ...state, items: { ...items, sent: items.sent + event.items } };
    case 'accepted': {
      const accepted = items.accepted + event.items;
      const known = findBatch(state.book, event.batch);
      const entry =
        known === undefined
          ? { batch: event.batch, lane: event.lane, number: 0, status: '', items: 0, accepted: 0, counts: undefined }
          : known;
      return {
        ...state,
        items: { ...items, accepted },
        book: putBatch(state.book, event.batch, { ...entry, accepted: entry.accepted + event.items }),
        acceptRate: advance(state.acceptRate, nowMs, accepted),
      };
    }
    case 'in-doubt':
      return { ...state, inDoubtCalls: state.inDoubtCalls + 1 };
    case 'refused':
    case 'split':
      return state;
  }
}

/** A deleted draft takes back what was accepted into it, by an earlier try too: those items are sent again. */
function batch(state: ProgressState, event: EventOf<'batch'>, nowMs: number): ProgressState {
  const { batch: id, lane, number, status, counts } = event;
  const known = findBatch(state.book, id);
  // A draft of an earlier try comes with what is in it, which `started` has told as accepted.
  const accepted = known?.accepted ?? (status === 'draft' ? event.items : 0);
  const deleted = status === 'deleted';
  const book = putBatch(
    state.book,
    id,
    deleted ? undefined : { batch: id, lane, number, status, items: event.items, accepted, counts },
  );
  const items = deleted ? { ...state.items, accepted: state.items.accepted - accepted } : state.items;
  const news = known === undefined ? 0 : book.totals.settled - state.book.totals.settled;
  const watched = state.watched + Math.max(0, news);
  return { ...state, items, book, watched, processRate: advance(state.processRate, nowMs, watched) };
}

/** Of several waits at once the one worth telling: what holds us up before what merely passes, then the one that ends last. */
const WAIT_RANK: Readonly<Record<WaitReason, number>> = {
  'rate-limited': 2,
  retry: 2,
  settling: 2,
  'earlier-batch': 1,
  service: 0,
};

function chooseWaiting(current: Waiting | undefined, event: EventOf<'waiting'>, nowMs: number): Waiting {
  const next: Waiting = { reason: event.reason, untilMs: nowMs + event.ms, detail: event.detail };
  if (current === undefined || current.untilMs <= nowMs) return next;
  const rank = WAIT_RANK[next.reason] - WAIT_RANK[current.reason];
  if (rank !== 0) return rank > 0 ? next : current;
  return next.untilMs >= current.untilMs ? next : current;
}

function add(a: ProgressState['created'], b: ProgressState['created']): ProgressState['created'] {
  return { users: a.users + b.users, graphs: a.graphs + b.graphs, threads: a.threads + b.threads };
}
