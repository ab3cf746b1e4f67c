/**
 * The socket side of the local server: reads a request whole, asks the app, writes what it is told to write, also when that is half an
 * answer or none. Listens on loopback only and answers only requests that name a loopback host, so that a page in a browser cannot reach
 * it under another name. The log names method, path without query, status and time, never a body, a query or a key.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../clock.js';
import { AppError } from '../errors.js';
import { ApiError, type Answer } from './answer.js';
import { refusal, type App } from './app.js';
import type { Delivery } from './fault-effects.js';
import type { Stats } from './stats.js';
import { waitUnless } from './waiting.js';

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** Largest request body in bytes; a larger one is answered with 413. */
  readonly maxBodyBytes: number;
  readonly delayMs: () => number;
  /** Aborted when the server stops: delays that it makes itself end then. */
  readonly stopping: AbortSignal;
  readonly log: (line: string) => void;
}

export interface Listening {
  readonly port: number;
  /** Takes no new requests, finishes those that run, then resolves. */
  close(): Promise<void>;
}

/** How much of a refused body is read so that the client gets to see the refusal. */
const DRAIN_FACTOR = 4;
/** How long a client may take to send or fetch the rest of what is under way when the server stops. */
const CLOSE_PATIENCE_MS = 2_000;
const LOOPBACK_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

class TooLarge extends Error {}
class Aborted extends Error {}

function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    request.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= maxBytes) parts.push(part);
      else if (bytes > maxBytes * DRAIN_FACTOR) reject(new TooLarge());
      else parts.length = 0;
    });
    request.on('end', () => {
      if (bytes > maxBytes) reject(new TooLarge());
      else resolve(parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, bytes));
    });
    request.on('error', () => reject(new Aborted()));
    request.on('close', () => {
      if (!request.complete) reject(new Aborted());
    });
  });
}

/** What the service puts on every answer. */
const EVERYWHERE = { vary: 'Origin', 'x-content-type-options': 'nosniff' } as const;

function send(response: ServerResponse, { status, headers, body }: Answer, closing: boolean): number {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const connection = closing ? { connection: 'close' } : {};
  response.writeHead(status, { ...EVERYWHERE, ...headers, ...connection, 'content-length': bytes.length });
  response.end(bytes);
  return bytes.length;
}

/** The headers of a whole answer, and only the first `keep` bytes of it. */
function sendPart(response: ServerResponse, { status, headers, body }: Answer, keep: number | undefined): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...EVERYWHERE, ...headers, 'content-length': bytes.length });
  response.write(bytes.subarray(0, Math.min(keep ?? Math.floor(bytes.length / 2), bytes.length - 1)), () => {
    response.socket?.destroy();
  });
}

async function sendSlowly(
  response: ServerResponse,
  answer: Answer,
  overMs: number,
  wait: (ms: number) => Promise<void>,
): Promise<void> {
  const bytes = Buffer.from(answer.body);
  const steps = Math.max(1, Math.min(bytes.length, 20));
  response.writeHead(answer.status, { ...EVERYWHERE, ...answer.headers, 'content-length': bytes.length });
  for (let step = 0; step < steps; step++) {
    await wait(overMs / steps);
    const from = Math.floor((bytes.length * step) / steps);
    response.write(bytes.subarray(from, Math.floor((bytes.length * (step + 1)) / steps)));
  }
  response.end();
}

export class HttpFront {
  private readonly server: Server;
  private readonly running = new Map<Promise<void>, AbortController>();
  private closing = false;

  constructor(
    private readonly app: App,
    private readonly clock: Clock,
    private readonly stats: Stats,
    private readonly options: HttpOptions,
  ) {
    this.server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
      const gone = new AbortController();
      const work = this.serve(request, response, gone).catch(() => {
        response.socket?.destroy();
      });
      this.running.set(work, gone);
      void work.finally(() => this.running.delete(work));
    });
  }

  /** Throws AppError `port-unavailable`. */
  async listen(): Promise<Listening> {
    const { host, port } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (cause) => {
        const message = `The local server cannot listen on ${host}:${port}: ${cause.message}.`;
        const hint = 'Choose another port with --port, or 0 for any free one.';
        reject(new AppError(message, { code: 'port-unavailable', disposition: 'usage', hint, cause }));
      });
      this.server.listen(port, host, resolve);
    });
    return { port: (this.server.address() as AddressInfo).port, close: () => this.close() };
  }

  private async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    this.server.closeIdleConnections();
    const patience = setTimeout(() => {
      for (const gone of this.running.values()) gone.abort(new Aborted());
      this.server.closeAllConnections();
    }, CLOSE_PATIENCE_MS);
    await Promise.all(this.running.keys());
    clearTimeout(patience);
    this.server.closeAllConnections();
    await closed;
  }

  private async serve(request: IncomingMessage, response: ServerResponse, gone: AbortController): Promise<void> {
    const startedAt = this.clock.now();
    const { method = 'GET', url = '/' } = request;
    response.on('close', () => {
      if (!response.writableFinished) gone.abort(new Aborted());
    });
    const outcome = await this.respond(request, response, gone.signal);
    const path = (url.split('?', 1)[0] ?? '').slice(0, 200);
    this.options.log(`${method} ${path} ${outcome} ${Math.round(this.clock.now() - startedAt)}ms`);
  }

  private async respond(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<string> {
    if (!LOOPBACK_HOST.test(request.headers.host ?? 'localhost')) {
      return this.answer(response, refusal(new ApiError(421, 'this server answers on loopback only')), true);
    }
    let body: Buffer;
    try {
      body = await readBody(request, this.options.maxBodyBytes);
    } catch (error) {
      if (!(error instanceof TooLarge)) return 'gone';
      return this.answer(response, refusal(new ApiError(413, 'request entity too large')), true);
    }
    this.stats.counters.received += body.length;
    const delayMs = this.options.delayMs();
    if (delayMs > 0) await waitUnless(this.clock, delayMs, [this.options.stopping]);
    const { method = 'GET', url = '/', headers } = request;
    const { operation, delivery } = await this.app({ method, url, authorization: headers.authorization, body, signal });
    return this.deliver(response, operation, delivery, signal);
  }

  private answer(response: ServerResponse, answer: Answer, closing = false): string {
    this.stats.answered(answer.status);
    this.stats.counters.sent += send(response, answer, closing || this.closing);
    return String(answer.status);
  }

  private async deliver(
    response: ServerResponse,
    operation: string,
    delivery: Delivery,
    signal: AbortSignal,
  ): Promise<string> {
    switch (delivery.kind) {
      case 'answer':
        return this.answer(response, delivery.answer);
      case 'drop':
        this.stats.dropped(operation);
        response.socket?.destroy();
        return 'dropped';
      case 'truncate':
        this.stats.dropped(operation);
        sendPart(response, delivery.answer, delivery.keepBytes);
        return 'truncated';
      case 'slow':
        this.stats.answered(delivery.answer.status);
        await sendSlowly(response, delivery.answer, delivery.overMs, (ms) =>
          waitUnless(this.clock, ms, [signal, this.options.stopping]),
        );
        return String(delivery.answer.status);
    }
  }
}
