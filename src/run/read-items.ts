/**
 * Read and map: blocks of records in, blocks of items out, in input order. Everything that happens to a record here is counted, and every
 * rejected row is told. The next block is only read when the last one was taken: this is where the upload slows the reader down.
 */
import { usageError } from '../errors.js';
import type { Observe } from '../events.js';
import type { Frontier } from '../ledger/runs.js';
import type {
  ContentTap,
  Item,
  MapOutput,
  Position,
  RecordBlock,
  RecordFate,
  Rejection,
  Source,
  SourceRecord,
} from '../model.js';
import type { Books } from './books.js';

export interface RecordMapper {
  map(record: SourceRecord, out: MapOutput): RecordFate;
}

export interface ReadOptions {
  /** Records to pass over at the start, over all sources. */
  readonly skip: number;
  /** Records to read after those, over all sources. */
  readonly limit: number;
  /** Where an earlier try of the run left off; its counts are in the books already. */
  readonly from?: Frontier | undefined;
  /** Reading begins here, at or before `from`: at the beginning of the input when undefined. What lies between is passed over. */
  readonly begin?: Frontier | undefined;
}

export interface ReadDeps {
  /** By their index; absent ones are not read. */
  readonly sources: readonly (Source | undefined)[];
  readonly mapper: RecordMapper;
  readonly books: Books;
  readonly observe: Observe;
  readonly tapOf?: ((index: number) => ContentTap | undefined) | undefined;
  /** Told before a block is mapped, while its text can be read. */
  readonly onBlock?: (block: RecordBlock) => void;
  /** Wants the items of records that are passed over, before the others of their block. */
  readonly onPassed?: (item: Item) => void;
}

export interface ItemBlock {
  readonly items: readonly Item[];
  /** Records read so far, this block included. */
  readonly records: number;
  /** Bytes read so far, this block included. */
  readonly bytes: number;
  /** Where it begins, and what was counted before it; undefined for a block without records. */
  readonly start: { readonly place: Frontier; readonly totals: Record<string, number> } | undefined;
  /** Where it begins, also when its records are passed over. */
  readonly place: Frontier | undefined;
}

/** As many rows as may fail in the same way from the first row on before the mapping itself is held to be wrong. */
const SAME_MISTAKE = 100;

export async function* readItems(deps: ReadDeps, options: ReadOptions, signal: AbortSignal): AsyncGenerator<ItemBlock> {
  const { books, observe } = deps;
  const reader = new BlockReader(deps, options);
  const { begin } = options;
  for (const source of deps.sources) {
    if (source === undefined || source.info.index < (begin?.source ?? 0)) continue;
    if (reader.finished) break;
    const isEntered = begin !== undefined && source.info.index === begin.source;
    const isPassed = source.info.index < (options.from?.source ?? 0);
    let consumed = isPassed ? Number.POSITIVE_INFINITY : Math.max(0, books.bytesRead - books.bytesBefore);
    for await (const block of source.read(signal, isEntered ? begin : undefined, deps.tapOf?.(source.info.index))) {
      deps.onBlock?.(block);
      yield reader.take(block, Math.max(0, block.bytesRead - consumed));
      consumed = Math.max(consumed, block.bytesRead);
      if (reader.finished || signal.aborted) break;
    }
    if (signal.aborted) return;
    if (!isPassed) books.bytesBefore = books.bytesRead;
  }
  observe({ type: 'input-end' });
}

class BlockReader {
  readonly #deps: ReadDeps;
  readonly #from: Frontier | undefined;
  readonly #skip: number;
  readonly #limit: number;
  #skipped: number;
  #mistake: { readonly code: string; readonly message: string } | undefined;
  #mistakes = 0;

  constructor(deps: ReadDeps, options: ReadOptions) {
    this.#deps = deps;
    this.#from = options.from;
    this.#skip = options.skip;
    this.#limit = options.limit;
    // What lies before the place to go on from was skipped by the try that read it.
    this.#skipped = options.from === undefined ? 0 : options.skip;
    // A try before this one had good rows.
    if (deps.books.mapped > 0) this.#mistakes = -1;
  }

  get finished(): boolean {
    return this.#deps.books.read >= this.#limit;
  }

  take(block: RecordBlock, bytes: number): ItemBlock {
    const { books, observe } = this.#deps;
    const first = block.entries[0]?.position;
    const isBehind = first !== undefined && !this.#isPassed(first) && this.#skipped >= this.#skip;
    const start = isBehind ? { place: placeOf(first), totals: books.totals() } : undefined;
    const before = { read: books.read, mapped: books.mapped, skipped: books.skipped, rejected: books.rejections };
    const out: MapOutput = { items: [], rejections: [] };
    if (isBehind) books.inexactNumbers += block.inexactNumbers;
    books.bytesRead += bytes;
    for (const entry of block.entries) {
      if (this.#passesOver(entry.position)) {
        if (entry.kind === 'record' && this.#deps.onPassed !== undefined) this.#pass(entry);
        continue;
      }
      if (this.finished) break;
      books.read += 1;
      if (entry.kind === 'rejected') books.rejectRecord(entry);
      else this.#map(entry, out);
    }
    for (const item of out.items) books.countItem(item);
    observe({
      type: 'read',
      source: block.source.id,
      records: books.read - before.read,
      mapped: books.mapped - before.mapped,
      skipped: books.skipped - before.skipped,
      rejected: books.rejections - before.rejected,
      items: out.items.length,
      bytes,
    });
    const place = first === undefined ? undefined : placeOf(first);
    return { items: out.items, records: books.read, bytes: books.bytesRead, start, place };
  }

  #isPassed({ source, ordinal }: Position): boolean {
    const from = this.#from;
    return (
      from !== undefined && (source.index < from.source || (source.index === from.source && ordinal < from.ordinal))
    );
  }

  #passesOver(position: Position): boolean {
    if (this.#isPassed(position)) return true;
    if (this.#skipped >= this.#skip) return false;
    this.#skipped += 1;
    return true;
  }

  #pass(record: SourceRecord): void {
    const out: MapOutput = { items: [], rejections: [] };
    this.#deps.mapper.map(record, out);
    for (const item of out.items) this.#deps.onPassed?.(item);
  }

  #map(record: SourceRecord, out: MapOutput): void {
    const { books, mapper } = this.#deps;
    const fate = mapper.map(record, out);
    if (fate === 'mapped') books.mapped += 1;
    else if (fate === 'skipped') books.skipped += 1;
    if (out.rejections.length === 0) {
      if (fate === 'mapped') this.#mistakes = -1;
      return;
    }
    if (fate === 'rejected') {
      const [first, ...others] = out.rejections;
      if (first !== undefined) this.#rejectWhole(first);
      for (const [index, other] of others.entries()) {
        books.tell(other, { no: index + 1, refused: false, isRecord: true });
      }
    } else {
      for (const rejection of out.rejections) books.rejectMapped(rejection);
    }
    out.rejections.length = 0;
  }

  /** An expression that fails in the same way on the first hundred rows is a mistake in the mapping, not in the rows. */
  #rejectWhole(rejection: Rejection): void {
    this.#deps.books.rejectRecord(rejection);
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

function placeOf({ source, ordinal, line, byteStart }: Position): Frontier {
  return { source: source.index, ordinal, line, byteStart };
}
