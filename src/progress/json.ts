/**
 * Progress for programs: one JSON object a line. A public contract: fields are only ever added, null stands for "not known", and a
 * reader must ignore types and fields it does not know. Every line has `type`, `ts` (ISO 8601, UTC) and `run` (null until known).
 *
 * | type        | when                                             | fields                                                              |
 * |-------------|--------------------------------------------------|---------------------------------------------------------------------|
 * | status      | first, at each phase change, last; between them  | phase, command, project, host, key_origin, sources, settings[name,  |
 * |             | at most one a second, only when something moved  | value, origin], elapsed_ms, bytes{read, total}, records{read,       |
 * |             |                                                  | mapped, skipped, rejected}, items{produced, sent, accepted, known,  |
 * |             |                                                  | refused}, rejects, failed_items, in_doubt_calls, input_ended,       |
 * |             |                                                  | lanes, created{users, graphs, threads}, upload{percent,             |
 * |             |                                                  | items_per_second, eta_seconds}, processing{percent,                 |
 * |             |                                                  | items_per_second, eta_seconds, batches, drafts, open, finished,     |
 * |             |                                                  | items, settled, succeeded, failed, skipped, canceled},              |
 * |             |                                                  | waiting{reason, detail, seconds_left} or null                       |
 * | batch       | a batch's status, size or counts changed         | batch, lane, number, status, items, total, succeeded, failed,       |
 * |             |                                                  | skipped, canceled                                                   |
 * | reject      | a row, or an item of it, was rejected            | source, line, ordinal, byte_start, byte_end, item, stage, code,     |
 * |             |                                                  | field, message                                                      |
 * | item_failed | the service could not process an item            | batch, index, status, code, message, episode_uuid, source, line,    |
 * |             |                                                  | ordinal, byte_start, byte_end, item                                 |
 * | notice      | something worth knowing                          | level (info, warning), code, message, hint                          |
 * | summary     | the books are closed                             | as in summary-json.ts                                               |
 * | exit_error  | the run cannot go on                             | code, message, hint, exit_code                                      |
 *
 * A reader that does not keep up loses lines rather than stopping the run; a notice `events-dropped` then says how many. The two last
 * types are never dropped. With `quiet` only those two are written.
 */
import type { RunEvent } from '../events.js';
import { findBatch } from './batch-book.js';
import { cut, jsonLine } from './escape.js';
import {
  batchFields,
  failureFields,
  MAX_MESSAGE,
  rejectFields,
  statusFields,
  type EventOf,
  type Fields,
} from './json-fields.js';
import type { Drawing, RendererParts } from './renderer.js';
import { initialState, reduce, type ProgressState } from './state.js';
import { summaryJson } from './summary-json.js';

const STATUS_MS = 1000;

export function createJson(parts: RendererParts): Drawing {
  const { clock, writer, quiet } = parts;
  let state = initialState(clock.now());
  let statusMs = clock.now();
  let changed = false;
  let closed = false;
  let droppedTold = 0;

  const head = (type: string): Record<string, unknown> => {
    return { type, ts: new Date(clock.date()).toISOString(), run: state.identity?.run ?? null };
  };
  const emit = (type: string, fields: Fields, must = false): void => {
    if (quiet && !must) return;
    tellDropped(must);
    writer.write(jsonLine(Object.assign(head(type), fields)), must);
  };
  const tellDropped = (must: boolean): void => {
    const dropped = writer.dropped - droppedTold;
    if (dropped === 0) return;
    const message = `${dropped} events were not written: the reader of this stream does not keep up`;
    const notice = Object.assign(head('notice'), { level: 'warning', code: 'events-dropped', message, hint: null });
    if (writer.write(jsonLine(notice), must)) droppedTold += dropped;
  };
  const status = (): void => {
    statusMs = clock.now();
    changed = false;
    emit('status', statusFields(state, statusMs));
  };
  const statusWhenDue = (): void => {
    if (changed && !closed && clock.now() - statusMs >= STATUS_MS) status();
  };
  const stop = parts.every(STATUS_MS, statusWhenDue);
  const close = (): void => {
    if (closed) return;
    if (changed) status();
    closed = true;
    stop();
  };

  return {
    observe(event) {
      const before = state;
      state = reduce(state, event, clock.now());
      changed = true;
      if (event.type === 'started' || (event.type === 'phase' && event.phase !== before.phase)) status();
      else if (event.type === 'summary' || event.type === 'exit-error') close();
      else statusWhenDue();
      tell(event, before, emit);
    },
    close,
  };
}

function tell(
  event: RunEvent,
  before: ProgressState,
  emit: (type: string, fields: Fields, must?: boolean) => void,
): void {
  switch (event.type) {
    case 'batch':
      if (batchChanged(event, before)) emit('batch', batchFields(event));
      return;
    case 'rejected':
      emit('reject', rejectFields(event));
      return;
    case 'item-failed':
      emit('item_failed', failureFields(event));
      return;
    case 'notice': {
      const { level, code, message, hint } = event;
      emit('notice', { level, code, message: cut(message, MAX_MESSAGE), hint: hint ?? null });
      return;
    }
    case 'summary':
      emit('summary', summaryJson(event.summary), true);
      return;
    case 'exit-error': {
      const { code, message, hint, exitCode } = event;
      emit('exit_error', { code, message: cut(message, MAX_MESSAGE), hint: hint ?? null, exit_code: exitCode }, true);
      return;
    }
    case 'started':
    case 'phase':
    case 'read':
    case 'input-end':
    case 'known':
    case 'lanes':
    case 'destinations':
    case 'chunk':
    case 'waiting':
      return;
  }
}

function batchChanged(event: EventOf<'batch'>, before: ProgressState): boolean {
  const known = findBatch(before.book, event.batch);
  if (known === undefined || known.status !== event.status || known.items !== event.items) return true;
  const [a, b] = [known.counts, event.counts];
  if (a === undefined || b === undefined) return a !== b;
  return (
    a.total !== b.total ||
    a.succeeded !== b.succeeded ||
    a.failed !== b.failed ||
    a.skipped !== b.skipped ||
    a.canceled !== b.canceled
  );
}
