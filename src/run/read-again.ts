/**
 * Reads items a second time, exactly those that stored chunks name by position: what a draft is made anew from. The bytes are compared with
 * the digest taken when they were first sent, so that a file changed in between is found out and never mixed into a batch.
 */
import { createHash } from 'node:crypto';
import { AppError } from '../errors.js';
import { Chunker } from '../lanes/chunker.js';
import { EncodedBlock, MARK_WORDS } from '../lanes/encoded-block.js';
import type { StoredChunk } from '../ledger/batches.js';
import type { StoredPosition } from '../ledger/ledger.js';
import { wordsOf } from '../ledger/marks.js';
import type { Item, MapOutput, Source } from '../model.js';
import type { Destinations, Misplaced } from './destinations.js';
import type { ChunkAgain, ReadAgain } from './drafts.js';
import type { RecordMapper } from './read-items.js';

/** Reading so many bytes again takes about a second. */
const CHEAP_BYTES = 256 * 1024 * 1024;
/** Rows of chunks that are read in one pass may be so long together, each with what its item costs in memory. */
const GROUP_BYTES = 16 * 1024 * 1024;
const ITEM_BYTES = 500;

/** Gives a source of the run for a second reading, from the start. Throws AppError when that is impossible (a pipe without a spool). */
export type OpenAgain = (index: number) => Promise<Source>;

/**
 * `outOfOrder`: set when the items of a chunk may lie anywhere in the sources, which hold so many bytes. Then several chunks are read in one
 * pass, in the order of the input.
 */
export function readAgainFrom(
  openAgain: OpenAgain,
  mapper: RecordMapper,
  destinations: Destinations,
  outOfOrder?: { readonly bytes: () => number },
): ReadAgain {
  return {
    isCheap: (first) => (outOfOrder?.bytes() ?? first.byteStart) < CHEAP_BYTES,
    async *read(chunks, lane, signal) {
      const items = new ItemReader(openAgain, mapper, signal);
      const groups = outOfOrder === undefined ? oneByOne(chunks) : inGroups(chunks);
      try {
        for (const group of groups) {
          for (const [stored, found] of await itemsOf(group, items)) {
            yield await again(stored, found, lane, destinations, signal);
          }
        }
      } finally {
        await items.close();
      }
    },
  };
}

interface WantedChunk {
  readonly stored: StoredChunk;
  readonly positions: readonly StoredPosition[];
}

function* oneByOne(chunks: Iterable<StoredChunk>): Generator<readonly WantedChunk[]> {
  for (const stored of chunks) yield [{ stored, positions: [...stored.positions()] }];
}

/** As many chunks as may be held in memory. */
function* inGroups(chunks: Iterable<StoredChunk>): Generator<readonly WantedChunk[]> {
  let group: WantedChunk[] = [];
  let bytes = 0;
  for (const stored of chunks) {
    const positions = [...stored.positions()];
    group.push({ stored, positions });
    for (const { byteStart, byteEnd } of positions) bytes += byteEnd - byteStart + ITEM_BYTES;
    if (bytes < GROUP_BYTES) continue;
    yield group;
    group = [];
    bytes = 0;
  }
  if (group.length > 0) yield group;
}

/** The items of each chunk in its order, read in that of the input. */
async function itemsOf(
  group: readonly WantedChunk[],
  items: ItemReader,
): Promise<readonly (readonly [StoredChunk, readonly Item[]])[]> {
  const wanted = group.flatMap(({ positions }, chunk) => positions.map((position, at) => ({ position, chunk, at })));
  wanted.sort((x, y) => x.position.source - y.position.source || x.position.ordinal - y.position.ordinal);
  const found = group.map(({ stored, positions }) => [stored, new Array<Item>(positions.length)] as const);
  for (const { position, chunk, at } of wanted) {
    const list = found[chunk]?.[1];
    if (list !== undefined) list[at] = await items.at(position);
  }
  return found;
}

