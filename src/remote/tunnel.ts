/**
 * A way through an HTTP proxy to an https service: CONNECT, then TLS with the service inside. Whatever goes wrong here goes wrong before
 * a request was written, so every failure says that nothing was sent.
 */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { connect as tlsConnect, type TLSSocket } from 'node:tls';
import type { Proxy } from './proxy.js';
import { networkFailure, WireFailure } from './transport.js';

export interface Endpoint {
  /** Without brackets. */
  readonly hostname: string;
  readonly port: number;
}

/** Resolves with a TLS socket to `endpoint`; rejects with WireFailure, at the latest after `timeoutMs`. */
export async function openTunnel(proxy: Proxy, endpoint: Endpoint, timeoutMs: number): Promise<TLSSocket> {
  const deadline = performance.now() + timeoutMs;
  const socket = await connectThrough(proxy, endpoint, timeoutMs);
  return secure(socket, endpoint, Math.max(1, deadline - performance.now()));
}

function connectThrough(proxy: Proxy, endpoint: Endpoint, timeoutMs: number): Promise<Socket> {
  const authority = `${isIP(endpoint.hostname) === 6 ? `[${endpoint.hostname}]` : endpoint.hostname}:${endpoint.port}`;
  const request = (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
    host: proxy.hostname,
    port: proxy.port,
    method: 'CONNECT',
    path: authority,
    agent: false,
    headers: {
      host: authority,
      ...(proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization }),
    },
  });
  return new Promise((resolve, reject) => {
    const fail = (failure: WireFailure): void => {
      clearTimeout(timer);
      request.destroy();
      reject(failure);
    };
    const timer = setTimeout(() => fail(timedOut(`the proxy ${proxy.label}`)), timeoutMs);
    request.once('error', (error) => fail(networkFailure(error, `the proxy ${proxy.label}`, 'no')));
    // A CONNECT is answered by this event whatever the status.
    request.once('connect', (answer: IncomingMessage, socket: Socket) => {
      if (answer.statusCode !== 200) {
        fail(proxyRefusal(proxy, answer.statusCode));
        return;
      }
      clearTimeout(timer);
      releaseTo(request, socket, resolve);
    });
    request.end();
  });
}

/** The request keeps its error listener: an error after this belongs to the socket's next owner. */
function releaseTo(request: ClientRequest, socket: Socket, resolve: (socket: Socket) => void): void {
  request.on('error', () => undefined);
  resolve(socket);
}

function secure(socket: Socket, endpoint: Endpoint, timeoutMs: number): Promise<TLSSocket> {
  const where = `${endpoint.hostname}:${endpoint.port}`;
  return new Promise((resolve, reject) => {
    const secured = tlsConnect({
      socket,
      host: endpoint.hostname,
      ...(isIP(endpoint.hostname) === 0 ? { servername: endpoint.hostname } : {}),
      ALPNProtocols: ['http/1.1'],
    });
    const fail = (failure: WireFailure): void => {
      clearTimeout(timer);
      secured.off('secureConnect', ready);
      secured.on('error', () => undefined);
      secured.destroy();
      socket.destroy();
      reject(failure);
    };
    const failed = (error: Error): void => fail(networkFailure(error, where, 'no'));
    const ready = (): void => {
      clearTimeout(timer);
      secured.off('error', failed);
      resolve(secured);
    };
    const timer = setTimeout(() => fail(timedOut(where)), timeoutMs);
    secured.once('error', failed);
    secured.once('secureConnect', ready);
  });
}

function timedOut(where: string): WireFailure {
  return new WireFailure(`no connection to ${where} within the time allowed`, { kind: 'connect-timeout', sent: 'no' });
}

function proxyRefusal(proxy: Proxy, status: number | undefined): WireFailure {
  const wantsUser = status === 407;
  const message = wantsUser
    ? `the proxy ${proxy.label} asks for a user and password (407)`
    : `the proxy ${proxy.label} did not open the way to the service (${status ?? 'no status'})`;
  return new WireFailure(message, { kind: 'proxy', sent: 'no', status });
}
