/**
 * The two bars at one moment. Pure: state, time and width in, text out. A line is never wider than the width given; what matters least
 * is left out first, the bar itself before the reason why nothing moves.
 */
import { bytes, count, counted, percent, rate, seconds } from './format.js';
import {
  currentWait,
  isCheck,
  processEta,
  processPace,
  processShare,
  uploadEta,
  uploadPace,
  uploadShare,
  waitText,
} from './measures.js';
import type { Paint } from './paint.js';
import type { ProgressState } from './state.js';
import { displayWidth, fitWidth } from './width.js';

export interface View {
  readonly nowMs: number;
  readonly columns: number;
  readonly unicode: boolean;
  readonly paint: Paint;
}

interface Segment {
  /** The smaller, the sooner it is left out on a narrow terminal. */
  readonly rank: number;
  readonly text: string;
  readonly paint?: (text: string) => string;
}

interface BarLine {
  readonly label: string;
  /** 0..1, or undefined while unknowable: then something moves, and no percentage is told. */
  readonly share: number | undefined;
  readonly segments: readonly Segment[];
  readonly fill: (text: string) => string;
}

const LABEL_COLUMNS = 10;
const PERCENT_COLUMNS = 4;
const GAP = '  ';
const MIN_BAR = 8;
const MAX_BAR = 40;
/** Below this width words are worth more than a bar. */
const ROOM_FOR_BAR = 50;

export function uploadLine(state: ProgressState, view: View): string {
  const { paint, nowMs } = view;
  const share = uploadShare(state);
  const waiting = state.phase === 'uploading' && currentWait(state, nowMs) !== undefined;
  const fill = share === 1 ? paint.good : waiting ? paint.warn : paint.accent;
  const label = state.phase === 'sorting' ? 'sort' : isCheck(state) ? 'read' : 'upload';
  return draw({ label, share, segments: uploadSegments(state, view), fill }, view);
}

export function processLine(state: ProgressState, view: View): string {
  const { failed, troubled } = state.book.totals;
  const fill = failed > 0 || troubled > 0 ? view.paint.warn : view.paint.good;
  return draw({ label: 'processing', share: processShare(state), segments: processSegments(state, view), fill }, view);
}

function uploadSegments(state: ProgressState, view: View): Segment[] {
  const { nowMs, paint } = view;
  const { items, bytes: size } = state;
  const isSorting = state.phase === 'sorting';
  const active = state.phase === 'uploading' || state.phase === 'starting' || isSorting;
  const shown = isCheck(state) || isSorting ? items.produced : items.accepted;
  const segments: Segment[] = [{ rank: 6, text: counted(shown, 'item') }];
  if (active) {
    segments.push({ rank: size.total === undefined ? 3 : 1, text: bytes(size.read), paint: paint.dim });
    const pace = uploadPace(state, nowMs);
    if (pace !== undefined) segments.push({ rank: 4, text: rate(pace) });
    const eta = uploadEta(state, nowMs);
    if (eta !== undefined) segments.push({ rank: 5, text: `ETA ${seconds(eta)}` });
    if (state.lanes > 1) segments.push({ rank: 2, text: counted(state.lanes, 'lane'), paint: paint.dim });
  }
  if (items.known > 0) segments.push({ rank: 3, text: `${count(items.known)} known`, paint: paint.dim });
  if (state.rejects > 0) segments.push({ rank: 7, text: `${count(state.rejects)} rejected`, paint: paint.bad });
  if (state.phase !== 'processing') segments.push(...waitSegment(state, view));
  return segments;
}

