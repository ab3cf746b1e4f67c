/**
 * The page's connection: one stream of frames for the view that is shown, and no other request. Streams are opened at most once a second. A lost
 * one is opened again by itself, ever more slowly; a tab that nobody sees lets go of its own.
 */
import type { Frame } from '../view-models.js';

export type Way = 'connecting' | 'open' | 'lost' | 'refused';

export interface StreamOptions {
  readonly onFrame: (question: string, frame: Frame) => void;
  readonly onWay: (way: Way, retryAt: number | undefined) => void;
}

const LEAST_MS = 1_000;
const SLOWEST_MS = 10_000;
/** The server says something every ten seconds. */
const SILENCE_MS = 25_000;
const HIDDEN_MS = 5_000;

export class Stream {
  readonly #options: StreamOptions;
  #question = '';
  #openedAt = Number.NEGATIVE_INFINITY;
  #current: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(options: StreamOptions) {
    this.#options = options;
    let hiding: ReturnType<typeof setTimeout> | undefined;
    document.addEventListener('visibilitychange', () => {
      clearTimeout(hiding);
      if (document.hidden) hiding = setTimeout(() => this.#letGo(), HIDDEN_MS);
      else if (this.#current === undefined && this.#question !== '') this.#openSoon(0);
    });
    window.addEventListener('online', () => this.retry());
  }

  /** From now on frames answer this question. */
  ask(question: string): void {
    if (question === this.#question && this.#current !== undefined) return;
    this.#question = question;
    this.#letGo();
    this.#openSoon(0);
  }

  retry(): void {
    if (this.#current === undefined && this.#question !== '') this.#openSoon(0);
  }

  #letGo(): void {
    clearTimeout(this.#timer);
    this.#current?.abort();
    this.#current = undefined;
  }

  #openSoon(ms: number): void {
    clearTimeout(this.#timer);
    const waitMs = Math.max(ms, this.#openedAt + LEAST_MS - performance.now());
    this.#timer = setTimeout(() => void this.#open(), Math.max(0, waitMs));
  }

  async #open(): Promise<void> {
    this.#openedAt = performance.now();
    const control = new AbortController();
    this.#current = control;
    const question = this.#question;
    try {
      const answer = await fetch(`/api/events?${question}`, { signal: control.signal, cache: 'no-store' });
      if (answer.status === 403) {
        this.#current = undefined;
        this.#options.onWay('refused', undefined);
        return;
      }
      if (!answer.ok || answer.body === null) throw new Error(`status ${answer.status}`);
      this.#options.onWay('open', undefined);
      for await (const frame of framesOf(answer.body, control)) {
        this.#failures = 0;
        if (control.signal.aborted) return;
        this.#options.onFrame(question, frame);
      }
    } catch {
      // A lost connection is told below, whatever it was lost by.
    }
    if (this.#current !== control) return;
    this.#current = undefined;
    const waitMs = Math.min(SLOWEST_MS, LEAST_MS * 1.6 ** this.#failures++);
    this.#options.onWay('lost', Date.now() + waitMs);
    this.#openSoon(waitMs);
  }
}

/** Server-sent events, of which only the data lines matter here. Silence for too long ends the stream. */
async function* framesOf(body: ReadableStream<Uint8Array>, control: AbortController): AsyncGenerator<Frame> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const silence = setTimeout(() => void reader.cancel(), SILENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(silence));
      if (done || control.signal.aborted) return;
      const events = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) {
        const data = event
          .split('\n')
          .filter((line) => line.startsWith('data: '))
          .map((line) => line.slice(6))
          .join('\n');
        if (data !== '') yield JSON.parse(data) as Frame;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
