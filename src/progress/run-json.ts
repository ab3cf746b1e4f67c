/**
 * Runs as public JSON: what `runs`, `status` and `audit` print with `-o json`. Snake case; fields are only ever added; null stands for "not
 * known" or "nothing".
 */
import type { AuditReport, BatchLine, ReceiptLine, RunBooks, RunLine, RunReport } from '../run-report.js';
import type { Pruned } from './runs-text.js';
import { errorJson } from './summary-json.js';

type Json = Record<string, unknown>;

export function runsJson(runs: readonly RunLine[], more: boolean): Json {
  return { type: 'runs', runs: runs.map(runJson), more };
}

function runJson(line: RunLine): Json {
  const { books } = line;
  return {
    run: line.run,
    name: line.name ?? null,
    status: line.condition,
    last_status: line.lastStatus ?? null,
    host: line.host,
    started_at: line.startedAt,
    ended_at: line.endedAt ?? null,
    sources: line.sources,
    accepted: books.items.accepted,
    rejected: books.items.rejected + (books.records?.rejected ?? 0),
    failed: books.outcomes.failed + books.outcomes.canceled,
    open: books.outcomes.open,
    next: line.next ?? null,
  };
}

export function statusJson(report: RunReport, exitCode: number): Json {
  const { next, ...line } = runJson(report);
  const { handedOver, inDrafts, unhandled } = report.books;
  return {
    type: 'status',
    ...line,
    exit_code: exitCode,
    state: report.state,
    parent: report.parent ?? null,
    project: report.project,
    tries: report.tries,
    fresh: report.staleness === undefined,
    stale_because: report.staleness ?? null,
    complete: report.isComplete,
    stopped_at: report.stoppedAt ?? null,
    handed_over: handedOver,
    in_drafts: inDrafts,
    ...booksJson(report.books),
    open_rejects: unhandled.rejects,
    open_failures: unhandled.failures,
    batches: report.batches.map(batchJson),
    errors: report.errors.map(errorJson),
    files: report.files,
    next: next ?? null,
  };
}

/** `final` is false while input is left to be read. */
function booksJson({ records, items, outcomes, isFinal }: RunBooks): Json {
  return {
    final: isFinal,
    records:
      records === undefined
        ? null
        : {
            read: records.read,
            mapped: records.mapped,
            skipped: records.skipped,
            rejected: records.rejected,
            partly_rejected: records.partlyRejected,
          },
    items: {
      produced: items.produced ?? null,
      accepted: items.accepted,
      known: items.known ?? null,
      rejected: items.rejected,
      ...outcomes,
    },
  };
}

function batchJson({ batch, lane, number, status, items, counts }: BatchLine): Json {
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

export function prunedJson({ isDryRun, forgotten, kept }: Pruned): Json {
  return {
    type: 'runs_pruned',
    dry_run: isDryRun,
    pruned: forgotten.map(({ run, name, bytes }) => ({ run, name: name ?? null, bytes })),
    kept: kept.map(({ run, name, code, reason, next }) => ({
      run,
      name: name ?? null,
      code,
      reason,
      next: next ?? null,
    })),
  };
}

export function auditJson(report: AuditReport, exitCode: number): Json {
  return {
    type: 'audit',
    run: report.run,
    name: report.name ?? null,
    project: report.project,
    holds: report.checks.every(({ verdict }) => verdict !== 'wrong'),
    exit_code: exitCode,
    deep: report.isDeep,
    batches: report.batches,
    listed: report.listed,
    gone: report.gone,
    checks: report.checks.map(({ code, verdict, left, right, detail }) => ({
      code,
      verdict,
      left: left.value,
      left_is: left.what,
      right: right.value,
      right_is: right.what,
      detail: detail ?? null,
    })),
    next: report.next ?? null,
  };
}

export function receiptJson(line: ReceiptLine): Json {
  return {
    type: 'receipt',
    source: line.source,
    line: line.line,
    ordinal: line.ordinal,
    item: line.item ?? null,
    part: line.part ?? null,
    batch_id: line.batch ?? null,
    index: line.index ?? null,
    episode_uuid: line.episodeUuid ?? null,
    status: line.status,
    error: line.error ?? null,
  };
}