function processSegments(state: ProgressState, view: View): Segment[] {
  const { nowMs, paint } = view;
  const totals = state.book.totals;
  const segments: Segment[] = [{ rank: 6, text: `${count(totals.settled)} of ${counted(totals.items, 'item')}` }];
  if (state.phase !== 'done') {
    const pace = processPace(state, nowMs);
    if (pace !== undefined && pace > 0) segments.push({ rank: 4, text: rate(pace) });
    const eta = processEta(state, nowMs);
    if (eta !== undefined) segments.push({ rank: 5, text: `ETA ${seconds(eta)}` });
  }
  if (totals.batches > 1) {
    const text = `${count(totals.finished)} of ${counted(totals.batches, 'batch', 'batches')}`;
    segments.push({ rank: 2, text, paint: paint.dim });
  }
  if (totals.failed > 0) segments.push({ rank: 7, text: `${count(totals.failed)} failed`, paint: paint.bad });
  const idle = totals.skipped + totals.canceled;
  if (idle > 0) segments.push({ rank: 3, text: `${count(idle)} skipped or canceled`, paint: paint.warn });
  if (state.phase === 'processing') segments.push(...waitSegment(state, view));
  return segments;
}

function waitSegment(state: ProgressState, view: View): Segment[] {
  const wait = currentWait(state, view.nowMs);
  if (wait === undefined) return [];
  if (wait.reason === 'service') return [{ rank: 1, text: waitText(wait, view.nowMs), paint: view.paint.dim }];
  return [{ rank: 8, text: waitText(wait, view.nowMs), paint: view.paint.warn }];
}

function draw({ label, share, segments, fill }: BarLine, view: View): string {
  // The last column stays free: writing into it makes some terminals wrap.
  const usable = Math.max(1, view.columns - 1);
  const head = label.padEnd(LABEL_COLUMNS);
  const share100 = (share === undefined ? '' : percent(share)).padStart(PERCENT_COLUMNS);
  let room = usable - LABEL_COLUMNS - GAP.length - PERCENT_COLUMNS;
  if (room < 0) return fitWidth(`${label} ${share100.trim()}`, usable);
  const reserved = usable >= ROOM_FOR_BAR ? MIN_BAR + GAP.length : 0;
  const chosen = choose(segments, room - reserved);
  for (const segment of chosen) room -= GAP.length + displayWidth(segment.text);
  // Steps of four keep the bar still while the digits beside it come and go.
  const width = Math.min(MAX_BAR, Math.floor((room - GAP.length) / 4) * 4);
  const words = segments
    .filter((segment) => chosen.has(segment))
    .map(({ text, paint }) => (paint ? paint(text) : text));
  const bar = width >= MIN_BAR ? [track(share, width, fill, view)] : [];
  return [view.paint.bold(head), ...bar, share100, ...words].join(GAP).trimEnd();
}

function choose(segments: readonly Segment[], room: number): Set<Segment> {
  const chosen = new Set<Segment>();
  let left = room;
  for (const segment of [...segments].sort((a, b) => b.rank - a.rank)) {
    const width = GAP.length + displayWidth(segment.text);
    if (width > left) continue;
    chosen.add(segment);
    left -= width;
  }
  return chosen;
}

function track(share: number | undefined, width: number, fill: (text: string) => string, view: View): string {
  const { unicode, paint } = view;
  const [full, half, empty] = unicode ? ['━', '╸', '─'] : ['=', '>', '-'];
  if (share === undefined) return runner(width, full, empty, fill, view);
  const halves = Math.floor(Math.min(1, Math.max(0, share)) * width * 2);
  const whole = Math.floor(halves / 2);
  const tip = halves % 2 === 1 ? half : '';
  return fill(full.repeat(whole) + tip) + paint.dim(empty.repeat(width - whole - tip.length));
}

/** Something that runs to and fro: at work, and no idea how far. */
function runner(width: number, full: string, empty: string, fill: (text: string) => string, view: View): string {
  const length = Math.max(1, Math.floor(width / 5));
  const span = width - length;
  const step = Math.floor(view.nowMs / 120) % (2 * span);
  const at = step < span ? step : 2 * span - step;
  const { paint } = view;
  return paint.dim(empty.repeat(at)) + fill(full.repeat(length)) + paint.dim(empty.repeat(span - at));
}
