/**
 * Sorts any number of records in bounded memory: what fits is sorted in memory and stays there; of more, sorted runs are written to files and
 * merged, in several passes when there are very many. The order is that of two numbers, and of equal records that in which they were added.
 * The same records added in the same order come out in the same order, whatever the memory.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Merger } from './merger.js';
import { explained, SortedFileReader, SortedFileWriter, type SortedFile } from './sort-file.js';

export interface SortedRecord {
  readonly a: number;
  readonly b: number;
  /** Valid until the next batch is asked for. */
  readonly bytes: Buffer;
}

export interface SorterOptions {
  /** Made when it is needed, and removed with everything in it by `close`. */
  readonly folder: string;
  readonly memoryBytes: number;
  /** Ends the work with its reason. */
  readonly signal: AbortSignal;
  readonly onRunWritten?: () => void;
  readonly onMerged?: () => void;
}

/** What an entry costs beside its bytes. */
const ENTRY_BYTES = 8 + 8 + 4 + 4;
const FIRST_BYTES = 64 * 1024;
const MOST_BUFFER_BYTES = 256 * 1024;
const LEAST_BUFFER_BYTES = 4 * 1024;
/** As many files are open at once. */
const MOST_FAN_IN = 64;
const BATCH_RECORDS = 500;
const BATCH_BYTES = 512 * 1024;

export class ExternalSorter {
  readonly #options: SorterOptions;
  readonly #fanIn: number;
  readonly #bufferBytes: number;
  #arena = Buffer.allocUnsafeSlow(0);
  #used = 0;
  #count = 0;
  #a = new Float64Array(256);
  #b = new Float64Array(256);
  /** Where each entry begins; one more than there are entries. */
  #starts = new Float64Array(257);
  #isSorted = true;
  #files: SortedFile[] = [];
  #named = 0;
  #total = 0;
  #onDisk = 0;
  #mostOnDisk = 0;
  #merger: Merger | undefined;

