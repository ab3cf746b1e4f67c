/**
 * What the server tells the page: plain data, the same words on both sides. Text is as it came (file names, the service's messages): the page
 * shows it as text and never as markup. Times are ISO text, spans are milliseconds. Imports nothing, because the browser's part is compiled
 * against it too.
 */

/** Meaning of a state, beside its word: `idle` waits for somebody, `busy` moves. */
export type Tone = 'idle' | 'busy' | 'good' | 'warning' | 'bad';

/** The dashboard's own way to the service. */
export interface Link {
  readonly state: 'connecting' | 'live' | 'waiting' | 'lost';
  readonly detail: string | undefined;
}

export interface Totals {
  readonly batches: { readonly all: number; readonly drafts: number; readonly open: number; readonly troubled: number };
  readonly items: ItemCounts;
  readonly runs: { readonly all: number; readonly active: number; readonly withErrors: number };
}

/** open = what the service has not settled yet, drafts apart. */
export interface ItemCounts {
  readonly all: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly canceled: number;
  readonly open: number;
  readonly inDrafts: number;
}

export interface Frame {
  readonly project: string;
  readonly host: string;
  readonly isLocal: boolean;
  readonly link: Link;
  /** Why the ledger cannot be read; undefined when it can, or when there is none. */
  readonly ledgerProblem: string | undefined;
  /** The first list of all batches has arrived. */
  readonly isListed: boolean;
  readonly totals: Totals;
  readonly view: View;
}

export type View = OverviewView | BatchesView | BatchView | RunsView | RunView | MissingView;

export interface OverviewView {
  readonly kind: 'overview';
  /** The run that is told large: the newest that moves, else the newest. */
  readonly hero: RunRow | undefined;
  readonly batches: readonly BatchRow[];
  readonly runs: readonly RunRow[];
  /** Items settled a second, oldest first, one point a sample. */
  readonly pulse: readonly number[];
  readonly perSecond: number | undefined;
  /** What to type when there is nothing to see. */
  readonly suggestion: string;
}

export interface Paging {
  readonly page: number;
  readonly pages: number;
  readonly found: number;
  readonly first: number;
}

export interface BatchesView {
  readonly kind: 'batches';
  readonly rows: readonly BatchRow[];
  readonly paging: Paging;
  readonly statuses: readonly { readonly status: string; readonly count: number }[];
  readonly suggestion: string;
}

export interface BatchRow {
  readonly id: string;
  readonly status: string;
  readonly tone: Tone;
  readonly counts: ItemCounts;
  readonly created: string | undefined;
  readonly processed: string | undefined;
  readonly completed: string | undefined;
  /** Of our own making, where the ledger or the batch itself tells. */
  readonly run: string | undefined;
  readonly runTitle: string | undefined;
  readonly lane: number | undefined;
  readonly number: number | undefined;
  readonly perSecond: number | undefined;
}

export interface BatchView {
  readonly kind: 'batch';
  readonly batch: BatchRow;
  readonly metadata: readonly { readonly name: string; readonly value: string }[];
  /** The item status that is shown; empty for all. */
  readonly filter: string;
  readonly items: readonly ItemRow[];
  readonly next: string | undefined;
  readonly itemsProblem: string | undefined;
  readonly rowsKnown: boolean;
}

export interface ItemRow {
  readonly index: number | undefined;
  readonly status: string;
  readonly tone: Tone;
  readonly kind: string | undefined;
  readonly destination: string | undefined;
  readonly uuid: string | undefined;
  /** `tickets.csv:812`, where the ledger knows it. */
  readonly source: string | undefined;
  readonly error: string | undefined;
  readonly errorCode: string | undefined;
}

export interface RunsView {
  readonly kind: 'runs';
  readonly rows: readonly RunRow[];
  readonly paging: Paging;
  readonly conditions: readonly { readonly condition: string; readonly words: string; readonly count: number }[];
  readonly suggestion: string;
}

export interface RunRow {
  readonly id: string;
  readonly name: string | undefined;
  readonly condition: string;
  readonly words: string;
  readonly tone: Tone;
  readonly host: string;
  /** It belongs to another project than the one that is shown. */
  readonly isElsewhere: boolean;
  readonly started: string;
  readonly ended: string | undefined;
  readonly sources: readonly string[];
  readonly read: number | undefined;
  readonly rejected: number;
  readonly known: number | undefined;
  readonly counts: ItemCounts;
  readonly acceptedPerSecond: number | undefined;
  readonly settledPerSecond: number | undefined;
  readonly etaMs: number | undefined;
  readonly next: string | undefined;
}

export interface RunView {
  readonly kind: 'run';
  readonly run: RunRow;
  readonly sentence: string;
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  readonly records:
    { readonly read: number; readonly mapped: number; readonly skipped: number; readonly rejected: number } | undefined;
  readonly phases: readonly Phase[];
  readonly span: { readonly from: string; readonly to: string } | undefined;
  readonly lanes: readonly Lane[];
  /** Batches of the run, and how many of them the lanes show. */
  readonly batches: { readonly all: number; readonly shown: number };
  readonly pulse: readonly number[];
  readonly errors: readonly ErrorRow[];
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
}

export interface Phase {
  readonly name: 'upload' | 'processing';
  readonly from: string;
  /** Undefined while it lasts. */
  readonly to: string | undefined;
  readonly tone: Tone;
  readonly done: number;
  readonly all: number | undefined;
}

export interface Lane {
  readonly lane: number;
  readonly bars: readonly Bar[];
}

/** One batch on the time line: filled from `from` to `handed`, processed from there to `to`. */
export interface Bar {
  readonly batch: string;
  readonly number: number;
  readonly status: string;
  readonly tone: Tone;
  readonly counts: ItemCounts;
  readonly from: string | undefined;
  readonly handed: string | undefined;
  readonly to: string | undefined;
}

export interface ErrorRow {
  readonly stage: string;
  readonly code: string;
  readonly message: string;
  readonly count: number;
  readonly first: string;
}

/** No such batch or run. */
export interface MissingView {
  readonly kind: 'missing';
  readonly what: string;
  readonly suggestion: string;
}
