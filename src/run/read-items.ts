/**
 * Read and map: blocks of records in, blocks of items out, in input order. Everything that happens to a record here is counted, and every
 * rejected row is told. The next block is only read when the last one was taken: this is where the upload slows the reader down.
 */
import { usageError } from '../errors.js';
import type { Observe } from '../events.js';
import type { Item, MapOutput, RecordBlock, RecordFate, Rejection, Source, SourceRecord } from '../model.js';
import type { Books } from './books.js';

export interface RecordMapper {
  map(record: SourceRecord, out: MapOutput): RecordFate;
}

export interface ReadOptions {
  /** Records to pass over at the start, over all sources. */
  readonly skip: number;
  /** Records to read after those, over all sources. */
  readonly limit: number;
}

export interface ItemBlock {
  readonly items: readonly Item[];
  /** Records read so far, this block included. */
  readonly records: number;
}

/** As many rows as may fail in the same way from the first row on before the mapping itself is held to be wrong. */
const SAME_MISTAKE = 100;

export async function* readItems(
  sources: readonly Source[],
  mapper: RecordMapper,
  books: Books,
  options: ReadOptions,
  observe: Observe,
  signal: AbortSignal,
): AsyncGenerator<ItemBlock> {
  const reader = new BlockReader(mapper, books, options, observe);
  for (const source of sources) {
    if (reader.finished) break;
    let consumed = 0;
    for await (const block of source.read(signal)) {
      const items = reader.take(block, block.bytesRead - consumed);
      consumed = block.bytesRead;
      yield { items, records: books.read };
      if (reader.finished || signal.aborted) break;
    }
    if (signal.aborted) return;
  }
  observe({ type: 'input-end' });
}

class BlockReader {
  readonly #mapper: RecordMapper;
  readonly #books: Books;
  readonly #observe: Observe;
  #skip: number;
  #left: number;
  #mistake: { readonly code: string; readonly message: string } | undefined;
  #mistakes = 0;

  constructor(mapper: RecordMapper, books: Books, options: ReadOptions, observe: Observe) {
    this.#mapper = mapper;
    this.#books = books;
    this.#observe = observe;
    this.#skip = options.skip;
    this.#left = options.limit;
  }

  get finished(): boolean {
    return this.#left <= 0;
  }

  take(block: RecordBlock, bytes: number): readonly Item[] {
    const books = this.#books;
    const before = { read: books.read, mapped: books.mapped, skipped: books.skipped, rejected: books.rejections };
    const out: MapOutput = { items: [], rejections: [] };
    books.inexactNumbers += block.inexactNumbers;
    books.bytesRead += bytes;
    for (const entry of block.entries) {
      if (this.#skip > 0) {
        this.#skip -= 1;
        continue;
      }
      if (this.#left <= 0) break;
      this.#left -= 1;
      books.read += 1;
      if (entry.kind === 'rejected') books.rejectRecord(entry);
      else this.#map(entry, out);
    }
    for (const item of out.items) books.countItem(item);
    this.#observe({
      type: 'read',
      source: block.source.id,
      records: books.read - before.read,
      mapped: books.mapped - before.mapped,
      skipped: books.skipped - before.skipped,
      rejected: books.rejections - before.rejected,
      items: out.items.length,
      bytes,
    });
    return out.items;
  }

  #map(record: SourceRecord, out: MapOutput): void {
    const books = this.#books;
    const fate = this.#mapper.map(record, out);
    if (fate === 'mapped') books.mapped += 1;
    else if (fate === 'skipped') books.skipped += 1;
    if (out.rejections.length === 0) {
      if (fate === 'mapped') this.#mistakes = -1;
      return;
    }
    if (fate === 'rejected') {
      const [first, ...others] = out.rejections;
      if (first !== undefined) this.#rejectWhole(first);
      for (const other of others) books.tell(other);
    } else {
      for (const rejection of out.rejections) books.rejectItem(rejection, false);
    }
    out.rejections.length = 0;
  }

  /** An expression that fails in the same way on the first hundred rows is a mistake in the mapping, not in the rows. */
  #rejectWhole(rejection: Rejection): void {
    this.#books.rejectRecord(rejection);
    if (this.#mistakes < 0 || rejection.code !== 'expression') {
      this.#mistakes = -1;
      return;
    }
    this.#mistake ??= rejection;
    if (this.#mistake.message !== rejection.message) this.#mistakes = -1;
    else this.#mistakes += 1;
    if (this.#mistakes >= SAME_MISTAKE) {
      throw usageError(
        'mapping-expression',
        `the first ${SAME_MISTAKE} rows all failed in the same way: ${rejection.message}`,
        'mend the mapping; zep-import preview shows single rows',
      );
    }
  }
}
