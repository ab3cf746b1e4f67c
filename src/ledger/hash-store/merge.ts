/**
 * Makes one segment of several adjacent ones while the program goes on: a step of some milliseconds, then a turn of the event loop. What
 * is in memory is a run of blocks of each source and the filter and index of the result.
 */
import { setImmediate } from 'node:timers/promises';
import { compareKeys, KEY_WORDS, REMOVED } from './entry.js';
import { writingError } from './problems.js';
import { SegmentCursor } from './segment-cursor.js';
import type { SegmentFrame } from './segment-file.js';
import { SegmentWriter } from './segment-writer.js';
import type { Segment } from './segment.js';

/** A millisecond or two of work. */
const STEP_ENTRIES = 4096;

/**
 * Merges `sources`, oldest first, into a new segment at `path`, durable when this resolves. Of a key that several hold the newest value
 * is kept. `dropRemoved` leaves tombstones out: right only when nothing older is left for them to hide. Rejects with AppError
 * `ledger-damaged`, `ledger-read`, `ledger-write`, `disk-full`, or the signal's reason; nothing is at `path` then.
 */
export async function mergeSegments(
  path: string,
  sources: readonly Segment[],
  dropRemoved: boolean,
  signal: AbortSignal,
): Promise<SegmentFrame> {
  signal.throwIfAborted();
  const writer = new SegmentWriter(
    path,
    sources.reduce((sum, { entries }) => sum + entries, 0),
  );
  try {
    const cursors = sources.map((segment) => new SegmentCursor(segment)).filter(({ ended }) => !ended);
    cursors.reverse();
    while (cursors.length > 0) {
      mergeStep(cursors, writer, dropRemoved);
      await turn(signal);
    }
    const steps = writer.complete();
    let step = steps.next();
    while (step.done !== true) {
      await turn(signal);
      step = steps.next();
    }
    await writer.file.publishInBackground(signal);
    return step.value;
  } catch (error) {
    writer.file.discard();
    throw writingError(path, error);
  }
}

/** Lets everything else that waits go first. */
async function turn(signal: AbortSignal): Promise<void> {
  await setImmediate();
  signal.throwIfAborted();
}

/** Moves the next entries of the cursors, newest segment first, to the writer. Cursors that end are taken off the list. */
function mergeStep(cursors: SegmentCursor[], writer: SegmentWriter, dropRemoved: boolean): void {
  for (let step = 0; step < STEP_ENTRIES; step++) {
    const lowest = lowestCursor(cursors);
    if (lowest === undefined) return;
    const { words, at } = lowest;
    if (!dropRemoved || words[at + KEY_WORDS] !== REMOVED) writer.add(words, at);
    lowest.advance();
    if (lowest.ended) cursors.splice(cursors.indexOf(lowest), 1);
  }
}

/** The newest of the cursors that stand on the lowest key; older ones that stand on it too move past it. */
function lowestCursor(cursors: SegmentCursor[]): SegmentCursor | undefined {
  let lowest = cursors[0];
  if (lowest === undefined) return undefined;
  for (let i = 1; i < cursors.length; i++) {
    const cursor = cursors[i];
    if (cursor === undefined) break;
    const order = compareKeys(cursor.words, cursor.at, lowest.words, lowest.at);
    if (order < 0) lowest = cursor;
    if (order !== 0) continue;
    cursor.advance();
    if (cursor.ended) cursors.splice(i--, 1);
  }
  return lowest;
}
