/**
 * The list of rejected rows of a run: where each stands and why, a JSON object a line. Reasons only, no row content. Written in large pieces;
 * a disk that takes no more is told once and does not stop the import.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Rejection } from '../model.js';

const FLUSH_CHARS = 64 * 1024;

export class RejectsLog {
  readonly path: string;
  readonly #onFailure: (error: unknown) => void;
  #file: number | undefined;
  #pending: string[] = [];
  #chars = 0;
  #broken = false;
  written = 0;

  /** The file is made with the first rejection, mode 0600. */
  constructor(path: string, onFailure: (error: unknown) => void) {
    this.path = path;
    this.#onFailure = onFailure;
  }

  add({ stage, code, message, position, item, field }: Rejection): void {
    if (this.#broken) return;
    const line = JSON.stringify({
      source: position.source.id,
      line: position.line,
      ordinal: position.ordinal,
      byte_start: position.byteStart,
      byte_end: position.byteEnd,
      item,
      stage,
      code,
      field,
      message,
    });
    this.#pending.push(line, '\n');
    this.#chars += line.length + 1;
    this.written += 1;
    if (this.#chars >= FLUSH_CHARS) this.flush();
  }

  flush(): void {
    if (this.#pending.length === 0 || this.#broken) return;
    try {
      this.#file ??= openSync(this.path, 'w', 0o600);
      writeSync(this.#file, this.#pending.join(''));
    } catch (error) {
      this.#broken = true;
      this.#onFailure(error);
    }
    this.#pending = [];
    this.#chars = 0;
  }

  close(): void {
    this.flush();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}
