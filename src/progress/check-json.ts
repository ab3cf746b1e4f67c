/** The report of `check` as public JSON (`-o json`). Snake case; fields are only ever added; null stands for "nothing". */
import type { CheckReport } from '../check-report.js';
import { errorJson, timeJson } from './summary-json.js';

export function checkJson(report: CheckReport): Record<string, unknown> {
  const { records, items, destinations, calls } = report;
  return {
    type: 'check',
    exit_code: report.exitCode,
    read: records.read,
    rejected: records.rejected + records.partlyRejected,
    records: {
      read: records.read,
      mapped: records.mapped,
      skipped: records.skipped,
      rejected: records.rejected,
      partly_rejected: records.partlyRejected,
    },
    items: {
      total: items.total,
      episodes: items.episodes,
      messages: items.messages,
      parts: items.parts,
      known: items.known,
      rejected: items.rejected,
    },
    rejects: report.rejects.map(errorJson),
    destinations: {
      users: destinations.users,
      graphs: destinations.graphs,
      threads: destinations.threads,
      unowned_threads: destinations.unownedThreads,
    },
    calls: {
      setup: {
        users: calls.setup.users,
        graphs: calls.setup.graphs,
        threads: calls.setup.threads,
        thread_owners: calls.setup.threadOwners,
      },
      project: calls.project,
      create: calls.create,
      add: calls.add,
      verify: calls.verify,
      process: calls.process,
      follow: calls.follow,
      total: calls.total,
      most: calls.most,
    },
    batches: report.batches,
    batches_most: report.batchesMost,
    credits: report.credits,
    bytes: { read: report.bytesRead, to_send: report.bytesToSend },
    time: timeJson(report.time),
    inexact_numbers: report.inexactNumbers,
    notices: report.notices.map(({ level, code, message, hint }) => ({ level, code, message, hint: hint ?? null })),
    coverage: {
      unused: report.coverage.unused,
      more_unused: report.coverage.moreUnused,
      absent: report.coverage.absent,
      sparse: report.coverage.sparse,
    },
    tests: report.tests === undefined ? null : { passed: report.tests.passed, failed: report.tests.failed },
    pace: report.pace.map(({ callsPerMinute, minutes }) => ({
      calls_per_minute: callsPerMinute,
      minutes: Math.round(minutes * 100) / 100,
    })),
    duration_ms: Math.round(report.durationMs),
    next: report.next ?? null,
  };
}
