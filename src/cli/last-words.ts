/**
 * How a run ends on the outside: the summary in its folder, in the ledger, on the terminal or as JSON, the command to type next, and the exit
 * code. The exit code is set last, because only a summary makes it something else than failure.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../errors.js';
import type { RunSummary } from '../events.js';
import type { Ledger } from '../ledger/ledger.js';
import { jsonLine } from '../progress/escape.js';
import type { Renderer } from '../progress/index.js';
import type { ImportOutcome } from '../run/import-run.js';
import type { RejectsLog } from '../run/rejects-log.js';
import { exitCodeOfRun } from './exit-codes.js';
import { describeFailure } from './failure.js';
import { print, type Io } from './io.js';
import { sameInput, sameProject } from './next-command.js';
import type { Values } from './options.js';
import type { SessionOptions } from './session.js';
import type { SignalStops } from './signals.js';

export interface ImportSettings {
  readonly command: 'run' | 'demo';
  readonly session?: SessionOptions;
  /** State that is gone after the run is not named in the last lines. */
  readonly isTemporary?: boolean;
  /** The command to type next after a run that left nothing to do. */
  readonly next?: string;
}

/** What the command line asks for, and how it is shown and stopped. */
export interface Job {
  readonly args: readonly string[];
  readonly values: Values;
  readonly io: Io;
  readonly settings: ImportSettings;
  readonly renderer: Renderer;
  readonly stops: SignalStops;
}

export interface LastWords extends Job {
  readonly folder: string;
  readonly ledger: Ledger;
  readonly rejects: RejectsLog;
}

export async function lastWords(outcome: ImportOutcome, words: LastWords): Promise<void> {
  const { values, io, renderer, stops, rejects } = words;
  const { chooseColor, chooseWidth } = await import('../progress/terminal.js');
  const { summaryText } = await import('../progress/summary.js');
  const { summaryJson } = await import('../progress/summary-json.js');
  const exitCode = exitCodeOfRun(outcome.status, outcome.error, stops.signal());
  const { summary, json } = closeBooks(
    {
      ...outcome.summary,
      status: outcome.status,
      exitCode,
      files: words.settings.isTemporary === true || rejects.written === 0 ? [] : [rejects.path],
      next: nextCommand(outcome, words),
    },
    (told) => withError(summaryJson(told), outcome),
    words,
  );
  renderer.observe({ type: 'phase', phase: 'done' });
  if (outcome.error !== undefined && outcome.status !== 'interrupted') {
    const { code, message, hint } = describeFailure(outcome.error);
    renderer.observe({ type: 'exit-error', code, message, hint, exitCode });
  }
  renderer.observe({ type: 'summary', summary });
  renderer.close();
  const color = chooseColor(values.color ? undefined : false, io.stdout, io.env);
  const text =
    values.output === 'json' ? json : summaryText(summary, { color, columns: chooseWidth(io.stdout, io.env) });
  await print(io.stdout, text);
  io.exitCode = exitCode;
}

/** Writes the summary down, in the folder and in the ledger. A disk that takes no more is told, and the summary all the same. */
function closeBooks(
  summary: RunSummary,
  asJson: (summary: RunSummary) => Record<string, unknown>,
  { folder, ledger, renderer, settings }: LastWords,
): { readonly summary: RunSummary; readonly json: string } {
  const path = join(folder, 'summary.json');
  const named = settings.isTemporary === true ? summary : { ...summary, files: [...summary.files, path] };
  const warn = (what: string, error: unknown): void =>
    renderer.observe({
      type: 'notice',
      level: 'warning',
      code: 'summary-unwritable',
      message: `${what}: ${reasonOf(error)}`,
      hint: 'make room in the state folder',
    });
  let told = named;
  let json = jsonLine(asJson(named));
  try {
    writeFileSync(path, json, { mode: 0o600 });
  } catch (error) {
    removeIfPossible(path);
    warn('summary.json cannot be written', error);
    told = summary;
    json = jsonLine(asJson(summary));
  }
  try {
    ledger.endRun(told.run, told.status, json.trimEnd(), new Date().toISOString());
  } catch (error) {
    warn('the end of this run cannot be written to the ledger', error);
  }
  return { summary: told, json };
}

/** Half a summary is worse than none. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What could not be written can be in the way of being removed as well; it was told.
  }
}

function withError(json: Record<string, unknown>, outcome: ImportOutcome): Record<string, unknown> {
  if (outcome.error === undefined || outcome.status === 'interrupted') return json;
  const { code, message, hint } = describeFailure(outcome.error);
  return { ...json, error: { code, message, hint } };
}

function nextCommand(outcome: ImportOutcome, { args, settings, values, stops }: LastWords): string | undefined {
  const { status, summary, draftsLeft } = outcome;
  const failed = summary.batches.find((batch) => (batch.counts?.failed ?? 0) > 0);
  if (draftsLeft.length > 0) return sameProject(['batches', 'list', '--status', 'draft'], values);
  if (failed !== undefined) return sameProject(['batches', 'items', failed.batch, '--status', 'failed'], values);
  if (settings.next !== undefined) return values.quiet === true ? undefined : settings.next;
  if (summary.items.open > 0) return sameProject(['batches', 'list'], values);
  if (summary.batches.length > 0) return undefined;
  // Nothing is at the service: the same input again is no repetition.
  if (status === 'failed') return sameInput(isOfTheInput(outcome.error) ? 'check' : 'run', args, values);
  if (status === 'too-many-rejects') return sameInput('check', args, values);
  return stops.soft.aborted ? sameInput('run', args, values) : undefined;
}

function isOfTheInput(error: unknown): boolean {
  return error instanceof AppError && error.disposition === 'usage';
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
