/** How a command that cannot go on says so: what, where, what next, on standard error; as one JSON object on standard output when asked. */
import { AppError, type FilePlace } from '../errors.js';
import type { RunEvent } from '../events.js';
import { missingPart } from '../missing-part.js';
import { jsonLine, printable } from '../progress/escape.js';
import { EXIT, exitCodeOfError } from './exit-codes.js';
import { print, type Io } from './io.js';
import { StoppedEarly, type SignalName } from './signals.js';

const REPORT = 'please report it with the lines above: https://github.com/getzep/zep-import/issues';

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly exitCode: number;
  readonly places?: readonly FilePlace[];
}

export function describeFailure(thrown: unknown): Failure {
  const error = missingPart(thrown) ?? thrown;
  if (error instanceof StoppedEarly) return describeStop(error);
  const exitCode = exitCodeOfError(error);
  if (error instanceof AppError) {
    const { code, message, hint, places } = error;
    return { code, message, hint, exitCode, ...(places.length === 0 ? {} : { places }) };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'bug', message, hint: REPORT, exitCode };
}

function describeStop({ reason, message }: StoppedEarly): Failure {
  const exitCode = { interrupt: EXIT.interrupted, terminate: EXIT.terminated, 'max-duration': EXIT.maxDuration }[
    reason
  ];
  const code = reason === 'max-duration' ? 'max-duration' : 'interrupted';
  return { code, message: `${message} before anything was sent`, hint: undefined, exitCode };
}

/** What observers are told of it. */
export function exitErrorOf(error: unknown): Extract<RunEvent, { type: 'exit-error' }> {
  return { type: 'exit-error', ...describeFailure(error) };
}

export function failureJson(failure: Failure): string {
  return jsonLine(failureFields(failure));
}

/** What stands for a result where there is none. */
export function failureFields({ code, message, hint, exitCode }: Failure): Record<string, unknown> {
  return { type: 'error', code, message, hint, exit_code: exitCode };
}

/** Carries an error that was told on standard error already: only the result and the exit code are missing. */
export class Told extends Error {
  readonly error: unknown;
  /** The signal that stopped the command before there was anything to close. */
  readonly signal: SignalName | undefined;

  constructor(error: unknown) {
    super('told');
    this.error = error;
    const reason = error instanceof StoppedEarly ? error.reason : undefined;
    this.signal = reason === 'interrupt' ? 'SIGINT' : reason === 'terminate' ? 'SIGTERM' : undefined;
  }
}

/** Tells a failure, unless it was told, and sets the exit code. */
export async function tellFailure(error: unknown, io: Io, json: boolean): Promise<void> {
  const failure = describeFailure(error instanceof Told ? error.error : error);
  if (!(error instanceof Told)) await print(io.stderr, failureText(failure));
  if (json) await print(io.stdout, failureJson(failure));
  io.exitCode = failure.exitCode;
}

function failureText({ code, message, hint }: Failure): string {
  const [first = '', ...others] = message.split('\n').map((line) => printable(line, 4000));
  const lines = [`error: ${first} [${code}]`, ...others.map((line) => `  ${line}`)];
  if (hint !== undefined) lines.push(`  ${printable(hint, 4000)}`);
  return `${lines.join('\n')}\n`;
}
