/**
 * A place in a JSON document: the index of the next byte in the window, the line it stands on, and what stands before it on that line.
 */
import { isJsonBlank } from './json-scan.js';
import type { Window } from './window.js';

const LF = 0x0a;
/** Deeper indentation is not remembered: nobody writes it. */
const MAX_INDENT = 64;

export class JsonCursor {
  at = 0;
  line = 1;
  /** The blanks before this place on its line; undefined when something else stands there too. */
  indent: string | undefined;

  constructor(
    readonly window: Window,
    readonly signal: AbortSignal,
  ) {}

  /** Reads more, keeping everything from index `keep` on. False at the end. */
  async refill(keep: number): Promise<boolean> {
    const { window } = this;
    window.start = keep;
    const before = window.base;
    const more = await window.fill(this.signal);
    this.at -= window.base - before;
    return more;
  }

  /** The next byte, or undefined when the window has no more. */
  get byte(): number | undefined {
    return this.window.bytes[this.at];
  }

  /** Goes on behind something that is no blank and holds `lines` line ends. */
  pass(to: number, lines: number): void {
    this.at = to;
    this.line += lines;
    this.indent = undefined;
  }

  /** Steps over blanks in the window; true when something else is next. */
  skipBlanks(): boolean {
    const { bytes } = this.window;
    let { at } = this;
    for (; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (!isJsonBlank(byte)) break;
      if (byte === LF) {
        this.line++;
        this.indent = '';
      } else if (this.indent !== undefined && this.indent.length < MAX_INDENT) {
        this.indent += String.fromCharCode(byte);
      }
    }
    this.at = at;
    return at < bytes.length;
  }

  /** The next byte that is no blank, which is not consumed; undefined at the end of the input. Keeps nothing before it. */
  async peek(): Promise<number | undefined> {
    while (!this.skipBlanks()) if (!(await this.refill(this.at))) return undefined;
    return this.byte;
  }
}
