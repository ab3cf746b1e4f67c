/** The first N mapped items, exactly as they would be sent, and what was rejected on the way to them. Nothing is written anywhere. */
import type { Item, MapOutput, Rejection, Source } from '../model.js';
import type { RecordMapper } from './read-items.js';

export interface Preview {
  readonly items: readonly Item[];
  readonly rejections: readonly Rejection[];
  readonly skipped: number;
  readonly read: number;
}

/** Reads on at most this many bad records when no good one comes. */
const MAX_REJECTIONS = 20;

export async function runPreview(
  sources: readonly Source[],
  mapper: RecordMapper,
  options: { readonly items: number; readonly skip: number; readonly limit: number },
  signal: AbortSignal,
): Promise<Preview> {
  const out: MapOutput = { items: [], rejections: [] };
  let { skip } = options;
  let skipped = 0;
  let read = 0;
  for (const source of sources) {
    for await (const block of source.read(signal)) {
      for (const entry of block.entries) {
        if (skip > 0) {
          skip -= 1;
          continue;
        }
        if (read >= options.limit) return { items: out.items, rejections: out.rejections, skipped, read };
        read += 1;
        if (entry.kind === 'rejected') out.rejections.push(entry);
        else if (mapper.map(entry, out) === 'skipped') skipped += 1;
        if (out.items.length >= options.items || out.rejections.length >= MAX_REJECTIONS) {
          return { items: out.items.slice(0, options.items), rejections: out.rejections, skipped, read };
        }
      }
    }
  }
  return { items: out.items, rejections: out.rejections, skipped, read };
}
