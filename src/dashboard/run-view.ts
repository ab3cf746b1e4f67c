/** One run in full, from its report and from what the service says of its batches: when it uploaded and when the service worked. Pure. */
import type { StoredBatch } from '../ledger/batches.js';
import { conditionSentence } from '../progress/run-words.js';
import { bytes, count, duration, rate } from '../progress/format.js';
import type { BatchSummary } from '../remote/api.js';
import type { RunReport } from '../run-report.js';
import { countsOf, settledOf, toneOf } from './batch-rows.js';
import { fromLedger } from './snapshot.js';
import { holdsItems } from '../run/books-of-run.js';
import type { Bar, Lane, Phase, RunRow, RunView } from './view-models.js';

/** So many batches are drawn on the time line: the newest. */
const BARS = 120;
const ERRORS = 60;

export interface RunViewParts {
  readonly report: RunReport;
  readonly row: RunRow;
  readonly stored: readonly StoredBatch[];
  readonly told: (batchId: string) => BatchSummary | undefined;
  readonly summary: string | undefined;
  readonly pulse: readonly number[];
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly nowIso: string;
}

export function runView(parts: RunViewParts): RunView {
  const { report, row, stored, nowIso } = parts;
  const held = stored.filter((batch) => holdsItems(batch) && batch.batchId !== undefined);
  const told = held.map((batch) => ({ batch, summary: summaryOf(batch, parts.told) }));
  const shown = told.slice(-BARS);
  const phases = phasesOf(
    row,
    report,
    told.map(({ summary }) => summary),
  );
  const now = row.tone === 'busy' ? nowIso : report.startedAt;
  const ends = [...phases.map(({ to }) => to ?? now), report.endedAt ?? now].sort();
  return {
    kind: 'run',
    run: row,
    sentence: conditionSentence(report).text,
    facts: factsOf(parts, phases),
    records: report.books.records,
    phases,
    span: { from: report.startedAt, to: ends.at(-1) ?? now },
    lanes: lanesOf(shown),
    batches: { all: held.length, shown: shown.length },
    pulse: parts.pulse,
    errors: report.errors.slice(0, ERRORS),
    files: parts.files,
  };
}

/** Status and counts are the newer of the two; the service alone knows the times. */
function summaryOf(batch: StoredBatch, told: (id: string) => BatchSummary | undefined): BatchSummary {
  const own = fromLedger(batch);
  const seen = told(batch.batchId ?? '');
  if (seen === undefined) return own;
  return settledOf(own) > settledOf(seen) ? { ...seen, status: own.status, counts: own.counts } : seen;
}

function phasesOf(row: RunRow, report: RunReport, batches: readonly BatchSummary[]): readonly Phase[] {
  const { counts } = row;
  const handed = batches.flatMap(({ processedAt }) => processedAt ?? []).sort();
  const ended = batches.flatMap(({ completedAt }) => completedAt ?? []).sort();
  const isUploading = !report.isComplete || counts.inDrafts > 0;
  const upload: Phase = {
    name: 'upload',
    from: report.startedAt,
    to:
      report.condition === 'running' && isUploading ? undefined : (handed.at(-1) ?? report.endedAt ?? report.startedAt),
    tone: isUploading ? (report.condition === 'running' ? 'busy' : 'warning') : 'good',
    done: counts.all,
    all: report.isComplete ? counts.all : undefined,
  };
  const settled = counts.succeeded + counts.failed + counts.skipped + counts.canceled;
  const [first] = handed;
  if (first === undefined) return [upload];
  const trouble = counts.failed + counts.canceled > 0;
  return [
    upload,
    {
      name: 'processing',
      from: first,
      to: counts.open > 0 ? undefined : (ended.at(-1) ?? report.endedAt),
      tone: counts.open > 0 ? 'busy' : trouble ? 'bad' : 'good',
      done: settled,
      all: counts.all,
    },
  ];
}

function lanesOf(batches: readonly { readonly batch: StoredBatch; readonly summary: BatchSummary }[]): readonly Lane[] {
  const lanes = new Map<number, Bar[]>();
  for (const { batch, summary } of batches) {
    const counts = countsOf(summary);
    const bar: Bar = {
      batch: summary.batchId,
      number: batch.number,
      status: summary.status === '' ? 'unknown' : summary.status,
      tone: toneOf(summary.status, counts),
      counts,
      from: summary.createdAt,
      handed: summary.processedAt,
      to: summary.completedAt,
    };
    lanes.set(batch.lane, [...(lanes.get(batch.lane) ?? []), bar]);
  }
  return [...lanes].sort(([a], [b]) => a - b).map(([lane, bars]) => ({ lane, bars }));
}

function factsOf({ report, row, summary }: RunViewParts, phases: readonly Phase[]): RunView['facts'] {
  const facts: { name: string; value: string }[] = [];
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined) facts.push({ name, value });
  };
  const processing = phases.find(({ name }) => name === 'processing');
  const told = parsed(summary);
  add('accepted a second', averageOf(row.acceptedPerSecond, row.counts.all, phases[0]));
  add(
    'processed a second',
    averageOf(row.settledPerSecond, row.counts.succeeded + row.counts.failed + row.counts.skipped, processing),
  );
  add('tries', report.tries > 1 ? count(report.tries) : undefined);
  add('duration of the last try', numberIn(told, 'duration_ms', duration));
  add('read', numberIn(objectIn(told, 'bytes'), 'read', bytes));
  add('sent', numberIn(objectIn(told, 'bytes'), 'sent', bytes));
  add('calls', numberIn(objectIn(told, 'calls'), 'total', count));
  add(
    'rate limited',
    numberIn(objectIn(told, 'calls'), 'rate_limited', (n) => (n > 0 ? count(n) : undefined)),
  );
  add('known before', row.known === undefined || row.known === 0 ? undefined : count(row.known));
  add(
    'without a time',
    numberIn(objectIn(told, 'time'), 'undated', (n) => (n > 0 ? count(n) : undefined)),
  );
  add(
    'out of order',
    numberIn(objectIn(told, 'time'), 'out_of_order', (n) => (n > 0 ? count(n) : undefined)),
  );
  add('sends the rest of', report.parent);
  add('stopped at', report.stoppedAt);
  add('project', row.isElsewhere ? report.project : undefined);
  return facts;
}

/** The rate now while it moves, else the mean of the whole phase. */
function averageOf(now: number | undefined, done: number, phase: Phase | undefined): string | undefined {
  if (now !== undefined && now > 0) return rate(now);
  if (phase?.to === undefined) return undefined;
  const ms = Date.parse(phase.to) - Date.parse(phase.from);
  return ms >= 500 && done > 0 ? rate((done * 1_000) / ms) : undefined;
}

type Json = Readonly<Record<string, unknown>>;

function parsed(summary: string | undefined): Json {
  try {
    const value: unknown = JSON.parse(summary ?? '{}');
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function objectIn(json: Json, name: string): Json {
  const value = json[name];
  return isObject(value) ? value : {};
}

function numberIn(json: Json, name: string, words: (value: number) => string | undefined): string | undefined {
  const value = json[name];
  return typeof value === 'number' ? words(value) : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
