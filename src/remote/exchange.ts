/**
 * The life of one exchange: connecting, waiting for headers, reading the body, over. Bounded in time by one timer for all phases and in
 * size by a cap; it knows at every moment whether the request may have left. Shaped as undici's dispatch handler, without naming undici.
 */
import { onAbort } from '../abort-listeners.js';
import type { Clock } from '../clock.js';
import { networkFailure, WireFailure, type WireAnswer } from './transport.js';

export interface Timeouts {
  /** Name look-up, TCP, proxy and TLS together, milliseconds. */
  readonly connectMs: number;
  /** From the request written to the answer's headers; a large body is allowed the time of a slow line on top. */
  readonly headersMs: number;
  /** Longest silence within an answer. One that trickles is given up after ten times this. */
  readonly bodyMs: number;
}

export interface ExchangeOptions {
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  /** The service as people know it, for messages. */
  readonly where: string;
  readonly bodyBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** What can be done to a request under way. */
interface Controller {
  /** Destroys the request's socket. */
  abort(reason: Error): void;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** The slowest uplink that is not taken for a dead one: 64 KiB/s. */
const SLOW_LINE_BYTES_PER_MS = 64;
const TRICKLE_FACTOR = 10;
/** Answers of 500 details are some 300 KB; anything near this is not an answer to us. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
export const MAX_ERROR_BYTES = 64 * 1024;

export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #timeouts: Timeouts;
  readonly #resolve: (answer: WireAnswer) => void;
  readonly #reject: (error: Error) => void;
  #phase: 'connecting' | 'waiting' | 'reading' | 'over' = 'connecting';
  #timer: NodeJS.Timeout;
  #controller: Controller | undefined;
  #headersMs = 0;
  #sentAt = 0;
  #headersAt = 0;
  #status: number | undefined;
  #headers: Headers = {};
  readonly #chunks: Buffer[] = [];
  readonly #release: () => void;
  #size = 0;

  constructor(options: ExchangeOptions, resolve: (answer: WireAnswer) => void, reject: (error: Error) => void) {
    this.#options = options;
    this.#timeouts = options.timeouts;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#release = onAbort(options.signal, this.#aborted);
    // The connector has this time-out too; here it is doubled as a backstop for whatever may keep it from calling back.
    this.#timer = setTimeout(this.#expired, this.#timeouts.connectMs * 2);
  }

  onRequestStart(controller: Controller): void {
    if (this.#phase !== 'connecting') {
      // Given up before the connection stood, or about to be written a second time: throwing here keeps it from being written.
      this.#fail(networkFailure(undefined, this.#options.where, 'maybe', this.#status));
      throw new Error('the exchange is over');
    }
    this.#phase = 'waiting';
    this.#controller = controller;
    this.#sentAt = this.#options.clock.now();
    this.#headersMs = this.#timeouts.headersMs + this.#options.bodyBytes / SLOW_LINE_BYTES_PER_MS;
    this.#restart(this.#headersMs);
  }

  onResponseStart(_controller: Controller, status: number, headers: Headers): void {
    if (this.#phase === 'over' || status < 200) return;
    this.#phase = 'reading';
    this.#headersAt = this.#options.clock.now();
    this.#status = status;
    this.#headers = headers;
    this.#restart(this.#timeouts.bodyMs);
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    if (this.#phase === 'over') return;
    this.#timer.refresh();
    const room = this.#maxBytes() - this.#size;
    this.#size += chunk.length;
    this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    if (chunk.length > room) this.#tooLarge();
    else if (this.#options.clock.now() - this.#headersAt > this.#timeouts.bodyMs * TRICKLE_FACTOR) this.#expired();
  }

  onResponseEnd(): void {
    this.#succeed();
  }

  onResponseError(_controller: Controller | undefined, error: Error): void {
    if (this.#phase === 'over') return;
    // An error status says all that matters, even when its body breaks off.
    if (this.#isErrorAnswer()) this.#succeed();
    else
      this.#fail(
        networkFailure(error, this.#options.where, this.#phase === 'connecting' ? 'no' : 'maybe', this.#status),
      );
  }

  readonly #aborted = (): void => {
    this.#fail(this.#options.signal?.reason as Error);
  };

  readonly #expired = (): void => {
    switch (this.#phase) {
      case 'connecting':
        this.#fail(
          new WireFailure(`no connection to ${this.#options.where} within ${seconds(this.#timeouts.connectMs)}`, {
            kind: 'connect-timeout',
            sent: 'no',
          }),
        );
        return;
      case 'waiting':
        this.#fail(
          new WireFailure(`no answer from ${this.#options.where} within ${seconds(this.#headersMs)}`, {
            kind: 'headers-timeout',
            sent: 'maybe',
          }),
        );
        return;
      case 'reading':
        if (this.#isErrorAnswer()) this.#succeed(true);
        else {
          this.#fail(
            new WireFailure(
              `the answer of ${this.#options.where} did not arrive in full: nothing more for ${seconds(this.#timeouts.bodyMs)}`,
              {
                kind: 'body-timeout',
                sent: 'maybe',
                status: this.#status,
              },
            ),
          );
        }
        return;
      case 'over':
        return;
    }
  };

  #tooLarge(): void {
    if (this.#isErrorAnswer()) {
      this.#succeed(true);
      return;
    }
    this.#fail(
      new WireFailure(`the answer of ${this.#options.where} is larger than ${MAX_ANSWER_BYTES / 1024 / 1024} MiB`, {
        kind: 'too-large',
        sent: 'maybe',
        status: this.#status,
      }),
    );
  }

  #succeed(cutShort = false): void {
    if (this.#phase === 'over' || this.#status === undefined) return;
    const [first] = this.#chunks;
    const body = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    const headers = this.#headers;
    this.#end();
    this.#resolve({
      status: this.#status,
      header: (name) => firstOf(headers[name]),
      body,
      sentAt: this.#sentAt,
      headersAt: this.#headersAt,
    });
    if (cutShort) this.#controller?.abort(new Error('the rest of the answer is not wanted'));
  }

  /** The socket is closed before the caller hears of it: what has not left by then never will. */
  #fail(error: Error): void {
    if (this.#phase === 'over') return;
    this.#end();
    this.#controller?.abort(error instanceof Error ? error : new Error('aborted'));
    this.#reject(error);
  }

  #end(): void {
    this.#phase = 'over';
    clearTimeout(this.#timer);
    this.#release();
  }

  #restart(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#expired, ms);
  }

  #isErrorAnswer(): boolean {
    return this.#status !== undefined && this.#status >= 300;
  }

  #maxBytes(): number {
    return this.#isErrorAnswer() ? MAX_ERROR_BYTES : MAX_ANSWER_BYTES;
  }
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
