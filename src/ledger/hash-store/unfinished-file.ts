/**
 * A file that is there as a whole or not at all: written under another name, made durable, and only then renamed. A crash leaves a file
 * that ends in `.tmp`, which nobody opens and the next writer of that name replaces.
 */
import { closeSync, fsync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const synced = promisify(fsync);

/** All methods throw the errors of the system as they are. */
export class UnfinishedFile {
  readonly #path: string;
  /** What the file is called so far. */
  #name: string;
  readonly #file: number;
  #isOpen = true;

  /** Readable and writable by its owner alone. */
  constructor(path: string) {
    this.#path = path;
    this.#name = `${path}.tmp`;
    rmSync(this.#name, { force: true });
    this.#file = openSync(this.#name, 'wx', 0o600);
  }

  write(bytes: Uint8Array, position: number): void {
    let done = 0;
    while (done < bytes.length) done += writeSync(this.#file, bytes, done, bytes.length - done, position + done);
  }

  /** Makes the file durable, then gives it its name, durably. */
  publish(): void {
    fsyncSync(this.#file);
    this.#rename();
    const folder = openFolder(dirname(this.#path));
    if (folder === undefined) return;
    try {
      fsyncSync(folder);
    } catch (error) {
      ignoreUnsyncable(error);
    } finally {
      closeSync(folder);
    }
  }

  /** As `publish`, while the program goes on. Rejects with the signal's reason; the file is to be discarded then. */
  async publishInBackground(signal: AbortSignal): Promise<void> {
    await synced(this.#file);
    signal.throwIfAborted();
    this.#rename();
    const folder = openFolder(dirname(this.#path));
    if (folder === undefined) return;
    try {
      await synced(folder);
    } catch (error) {
      ignoreUnsyncable(error);
    } finally {
      closeSync(folder);
    }
    signal.throwIfAborted();
  }

  /** Removes the file, whatever it is called by now. */
  discard(): void {
    this.#close();
    rmSync(this.#name, { force: true });
  }

  #rename(): void {
    this.#close();
    renameSync(this.#name, this.#path);
    this.#name = this.#path;
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#file);
  }
}

/** Undefined on systems that do not open folders. */
function openFolder(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    ignoreUnsyncable(error);
    return undefined;
  }
}

/** Some systems and network disks cannot open or sync a folder; they make a rename durable in their own way. */
function ignoreUnsyncable(error: unknown): void {
  if (!['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
}