  constructor(options: SorterOptions) {
    this.#options = options;
    this.#fanIn = Math.max(2, Math.min(MOST_FAN_IN, Math.floor(options.memoryBytes / MOST_BUFFER_BYTES)));
    const share = Math.floor(options.memoryBytes / (this.#fanIn + 1));
    this.#bufferBytes = Math.max(LEAST_BUFFER_BYTES, Math.min(MOST_BUFFER_BYTES, share));
  }

  /** Records added so far. */
  get size(): number {
    return this.#total;
  }

  /** The most that lay on disk at one moment, in bytes. */
  get mostOnDisk(): number {
    return this.#mostOnDisk;
  }

  /** Copies a record whose bytes are `head` and then `body`; the promise must be waited for when there is one. */
  add(a: number, b: number, head: Uint8Array, body: Uint8Array): void | Promise<void> {
    const needed = head.length + body.length;
    const isFull = this.#used + needed + (this.#count + 1) * ENTRY_BYTES > this.#options.memoryBytes;
    if (isFull && this.#count > 0) return this.#spill().then(() => this.#copy(a, b, head, body));
    this.#copy(a, b, head, body);
  }

  #copy(a: number, b: number, head: Uint8Array, body: Uint8Array): void {
    const at = this.#count;
    if (at >= this.#a.length) this.#growEntries();
    const needed = this.#used + head.length + body.length;
    if (needed > this.#arena.length) this.#growArena(needed);
    this.#arena.set(head, this.#used);
    this.#arena.set(body, this.#used + head.length);
    this.#used = needed;
    this.#a[at] = a;
    this.#b[at] = b;
    this.#starts[at + 1] = needed;
    this.#count += 1;
    this.#total += 1;
    if (at > 0 && this.#compare(at - 1, at) > 0) this.#isSorted = false;
  }

  #growEntries(): void {
    const length = this.#a.length * 2;
    this.#a = grown(this.#a, length);
    this.#b = grown(this.#b, length);
    this.#starts = grown(this.#starts, length + 1);
  }

  #growArena(needed: number): void {
    const doubled = Math.max(FIRST_BYTES, Math.min(this.#arena.length * 2, this.#options.memoryBytes));
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, doubled));
    this.#arena.copy(larger, 0, 0, this.#used);
    this.#arena = larger;
  }

  #compare(x: number, y: number): number {
    const ax = this.#a[x] ?? 0;
    const ay = this.#a[y] ?? 0;
    if (ax !== ay) return ax < ay ? -1 : 1;
    const bx = this.#b[x] ?? 0;
    const by = this.#b[y] ?? 0;
    if (bx !== by) return bx < by ? -1 : 1;
    return x - y;
  }

  /** The entries in memory in their order. */
  #order(): Uint32Array {
    const order = new Uint32Array(this.#count);
    for (let i = 0; i < order.length; i++) order[i] = i;
    return this.#isSorted ? order : order.sort((x, y) => this.#compare(x, y));
  }

  #bytesOf(entry: number): Buffer {
    return this.#arena.subarray(this.#starts[entry] ?? 0, this.#starts[entry + 1] ?? 0);
  }

  /** Moves what is in memory to a file of its own. */
  async #spill(): Promise<void> {
    const order = this.#order();
    const file = await this.#written(async (writer) => {
      for (const entry of order) {
        const writing = writer.put(this.#a[entry] ?? 0, this.#b[entry] ?? 0, this.#bytesOf(entry));
        if (writing === undefined) continue;
        await writing;
        this.#options.signal.throwIfAborted();
      }
    });
    this.#files.push(file);
    this.#used = 0;
    this.#count = 0;
    this.#isSorted = true;
    this.#options.onRunWritten?.();
  }

  async #written(work: (writer: SortedFileWriter) => Promise<void>): Promise<SortedFile> {
    const { folder } = this.#options;
    await explained(folder, () => mkdir(folder, { recursive: true, mode: 0o700 }));
    const path = join(folder, `run-${String(++this.#named).padStart(6, '0')}`);
    const writer = await SortedFileWriter.create(path, this.#bufferBytes);
    let file: SortedFile;
    try {
      await work(writer);
      file = await writer.finish();
    } catch (error) {
      await writer.close().catch(() => undefined);
      throw error;
    }
    this.#onDisk += file.bytes;
    this.#mostOnDisk = Math.max(this.#mostOnDisk, this.#onDisk);
    return file;
  }

  /** Everything was added: brings it so far that the records can be read. */
  async finish(): Promise<void> {
    if (this.#files.length === 0) return;
    if (this.#count > 0) await this.#spill();
    this.#arena = Buffer.alloc(0);
    this.#a = this.#b = this.#starts = new Float64Array(0);
    while (this.#files.length > this.#fanIn) await this.#mergePass();
  }

  /** Neighbours are merged, as many at once as may be open, so that equal records keep their order. */
  async #mergePass(): Promise<void> {
    const merged: SortedFile[] = [];
    const files = this.#files;
    for (let from = 0; from < files.length; from += this.#fanIn) {
      const group = files.slice(from, from + this.#fanIn);
      merged.push(group.length === 1 && group[0] !== undefined ? group[0] : await this.#merged(group));
    }
    this.#files = merged;
  }

  async #merged(group: readonly SortedFile[]): Promise<SortedFile> {
    const merger = await this.#open(group);
    const file = await this.#written(async (writer) => {
      for (let top = merger.top; top !== undefined; top = merger.top) {
        const writing = writer.put(top.a, top.b, top.bytes);
        if (writing !== undefined) {
          await writing;
          this.#options.signal.throwIfAborted();
        }
        const moving = merger.advance();
        if (moving !== undefined) await moving;
      }
    });
    for (const { bytes } of group) this.#onDisk -= bytes;
    this.#merger = undefined;
    this.#options.onMerged?.();
    return file;
  }

  async #open(group: readonly SortedFile[]): Promise<Merger> {
    const readers: SortedFileReader[] = [];
    try {
      for (const [rank, file] of group.entries()) {
        readers.push(await SortedFileReader.open(file, rank, this.#bufferBytes));
      }
      this.#merger = await Merger.of(readers);
      return this.#merger;
    } catch (error) {
      for (const reader of readers) await reader.close().catch(() => undefined);
      throw error;
    }
  }

  /** The records in their order, once, after `finish`. */
  async *sorted(): AsyncGenerator<readonly SortedRecord[]> {
    const { signal } = this.#options;
    if (this.#files.length === 0) {
      const order = this.#order();
      for (let from = 0; from < order.length; from += BATCH_RECORDS) {
        signal.throwIfAborted();
        yield Array.from(order.subarray(from, from + BATCH_RECORDS), (entry) => ({
          a: this.#a[entry] ?? 0,
          b: this.#b[entry] ?? 0,
          bytes: this.#bytesOf(entry),
        }));
      }
      return;
    }
    const merger = await this.#open(this.#files);
    let batch: SortedRecord[] = [];
    let bytes = 0;
    for (let top = merger.top; top !== undefined; top = merger.top) {
      batch.push({ a: top.a, b: top.b, bytes: Buffer.from(top.bytes) });
      bytes += top.bytes.length;
      const moving = merger.advance();
      if (moving !== undefined) await moving;
      if (batch.length < BATCH_RECORDS && bytes < BATCH_BYTES) continue;
      signal.throwIfAborted();
      yield batch;
      batch = [];
      bytes = 0;
    }
    if (batch.length > 0) yield batch;
  }

  /** Frees everything and removes the folder. */
  async close(): Promise<void> {
    await this.#merger?.close();
    this.#arena = Buffer.alloc(0);
    if (this.#named > 0) await rm(this.#options.folder, { recursive: true, force: true });
  }
}

function grown(from: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length);
  larger.set(from);
  return larger;
}
