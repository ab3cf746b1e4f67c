/**
 * How a refused add (400 or 413) is taken apart: first to the size that newer documents of the service name, then in halves, left to
 * right, until the refused item stands alone. Pure: sizes in, ranges out.
 */
import { LIMITS } from '../wire.js';

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The parts to try after from..to (exclusive) was refused as one call. A single item has no parts. */
export function partsAfterRefusal(from: number, to: number): readonly Range[] {
  const n = to - from;
  if (n <= 1) return [];
  if (n > LIMITS.itemsPerAddFallback) return rangesOf(from, to, LIMITS.itemsPerAddFallback);
  const middle = from + Math.ceil(n / 2);
  return [
    { from, to: middle },
    { from: middle, to },
  ];
}

/** from..to cut into ranges of at most `size`. */
export function rangesOf(from: number, to: number, size: number): readonly Range[] {
  const ranges: Range[] = [];
  for (let at = from; at < to; at += size) ranges.push({ from: at, to: Math.min(at + size, to) });
  return ranges;
}
