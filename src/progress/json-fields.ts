/** The fields of the JSON event lines, by type; the table of json.ts is their contract. Pure. */
import type { RunEvent } from '../events.js';
import type { Position } from '../model.js';
import { cut } from './escape.js';
import { currentWait, processEta, processPace, processShare, uploadEta, uploadPace, uploadShare } from './measures.js';
import type { ProgressState } from './state.js';

export type Fields = Readonly<Record<string, unknown>>;
export type EventOf<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;

/** Longer messages of the service are cut: an event line stays a line. */
export const MAX_MESSAGE = 10_000;

export function batchFields({ batch, lane, number, status, items, counts }: EventOf<'batch'>): Fields {
  return {
    batch,
    lane,
    number,
    status,
    items,
    total: counts?.total ?? null,
    succeeded: counts?.succeeded ?? null,
    failed: counts?.failed ?? null,
    skipped: counts?.skipped ?? null,
    canceled: counts?.canceled ?? null,
  };
}

/** Written out, not spread: a run may have a million of these. */
export function rejectFields({ rejection }: EventOf<'rejected'>): Fields {
  const { position, item, stage, code, field, message } = rejection;
  return {
    source: position.source.id,
    line: position.line,
    ordinal: position.ordinal,
    byte_start: position.byteStart,
    byte_end: position.byteEnd,
    item: item ?? null,
    stage,
    code,
    field: field ?? null,
    message: cut(message, MAX_MESSAGE),
  };
}

export function failureFields(event: EventOf<'item-failed'>): Fields {
  const { batch, index, status, code, message, episodeUuid, position, item } = event;
  return {
    batch,
    index,
    status,
    code: code ?? null,
    message: cut(message, MAX_MESSAGE),
    episode_uuid: episodeUuid ?? null,
    ...placeFields(position),
    item: item ?? null,
  };
}

function placeFields(position: Position | undefined): Fields {
  return {
    source: position?.source.id ?? null,
    line: position?.line ?? null,
    ordinal: position?.ordinal ?? null,
    byte_start: position?.byteStart ?? null,
    byte_end: position?.byteEnd ?? null,
  };
}

export function statusFields(state: ProgressState, nowMs: number): Fields {
  const { identity, bytes, records, items, created, lanes } = state;
  const wait = currentWait(state, nowMs);
  return {
    phase: state.phase,
    command: identity?.command ?? null,
    project: identity?.project ?? null,
    host: identity?.host ?? null,
    key_origin: identity?.keyOrigin ?? null,
    sources: identity?.sources ?? null,
    settings: identity?.settings ?? [],
    elapsed_ms: Math.round(nowMs - state.startedMs),
    bytes: { read: bytes.read, total: bytes.total ?? null },
    records,
    items,
    rejects: state.rejects,
    failed_items: state.failedItems,
    in_doubt_calls: state.inDoubtCalls,
    input_ended: state.inputEnded,
    lanes,
    created,
    upload: {
      percent: toPercent(uploadShare(state)),
      items_per_second: toTenths(uploadPace(state, nowMs)),
      eta_seconds: toWhole(uploadEta(state, nowMs)),
    },
    processing: {
      percent: toPercent(processShare(state)),
      items_per_second: toTenths(processPace(state, nowMs)),
      eta_seconds: toWhole(processEta(state, nowMs)),
      batches: state.book.totals.batches,
      drafts: state.book.totals.drafts,
      open: state.book.totals.open,
      finished: state.book.totals.finished,
      items: state.book.totals.items,
      settled: state.book.totals.settled,
      succeeded: state.book.totals.succeeded,
      failed: state.book.totals.failed,
      skipped: state.book.totals.skipped,
      canceled: state.book.totals.canceled,
    },
    waiting:
      wait === undefined
        ? null
        : { reason: wait.reason, detail: wait.detail ?? null, seconds_left: toWhole((wait.untilMs - nowMs) / 1000) },
  };
}

/** Rounded down to a tenth, so that 100 is said only when nothing is missing. */
function toPercent(share: number | undefined): number | null {
  return share === undefined ? null : Math.floor(share * 1000) / 10;
}

function toTenths(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 10) / 10;
}

function toWhole(value: number | undefined): number | null {
  return value === undefined ? null : Math.ceil(value);
}
