/**
 * Some rows of earlier sources, to be imported again: those that were rejected, and those whose items failed. A source gives only the wanted
 * records, entering the file anew where that is quicker than reading on; the mapper gives only the wanted items of a record.
 */
import type { Item, MapOutput, Position, RecordBlock, RecordFate, Source, SourceRecord } from '../model.js';
import type { RecordMapper } from './read-items.js';

export interface Wanted {
  readonly source: number;
  readonly ordinal: number;
  readonly line: number;
  readonly byteStart: number;
  /** -1: all items of the record. */
  readonly item: number;
  readonly part: number;
  /** Which of several equal items it was, where that is known. */
  readonly occurrence: number | undefined;
  /** What it was known by. */
  readonly mark: Uint32Array | undefined;
  /** All records from this one on: a document that could not be read was told as one. */
  readonly toEnd?: boolean;
}

/** So far ahead, entering the source anew is quicker than reading on. */
const JUMP_BYTES = 8 * 1024 * 1024;

export class Selection {
  readonly #bySource = new Map<number, Wanted[]>();
  readonly #byRecord = new Map<string, Wanted[]>();
  /** By source: the first of the records that are wanted to the end. */
  readonly #endless = new Map<number, Wanted>();
  /** Which parts an item has may be another matter by now. */
  readonly #ignoresParts: boolean;

  constructor(wanted: Iterable<Wanted>, ignoresParts: boolean) {
    this.#ignoresParts = ignoresParts;
    for (const each of wanted) {
      if (each.toEnd === true) this.#endless.set(each.source, each);
      const key = `${each.source}:${each.ordinal}`;
      const same = this.#byRecord.get(key);
      if (same !== undefined) {
        same.push(each);
        continue;
      }
      this.#byRecord.set(key, [each]);
      const records = this.#bySource.get(each.source) ?? [];
      records.push(each);
      this.#bySource.set(each.source, records);
    }
    for (const records of this.#bySource.values()) records.sort((a, b) => a.ordinal - b.ordinal);
  }

  get records(): number {
    return this.#byRecord.size;
  }

  /** The indexes of the sources that hold wanted records. */
  get sources(): readonly number[] {
    return [...this.#bySource.keys()].sort((a, b) => a - b);
  }

  /** A source that gives only the wanted records. */
  of(source: Source): Source {
    const records = this.#bySource.get(source.info.index) ?? [];
    return {
      info: source.info,
      read: (signal, from, tap) =>
        this.#endless.has(source.info.index)
          ? source.read(signal, from, tap)
          : wantedBlocks(source, records, signal, from?.ordinal ?? 0, tap),
    };
  }

  #of({ source, ordinal }: Position): readonly Wanted[] {
    const found = this.#byRecord.get(`${source.index}:${ordinal}`);
    const endless = this.#endless.get(source.index);
    return found ?? (endless === undefined || ordinal < endless.ordinal ? [] : [endless]);
  }

  /** A mapper that gives only the wanted items. */
  mapper(inner: RecordMapper): RecordMapper {
    return {
      map: (record: SourceRecord, out: MapOutput): RecordFate => {
        const wanted = this.#of(record.position);
        if (wanted.some(({ item }) => item < 0)) return inner.map(record, out);
        const mapped: MapOutput = { items: [], rejections: [] };
        const fate = inner.map(record, mapped);
        if (fate !== 'mapped') {
          out.rejections.push(...mapped.rejections);
          return fate;
        }
        const items = mapped.items.filter((item) => this.wantedOf(item) !== undefined);
        const rejections = mapped.rejections.filter(({ item }) => wanted.some((each) => each.item === item));
        out.items.push(...items);
        out.rejections.push(...rejections);
        return items.length + rejections.length === 0 ? 'skipped' : fate;
      },
    };
  }

  /** What is known of an item from when it was sent or rejected; undefined when it is not wanted. */
  wantedOf({ position, index, part }: Item): Wanted | undefined {
    return this.#of(position).find(
      (each) => each.item < 0 || (each.item === index && (this.#ignoresParts || each.part === (part?.index ?? 0))),
    );
  }
}

async function* wantedBlocks(
  source: Source,
  records: readonly Wanted[],
  signal: AbortSignal,
  fromOrdinal: number,
  tap: Parameters<Source['read']>[2],
): AsyncGenerator<RecordBlock> {
  const isWanted = new Set(records.map(({ ordinal }) => ordinal));
  let next = records.findIndex(({ ordinal }) => ordinal >= fromOrdinal);
  if (next < 0) return;
  // A tap wants all of the content: then there is no jumping about.
  const canJump = tap === undefined && source.info.compression === 'none';
  for (;;) {
    const first = records[next];
    if (first === undefined) return;
    let jump = false;
    for await (const block of source.read(signal, canJump ? first : undefined, tap)) {
      const entries = block.entries.filter(
        ({ position }) => position.ordinal >= fromOrdinal && isWanted.has(position.ordinal),
      );
      const last = block.entries.at(-1)?.position;
      if (entries.length > 0) yield picked(block, entries);
      while (last !== undefined && (records[next]?.ordinal ?? Infinity) <= last.ordinal) next += 1;
      const wanted = records[next];
      if (wanted === undefined) return;
      jump = canJump && last !== undefined && wanted.byteStart - last.byteEnd > JUMP_BYTES;
      if (jump) break;
    }
    if (!jump) return;
  }
}

function picked(block: RecordBlock, entries: RecordBlock['entries']): RecordBlock {
  return {
    source: block.source,
    entries,
    bytesRead: block.bytesRead,
    inexactNumbers: block.inexactNumbers,
    head: block.head,
    raw: (position: Position) => block.raw(position),
  };
}
