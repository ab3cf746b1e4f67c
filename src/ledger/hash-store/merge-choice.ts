/**
 * Which segments to merge, by their sizes alone. Segments fall into tiers, each `fanOut` times as large as the one below. From the oldest
 * on, a level is everything up to the last segment of the highest tier that is left, smaller ones in between included; a level with
 * `fanOut` segments is merged. Levels get strictly smaller, so n entries lie in O(fanOut * log n) segments whatever the sizes of the
 * flushes were, and an entry of equal flushes is written once a tier.
 */
export interface SegmentRange {
  /** Places in the list of segments, oldest first: from `from` up to but not including `to`. */
  readonly from: number;
  readonly to: number;
}

/** The newest, hence cheapest, level that is full: its oldest `fanOut` segments. Undefined when none is. `sizes` are entries, oldest first. */
export function rangeToMerge(sizes: readonly number[], fanOut: number): SegmentRange | undefined {
  if (fanOut < 2) throw new RangeError(`a merge of ${fanOut} segments`);
  const tiers = sizes.map((entries) => tierOf(entries, fanOut));
  let found: SegmentRange | undefined;
  for (let from = 0; from < tiers.length;) {
    const end = tiers.lastIndexOf(Math.max(...tiers.slice(from))) + 1;
    if (end - from >= fanOut) found = { from, to: from + fanOut };
    from = end;
  }
  return found;
}

/** Rounded, not cut off: flushes of a power of two that lose a few repeated keys to a merge do not fall a tier for it. */
function tierOf(entries: number, fanOut: number): number {
  return Math.round(Math.log(Math.max(1, entries)) / Math.log(fanOut));
}
