/**
 * What `check` found out by reading and mapping everything and sending nothing: the books as they would be, the calls and credits an
 * import would take, and what would go wrong. Counted by the run, shown by progress.
 */
import type { ErrorGroup, RunSummary, TimeSafety } from './events.js';

export interface CheckReport {
  readonly records: RunSummary['records'];
  readonly items: {
    readonly total: number;
    readonly episodes: number;
    readonly messages: number;
    /** Items that are parts of a longer text, counted in the total as well. */
    readonly parts: number;
    /** Items that are not sent because the input holds them already: equal, or of the same key. They are not in the total. */
    readonly known: number;
    readonly rejected: number;
  };
  /** Rejections by reason, most frequent first. */
  readonly rejects: readonly ErrorGroup[];
  readonly destinations: {
    readonly users: number;
    readonly graphs: number;
    readonly threads: number;
    /** Threads whose owner the mapping does not name: one call each finds out. */
    readonly unownedThreads: number;
  };
  readonly calls: {
    readonly setup: {
      readonly users: number;
      readonly graphs: number;
      readonly threads: number;
      readonly threadOwners: number;
    };
    /** Finding out which project the key opens, and which drafts it has. */
    readonly project: number;
    readonly create: number;
    readonly add: number;
    /** One look at each batch before it is processed. */
    readonly verify: number;
    readonly process: number;
    /** At least one look at each batch while the service works; a long wait takes more. */
    readonly follow: number;
    readonly total: number;
    /** The total when as many lanes as possible are added; equals it when none can be. */
    readonly most: number;
  };
  readonly batches: number;
  /** As `calls.most`: lanes that are added when a batch overflows fill batches of their own. */
  readonly batchesMost: number;
  /** One for each started 350 bytes of an item. */
  readonly credits: number;
  readonly bytesToSend: number;
  readonly bytesRead: number;
  readonly durationMs: number;
  readonly time: TimeSafety;
  readonly inexactNumbers: number;
  readonly notices: readonly CheckNotice[];
  readonly coverage: Coverage;
  /** Examples of the mapping's `tests`, when it has any. */
  readonly tests?: { readonly passed: number; readonly failed: number } | undefined;
  /** Only those examples were looked at, no source was read. */
  readonly testsOnly?: boolean;
  /** How long the calls alone take at usual limits, or at the one given. */
  readonly pace: readonly { readonly callsPerMinute: number; readonly minutes: number }[];
  readonly exitCode: number;
  /** The command to type next, or undefined when there is none. */
  readonly next: string | undefined;
}

/** How much of the data the mapping uses. */
export interface Coverage {
  /** Columns that the mapping does not read, with the number of records that have them. */
  readonly unused: readonly { readonly column: string; readonly records: number }[];
  /** Further unused columns that are not listed. */
  readonly moreUnused: number;
  /** Names that the mapping reads and no record has. */
  readonly absent: readonly string[];
  /** Fields of items that are missing in some, with the number of items that have them. */
  readonly sparse: readonly { readonly field: string; readonly items: number; readonly of: number }[];
}

export interface CheckNotice {
  readonly level: 'info' | 'warning';
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

const USUAL_LIMITS = [300, 600, 1000] as const;

/** Minutes that so many calls take at `rateLimit` calls a minute, or at usual limits when none is given. */
export function paceOf(calls: number, rateLimit: number | undefined): CheckReport['pace'] {
  const limits = rateLimit === undefined ? USUAL_LIMITS : [rateLimit];
  return limits.map((callsPerMinute) => ({ callsPerMinute, minutes: calls / callsPerMinute }));
}
