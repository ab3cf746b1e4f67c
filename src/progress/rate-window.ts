/**
 * How fast a growing number grows, over a short span of time. A window keeps a few samples (span / step at most), whatever the number
 * of updates, and forgets what is older than its span, so a stall shows as a falling rate at once.
 */
export interface RateWindow {
  readonly spanMs: number;
  readonly stepMs: number;
  readonly samples: readonly Sample[];
}

interface Sample {
  readonly atMs: number;
  readonly value: number;
}

/** A rate of less than this much time is noise. */
const MIN_ELAPSED_MS = 500;

export function rateWindow(spanMs: number, stepMs: number): RateWindow {
  return { spanMs, stepMs, samples: [] };
}

/** The window after `value` was reached at `atMs`. Samples closer than `stepMs` are merged into the newest. */
export function advance(window: RateWindow, atMs: number, value: number): RateWindow {
  const { samples, spanMs, stepMs } = window;
  const before = samples.at(-2);
  const merge = before !== undefined && atMs - before.atMs < stepMs;
  let from = 0;
  // One sample older than the span stays: the value at the span's beginning is interpolated from it.
  while (from + 1 < samples.length && (samples[from + 1]?.atMs ?? atMs) <= atMs - spanMs) from++;
  const kept = samples.slice(from, merge ? samples.length - 1 : samples.length);
  kept.push({ atMs, value });
  return { spanMs, stepMs, samples: kept };
}

/** Growth per second over the last `spanMs` before `nowMs`; undefined while too little time has passed. Never negative. */
export function perSecond(window: RateWindow, nowMs: number): number | undefined {
  const first = window.samples[0];
  const last = window.samples.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const fromMs = Math.max(first.atMs, nowMs - window.spanMs);
  const elapsedMs = nowMs - fromMs;
  if (elapsedMs < MIN_ELAPSED_MS) return undefined;
  return Math.max(0, ((last.value - valueAt(window.samples, fromMs)) * 1000) / elapsedMs);
}

function valueAt(samples: readonly Sample[], atMs: number): number {
  let before: Sample | undefined;
  for (const sample of samples) {
    if (sample.atMs >= atMs) {
      if (before === undefined || sample.atMs === atMs) return sample.value;
      return before.value + ((sample.value - before.value) * (atMs - before.atMs)) / (sample.atMs - before.atMs);
    }
    before = sample;
  }
  return before?.value ?? 0;
}
