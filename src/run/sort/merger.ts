/** Several sorted files as one: the least record of all is at hand, and of equal ones that of the file with the lowest rank. */
import type { SortedFileReader } from './sort-file.js';

export class Merger {
  readonly #heap: SortedFileReader[] = [];

  /** Takes over the readers; each is removed with its file when it is at its end. */
  static async of(readers: readonly SortedFileReader[]): Promise<Merger> {
    const merger = new Merger();
    for (const reader of readers) {
      if (await reader.advance()) merger.#push(reader);
      else await reader.remove();
    }
    return merger;
  }

  /** The reader with the record that is next; undefined at the end. */
  get top(): SortedFileReader | undefined {
    return this.#heap[0];
  }

  /** Goes on to the next record; the promise must be waited for when there is one. */
  advance(): void | Promise<void> {
    const more = this.#heap[0]?.advance();
    if (more === true) this.#siftDown();
    else if (more !== undefined) return this.#settle(more);
  }

  async #settle(advancing: boolean | Promise<boolean>): Promise<void> {
    if (await advancing) {
      this.#siftDown();
      return;
    }
    const [ended] = this.#heap;
    const last = this.#heap.pop();
    if (last !== undefined && last !== ended) {
      this.#heap[0] = last;
      this.#siftDown();
    }
    await ended?.remove();
  }

  #push(reader: SortedFileReader): void {
    const heap = this.#heap;
    let at = heap.push(reader) - 1;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || !isBefore(reader, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = reader;
  }

  #siftDown(): void {
    const heap = this.#heap;
    const reader = heap[0];
    if (reader === undefined) return;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = heap[childAt];
      const other = heap[childAt + 1];
      if (child !== undefined && other !== undefined && isBefore(other, child)) {
        childAt += 1;
        child = other;
      }
      if (child === undefined || !isBefore(child, reader)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = reader;
  }

  /** Closes what is left; the files stay. */
  async close(): Promise<void> {
    for (const reader of this.#heap.splice(0)) await reader.close();
  }
}

function isBefore(x: SortedFileReader, y: SortedFileReader): boolean {
  if (x.a !== y.a) return x.a < y.a;
  if (x.b !== y.b) return x.b < y.b;
  return x.rank < y.rank;
}
