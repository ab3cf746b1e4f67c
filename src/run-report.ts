/**
 * What can be said of a run long after it was typed, from the books and from the service: the nouns that `runs`, `status`, `audit` and
 * `receipt` put together and that progress/ shows.
 */
import type { BatchCounts, ErrorGroup } from './events.js';

/**
 * Where a run stands. running: a process is at work on it; unfinished: stopped before its input was settled; staged: drafts wait to be
 * processed; processing: the service works on it; completed-with-errors: over, and something was rejected, failed or lost that nobody has
 * dealt with; closed: given up, or started anew.
 */
export const RUN_CONDITIONS = [
  'running',
  'unfinished',
  'staged',
  'processing',
  'completed-with-errors',
  'completed',
  'closed',
] as const;
export type RunCondition = (typeof RUN_CONDITIONS)[number];

/** records: read = mapped + skipped + rejected. items: produced = accepted + known + rejected. accepted = the sum of outcomes. */
export interface RunBooks {
  /** False while input is left: what is counted of it then reaches to where the next try begins, what was accepted may reach further. */
  readonly isFinal: boolean;
  /** Undefined when no counts are kept: nothing was read yet, or an earlier version of the program made the run. */
  readonly records:
    | {
        readonly read: number;
        readonly mapped: number;
        readonly skipped: number;
        readonly rejected: number;
        readonly partlyRejected: number;
      }
    | undefined;
  readonly items: {
    readonly produced: number | undefined;
    readonly accepted: number;
    readonly known: number | undefined;
    readonly rejected: number;
  };
  readonly outcomes: {
    readonly succeeded: number;
    readonly failed: number;
    readonly skipped: number;
    readonly canceled: number;
    readonly open: number;
    /** Of batches that are gone, or that the service is done with without saying what became of them. */
    readonly lost: number;
  };
  /** Accepted items in batches that the service was told to process, and in drafts. */
  readonly handedOver: number;
  readonly inDrafts: number;
  /** Rows and items that nobody has dealt with. */
  readonly unhandled: { readonly rejects: number; readonly failures: number };
}

/** One line of `runs`. */
export interface RunLine {
  readonly run: string;
  readonly name: string | undefined;
  readonly condition: RunCondition;
  /** How its last try ended. */
  readonly lastStatus: string | undefined;
  readonly host: string;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  readonly sources: readonly string[];
  readonly books: RunBooks;
  /** What a person does next, in words of the command line, the run among them; undefined when nothing is left to do. */
  readonly step: readonly string[] | undefined;
  /** The same as a shell takes it. */
  readonly next: string | undefined;
}

export interface BatchLine {
  readonly batch: string;
  readonly lane: number;
  readonly number: number;
  /** As the service words it; `gone` when it has no such batch. */
  readonly status: string;
  readonly items: number;
  readonly counts: BatchCounts | undefined;
}

export interface RunReport extends RunLine {
  readonly state: 'open' | 'delivered' | 'closed';
  readonly parent: string | undefined;
  readonly project: string;
  readonly tries: number;
  /** All input is settled. */
  readonly isComplete: boolean;
  /** Where the next try begins to read, e.g. `tickets.csv:812`; undefined when it is complete, or nothing was settled yet. */
  readonly stoppedAt: string | undefined;
  readonly batches: readonly BatchLine[];
  /** What nobody has dealt with, most frequent first. */
  readonly errors: readonly ErrorGroup[];
  readonly files: readonly string[];
  /** Why the service was not asked (or not for everything); undefined when what is said is fresh. */
  readonly staleness: string | undefined;
}

/** `later`: cannot be judged yet. */
export type Verdict = 'ok' | 'wrong' | 'later';

/** One sum of the books: two numbers that must be equal. */
export interface AuditCheck {
  readonly code: string;
  readonly verdict: Verdict;
  readonly left: { readonly value: number; readonly what: string };
  readonly right: { readonly value: number; readonly what: string };
  /** Where they differ, or why that cannot be judged. */
  readonly detail: string | undefined;
}

export interface AuditReport {
  readonly run: string;
  readonly name: string | undefined;
  readonly project: string;
  readonly checks: readonly AuditCheck[];
  readonly batches: number;
  /** Batches that the service does not know any more. */
  readonly gone: readonly string[];
  /** Batches of which the number of items was found by listing them. */
  readonly listed: number;
  readonly isDeep: boolean;
  readonly next: string | undefined;
}

/** A row of the receipt: an item that was accepted, or a row that was rejected. */
export interface ReceiptLine {
  readonly source: string;
  readonly line: number;
  readonly ordinal: number;
  /** Undefined for a record of which nothing was accepted. */
  readonly item: number | undefined;
  readonly part: number | undefined;
  readonly batch: string | undefined;
  readonly index: number | undefined;
  readonly episodeUuid: string | undefined;
  readonly status: string;
  readonly error: string | undefined;
}
