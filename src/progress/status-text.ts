/** Where the run stands, as one line of words without any control character: for plain output. */
import type { Phase } from '../events.js';
import { bytes, count, counted, percent, rate, seconds } from './format.js';
import {
  currentWait,
  isCheck,
  processEta,
  processingBegan,
  processPace,
  processShare,
  uploadEta,
  uploadPace,
  uploadShare,
  waitText,
} from './measures.js';
import type { ProgressState } from './state.js';

const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  starting: 'starting',
  sorting: 'sorting by time',
  uploading: 'uploading',
  processing: 'processing',
  stopping: 'stopping: finishing what is in flight',
  done: 'done',
};

/** E.g. `uploading 45%, 1.2 GB of 2.6 GB read, 1,234,500 items accepted, 12,345/s, ETA 2 min 10 s, 4 lanes, 12 rejected`. */
export function statusText(state: ProgressState, nowMs: number): string {
  const parts =
    state.phase === 'processing' ? processParts(state, nowMs) : [...uploadParts(state, nowMs), ...processAside(state)];
  if (state.rejects > 0) parts.push(`${count(state.rejects)} rejected`);
  const wait = currentWait(state, nowMs);
  if (wait !== undefined) parts.push(waitText(wait, nowMs));
  return [headline(state), ...parts].join(', ');
}

function headline(state: ProgressState): string {
  const { phase } = state;
  const word = phase === 'uploading' && isCheck(state) ? 'reading' : PHASE_WORDS[phase];
  const share =
    phase === 'uploading' || phase === 'sorting'
      ? uploadShare(state)
      : phase === 'processing'
        ? processShare(state)
        : undefined;
  return share === undefined ? word : `${word} ${percent(share)}`;
}

function uploadParts(state: ProgressState, nowMs: number): string[] {
  const { items, bytes: size } = state;
  const parts: string[] = [];
  if (state.phase === 'starting') return parts;
  if (size.read > 0)
    parts.push(`${bytes(size.read)}${size.total === undefined ? '' : ` of ${bytes(size.total)}`} read`);
  if (isCheck(state) || state.phase === 'sorting') parts.push(counted(items.produced, 'item'));
  else parts.push(`${counted(items.accepted, 'item')} accepted`);
  if (items.known > 0) parts.push(`${count(items.known)} already known`);
  if (state.phase !== 'uploading' && state.phase !== 'sorting') return parts;
  const pace = uploadPace(state, nowMs);
  if (pace !== undefined) parts.push(rate(pace));
  const eta = uploadEta(state, nowMs);
  if (eta !== undefined) parts.push(`ETA ${seconds(eta)}`);
  if (state.lanes > 1) parts.push(counted(state.lanes, 'lane'));
  return parts;
}

function processParts(state: ProgressState, nowMs: number): string[] {
  const totals = state.book.totals;
  const parts = [`${count(totals.settled)} of ${counted(totals.items, 'item')}`];
  parts.push(`${count(totals.finished)} of ${counted(totals.batches, 'batch', 'batches')} finished`);
  const pace = processPace(state, nowMs);
  if (pace !== undefined && pace > 0) parts.push(rate(pace));
  const eta = processEta(state, nowMs);
  if (eta !== undefined) parts.push(`ETA ${seconds(eta)}`);
  return [...parts, ...outcomes(state)];
}

/** How far the service is with what it has, while we are still uploading. */
function processAside(state: ProgressState): string[] {
  const share = processShare(state);
  if (share === undefined || !processingBegan(state)) return [];
  return [`processing ${percent(share)}`, ...outcomes(state)];
}

function outcomes(state: ProgressState): string[] {
  const { failed, skipped, canceled } = state.book.totals;
  const told: [number, string][] = [
    [failed, 'failed'],
    [skipped, 'skipped'],
    [canceled, 'canceled'],
  ];
  return told.filter(([number]) => number > 0).map(([number, word]) => `${count(number)} ${word}`);
}
