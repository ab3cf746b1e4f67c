/** A small real server whose n-th request is answered by the n-th entry of a script; the last entry repeats. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import type { RemoteApi } from '../../../src/remote/api.js';
import { createHttpApi, type HttpApiOptions } from '../../../src/remote/http-client.js';
import { systemClock } from '../../../src/clock.js';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Scripted = (request: SeenRequest, response: ServerResponse) => void;

export interface FaultServer {
  readonly url: string;
  readonly port: number;
  readonly seen: SeenRequest[];
  readonly server: Server;
}

const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

export function closing(close: () => Promise<void>): void {
  opened.push(close);
}

export async function faultServer(...script: Scripted[]): Promise<FaultServer> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const entry: SeenRequest = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      const answer = script[Math.min(seen.length, script.length - 1)];
      seen.push(entry);
      answer?.(entry, response);
    });
  });
  const port = await listening(server);
  closing(() => closed(server));
  return { url: `http://127.0.0.1:${port}`, port, seen, server };
}

/** A server below HTTP: it gets the socket, and the connection's number. */
export async function tcpServer(
  serve: (socket: Socket, connection: number) => void,
): Promise<{ url: string; port: number }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, connections++);
  });
  const port = await listening(server);
  closing(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { url: `http://127.0.0.1:${port}`, port };
}

export function listening(server: Server | TcpServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

export function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

export const KEY = 'z_test-key-0123456789';

/** A clock whose waits take no time, and are remembered. */
export function hurriedClock(): typeof systemClock & { readonly slept: number[] } {
  const slept: number[] = [];
  let skippedMs = 0;
  return {
    ...systemClock,
    slept,
    now: () => systemClock.now() + skippedMs,
    random: () => 0,
    async sleep(ms, signal) {
      if (signal?.aborted === true) throw signal.reason as Error;
      slept.push(ms);
      skippedMs += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

export function clientOf(url: string, options: Partial<HttpApiOptions> = {}): RemoteApi {
  const api = createHttpApi({
    baseUrl: url,
    apiKey: KEY,
    clock: hurriedClock(),
    connections: 4,
    env: {},
    userAgent: 'zep-import/test',
    ...options,
  });
  closing(() => api.close());
  return api;
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Scripted {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
    response.end(JSON.stringify(value));
  };
}

export function plain(status: number, text: string, headers: Record<string, string> = {}): Scripted {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'text/plain', ...headers });
    response.end(text);
  };
}

export const reset: Scripted = (_request, response) => {
  response.socket?.resetAndDestroy();
};

export const silent: Scripted = () => undefined;
