/** Items in, in the order of the input; the same items out, in the order of their time. */
import { EncodedBlock } from '../../lanes/encoded-block.js';
import type { Item, Source, SourceInfo } from '../../model.js';
import type { Met } from '../known-items.js';
import { ExternalSorter, type SorterOptions } from './external-sorter.js';
import { ItemHead, readItem, type SettledPlace, type SortedItem } from './item-record.js';
import { TimeKeys } from './time-key.js';

const NOTHING = new Uint8Array(0);

/** How items are sorted. */
export interface SortSettings {
  /** For what does not fit into memory; made when it is needed, removed at the end. */
  readonly folder: string;
  readonly memoryBytes: number;
}

export class TimeOrder {
  readonly #sorter: ExternalSorter;
  readonly #keys = new TimeKeys();
  readonly #head = new ItemHead();

  constructor(options: SorterOptions) {
    this.#sorter = new ExternalSorter(options);
  }

  get mostOnDisk(): number {
    return this.#sorter.mostOnDisk;
  }

  /** Takes the next item of the input and its bytes as they are sent; the promise must be waited for when there is one. */
  add(item: Item, bytes: Uint8Array, isSettled = false, met?: Met): void | Promise<void> {
    const keys = this.#keys;
    keys.take(item);
    const head = this.#head.write(item, { destination: keys.destination, isSettled, met });
    return this.#sorter.add(keys.ms, keys.rest, head, isSettled ? NOTHING : bytes);
  }

  /** Everything was added. */
  finish(): Promise<void> {
    return this.#sorter.finish();
  }

  /** The items in their order, once, some at a time. */
  async *sorted(sourceOf: (index: number) => SourceInfo): AsyncGenerator<readonly (SortedItem | SettledPlace)[]> {
    for await (const records of this.#sorter.sorted()) yield records.map(({ bytes }) => readItem(bytes, sourceOf));
  }

  close(): Promise<void> {
    return this.#sorter.close();
  }
}

/** The items of blocks in the order of their time; nothing else is known or remembered of them. */
export async function* inTimeOrder(
  blocks: AsyncIterable<{ readonly items: readonly Item[] }>,
  sources: readonly Source[],
  options: SorterOptions,
): AsyncGenerator<{ readonly items: readonly Item[] }> {
  const byIndex = new Map(sources.map(({ info }) => [info.index, info]));
  const sourceOf = (index: number): SourceInfo => {
    const info = byIndex.get(index);
    if (info === undefined) throw new RangeError(`there is no source ${index}`);
    return info;
  };
  const order = new TimeOrder(options);
  const scratch = new EncodedBlock();
  try {
    for await (const { items } of blocks) {
      for (const item of items) {
        scratch.clear();
        scratch.add(item);
        const taking = order.add(item, scratch.bytes(0));
        if (taking !== undefined) await taking;
      }
    }
    options.signal.throwIfAborted();
    await order.finish();
    for await (const some of order.sorted(sourceOf)) {
      yield { items: some.flatMap((each) => ('item' in each ? [each.item] : [])) };
    }
  } finally {
    await order.close();
  }
}
