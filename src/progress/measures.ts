/**
 * Questions a renderer asks of the state: shares, rates, estimates, the current wait. Pure. A share reaches 1 only when nothing is
 * missing.
 */
import type { WaitReason } from '../events.js';
import { printable } from './escape.js';
import { seconds } from './format.js';
import { perSecond } from './rate-window.js';
import type { ProgressState, Waiting } from './state.js';

/** Mapped items that need no more of us. */
function uploaded(state: ProgressState): number {
  const { accepted, known, refused } = state.items;
  return accepted + known + refused;
}

/**
 * How much of the upload is done, 0..1; undefined while unknowable (input of unknown size). The number of items is unknown until the
 * input ends, so this is the share of bytes read, times the share of the items made of them that are settled. While items are sorted
 * nothing is sent: then it is the share of bytes read alone.
 */
export function uploadShare(state: ProgressState): number | undefined {
  const read = readShare(state);
  if (read === undefined || isCheck(state) || state.phase === 'sorting') return read;
  const share = state.items.produced === 0 ? read : read * Math.min(1, uploaded(state) / state.items.produced);
  return state.inputEnded ? share : Math.min(share, 0.999);
}

function readShare(state: ProgressState): number | undefined {
  if (state.inputEnded) return 1;
  const { read, total } = state.bytes;
  if (total === undefined || total <= 0) return undefined;
  return Math.min(read / total, 0.999);
}

/** Items of the upload a second over the last ten seconds; for `check`, and while items are sorted, the items mapped. */
export function uploadPace(state: ProgressState, nowMs: number): number | undefined {
  return perSecond(isCheck(state) || state.phase === 'sorting' ? state.mapRate : state.acceptRate, nowMs);
}

/** Seconds to the end of the upload, or of what is read to be sorted; undefined while nothing sensible can be said. */
export function uploadEta(state: ProgressState, nowMs: number): number | undefined {
  const isReading = state.phase === 'sorting' && !state.inputEnded;
  if ((state.phase !== 'uploading' && !isReading) || nowMs - state.startedMs < 2_000) return undefined;
  if (state.inputEnded) return eta(state.items.produced - uploaded(state), perSecond(state.acceptRate, nowMs));
  const { read, total } = state.bytes;
  return total === undefined ? undefined : eta(total - read, perSecond(state.readRate, nowMs));
}

/** How much of what was handed to the service is settled, 0..1; undefined while there is nothing. */
export function processShare(state: ProgressState): number | undefined {
  const { items, settled, batches, finished } = state.book.totals;
  if (items === 0) return undefined;
  return finished < batches ? Math.min(0.999, settled / items) : 1;
}

export function processPace(state: ProgressState, nowMs: number): number | undefined {
  return perSecond(state.processRate, nowMs);
}

/** Seconds to the end of processing; undefined before the upload has ended, when the whole is not known. */
export function processEta(state: ProgressState, nowMs: number): number | undefined {
  if (state.phase !== 'processing') return undefined;
  return eta(state.book.totals.items - state.book.totals.settled, processPace(state, nowMs));
}

/** True from the first batch that the service has begun to work on. */
export function processingBegan(state: ProgressState): boolean {
  return state.phase === 'processing' || state.book.totals.open > 0 || state.book.totals.finished > 0;
}

export function isCheck(state: ProgressState): boolean {
  return state.identity?.command === 'check';
}

/** The wait that holds at `nowMs`, if any. */
export function currentWait(state: ProgressState, nowMs: number): Waiting | undefined {
  return state.waiting !== undefined && state.waiting.untilMs > nowMs ? state.waiting : undefined;
}

/** E.g. `rate limited, 14 s`; the seconds left, rounded up. */
export function waitText(wait: Waiting, nowMs: number): string {
  const leftSeconds = Math.ceil((wait.untilMs - nowMs) / 1000);
  const left = Number.isFinite(leftSeconds) ? `, ${seconds(leftSeconds)}` : '';
  const detail = wait.detail === undefined ? '' : ` (${printable(wait.detail, 60)})`;
  return `${WAIT_WORDS[wait.reason]}${left}${detail}`;
}

const WAIT_WORDS: Readonly<Record<WaitReason, string>> = {
  'rate-limited': 'rate limited',
  retry: 'trying again',
  settling: 'settling an unanswered call',
  'earlier-batch': 'waiting for an earlier batch',
  service: 'waiting for the service',
};

const MAX_ETA_SECONDS = 100 * 24 * 3600;

function eta(left: number, pace: number | undefined): number | undefined {
  if (pace === undefined || pace <= 0) return undefined;
  const answer = Math.max(0, left) / pace;
  return answer <= MAX_ETA_SECONDS ? answer : undefined;
}
