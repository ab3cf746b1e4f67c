/**
 * One tab: frames by server-sent events, at most one a second, only when something in them changed. A tab that does not read is not written to, so
 * that it costs no memory.
 */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock.js';
import type { Frame } from './view-models.js';

export interface StreamDeps {
  readonly response: ServerResponse;
  readonly frame: () => Promise<Frame>;
  readonly clock: Clock;
}

const LEAST_MS = 1_000;
const BEAT_MS = 10_000;
const MAX_UNREAD_BYTES = 1_000_000;

export class EventStream {
  readonly #deps: StreamDeps;
  readonly #end = new AbortController();
  #last = '';
  #isStale = true;
  #wake: () => void = () => undefined;

  constructor(deps: StreamDeps) {
    this.#deps = deps;
    deps.response.once('close', () => this.close());
  }

  /** There may be something new. */
  touch(): void {
    this.#isStale = true;
    this.#wake();
  }

  close(): void {
    this.#end.abort();
    this.#wake();
    if (!this.#deps.response.writableEnded) this.#deps.response.end();
  }

  /** Resolves when the tab is gone. */
  async run(): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#end;
    let beatAt = clock.now();
    while (!signal.aborted) {
      if (this.#isStale) {
        this.#isStale = false;
        if (await this.#send()) beatAt = clock.now();
        await clock.sleep(LEAST_MS, signal).catch(() => undefined);
      } else {
        await this.#idle(Math.max(0, beatAt + BEAT_MS - clock.now()));
      }
      if (!signal.aborted && clock.now() - beatAt >= BEAT_MS) {
        // A line that means nothing tells a tab that the connection lives.
        this.#deps.response.write(': alive\n\n');
        beatAt = clock.now();
      }
    }
  }

  async #send(): Promise<boolean> {
    const { response, frame } = this.#deps;
    if (response.writableLength > MAX_UNREAD_BYTES) {
      this.#isStale = true;
      return false;
    }
    const text = JSON.stringify(await frame());
    if (text === this.#last || this.#end.signal.aborted) return false;
    this.#last = text;
    response.write(`event: frame\ndata: ${text}\n\n`);
    return true;
  }

  async #idle(ms: number): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const { signal } = this.#end;
    await this.#deps.clock.sleep(ms, AbortSignal.any([signal, woken.signal])).catch(() => undefined);
    this.#wake = () => undefined;
  }
}
