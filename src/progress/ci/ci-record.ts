/**
 * What the reports for CI systems are made of, gathered from the events of a run or a check: who ran, the first rejected rows and failed items
 * with their places, what ended it, the summary. Rule: memory does not grow with the number of rows or failures.
 */
import type { CheckReport } from '../../check-report.js';
import type { RunEvent, RunSummary } from '../../events.js';
import type { Position } from '../../model.js';
import { cut } from '../escape.js';

type EventOf<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;

/** A row that was rejected or an item that failed. */
export interface PlacedError {
  readonly kind: 'rejected' | 'failed';
  /** Undefined for an item whose row this machine does not know. */
  readonly position: Position | undefined;
  /** 0-based, within the record, when one item of several was rejected. */
  readonly item: number | undefined;
  readonly field: string | undefined;
  readonly stage: string;
  readonly code: string;
  readonly message: string;
  /** Of a failed item: its batch, and its place there. */
  readonly batch: string | undefined;
  readonly index: number | undefined;
}

export interface CiRecord {
  readonly started: EventOf<'started'> | undefined;
  readonly exitError: EventOf<'exit-error'> | undefined;
  readonly summary: RunSummary | undefined;
  readonly check: CheckReport | undefined;
  /** The first of each kind of error, then more of them, at most `MAX_SAMPLES`. */
  readonly samples: readonly PlacedError[];
  readonly rejected: { readonly count: number; readonly first: readonly PlacedError[] };
  readonly failed: {
    readonly count: number;
    /** By batch; of each the first few, and not of every batch when many have failures. */
    readonly first: ReadonlyMap<string, readonly PlacedError[]>;
  };
}

export interface CiRecorder {
  /** Never throws. */
  readonly observe: (event: RunEvent) => void;
  /** The end of a check. */
  readonly checked: (report: CheckReport) => void;
  readonly record: () => CiRecord;
}

/** As many errors as GitHub shows of a step. */
export const MAX_SAMPLES = 10;
const MAX_REJECTED = 100;
const MAX_FAILED = 1_000;
const MAX_FAILED_OF_BATCH = 20;
const MAX_TEXT = 1_000;
const MAX_KEY = 200;

export function createCiRecorder(): CiRecorder {
  let started: CiRecord['started'];
  let exitError: CiRecord['exitError'];
  let summary: CiRecord['summary'];
  let check: CiRecord['check'];
  const kinds = new Map<string, PlacedError>();
  const others: PlacedError[] = [];
  const rejected: PlacedError[] = [];
  let rejectedCount = 0;
  const failed = new Map<string, PlacedError[]>();
  let failedCount = 0;

  function sample(error: PlacedError): void {
    const key = `${error.kind} ${error.stage} ${error.code} ${cut(error.message, MAX_KEY)}`;
    if (!kinds.has(key) && kinds.size < MAX_SAMPLES) kinds.set(key, error);
    else if (others.length < MAX_SAMPLES) others.push(error);
  }

  function reject({ rejection }: EventOf<'rejected'>): void {
    rejectedCount += 1;
    if (rejected.length >= MAX_REJECTED && kinds.size >= MAX_SAMPLES) return;
    const error = placedRejection(rejection);
    sample(error);
    if (rejected.length < MAX_REJECTED) rejected.push(error);
  }

  function fail(event: EventOf<'item-failed'>): void {
    failedCount += 1;
    if (failedCount > MAX_FAILED && kinds.size >= MAX_SAMPLES) return;
    const error = placedFailure(event);
    sample(error);
    const ofBatch = failed.get(event.batch) ?? [];
    if (failedCount > MAX_FAILED || ofBatch.length >= MAX_FAILED_OF_BATCH) return;
    ofBatch.push(error);
    failed.set(event.batch, ofBatch);
  }

  return {
    observe(event) {
      if (event.type === 'started') started = event;
      else if (event.type === 'rejected') reject(event);
      else if (event.type === 'item-failed') fail(event);
      else if (event.type === 'exit-error') exitError = event;
      else if (event.type === 'summary') summary = event.summary;
    },
    checked(report) {
      check = report;
    },
    record: () => ({
      started,
      exitError,
      summary,
      check,
      samples: [...kinds.values(), ...others].slice(0, MAX_SAMPLES),
      rejected: { count: rejectedCount, first: rejected },
      failed: { count: failedCount, first: failed },
    }),
  };
}

function placedRejection(rejection: EventOf<'rejected'>['rejection']): PlacedError {
  const { position, item, field, stage, code, message } = rejection;
  const text = cut(message, MAX_TEXT);
  return { kind: 'rejected', position, item, field, stage, code, message: text, batch: undefined, index: undefined };
}

function placedFailure(event: EventOf<'item-failed'>): PlacedError {
  const { position, batch, index, status, item } = event;
  const code = event.code ?? status;
  const message = event.message === '' ? `the service reports ${status}` : cut(event.message, MAX_TEXT);
  return { kind: 'failed', position, item, field: undefined, stage: 'remote', code, message, batch, index };
}
