/**
 * The only way to an output stream. Rule: writing can never fail the run. A stream that throws, is destroyed or broke its pipe is left
 * alone from then on; a reader too slow to keep up loses lines (counted) instead of filling our memory.
 */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly destroyed?: boolean | undefined;
  readonly writableLength?: number | undefined;
  on?(event: string, listener: () => void): unknown;
  off?(event: string, listener: () => void): unknown;
}

export interface Writer {
  /** False when the text was not written. `must` writes however much is waiting: for the few last words. */
  write(text: string, must?: boolean): boolean;
  /** Lines given up so far because the reader did not keep up. */
  readonly dropped: number;
}

const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/** Streams that already have our listener: an unheard `error` event would end the process, also after the renderer closed. */
const heard = new WeakSet<OutputStream>();

export function createWriter(stream: OutputStream): Writer {
  let dropped = 0;
  let broken = false;
  if (!heard.has(stream)) {
    heard.add(stream);
    stream.on?.('error', () => undefined);
  }
  return {
    get dropped() {
      return dropped;
    },
    write(text, must = false) {
      if (text === '') return true;
      if (broken || stream.destroyed === true) return false;
      if (!must && (stream.writableLength ?? 0) > MAX_WAITING_BYTES) {
        dropped++;
        return false;
      }
      try {
        stream.write(text);
        return true;
      } catch {
        broken = true;
        return false;
      }
    },
  };
}
