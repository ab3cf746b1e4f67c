/**
 * The books of a run: every record and item is counted exactly once. records read = mapped + skipped + rejected; items produced = accepted +
 * known + rejected; accepted = succeeded + failed + skipped + canceled + open.
 */
import type { ErrorGroup, Observe, TimeSafety } from '../events.js';
import { AppError } from '../errors.js';
import type { Totals } from '../ledger/runs.js';
import { describePosition, type Item, type Position, type Rejection } from '../model.js';
import { ErrorGroups } from './error-groups.js';
import { TimeCounter } from './time-safety.js';

/** `--max-errors`: a number of rejected rows, a percentage of records read (judged after 1,000 records), or no limit. */
export type MaxErrors =
  | { readonly kind: 'count'; readonly value: number }
  | { readonly kind: 'percent'; readonly value: number }
  | { readonly kind: 'unlimited' };

const PERCENT_AFTER_RECORDS = 1_000;

/** Whether so many rejected rows of so many records are more than allowed. */
export function exceeds(maxErrors: MaxErrors, rejections: number, read: number): boolean {
  switch (maxErrors.kind) {
    case 'unlimited':
      return false;
    case 'count':
      return rejections > maxErrors.value;
    case 'percent':
      return read >= PERCENT_AFTER_RECORDS && (rejections / read) * 100 > maxErrors.value;
  }
}

export interface BooksOptions {
  readonly maxErrors: MaxErrors;
  readonly nowMs: number;
  readonly observe: Observe;
  /** Where every rejected row is written down. */
  readonly record: (rejection: Rejection, facts: RejectionFacts) => void;
  /** The counts of earlier tries, up to where this one begins to read. */
  readonly totals?: Totals | undefined;
  /** Items that the service refused in earlier tries. */
  readonly refused?: number;
  /** Items are sent in the order of their time: nothing is sent before all of the input was read. */
  readonly isSorted?: boolean;
  /** True the first time that it is asked for a record. Without it a record whose rejections do not come one after another counts more than once. */
  readonly isFirstOf?: ((position: Position) => boolean) | undefined;
}

/** What the books know of a rejection beside itself. */
export interface RejectionFacts {
  /** 0 for the first of this record or item; further faults of it count up. */
  readonly no: number;
  /** The service refused it at its turn: it is settled. */
  readonly refused: boolean;
  /** The record as a whole is rejected, whichever item of it was at fault. */
  readonly isRecord?: boolean;
  readonly occurrence?: number | undefined;
  readonly part?: number | undefined;
}

export class Books {
  readonly #options: BooksOptions;
  readonly #groups = new ErrorGroups();
  readonly #time: TimeCounter;
  readonly #before: { readonly read: number; readonly rejections: number };
  read = 0;
  mapped = 0;
  skipped = 0;
  rejectedRecords = 0;
  partlyRejected = 0;
  produced = 0;
  /** Items that the project holds already. */
  known = 0;
  /** Of those with a key: sent again, because their content changed. */
  updated = 0;
  /** Of the known: failed at the service in an earlier run. */
  failedBefore = 0;
  mapRejected = 0;
  /** Items that are older than one of their destination that was sent before. */
  late = 0;
  /** Items whose destination does not exist. */
  misplaced = 0;
  /** Items that the service refused when their turn came. */
  refused: number;
  inexactNumbers = 0;
  /** Bytes of sources that were read to their end. */
  bytesBefore = 0;
  bytesRead = 0;
  #lastPartly: Rejection['position'] | undefined;

  constructor(options: BooksOptions) {
    this.#options = options;
    this.refused = options.refused ?? 0;
    const { totals = {} } = options;
    for (const name of COUNTED) this[name] = totals[name] ?? 0;
    this.#time = new TimeCounter(options.nowMs, totals, options.isSorted);
    this.#before = { read: this.read, rejections: this.rejections };
  }

  /** Rejected rows so far: whole records, and items rejected out of records that gave others. */
  get rejections(): number {
    return this.rejectedRecords + this.rejectedItems;
  }

