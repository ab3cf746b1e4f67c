/**
 * Lines for logs: one per change of phase, between them at most one every ten seconds and fewer as a run grows old, and one a minute
 * when nothing changes, since some CI systems end a job that says nothing. Rule: no control characters, no colour.
 */
import type { RunEvent } from '../events.js';
import { createNarrator, type Line } from './narrator.js';
import type { Drawing, RendererParts } from './renderer.js';
import { initialState, reduce } from './state.js';
import { statusText } from './status-text.js';

const TICK_MS = 1000;
const MINUTE_MS = 60_000;

export function createPlain(parts: RendererParts): Drawing {
  const { clock, writer, quiet, verbose } = parts;
  const narrator = createNarrator({ quiet, verbose, chunks: verbose });
  let state = initialState(clock.now());
  let lastMs = clock.now();
  let changed = false;
  let closed = false;

  const say = (lines: readonly Line[]): void => {
    for (const line of lines) writer.write(`${line.text}\n`, line.kind === 'error' || line.kind === 'hint');
  };
  const status = (): void => {
    const nowMs = clock.now();
    lastMs = nowMs;
    changed = false;
    writer.write(`${statusText(state, nowMs)}\n`);
  };
  const statusWhenDue = (): void => {
    if (quiet || closed || state.phase === 'starting' || state.phase === 'done') return;
    const nowMs = clock.now();
    if (nowMs - lastMs >= (changed ? spacing(nowMs - state.startedMs) : MINUTE_MS)) status();
  };
  const stop = parts.every(TICK_MS, statusWhenDue);
  const close = (): void => {
    if (closed) return;
    closed = true;
    stop();
    say(narrator.remainder());
  };

  return {
    observe(event: RunEvent) {
      const lines = narrator.tell(event, state);
      const before = state.phase;
      state = reduce(state, event, clock.now());
      changed = true;
      const last = event.type === 'summary' || event.type === 'exit-error';
      if (last) close();
      say(lines);
      if (event.type === 'phase' && event.phase !== before && !quiet && !closed) status();
      else statusWhenDue();
      if (event.type === 'summary') writer.write(parts.summaryText(event.summary), true);
    },
    close,
  };
}

/** Milliseconds between status lines of a run that has been going on for `elapsedMs`. */
function spacing(elapsedMs: number): number {
  if (elapsedMs < 10 * MINUTE_MS) return 10_000;
  return elapsedMs < 60 * MINUTE_MS ? 30_000 : MINUTE_MS;
}
