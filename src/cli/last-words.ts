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
import type { ImportDeps, ImportOutcome } from '../run/import-run.js';
import type { Protocol } from '../run/protocol.js';
import type { Reports } from './ci-reports.js';
import { exitCodeOfRun } from './exit-codes.js';
import { describeFailure, exitErrorOf } from './failure.js';
import type { Inputs } from './inputs.js';
import { print, type Io } from './io.js';
import { guessOf, mendedRows, sameInput, sameProject } from './next-command.js';
import type { OpenBooks } from './open-books.js';
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
  /** Where the sources and the mapping come from, when not from what was typed. */
  readonly inputs?: () => Promise<Inputs>;
  /** Identity of the run, when not that of what was typed. */
  readonly key?: string;
  /** The run whose rest is sent. */
  readonly parent?: string;
  /** What items that are sent again were known by. */
  readonly recalled?: ImportDeps['recalled'];
  /** A run was begun, or is gone on with: before anything is read. */
  readonly onRun?: (ledger: Ledger, run: string) => void;
  /** Everything was handed over. */
  readonly onDelivered?: (ledger: Ledger, run: string) => void;
  /** Nothing is read: the drafts of the run are handed over. */
  readonly handOverOnly?: boolean;
  readonly protocol?: Protocol;
  /** Told everything that the renderer is told. */
  readonly reports?: Reports;
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
  readonly books: OpenBooks;
}

/** What the end takes, loaded while the run goes on: after an update of the program it lies there no more. */
export function prepareLastWords(): void {
  // What cannot be loaded now is told at the end.
  loadLastWords().catch(() => undefined);
}

const loadLastWords = () =>
  Promise.all([
    import('../progress/terminal.js'),
    import('../progress/summary.js'),
    import('../progress/summary-json.js'),
  ]);

export async function lastWords(outcome: ImportOutcome, words: LastWords): Promise<void> {
  const { values, io, renderer, stops, books } = words;
  const [{ chooseColor, chooseWidth }, { summaryText }, { summaryJson }] = await loadLastWords();
  const exitCode = exitCodeOfRun(outcome.status, outcome.error, stops.signal());
  const { summary, json } = closeBooks(
    {
      ...outcome.summary,
      status: outcome.status,
      exitCode,
      files: words.settings.isTemporary === true ? [] : books.rejectPaths(),
      next: nextCommand(outcome, words),
    },
    (told) => withError(summaryJson(told), outcome),
    words,
  );
  renderer.observe({ type: 'phase', phase: 'done' });
  if (outcome.error !== undefined && outcome.status !== 'interrupted') {
    renderer.observe({ ...exitErrorOf(outcome.error), exitCode });
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
  { books, renderer, settings }: LastWords,
): { readonly summary: RunSummary; readonly json: string } {
  const path = join(books.folder, 'summary.json');
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
    books.ledger.runs.endTry(told.run, told.status, json.trimEnd(), new Date().toISOString());
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

function nextCommand(outcome: ImportOutcome, words: LastWords): string | undefined {
  const { args, settings, values, books } = words;
  const { status, summary } = outcome;
  const about = (command: string): string => sameProject([command, books.run], values);
  if (settings.isTemporary === true) return values.quiet === true ? undefined : settings.next;
  if (outcome.waitsFor !== undefined) return sameProject(['resume', outcome.waitsFor], values);
  if (values.stageOnly === true && status === 'staged') return about('commit');
  const missing = missingFlag(outcome.error);
  if (missing !== undefined) return `${sameInput('run', args, values)} ${missing}`;
  if (isWithoutMapping(outcome.error) && !args.includes('-')) return guessOf(args, values);
  if (isOfTheInput(outcome.error)) return sameInput('check', args, values);
  if (settings.parent !== undefined && isChanged(outcome.error)) return sameInput('run', args, values);
  if (!outcome.delivered && settings.parent === undefined) {
    return books.readsStream && settings.handOverOnly !== true ? sameInput('run', args, values) : about('resume');
  }
  if (!outcome.delivered) {
    const isClosed = books.ledger.runs.byId(books.run)?.state === 'closed';
    return isClosed && settings.parent !== undefined
      ? sameProject(['retry', settings.parent], values)
      : about('resume');
  }
  if (summary.items.open > 0) return `${about('status')} --watch`;
  if (summary.items.failed + summary.items.canceled > 0) return about('retry');
  const rows = books.rowsToMend();
  if (rows.files.length > 0) return mendedRows(rows, values);
  // There are reasons alone: it is the source that is to be mended.
  if (books.rejectPaths().length > 0) return sameInput('run', args, values);
  if ((summary.items.failedBefore ?? 0) > 0) return sameProject(['retry', '--only', 'failed'], values);
  return settings.next ?? about('audit');
}

/** `--create-missing …`, when that is what the import would take. */
function missingFlag(error: unknown): string | undefined {
  if (!(error instanceof AppError) || error.code !== 'destinations-missing') return undefined;
  return /--create-missing \S+/.exec(error.hint ?? '')?.[0];
}

function isChanged(error: unknown): boolean {
  return error instanceof AppError && error.code === 'source-changed';
}

function isWithoutMapping(error: unknown): boolean {
  return error instanceof AppError && error.code === 'no-mapping';
}

function isOfTheInput(error: unknown): boolean {
  return error instanceof AppError && error.disposition === 'usage';
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
