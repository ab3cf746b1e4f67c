/**
 * Writing to files that must be there after a crash: whole buffers at known places, names that are on disk, failures as errors a person
 * can act on.
 */
import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../errors.js';

const BUFFER_CHARS = 64 * 1024;

/** Only for their owner: they may hold the content of rows. */
const MODE = 0o600;

/** Opens a file for writing, does the work and closes it. Throws AppError `disk-full` or `rejects-unwritable` (disposition `ledger`). */
export function withFile<T>(path: string, flags: 'w' | 'r+', work: (file: number) => T): T {
  return explained(path, () => {
    const file = openSync(path, flags, MODE);
    try {
      return work(file);
    } finally {
      closeSync(file);
    }
  });
}

/** Writes all of `bytes` at `position`; a write that is cut short goes on or throws. */
export function writeWhole(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, position + done);
}

/** Makes new, renamed and removed names durable, where the system lets a folder be synchronised. */
export function syncFolder(folder: string): void {
  let file: number;
  try {
    file = openSync(folder, 'r');
  } catch {
    return; // Windows opens no folders, and keeps names in its journal
  }
  try {
    fsyncSync(file);
  } catch {
    // Some network file systems refuse; the names are theirs to keep then.
  } finally {
    closeSync(file);
  }
}

/** Replaces a text file in one step: whoever looks sees the old one or the whole new one, also after a crash. */
export function replaceText(path: string, parts: Iterable<string>): void {
  const next = `${path}.new`;
  withFile(next, 'w', (file) => {
    let position = 0;
    let pending = '';
    const write = (): void => {
      const bytes = Buffer.from(pending, 'utf8');
      writeWhole(file, bytes, position);
      position += bytes.length;
      pending = '';
    };
    for (const part of parts) {
      pending += part;
      if (pending.length >= BUFFER_CHARS) write();
    }
    write();
    fdatasyncSync(file);
  });
  explained(path, () => renameSync(next, path));
  syncFolder(dirname(path));
}

export function removeFile(path: string): void {
  explained(path, () => rmSync(path, { force: true }));
}

/** Does the work; what the file system says against it becomes an AppError that names the file. */
export function explained<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof AppError) throw error;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    throw new AppError(`${path} cannot be written: ${isFull ? 'the disk is full' : message}`, {
      code: isFull ? 'disk-full' : 'rejects-unwritable',
      disposition: 'ledger',
      hint: isFull
        ? 'make room, or name another folder with --state-dir'
        : 'make the folder writable, or name another one with --state-dir',
      cause: error,
    });
  }
}
