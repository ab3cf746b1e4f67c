/**
 * The dashboard's own server: the files of the page and one stream of events, to whoever the gate lets in. It listens on loopback only, changes
 * nothing anywhere, and no answer holds the API key, because nothing here knows it.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { usageError } from '../errors.js';
import type { Clock } from '../clock.js';
import { EventStream } from './event-stream.js';
import { cookieName, isSame, judge, SAFE_HEADERS, TOKEN_HEADER, type Verdict } from './gate.js';
import type { PageFile } from './page-files.js';
import type { Frame } from './view-models.js';
import { questionOf, type Question } from './views.js';

export interface DashboardServerOptions {
  readonly port: number;
  readonly files: ReadonlyMap<string, PageFile>;
  readonly frame: (question: Question) => Promise<Frame>;
  /** A tab has come; what is returned is called when it has gone. */
  readonly onTab: (touch: () => void) => () => void;
  readonly clock: Clock;
}

/** More tabs than anybody opens: a bound, not a limit. */
const MAX_TABS = 100;

export class DashboardServer {
  readonly #options: DashboardServerOptions;
  readonly #server: Server;
  readonly #token = randomBytes(32).toString('base64url');
  readonly #streams = new Set<EventStream>();
  #code: string | undefined;
  #port = 0;

  private constructor(options: DashboardServerOptions) {
    this.#options = options;
    this.#server = createServer({ maxHeaderSize: 16_384 }, (request, response) => void this.#answer(request, response));
    this.#server.requestTimeout = 10_000;
    this.#server.headersTimeout = 10_000;
  }

  /** Throws usageError `port-in-use`. */
  static async listen(options: DashboardServerOptions): Promise<DashboardServer> {
    const made = new DashboardServer(options);
    await new Promise<void>((resolve, reject) => {
      made.#server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, options.port)));
      made.#server.listen(options.port, '127.0.0.1', resolve);
    });
    made.#port = (made.#server.address() as AddressInfo).port;
    return made;
  }

  get port(): number {
    return this.#port;
  }

  get tabs(): number {
    return this.#streams.size;
  }

  /** The address with the token: for its owner alone. */
  url(): string {
    return `http://127.0.0.1:${this.#port}/?token=${this.#token}`;
  }

  /** An address that works once: for the command line of a browser, which everybody on this machine can read. */
  urlForOnce(): string {
    this.#code = randomBytes(32).toString('base64url');
    return `http://127.0.0.1:${this.#port}/?once=${this.#code}`;
  }

  async close(): Promise<void> {
    for (const stream of this.#streams) stream.close();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    response.on('error', () => undefined);
    const verdict = judge(factsOf(request), {
      port: this.#port,
      token: this.#token,
      takeCode: (code) => this.#takeCode(code),
    });
    if (verdict.kind === 'refuse') {
      say(response, verdict.status, verdict.reason, verdict.status === 405 ? { allow: 'GET' } : {});
      return;
    }
    if (verdict.path === '/api/events') await this.#stream(verdict.query, response);
    else this.#file(verdict, response);
  }

  #file({ path, setCookie }: Extract<Verdict, { kind: 'enter' }>, response: ServerResponse): void {
    const file = this.#options.files.get(path);
    if (file === undefined) {
      say(response, 404, 'there is nothing here');
      return;
    }
    response.writeHead(200, {
      ...SAFE_HEADERS,
      'content-type': file.type,
      'content-length': file.body.byteLength,
      ...(setCookie
        ? { 'set-cookie': `${cookieName(this.#port)}=${this.#token}; HttpOnly; SameSite=Strict; Path=/` }
        : {}),
    });
    response.end(file.body);
  }

  async #stream(query: URLSearchParams, response: ServerResponse): Promise<void> {
    const question = questionOf(query);
    if (question === undefined) return say(response, 400, 'no such view');
    if (this.#streams.size >= MAX_TABS) return say(response, 503, 'too many tabs are open');
    response.writeHead(200, {
      ...SAFE_HEADERS,
      'content-type': 'text/event-stream; charset=utf-8',
      connection: 'keep-alive',
    });
    response.flushHeaders();
    const { frame, onTab, clock } = this.#options;
    const stream = new EventStream({ response, frame: () => frame(question), clock });
    this.#streams.add(stream);
    const gone = onTab(() => stream.touch());
    try {
      await stream.run();
    } catch {
      // The tab is told by the end of its stream, and asks again.
      stream.close();
    } finally {
      gone();
      this.#streams.delete(stream);
    }
  }

  #takeCode(given: string): boolean {
    const code = this.#code;
    if (code === undefined || !isSame(given, code)) return false;
    this.#code = undefined;
    return true;
  }
}

function factsOf({ method, url, headers }: IncomingMessage): Parameters<typeof judge>[0] {
  const one = (name: string): string | undefined => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(',') : value;
  };
  return {
    method,
    url,
    host: headers.host,
    origin: headers.origin,
    fetchSite: one('sec-fetch-site'),
    fetchMode: one('sec-fetch-mode'),
    cookie: headers.cookie,
    header: one(TOKEN_HEADER),
  };
}

function say(response: ServerResponse, status: number, text: string, more: Record<string, string> = {}): void {
  response.writeHead(status, { ...SAFE_HEADERS, 'content-type': 'text/plain; charset=utf-8', ...more });
  response.end(`${text}\n`);
}

function listenError(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') return error;
  const why = error.code === 'EADDRINUSE' ? 'is in use' : 'may not be used';
  return usageError('port-in-use', `port ${port} of 127.0.0.1 ${why}`, 'name another one, or leave --port out');
}
