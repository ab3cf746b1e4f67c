/**
 * The summary of a run as public JSON: what `-o json` prints and what the last line of `--progress json` holds. Snake case; fields are
 * only ever added; null stands for "not known" or "nothing". At the top: `read` counts records, `accepted` items, and `rejected` the
 * records of which anything was rejected, so that a script needs to look at one number.
 */
import type { BatchResult, ErrorGroup, RunSummary, TimeSafety } from '../events.js';

export function summaryJson(summary: RunSummary): Record<string, unknown> {
  const { records, items, calls } = summary;
  return {
    type: 'summary',
    run: summary.run,
    status: summary.status,
    exit_code: summary.exitCode,
    read: records.read,
    accepted: items.accepted,
    rejected: records.rejected + records.partlyRejected,
    records: {
      read: records.read,
      mapped: records.mapped,
      skipped: records.skipped,
      rejected: records.rejected,
      partly_rejected: records.partlyRejected,
    },
    items: {
      produced: items.produced,
      accepted: items.accepted,
      known: items.known,
      updated: items.updated ?? 0,
      failed_before: items.failedBefore ?? 0,
      rejected: items.rejected,
      succeeded: items.succeeded,
      failed: items.failed,
      skipped: items.skipped,
      canceled: items.canceled,
      open: items.open,
    },
    created: { users: summary.created.users, graphs: summary.created.graphs, threads: summary.created.threads },
    calls: { total: calls.total, add: calls.add, repeated: calls.repeated, rate_limited: calls.rateLimited },
    bytes: { read: summary.bytes.read, sent: summary.bytes.sent },
    batches: summary.batches.map(batchJson),
    time: timeJson(summary.time),
    inexact_numbers: summary.inexactNumbers,
    errors: summary.errors.map(errorJson),
    duration_ms: Math.round(summary.durationMs),
    files: summary.files,
    notes: summary.notes,
    next: summary.next ?? null,
  };
}

function batchJson({ batch, lane, number, status, items, counts }: BatchResult): Record<string, unknown> {
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

export function timeJson(time: TimeSafety): Record<string, unknown> {
  return {
    dated: time.dated,
    undated: time.undated,
    naive: time.naive,
    dst: time.dst,
    future: time.future,
    before_1990: time.before1990,
    epoch_1970: time.epoch1970,
    out_of_order: time.outOfOrder,
    late: time.late ?? 0,
    out_of_order_destinations: time.outOfOrderDestinations.map(({ destination, items }) => ({ destination, items })),
    first: firstJson(time.first ?? {}),
    earliest: time.earliestMs === undefined ? null : new Date(time.earliestMs).toISOString(),
    latest: time.latestMs === undefined ? null : new Date(time.latestMs).toISOString(),
  };
}

function firstJson(first: Readonly<Record<string, string>>): Record<string, string> {
  const names: Readonly<Record<string, string>> = {
    before1990: 'before_1990',
    epoch1970: 'epoch_1970',
    outOfOrder: 'out_of_order',
  };
  return Object.fromEntries(Object.entries(first).map(([name, place]) => [names[name] ?? name, place]));
}

export function errorJson({ stage, code, message, count, first }: ErrorGroup): Record<string, unknown> {
  return { stage, code, message, count, first };
}