  get rejectedItems(): number {
    return this.mapRejected + this.misplaced + this.refused;
  }

  /** What the reader and the mapping have counted so far: goes into the ledger with the place that it holds for. */
  totals(): Record<string, number> {
    const totals: Record<string, number> = {};
    for (const name of COUNTED) totals[name] = this[name];
    return Object.assign(totals, this.#time.totals());
  }

  countItem(item: Item): void {
    this.produced += 1;
    this.#time.count(item);
  }

  /** A whole record was refused by the reader or the mapping. */
  rejectRecord(rejection: Rejection): void {
    this.rejectedRecords += 1;
    this.tell(rejection, { no: 0, refused: false, isRecord: true });
  }

  /** The mapping refused one item of several: it was not produced yet. */
  rejectMapped(rejection: Rejection, occurrence?: number): void {
    this.produced += 1;
    this.mapRejected += 1;
    this.#tellItem(rejection, { no: 0, refused: false, occurrence });
  }

  /** An item has nowhere to go. */
  rejectMisplaced(rejection: Rejection, facts: Pick<RejectionFacts, 'occurrence' | 'part'> = {}): void {
    this.misplaced += 1;
    this.#tellItem(rejection, { ...facts, no: 0, refused: false });
  }

  /** The service refused an item when its turn came. */
  rejectRefused(rejection: Rejection, part: number): void {
    this.refused += 1;
    this.#tellItem(rejection, { no: 0, refused: true, part });
  }

  #tellItem(rejection: Rejection, facts: RejectionFacts): void {
    const { position } = rejection;
    if (this.#options.isFirstOf?.(position) ?? this.#isNotLast(position)) this.partlyRejected += 1;
    this.tell(rejection, facts);
  }

  #isNotLast(position: Position): boolean {
    const last = this.#lastPartly;
    this.#lastPartly = position;
    return last?.ordinal !== position.ordinal || last.source.index !== position.source.index;
  }

  /** Writes a rejection down and shows it, without counting it: for further faults of a record that is counted already. */
  tell(rejection: Rejection, facts: RejectionFacts): void {
    this.#groups.add(rejection.stage, rejection.code, rejection.message, describePosition(rejection.position));
    this.#options.record(rejection, facts);
    this.#options.observe({ type: 'rejected', rejection });
  }

  /** True when the run must stop: more was rejected in this try than `--max-errors` allows. */
  get tooManyErrors(): boolean {
    const { read, rejections } = this.#before;
    return exceeds(this.#options.maxErrors, this.rejections - rejections, this.read - read);
  }

  /** Rejections told by an earlier try, for the summary. */
  addGroup(group: ErrorGroup): void {
    this.#groups.add(group.stage, group.code, group.message, group.first, group.count);
  }

  get errors(): readonly ErrorGroup[] {
    return this.#groups.list();
  }

  failedItem(code: string, message: string, first: string): void {
    this.#groups.add('remote', code, message, first);
  }

  get time(): TimeSafety {
    return { ...this.#time.result(), ...(this.late === 0 ? {} : { late: this.late }) };
  }

  get isSorted(): boolean {
    return this.#options.isSorted === true;
  }
}

/** The counts that follow from the input alone, in its order. */
const COUNTED = [
  'read',
  'mapped',
  'skipped',
  'rejectedRecords',
  'produced',
  'known',
  'updated',
  'failedBefore',
  'mapRejected',
  'misplaced',
  'inexactNumbers',
  'bytesBefore',
  'bytesRead',
] as const;

/** Thrown to leave the reading loop when the books say stop. */
export function tooManyErrors(books: Books): AppError {
  return new AppError(`stopped: ${books.rejections} rows were rejected, more than --max-errors allows`, {
    code: 'too-many-rejects',
    disposition: 'too-many-rejects',
    hint: books.isSorted
      ? '--max-errors raises the limit, and the same command goes on; it sorts, and so counts, all rows anew. After mending rows or mapping --restart begins anew'
      : 'the same command goes on and counts anew, --max-errors raises the limit; after mending rows or mapping --restart begins anew',
  });
}
