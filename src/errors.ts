/**
 * One error type for everything that stops the program. `code` is stable and tested; `message` says what and where; `hint` says what to
 * do next. `disposition` is what the exit code is made from (cli/exit-codes.ts alone knows the numbers). Bad rows are values
 * (model.ts Rejection), never errors. No message ever holds the API key or the content of a row.
 */
export type Disposition =
  | 'bug' // 1
  | 'usage' // 2
  | 'refused' // 3: key, permission, plan
  | 'not-found' // 4
  | 'rate-limited' // 5
  | 'unavailable' // 6
  | 'timeout' // 7: could not be settled
  | 'too-many-rejects' // 11
  | 'ledger' // 20
  | 'locked'; // 21

/** A mistake at a place of a file that a person wrote: `file` as it was named, `line` and `column` from 1. */
export interface FilePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface AppErrorOptions {
  readonly code: string;
  readonly disposition: Disposition;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** Of mistakes in a file: each with its place, for programs that show them there. */
  readonly places?: readonly FilePlace[] | undefined;
}

export class AppError extends Error {
  readonly code: string;
  readonly disposition: Disposition;
  readonly hint: string | undefined;
  readonly places: readonly FilePlace[];

  constructor(message: string, options: AppErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = options.code;
    this.disposition = options.disposition;
    this.hint = options.hint;
    this.places = options.places ?? [];
  }
}

/** A mistake in flags, mapping or sources: nothing was sent because of it. */
export function usageError(
  code: string,
  message: string,
  hint?: string,
  more: Pick<AppErrorOptions, 'places'> = {},
): AppError {
  return new AppError(message, { code, disposition: 'usage', hint, ...more });
}
