/**
 * The part of the terminal that the bars occupy. cli-progress moves the cursor; every frame is collected and written at once
 * (frame.ts), so that a printed line cannot tear a bar.
 */
import { MultiBar } from 'cli-progress';
import { createFrame } from './frame.js';
import type { RendererParts } from './renderer.js';

const BAR_OPTIONS = {
  fps: 5,
  hideCursor: true,
  linewrap: false,
  forceRedraw: true,
  clearOnComplete: false,
  stopOnComplete: false,
  gracefulExit: false,
} as const;

const CLEAR_BELOW = '\u001b[J';
/** Bars must not wrap, printed lines must: otherwise the terminal cuts their ends off. */
const WRAP_ON = '\u001b[?7h';
const WRAP_OFF = '\u001b[?7l';

export interface Screen {
  /** Shows the bars, the second one when `both`; from then on they redraw themselves. */
  readonly draw: (both: boolean) => void;
  /** Prints a line above the bars, or plainly while there are none. */
  readonly print: (line: string) => void;
  /** Leaves the last frame and shows the cursor. May be called again. */
  readonly close: () => void;
}

export interface BarTexts {
  readonly upload: () => string;
  readonly processing: () => string;
}

export function createScreen(parts: RendererParts, texts: BarTexts): Screen {
  const frame = createFrame(parts.writer);
  let bars: MultiBar | undefined;
  let both = false;
  let closed = false;

  function addBar(opened: MultiBar, text: () => string): void {
    frame.hold(() => opened.create(100, 0, {}, { format: () => harmless(text) }));
    unrefTimer(opened);
  }

  function open(): MultiBar {
    const opened = new MultiBar({ ...BAR_OPTIONS, stream: frame.stream as unknown as NodeJS.WritableStream });
    let columns = parts.stream.columns;
    opened.on('update-pre', frame.begin);
    opened.on('redraw-pre', () => {
      // A narrower terminal may have folded the old lines: what is left of them lies below.
      if (columns !== parts.stream.columns) frame.stream.write(CLEAR_BELOW);
      columns = parts.stream.columns;
    });
    opened.on('update-post', () => {
      frame.end();
      unrefTimer(opened);
    });
    addBar(opened, texts.upload);
    return opened;
  }

  return {
    draw(withSecond) {
      if (closed) return;
      bars ??= open();
      if (!withSecond || both) return;
      both = true;
      addBar(bars, texts.processing);
    },
    print(line) {
      if (bars === undefined || closed) parts.writer.write(`${line}\n`, true);
      else bars.log(`${CLEAR_BELOW}${WRAP_ON}${line}\n${WRAP_OFF}`);
    },
    close() {
      if (closed) return;
      closed = true;
      const opened = bars;
      if (opened === undefined) return;
      frame.hold(() => {
        opened.update(); // prints the lines that wait for the next frame
        opened.stop();
      }, true);
    },
  };
}

/** A mistake in drawing shows as an empty line: cli-progress calls this from a timer, where an exception would end the process. */
function harmless(text: () => string): string {
  try {
    return text();
  } catch {
    return '';
  }
}

/** The timer of cli-progress would keep a finished process alive. */
function unrefTimer(bars: MultiBar): void {
  (bars as unknown as { readonly timer: NodeJS.Timeout | null }).timer?.unref();
}
