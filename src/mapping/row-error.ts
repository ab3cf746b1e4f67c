/**
 * Why a row or an item was rejected while mapping. Thrown inside the mapping stage and caught at its border, where it becomes a
 * Rejection: nothing of it leaves this folder. Messages are made when the mapping is compiled wherever possible, so that the same
 * mistake reads the same on every row, and they hold names, types and lengths, never the content of a row.
 */
export class RowError extends Error {
  readonly stage: 'map' | 'limit';
  readonly code: string;
  /** The item field that could not be made, filled in by the first field the error passes through. */
  field: string | undefined;

  constructor(stage: 'map' | 'limit', code: string, message: string, field?: string) {
    super(message);
    this.name = 'RowError';
    this.stage = stage;
    this.code = code;
    this.field = field;
  }
}

/** A RowError without a stack: a file of bad rows makes millions of them. */
export function rowError(stage: 'map' | 'limit', code: string, message: string, field?: string): RowError {
  const depth = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return new RowError(stage, code, message, field);
  } finally {
    Error.stackTraceLimit = depth;
  }
}

/** A mistake of an expression on this row. The code is one for all of them: the run counts equal messages under it. */
export function expressionError(message: string): RowError {
  return rowError('map', 'expression', message);
}
