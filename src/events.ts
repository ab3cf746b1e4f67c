/**
 * What a run says while it works. Events are few (per block, chunk, batch or rejected row, never per good row); observers must neither
 * throw nor block. progress/ folds them into a state and draws it; nothing on the data path depends on an observer.
 */
import type { FilePlace } from './errors.js';
import type { BatchId, Position, Rejection } from './model.js';

export type Phase = 'starting' | 'sorting' | 'uploading' | 'processing' | 'stopping' | 'done';

export interface BatchCounts {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly canceled: number;
}

export type WaitReason = 'rate-limited' | 'retry' | 'settling' | 'earlier-batch' | 'service';

/** `origin` is where the value came from, e.g. `ZEP_IMPORT_LIMIT` or a file. */
export interface InheritedSetting {
  readonly name: string;
  readonly value: string;
  readonly origin: string;
}

export type RunEvent =
  | {
      readonly type: 'started';
      readonly run: string;
      readonly command: 'run' | 'check' | 'demo';
      readonly project: string;
      readonly host: string;
      readonly keyOrigin: string;
      readonly sources: number;
      /** Total bytes on disk of all sources; undefined when one of them is a pipe. */
      readonly totalBytes: number | undefined;
      /** Bytes of those that an earlier try has settled and that are not read again. */
      readonly skippedBytes?: number | undefined;
      /** An earlier try of this run is gone on with: what it has settled of records and items. */
      readonly resumed?: { readonly records: number; readonly items: number };
      /** Values of limit, skip, restart and yes that were not typed: told in the first line. */
      readonly settings?: readonly InheritedSetting[] | undefined;
    }
  | { readonly type: 'phase'; readonly phase: Phase }
  | {
      /** One block was read and mapped. All numbers but bytesRead are of this block alone. */
      readonly type: 'read';
      readonly source: string;
      readonly records: number;
      readonly mapped: number;
      readonly skipped: number;
      readonly rejected: number;
      readonly items: number;
      /** On-disk bytes consumed by this block (a difference, not a total). */
      readonly bytes: number;
    }
  | { readonly type: 'input-end' }
  /** So many mapped items of a block are in the project already and are not sent. */
  | { readonly type: 'known'; readonly items: number }
  | { readonly type: 'rejected'; readonly rejection: Rejection }
  | { readonly type: 'lanes'; readonly lanes: number }
  | {
      readonly type: 'destinations';
      readonly created: { readonly users: number; readonly graphs: number; readonly threads: number };
    }
  | {
      readonly type: 'chunk';
      readonly phase: 'sent' | 'accepted' | 'refused' | 'in-doubt' | 'split';
      readonly lane: number;
      readonly batch: BatchId;
      readonly items: number;
    }
  | {
      readonly type: 'batch';
      readonly batch: BatchId;
      readonly lane: number;
      readonly number: number;
      /** As the service words it; unknown words are passed on. `deleted` when we removed a draft. */
      readonly status: string;
      readonly items: number;
      readonly counts: BatchCounts | undefined;
    }
  | {
      readonly type: 'item-failed';
      readonly batch: BatchId;
      readonly index: number;
      readonly status: string;
      readonly message: string;
      readonly code: string | undefined;
      readonly episodeUuid: string | undefined;
      readonly position: Position | undefined;
      readonly item: number | undefined;
    }
  | {
      readonly type: 'waiting';
      readonly reason: WaitReason;
      readonly ms: number;
      readonly detail?: string;
    }
  | {
      readonly type: 'notice';
      readonly level: 'info' | 'warning';
      readonly code: string;
      readonly message: string;
      readonly hint?: string | undefined;
    }
  | { readonly type: 'summary'; readonly summary: RunSummary }
  | {
      readonly type: 'exit-error';
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
      readonly exitCode: number;
      /** Of mistakes in a file: where. */
      readonly places?: readonly FilePlace[];
    };

export type Observe = (event: RunEvent) => void;

/** The first errors of a kind, grouped: for the last lines of a run. */
export interface ErrorGroup {
  readonly stage: string;
  readonly code: string;
  readonly message: string;
  readonly count: number;
  /** Where it was first seen, e.g. `tickets.csv:812`. */
  readonly first: string;
}

export interface TimeSafety {
  readonly dated: number;
  readonly undated: number;
  readonly naive: number;
  readonly dst: number;
  readonly future: number;
  readonly before1990: number;
  readonly epoch1970: number;
  readonly outOfOrder: number;
  /** Of items sorted by time: older than one of their destination that was sent before, by an earlier run or try. */
  readonly late?: number | undefined;
  /** Destinations with at least one out-of-order item, first few by name. */
  readonly outOfOrderDestinations: readonly { readonly destination: string; readonly items: number }[];
  /** `file:line` of the first item of each kind that this process has seen. */
  readonly first?: Readonly<Record<string, string>>;
  /** Of the dated items that this process has seen; milliseconds since the epoch. */
  readonly earliestMs?: number | undefined;
  readonly latestMs?: number | undefined;
}

export interface BatchResult {
  readonly batch: string;
  readonly lane: number;
  readonly number: number;
  readonly status: string;
  readonly items: number;
  readonly counts: BatchCounts | undefined;
}

export type RunStatus =
  | 'completed'
  | 'completed-with-errors'
  | 'accepted' // --no-wait: everything handed over
  | 'staged'
  | 'too-many-rejects'
  | 'interrupted'
  | 'wait-timeout'
  | 'max-duration'
  | 'failed';

/** The books of a run: records read = mapped + skipped + rejected; items produced = accepted + known + rejected. */
export interface RunSummary {
  readonly run: string;
  readonly status: RunStatus;
  readonly exitCode: number;
  readonly records: {
    readonly read: number;
    readonly mapped: number;
    readonly skipped: number;
    readonly rejected: number;
    readonly partlyRejected: number;
  };
  readonly items: {
    readonly produced: number;
    readonly accepted: number;
    readonly known: number;
    /** Of the accepted: sent again under a known key, because their content changed. */
    readonly updated?: number;
    /** Of the known: failed at the service in an earlier run. */
    readonly failedBefore?: number;
    readonly rejected: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly skipped: number;
    readonly canceled: number;
    readonly open: number;
  };
  readonly created: { readonly users: number; readonly graphs: number; readonly threads: number };
  readonly calls: {
    readonly total: number;
    readonly add: number;
    readonly repeated: number;
    readonly rateLimited: number;
  };
  readonly bytes: { readonly read: number; readonly sent: number };
  readonly batches: readonly BatchResult[];
  readonly time: TimeSafety;
  readonly inexactNumbers: number;
  readonly errors: readonly ErrorGroup[];
  readonly durationMs: number;
  /** Paths of what was written. */
  readonly files: readonly string[];
  /** Sentences for the last lines (e.g. what happened to drafts). */
  readonly notes: readonly string[];
  /** The command to type next, or undefined when nothing is left to do. */
  readonly next: string | undefined;
}
