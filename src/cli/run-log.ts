/**
 * What a run has said, in its folder: the plain lines of its progress with the time of each, one try behind the other. For whoever looks into it
 * later; a disk that takes no more loses lines, never the run.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';

export class RunLog extends Writable {
  #file: number | undefined;
  #rest = '';

  /** Appends to the file at `path`, mode 0600. */
  constructor(path: string) {
    super({ decodeStrings: false });
    try {
      this.#file = openSync(path, 'a', 0o600);
    } catch {
      // Nothing is lost that is not told elsewhere.
    }
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    const lines = (this.#rest + chunk.toString()).split('\n');
    this.#rest = lines.pop() ?? '';
    const now = new Date().toISOString();
    this.#append(lines.map((line) => `${now} ${line}\n`).join(''));
    done();
  }

  #append(text: string): void {
    if (this.#file === undefined || text === '') return;
    try {
      writeSync(this.#file, text);
    } catch {
      this.closeFile();
    }
  }

  closeFile(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}
