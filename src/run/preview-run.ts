/** The first N mapped items, exactly as they would be sent, and what was rejected on the way to them. Nothing is written anywhere. */
import type { Item, MapOutput, Rejection, Source } from '../model.js';
import type { RecordMapper } from './read-items.js';
import { FirstInTime } from './sort/first-in-time.js';

export interface Preview {
  readonly items: readonly Item[];
  readonly rejections: readonly Rejection[];
  readonly skipped: number;
  readonly read: number;
}

export interface PreviewOptions {
  readonly items: number;
  readonly skip: number;
  readonly limit: number;
  /** The first in the order of their time: then everything is read. */
  readonly isSorted?: boolean;
}

/** Reads on at most this many bad records when no good one comes; of more, no more are shown. */
const MAX_REJECTIONS = 20;

export async function runPreview(
  sources: readonly Source[],
  mapper: RecordMapper,
  options: PreviewOptions,
  signal: AbortSignal,
): Promise<Preview> {
  const out: MapOutput = { items: [], rejections: [] };
  const first = options.isSorted === true ? new FirstInTime(options.items) : undefined;
  let { skip } = options;
  let skipped = 0;
  let read = 0;
  const preview = (): Preview => ({
    items: first?.items() ?? out.items.slice(0, options.items),
    rejections: out.rejections,
    skipped,
    read,
  });
  for (const source of sources) {
    for await (const block of source.read(signal)) {
      for (const entry of block.entries) {
        if (skip > 0) {
          skip -= 1;
          continue;
        }
        if (read >= options.limit) return preview();
        read += 1;
        if (entry.kind === 'rejected') out.rejections.push(entry);
        else if (mapper.map(entry, out) === 'skipped') skipped += 1;
        if (first !== undefined) {
          for (const item of out.items.splice(0)) first.add(item);
          out.rejections.splice(MAX_REJECTIONS);
        } else if (out.items.length >= options.items || out.rejections.length >= MAX_REJECTIONS) return preview();
      }
    }
  }
  return preview();
}
