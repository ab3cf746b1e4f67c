/** Answers that are wrong although the request was right: short, shifted, stale, cut or of another kind. The effect itself is untouched. */
import { html, rawJson, type Answer } from './answer.js';
import { isObject } from './call.js';
import type { FaultyCall } from './fault-effects.js';
import type { Fault } from './faults.js';

function parsed(answer: Answer): unknown {
  try {
    return JSON.parse(answer.body.toString());
  } catch {
    return undefined;
  }
}

function mapEntries(value: unknown, change: (entry: Record<string, unknown>) => unknown): unknown {
  if (Array.isArray(value)) return value.map((entry: unknown) => mapEntries(entry, change));
  return isObject(value) ? change({ ...value }) : value;
}

/** The same change for an array, for a listing (`batches`, `items`) and for a single object. */
function rewrite(answer: Answer, change: (entry: Record<string, unknown>) => unknown): Answer {
  const value = parsed(answer);
  if (value === undefined) return answer;
  if (isObject(value)) {
    for (const list of ['batches', 'items'] as const) {
      if (Array.isArray(value[list]))
        return rawJson(answer.status, JSON.stringify({ ...value, [list]: mapEntries(value[list], change) }));
    }
  }
  return rawJson(answer.status, JSON.stringify(mapEntries(value, change)));
}

function rewriteList(answer: Answer, change: (list: unknown[]) => unknown[]): Answer {
  const value = parsed(answer);
  if (Array.isArray(value)) return rawJson(answer.status, JSON.stringify(change(value)));
  if (isObject(value)) {
    for (const list of ['batches', 'items'] as const) {
      const entries: unknown = value[list];
      if (Array.isArray(entries)) return rawJson(answer.status, JSON.stringify({ ...value, [list]: change(entries) }));
    }
  }
  return answer;
}

function milliseconds(fault: Fault, otherwise: number): number {
  return Number(fault.params.seconds ?? otherwise) * 1000;
}

function stale(fault: Fault, answer: Answer, effects: FaultyCall): Answer {
  return rewrite(answer, (entry) => {
    const count =
      typeof entry.batch_id === 'string' ? effects.countAgo(entry.batch_id, milliseconds(fault, 5)) : undefined;
    return count === undefined ? entry : { ...entry, item_count: count };
  });
}

function hideNew(fault: Fault, answer: Answer, effects: FaultyCall): Answer {
  const newest = effects.now() - milliseconds(fault, 5);
  return rewriteList(answer, (list) =>
    list.filter(
      (entry) => !isObject(entry) || typeof entry.created_at !== 'string' || Date.parse(entry.created_at) <= newest,
    ),
  );
}

export function spoilAnswer(fault: Fault, answer: Answer, effects: FaultyCall): Answer {
  switch (fault.kind) {
    case 'short':
      return rewriteList(answer, (list) => list.slice(0, Number(fault.params.keep ?? 350)));
    case 'shuffle':
      return rewriteList(answer, (list) => list.reverse());
    case 'shift':
      return rewrite(answer, (entry) => {
        const index = entry.sequence_index;
        return typeof index === 'number' ? { ...entry, sequence_index: index + Number(fault.params.by ?? 1) } : entry;
      });
    case 'stale':
      return stale(fault, answer, effects);
    case 'hide-new':
      return hideNew(fault, answer, effects);
    case 'unknown-status':
      return rewrite(answer, (entry) =>
        'status' in entry ? { ...entry, status: fault.params.status ?? 'archived' } : entry,
      );
    case 'cut':
      return rawJson(
        answer.status,
        Buffer.from(answer.body).subarray(0, Math.floor(Buffer.byteLength(answer.body) / 2)),
      );
    case 'empty':
      return { ...answer, body: '' };
    case 'html':
      return html(200, 'Just a moment...');
    default:
      return answer;
  }
}
