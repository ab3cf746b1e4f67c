/**
 * Bars on a terminal: upload above, processing below from the moment the service works on something; lines are printed above the bars.
 * The screen draws (screen.ts), the words of a bar come from layout.ts; terminals that know it show the progress in their tab as well
 * (tab-progress.ts). The cursor is shown again on close, and when the process exits without a close.
 */
import type { RunEvent } from '../events.js';
import { processLine, uploadLine, type View } from './layout.js';
import { processingBegan } from './measures.js';
import { createNarrator, type Line } from './narrator.js';
import { createPaint, type Paint } from './paint.js';
import type { Drawing, RendererParts } from './renderer.js';
import { createScreen } from './screen.js';
import { initialState, reduce } from './state.js';
import { createTabProgress } from './tab-progress.js';
import { chooseColumns } from './terminal.js';

export function createBar(parts: RendererParts): Drawing {
  const { clock, env, stream } = parts;
  const paint = createPaint(parts.color);
  const narrator = createNarrator({ quiet: parts.quiet, verbose: parts.verbose, chunks: false });
  let state = initialState(clock.now());
  let closed = false;

  const view = (): View => ({ nowMs: clock.now(), columns: chooseColumns(stream, env), unicode: parts.unicode, paint });
  const screen = createScreen(parts, {
    upload: () => uploadLine(state, view()),
    processing: () => processLine(state, view()),
  });
  const tab = createTabProgress(parts, () => state);
  const restore = (): void => {
    tab.close();
    screen.close();
  };
  const release = parts.onExit(restore);
  const say = (lines: readonly Line[]): void => {
    for (const line of lines) screen.print(painted(line, paint));
  };
  const close = (): void => {
    if (closed) return;
    closed = true;
    release();
    restore();
    say(narrator.remainder());
  };

  return {
    observe(event) {
      if (closed && !isMessage(event)) return;
      const lines = narrator.tell(event, state);
      state = reduce(state, event, clock.now());
      if (event.type === 'summary' || event.type === 'exit-error') close();
      else if (!closed && state.phase !== 'starting') screen.draw(processingBegan(state));
      if (!closed) tab.update();
      say(lines);
      if (event.type === 'summary') parts.writer.write(parts.summaryText(event.summary), true);
    },
    close,
  };
}

/** What is still worth saying when the bars are gone. */
function isMessage(event: RunEvent): boolean {
  return event.type === 'exit-error' || event.type === 'notice' || event.type === 'summary';
}

function painted(line: Line, paint: Paint): string {
  switch (line.kind) {
    case 'info':
      return line.text;
    case 'detail':
    case 'hint':
      return paint.dim(line.text);
    case 'warning':
      return paint.warn(line.text);
    case 'error':
      return paint.bad(line.text);
  }
}
