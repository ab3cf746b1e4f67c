/**
 * The books of a run: every record and item is counted exactly once. records read = mapped + skipped + rejected; items produced = accepted +
 * known + rejected; accepted = succeeded + failed + skipped + canceled + open.
 */
import type { ErrorGroup, Observe, TimeSafety } from '../events.js';
import { AppError } from '../errors.js';
import { describePosition, type Item, type Rejection } from '../model.js';
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
  readonly record: (rejection: Rejection) => void;
}

export class Books {
  readonly #options: BooksOptions;
  readonly #groups = new ErrorGroups();
  readonly #time: TimeCounter;
  read = 0;
  mapped = 0;
  skipped = 0;
  rejectedRecords = 0;
  partlyRejected = 0;
  produced = 0;
  accepted = 0;
  rejectedItems = 0;
  inexactNumbers = 0;
  bytesRead = 0;
  #lastPartly: Rejection['position'] | undefined;

  constructor(options: BooksOptions) {
    this.#options = options;
    this.#time = new TimeCounter(options.nowMs);
  }

  /** Rejected rows so far: whole records, and items rejected out of records that gave others. */
  get rejections(): number {
    return this.rejectedRecords + this.rejectedItems;
  }

  countItem(item: Item): void {
    this.produced += 1;
    this.#time.count(item);
  }

  /** A whole record was refused by the reader or the mapping. */
  rejectRecord(rejection: Rejection): void {
    this.rejectedRecords += 1;
    this.tell(rejection);
  }

  /** One item was refused: by the mapping (then it was not produced yet), or later. */
  rejectItem(rejection: Rejection, produced: boolean): void {
    if (!produced) this.produced += 1;
    this.rejectedItems += 1;
    const { source, ordinal } = rejection.position;
    if (this.#lastPartly?.ordinal !== ordinal || this.#lastPartly.source.index !== source.index) {
      this.#lastPartly = rejection.position;
      this.partlyRejected += 1;
    }
    this.tell(rejection);
  }

  /** Writes a rejection down and shows it, without counting it: for further faults of a record that is counted already. */
  tell(rejection: Rejection): void {
    this.#groups.add(rejection.stage, rejection.code, rejection.message, describePosition(rejection.position));
    this.#options.record(rejection);
    this.#options.observe({ type: 'rejected', rejection });
  }

  /** True when the run must stop: more was rejected than `--max-errors` allows. */
  get tooManyErrors(): boolean {
    return exceeds(this.#options.maxErrors, this.rejections, this.read);
  }

  get errors(): readonly ErrorGroup[] {
    return this.#groups.list();
  }

  failedItem(code: string, message: string, first: string): void {
    this.#groups.add('remote', code, message, first);
  }

  get time(): TimeSafety {
    return this.#time.result();
  }
}

/** Thrown to leave the reading loop when the books say stop. */
export function tooManyErrors(books: Books): AppError {
  return new AppError(`stopped: ${books.rejections} rows were rejected, more than --max-errors allows`, {
    code: 'too-many-rejects',
    disposition: 'too-many-rejects',
    hint: 'mend the rows or the mapping and run the same command again, or raise --max-errors',
  });
}
