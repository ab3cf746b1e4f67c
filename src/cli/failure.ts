/** How a command that cannot go on says so: what, where, what next, on standard error; as one JSON object on standard output when asked. */
import { AppError } from '../errors.js';
import { exitCodeOfError } from './exit-codes.js';
import { print, type Io } from './io.js';

const REPORT = 'please report it with the lines above: https://github.com/getzep/zep-import/issues';

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly exitCode: number;
}

export function describeFailure(error: unknown): Failure {
  const exitCode = exitCodeOfError(error);
  if (error instanceof AppError) return { code: error.code, message: error.message, hint: error.hint, exitCode };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'bug', message, hint: REPORT, exitCode };
}

export function failureJson(failure: Failure): string {
  return `${JSON.stringify({
    type: 'error',
    code: failure.code,
    message: failure.message,
    hint: failure.hint,
    exit_code: failure.exitCode,
  })}\n`;
}

/** Carries an error that was told on standard error already: only the result and the exit code are missing. */
export class Told extends Error {
  constructor(readonly error: unknown) {
    super('told');
  }
}

/** Tells a failure, unless it was told, and sets the exit code. */
export async function tellFailure(error: unknown, io: Io, json: boolean): Promise<void> {
  const failure = describeFailure(error instanceof Told ? error.error : error);
  if (!(error instanceof Told)) {
    await print(
      io.stderr,
      `zep-import: ${failure.message}\n${failure.hint === undefined ? '' : `  ${failure.hint}\n`}`,
    );
  }
  if (json) await print(io.stdout, failureJson(failure));
  io.exitCode = failure.exitCode;
}
