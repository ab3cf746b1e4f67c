/**
 * Recognises where the next element of a JSON array begins when brackets and quotes can no longer be trusted. Programs that write arrays
 * begin each element on a line of its own with the same indentation; that line beginning is the marker. It is learned from sound
 * elements and given up for good as soon as one contradicts it: an element that begins elsewhere, or holds the marker inside.
 */
const OPEN_OBJECT = 0x7b;

export class RowMarker {
  #pattern: Buffer | undefined;
  #indent: string | undefined;
  #unusable = false;

  get indent(): string | undefined {
    return this.#indent;
  }

  get known(): boolean {
    return this.#pattern !== undefined;
  }

  /** A sound element in `[start, end)`; `indent` is what stands before it on its line, undefined when more than blanks does. */
  learn(bytes: Buffer, start: number, end: number, indent: string | undefined, manyLines: boolean): void {
    if (this.#unusable || (indent === undefined && this.#pattern === undefined)) return;
    if (bytes[start] !== OPEN_OBJECT) this.#giveUp();
    else if (this.#pattern === undefined) {
      this.#indent = indent;
      this.#pattern = Buffer.from(`\n${indent ?? ''}{`);
    } else if (indent === undefined || this.#indent !== indent) this.#giveUp();
    if (manyLines && this.find(bytes.subarray(0, end), start + 1) >= 0) this.#giveUp();
  }

  /** Index of the first byte of the next element after `from`, or -1. */
  find(bytes: Buffer, from: number): number {
    if (this.#pattern === undefined) return -1;
    const at = bytes.indexOf(this.#pattern, from);
    return at < 0 ? -1 : at + this.#pattern.length - 1;
  }

  #giveUp(): void {
    this.#pattern = undefined;
    this.#unusable = true;
  }
}
