/**
 * The segments of one store, oldest to newest, answering as one: the newest that knows a key is right, be it by a tombstone. Files are
 * named, recorded and deleted by the caller; the set only opens and closes them, so that what is on disk follows the record of it.
 */
import { BlockCache } from './block-cache.js';
import { ABSENT } from './entry.js';
import { rangeToMerge, type SegmentRange } from './merge-choice.js';
import { mergeSegments } from './merge.js';
import { Segment } from './segment.js';
import type { SegmentFacts } from './segment-file.js';

const DEFAULT_FAN_OUT = 8;

export interface MergedSegment {
  readonly path: string;
  readonly facts: SegmentFacts;
  /** Closed, not needed any more, and to be deleted once it is on record that `path` stands for them. */
  readonly replaced: readonly string[];
}

export class SegmentSet {
  readonly #cache = new BlockCache();
  #segments: Segment[] = [];
  #isMerging = false;
  readonly #closing = new AbortController();

  /** Oldest first. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Opens the segment at `path` as the newest of the set. Throws as `Segment.open` does, and adds nothing then. */
  add(path: string, facts?: SegmentFacts): Segment {
    const segment = Segment.open(path, facts, this.#cache);
    this.#segments.push(segment);
    return segment;
  }

  /** What the newest segment that knows the key in `keys[at]` to `keys[at + 3]` says: its value, REMOVED, or ABSENT. */
  get(keys: Uint32Array, at = 0): number {
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const value = this.#segments[i]?.get(keys, at) ?? ABSENT;
      if (value !== ABSENT) return value;
    }
    return ABSENT;
  }

  /** Which adjacent segments, all among the `oldest` so many, should be merged now; undefined when none. Ask again after each merge. */
  mergeCandidates(fanOut = DEFAULT_FAN_OUT, oldest = this.#segments.length): SegmentRange | undefined {
    return rangeToMerge(
      this.#segments.slice(0, oldest).map(({ entries }) => entries),
      fanOut,
    );
  }

  /**
   * Merges the segments from place `from` up to but not including `to` into a new one at `path`, and puts it in their place. Until then
   * the set answers from the old ones and segments may be added. One merge at a time. Rejects as `mergeSegments` does, and when the set is
   * closed; the set is as before then.
   */
  async merge(path: string, from: number, to: number, signal?: AbortSignal): Promise<MergedSegment> {
    const sources = this.#segments.slice(from, to);
    if (this.#isMerging || sources.length !== to - from || sources.length === 0) {
      throw new RangeError(`segments ${from} to ${to} cannot be merged now`);
    }
    const closing = this.#closing.signal;
    this.#isMerging = true;
    try {
      const stop = signal === undefined ? closing : AbortSignal.any([signal, closing]);
      const frame = await mergeSegments(path, sources, from === 0, stop);
      const merged = Segment.written(path, frame, this.#cache);
      this.#segments.splice(from, sources.length, merged);
      for (const segment of sources) segment.close();
      return { path, facts: merged.facts, replaced: sources.map((segment) => segment.path) };
    } finally {
      this.#isMerging = false;
    }
  }

  /** Stops a merge under way and closes all files. */
  close(): void {
    this.#closing.abort();
    for (const segment of this.#segments) segment.close();
    this.#segments = [];
  }
}