async function again(
  stored: StoredChunk,
  items: readonly Item[],
  lane: number,
  destinations: Destinations,
  signal: AbortSignal | undefined,
): Promise<ChunkAgain> {
  const chunker = new Chunker(lane, { items: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY });
  const block = new EncodedBlock();
  const marks = stored.marks === undefined ? undefined : wordsOf(stored.marks);
  for (const [at, item] of items.entries()) {
    block.add(item);
    if (marks !== undefined) block.setMark(at, marks.subarray(at * MARK_WORDS, (at + 1) * MARK_WORDS));
  }
  const found = block.items;
  await destinations.ensure(found, signal);
  const misplaced = new Map<number, Misplaced>();
  for (const [index, item] of found.entries()) {
    const slot = destinations.place(item);
    if (typeof slot !== 'number') misplaced.set(index, slot);
    chunker.add(block, index, typeof slot === 'number' ? slot : 0);
  }
  const chunk = chunker.take();
  if (chunk === undefined || createHash('sha256').update(chunk.body).digest('hex') !== stored.digest) {
    throw sourceChanged(found[0]?.position.source.id ?? 'a source', found[0]?.position.line ?? 0);
  }
  return { chunk, misplaced };
}

function sourceChanged(source: string, line: number): AppError {
  return new AppError(`${source} changed while it was being imported (near line ${line})`, {
    code: 'source-changed',
    disposition: 'ledger',
    hint: 'import from a copy that does not change: --restart begins anew, and deletes the drafts of this run',
  });
}

/** So far ahead, entering the source anew is quicker than reading on. */
const JUMP_BYTES = 8 * 1024 * 1024;

/** Walks through the sources to one wanted position after the other: forward, or anew from one that lies before the last. */
class ItemReader {
  readonly #openAgain: OpenAgain;
  readonly #mapper: RecordMapper;
  readonly #signal: AbortSignal;
  #source = -1;
  #name = '';
  #canJump = true;
  #records: AsyncGenerator<{ readonly ordinal: number; readonly items: readonly Item[] }> | undefined;
  #wanted = -1;
  #byte = 0;
  #current: { readonly ordinal: number; readonly items: readonly Item[] } | undefined;

  constructor(openAgain: OpenAgain, mapper: RecordMapper, signal: AbortSignal | undefined) {
    this.#openAgain = openAgain;
    this.#mapper = mapper;
    this.#signal = signal ?? new AbortController().signal;
  }

  async at(wanted: StoredPosition): Promise<Item> {
    if (wanted.source !== this.#source || wanted.ordinal < this.#wanted) await this.#open(wanted);
    // A compressed source is read from its beginning wherever it is entered.
    else if (this.#canJump && wanted.byteStart - this.#byte > JUMP_BYTES) await this.#open(wanted);
    this.#wanted = wanted.ordinal;
    this.#byte = wanted.byteStart;
    while (this.#current?.ordinal !== wanted.ordinal) {
      const next = await this.#records?.next();
      if (next === undefined || next.done === true) throw sourceChanged(this.#name, wanted.line);
      this.#current = next.value;
    }
    const item = this.#current.items.find(
      (each) => each.index === wanted.item && (each.part?.index ?? 0) === wanted.part,
    );
    if (item === undefined) throw sourceChanged(this.#name, wanted.line);
    return item;
  }

  async #open(wanted: StoredPosition): Promise<void> {
    await this.close();
    const source = await this.#openAgain(wanted.source);
    this.#source = wanted.source;
    this.#name = source.info.id;
    this.#canJump = source.info.compression === 'none';
    this.#current = undefined;
    this.#records = this.#walk(source, wanted);
  }

  async *#walk(
    source: Source,
    from: StoredPosition,
  ): AsyncGenerator<{ readonly ordinal: number; readonly items: readonly Item[] }> {
    for await (const block of source.read(this.#signal, from)) {
      for (const entry of block.entries) {
        if (entry.position.ordinal < this.#wanted || entry.kind === 'rejected') continue;
        const out: MapOutput = { items: [], rejections: [] };
        this.#mapper.map(entry, out);
        yield { ordinal: entry.position.ordinal, items: out.items };
      }
    }
  }

  async close(): Promise<void> {
    await this.#records?.return(undefined);
    this.#records = undefined;
  }
}
