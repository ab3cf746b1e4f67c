/**
 * What a run or a check leaves behind for others than its terminal: annotations and the job summary of GitHub Actions, JUnit XML, a message to
 * an address. Rule: what cannot work is a usage error before anything is read; what goes wrong at the end is a notice, and never changes the exit
 * code. Without flags, and outside of GitHub Actions, nothing of this is loaded.
 */
import { relative, resolve, sep } from 'node:path';
import type { Writable } from 'node:stream';
import type { CheckReport } from '../check-report.js';
import { usageError } from '../errors.js';
import type { Observe } from '../events.js';
import { printable } from '../progress/escape.js';
import type { CiRecord } from '../progress/ci/ci-record.js';
import { exitErrorOf, failureFields, Told } from './failure.js';
import { print, type Io } from './io.js';
import type { Values } from './options.js';

export interface Reports {
  readonly observe: Observe;
  /** How a check ended. */
  checked(report: CheckReport): void;
  /** Writes and sends everything, the first time it is called. `observe` is told what could not be; `stop` ends the waiting. Never rejects. */
  end(observe: Observe, stop?: AbortSignal): Promise<void>;
}

export const NO_REPORTS: Reports = {
  observe: () => undefined,
  checked: () => undefined,
  end: () => Promise.resolve(),
};

/** The command's own word, as it is told. */
export type ReportedCommand = 'run' | 'check' | 'resume' | 'retry' | 'commit';

/** A report that is made from what was gathered. */
interface Report {
  /** What could not be done, for people. */
  readonly name: string;
  readonly make: (record: CiRecord, observe: Observe, stop: AbortSignal | undefined) => Promise<void> | void;
}

/** Does the work with reports that are ended whatever comes of it. */
export async function withReports(
  command: ReportedCommand,
  values: Values,
  io: Io,
  work: (reports: Reports) => Promise<void>,
): Promise<void> {
  const reports = await openReports(command, values, io);
  try {
    await work(reports);
  } catch (error) {
    if (!(error instanceof Told)) reports.observe(exitErrorOf(error));
    throw error;
  } finally {
    await reports.end((event) => {
      if (event.type === 'notice') io.stderr.write(`${event.level}: ${printable(event.message)}\n`);
    });
  }
}

/** Throws usageError for what cannot work. */
async function openReports(command: ReportedCommand, values: Values, io: Io): Promise<Reports> {
  const wanted = [
    await annotations(values, io),
    await junit(command, values),
    await summaryFile(command, values),
    await stepSummary(command, io),
    await notification(command, values, io),
  ].filter((report) => report !== undefined);
  if (wanted.length === 0) return NO_REPORTS;
  const { createCiRecorder } = await import('../progress/ci/ci-record.js');
  const recorder = createCiRecorder();
  let ended = false;
  return {
    observe: recorder.observe,
    checked: recorder.checked,
    async end(observe, stop) {
      if (ended) return;
      ended = true;
      const record = recorder.record();
      for (const { name, make } of wanted) {
        try {
          await make(record, observe, stop);
        } catch (error) {
          const message = `${name}: ${error instanceof Error ? error.message : String(error)}`;
          observe({ type: 'notice', level: 'warning', code: 'report-failed', message });
        }
      }
    },
  };
}

async function annotations(values: Values, io: Io): Promise<Report | undefined> {
  const kind = values.annotations ?? 'none';
  if (kind === 'none' || (kind === 'auto' && io.env['GITHUB_ACTIONS'] !== 'true')) return undefined;
  const stream = streamForCommands(values, io);
  if (stream === undefined) {
    if (kind === 'auto') return undefined;
    throw usageError(
      'no-place-for-annotations',
      '--annotations github needs a stream that is not JSON',
      'leave out --progress json, or -o json',
    );
  }
  const { annotationLines } = await import('../progress/ci/annotations.js');
  return {
    name: 'annotations cannot be written',
    async make(record) {
      const lines = annotationLines(record, (file) => inWorkspace(file, io.env['GITHUB_WORKSPACE']));
      if (lines.length > 0) await print(stream, `${lines.join('\n')}\n`);
    },
  };
}

/** GitHub reads both streams; one that carries JSON must hold nothing else. */
function streamForCommands({ progress, output }: Values, { stdout, stderr }: Io): Writable | undefined {
  if (progress !== 'json') return stderr;
  return output === 'json' ? undefined : stdout;
}

/** Relative to the workspace, with slashes, where the file lies in it. */
function inWorkspace(file: string, workspace: string | undefined): string {
  const path = resolve(file);
  const within = workspace === undefined || workspace === '' ? path : relative(resolve(workspace), path);
  const isOutside = within === '' || within === '..' || within.startsWith(`..${sep}`);
  return (isOutside ? path : within).replaceAll(sep, '/');
}

async function junit(command: ReportedCommand, values: Values): Promise<Report | undefined> {
  if (values.junit === undefined) return undefined;
  const { reportPath, writeReport } = await import('./report-files.js');
  const { junitXml } = await import('../progress/ci/junit.js');
  const path = reportPath(values.junit, '--junit', '<?xml version="1.0"');
  return {
    name: '--junit cannot be written',
    make: (record) => writeReport(path, junitXml(record, command, new Date().toISOString())),
  };
}

async function summaryFile(command: ReportedCommand, values: Values): Promise<Report | undefined> {
  if (values.summaryFile === undefined) return undefined;
  const { reportPath, writeReport } = await import('./report-files.js');
  const { jobSummary, SUMMARY_HEADING } = await import('../progress/ci/job-summary.js');
  const path = reportPath(values.summaryFile, '--summary-file', SUMMARY_HEADING);
  return {
    name: '--summary-file cannot be written',
    make: (record) => writeReport(path, jobSummary(record, command)),
  };
}

async function stepSummary(command: ReportedCommand, io: Io): Promise<Report | undefined> {
  const path = io.env['GITHUB_STEP_SUMMARY'];
  if (path === undefined || path === '') return undefined;
  const { addToStepSummary } = await import('./report-files.js');
  const { jobSummary } = await import('../progress/ci/job-summary.js');
  return {
    name: 'GITHUB_STEP_SUMMARY cannot be written',
    make(record, observe) {
      if (addToStepSummary(path, jobSummary(record, command))) return;
      const message = 'the job summary of this step is full (1 MiB): nothing was added to it';
      observe({ type: 'notice', level: 'warning', code: 'report-failed', message });
    },
  };
}

async function notification(command: ReportedCommand, values: Values, io: Io): Promise<Report | undefined> {
  // A check is no run: it is read where it was started.
  if (values.notify === undefined || command === 'check') return undefined;
  const { notifierOf } = await import('./notify.js');
  const { summaryJson } = await import('../progress/summary-json.js');
  const notify = notifierOf(values.notify, io);
  return {
    name: 'the notification cannot be sent',
    async make({ summary, exitError }, observe, stop) {
      const failure = exitError ?? {
        code: 'unknown',
        message: 'it ended without a summary',
        hint: undefined,
        exitCode: 1,
      };
      const { code, message, hint } = failure;
      const error = exitError === undefined ? {} : { error: { code, message, hint } };
      await notify(
        summary === undefined ? failureFields(failure) : { ...summaryJson(summary), ...error },
        observe,
        stop,
      );
    },
  };
}
