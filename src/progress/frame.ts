/**
 * Writes of one frame, passed on as one: a terminal shows them together, and a slow connection cannot cut a line in two.
 */
import type { Writer } from './writer.js';

export interface Frame {
  /** What cli-progress takes for the terminal. It must not measure: it would count colour codes as columns. */
  readonly stream: { readonly isTTY: true; readonly columns: number; write(text: string): boolean };
  /** From here to the matching `end` everything is kept together. The two nest. */
  readonly begin: () => void;
  readonly end: () => void;
  /** `must` passes it on however slow the terminal is. */
  readonly hold: (act: () => unknown, must?: boolean) => void;
}

/** Collects writes between `begin` and `end` (which nest) and passes them on as one. */
export function createFrame(writer: Writer): Frame {
  let depth = 0;
  let pending = '';
  const begin = (): void => {
    depth++;
  };
  const end = (must = false): void => {
    depth = Math.max(0, depth - 1);
    if (depth > 0 || pending === '') return;
    const text = pending;
    pending = '';
    writer.write(text, must);
  };
  return {
    stream: {
      isTTY: true,
      columns: Number.MAX_SAFE_INTEGER,
      write(text) {
        pending += text;
        if (depth === 0) {
          begin();
          end();
        }
        return true;
      },
    },
    begin,
    end: () => {
      end();
    },
    hold(act, must) {
      begin();
      try {
        act();
      } finally {
        end(must);
      }
    },
  };
}
