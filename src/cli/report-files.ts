/**
 * Files that a user names for reports. Looked at before anything is read or sent, so that a mistake in a flag costs nothing; written in one step,
 * so that whoever reads them sees a whole report; and never over a file that is no such report, since a name that was forgotten behind a flag
 * would cost the source that follows it.
 */
import { appendFileSync, closeSync, openSync, readSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { usageError } from '../errors.js';
import { makeWithParents } from './state-dir.js';

/** Makes the folder. `beginning` is how a report of this kind begins. Throws usageError `report-unwritable` or `not-a-report`. */
export function reportPath(named: string, flag: string, beginning: string): string {
  const path = resolve(named);
  const refuse = (reason: string): Error =>
    usageError('report-unwritable', `${flag} ${named} cannot be written: ${reason}`, 'name another file');
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) throw refuse('it is a folder');
  try {
    if (found === undefined) makeWithParents(dirname(path));
    closeSync(openSync(path, 'a'));
    if (found === undefined) rmSync(path);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  if (found?.isFile() === true && found.size > 0 && !beginsWith(path, beginning)) {
    throw usageError(
      'not-a-report',
      `${flag} ${named}: this file exists, and it is no report`,
      'name another file, or remove this one',
    );
  }
  return path;
}

function beginsWith(path: string, beginning: string): boolean {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(Buffer.byteLength(beginning));
    return readSync(file, bytes, 0, bytes.length, 0) === bytes.length && bytes.toString('utf8') === beginning;
  } finally {
    closeSync(file);
  }
}

/** Replaces a file in one step; what is no file (a pipe, a terminal) is written to. Throws what the file system says. */
export function writeReport(path: string, text: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) {
    writeFileSync(path, text);
    return;
  }
  const next = `${path}.${process.pid}.new`;
  try {
    writeFileSync(next, text);
    renameSync(next, path);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}

/** GitHub takes no summary of a step that is larger, and then shows nothing of it. */
const MAX_STEP_SUMMARY_BYTES = 1024 * 1024;

/** False when there is no room left. Throws what the file system says. */
export function addToStepSummary(path: string, text: string): boolean {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size + Buffer.byteLength(text) > MAX_STEP_SUMMARY_BYTES) return false;
  appendFileSync(path, text);
  return true;
}
