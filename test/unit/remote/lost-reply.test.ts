import { createServer as createHttpsServer } from 'node:https';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import type { BatchId } from '../../../src/model.js';
import { RemoteError, type RemoteApi } from '../../../src/remote/api.js';
import { createHttpApi } from '../../../src/remote/http-client.js';
import {
  clientOf,
  closed,
  closing,
  faultServer,
  hurriedClock,
  json,
  KEY,
  listening,
  plain,
  reset,
  silent,
  tcpServer,
  type Scripted,
} from './fault-server.js';

const BATCH = 'b' as BatchId;
const BODY = Buffer.from('{"items":[{}]}');
const draft = json(200, { batch_id: 'b', status: 'draft', item_count: 0 });
const added = json(200, [{ sequence_index: 0, episode_uuid: 'e' }]);

const canMakeCertificates = spawnSync('openssl', ['version']).status === 0;
if (!canMakeCertificates) console.warn('openssl is not installed: the tests of certificates are skipped');

type Append = (api: RemoteApi, signal?: AbortSignal) => Promise<unknown>;
const APPENDING: readonly (readonly [string, Append])[] = [
  ['create', (api, signal) => api.createBatch({}, signal)],
  ['add', (api, signal) => api.addItems(BATCH, BODY, signal)],
  ['process', (api, signal) => api.startBatch(BATCH, signal)],
];

async function failure(promise: Promise<unknown>): Promise<RemoteError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RemoteError)) throw new Error('expected a RemoteError', { cause: error });
  return error;
}

describe.each(APPENDING)('%s, which must not happen twice,', (_name, append) => {
  const doubts: readonly (readonly [string, Scripted, string])[] = [
    ['the connection is reset after the request arrived', reset, 'connection'],
    ['the answer breaks off', cutShort, 'connection'],
    ['the answer is a 500', json(500, { message: 'internal' }), 'unavailable'],
    ['the answer is a 503 with Retry-After', plain(503, 'busy', { 'retry-after': '1' }), 'unavailable'],
    ['a gateway answers 502 with a page', plain(502, '<html><title>502 Bad Gateway</title></html>'), 'unavailable'],
    ['a gateway answers 504', plain(504, ''), 'unavailable'],
    ['the answer is a 408', plain(408, ''), 'timeout'],
    ['the answer is not JSON', plain(200, '<html>hello</html>'), 'bad-answer'],
    ['the answer is empty', plain(200, ''), 'bad-answer'],
    ['the answer is truncated JSON of the right length', plain(200, '[{"sequence_in'), 'bad-answer'],
    ['the answer is JSON of another kind', json(200, 'fine'), 'bad-answer'],
    ['the answer is a redirect', plain(307, '', { location: 'https://elsewhere.example/x' }), 'bad-answer'],
  ];
  it.each(doubts)('is sent once and is in doubt when %s', async (_case, script, code) => {
    const server = await faultServer(script);
    const error = await failure(append(clientOf(server.url)));
    expect(error).toMatchObject({ code, effect: 'unknown' });
    expect(server.seen).toHaveLength(1);
  });

  it('is sent once and is in doubt when no answer comes in time', async () => {
    const server = await faultServer(silent);
    const timeouts = { connectMs: 1_000, headersMs: 80, bodyMs: 1_000 };
    const error = await failure(append(clientOf(server.url, { timeouts })));
    expect(error).toMatchObject({ code: 'timeout', disposition: 'timeout', effect: 'unknown', status: undefined });
    expect(error.message).toContain('no answer from');
    expect(server.seen).toHaveLength(1);
  });

  it('is sent once and is in doubt when the answer stops in the middle', async () => {
    const server = await faultServer((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('[');
    });
    const timeouts = { connectMs: 1_000, headersMs: 1_000, bodyMs: 80 };
    const error = await failure(append(clientOf(server.url, { timeouts })));
    expect(error).toMatchObject({ code: 'timeout', effect: 'unknown', status: 200 });
    expect(error.message).toContain('did not arrive in full');
    expect(server.seen).toHaveLength(1);
  });

  it('is repeated after a 429, as often as it takes', async () => {
    const limited = plain(429, 'Rate limit exceeded for FREE plan\n', { 'retry-after': '2' });
    const server = await faultServer(limited, limited, limited, (request, response) =>
      (request.url.endsWith('items') ? added : draft)(request, response),
    );
    const clock = hurriedClock();
    const api = clientOf(server.url, { clock });
    await append(api);
    expect(server.seen).toHaveLength(4);
    expect(clock.slept.every((ms) => ms >= 1_900 && ms <= 2_300)).toBe(true);
    expect(api.stats()).toMatchObject({ total: 4, repeated: 3, rateLimited: 3 });
  });

  it('certainly did not happen when it is refused', async () => {
    for (const [status, code, disposition] of [
      [400, 'bad-request', 'usage'],
      [401, 'unauthorized', 'refused'],
      [402, 'plan', 'refused'],
      [403, 'forbidden', 'refused'],
      [409, 'conflict', 'usage'],
      [413, 'payload-too-large', 'usage'],
      [422, 'bad-request', 'usage'],
    ] as const) {
      const server = await faultServer(json(status, { message: 'no such luck', request_id: 'r-1' }));
      const error = await failure(append(clientOf(server.url)));
      expect(error).toMatchObject({ code, disposition, status, effect: 'none', serverMessage: 'no such luck' });
      expect(error.message).toContain('r-1');
      expect(server.seen).toHaveLength(1);
    }
  });

  it('is repeated when the connection was refused, and certainly did not happen when it never came about', async () => {
    const closedPort = await freePort();
    const clock = hurriedClock();
    const error = await failure(append(clientOf(`http://127.0.0.1:${closedPort}`, { clock })));
    expect(error).toMatchObject({ code: 'connection', disposition: 'unavailable', effect: 'none' });
    expect(clock.slept).toHaveLength(3);
  });

  it('succeeds when the service comes up while we are trying', async () => {
    const port = await freePort();
    const clock = hurriedClock();
    let started = false;
    const server = createHttpServer((request, response) => {
      request.resume();
      request.on('end', () =>
        response.end(JSON.stringify(request.url?.endsWith('items') === true ? [] : { batch_id: 'b', status: 'draft' })),
      );
    });
    closing(() => closed(server));
    const api = clientOf(`http://127.0.0.1:${port}`, {
      clock: {
        ...clock,
        async sleep() {
          if (!started) await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
          started = true;
        },
      },
    });
    await append(api);
    expect(api.stats().repeated).toBe(1);
  });

  it('rejects with the reason of its signal, at once, and its socket is closed', async () => {
    let socketClosed: () => void = () => undefined;
    const closedSocket = new Promise<void>((resolve) => (socketClosed = resolve));
    let arrived: () => void = () => undefined;
    const request = new Promise<void>((resolve) => (arrived = resolve));
    const server = await faultServer((_request, response) => {
      response.socket?.once('close', socketClosed);
      arrived();
    });
    const abort = new AbortController();
    const call = append(clientOf(server.url), abort.signal);
    call.catch(() => undefined);
    await request;
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(call).rejects.toBe(reason);
    await closedSocket;
    await expect(append(clientOf(server.url), abort.signal)).rejects.toBe(reason);
  });

  it('is never written twice when a kept-alive connection dies under it', async () => {
    let requests = 0;
    const server = await tcpServer((socket) => {
      let first = true;
      socket.on('data', () => {
        requests++;
        if (first) {
          first = false;
          const body = '{"batch_id":"b","status":"draft"}';
          socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
        } else {
          socket.destroy();
        }
      });
    });
    const api = clientOf(server.url, { connections: 1 });
    await api.getBatch(BATCH);
    const error = await failure(append(api));
    expect(error).toMatchObject({ code: 'connection', effect: 'unknown' });
    expect(requests).toBe(2);
  });
});

describe('reads and deletes', () => {
  it('are repeated over every transient failure until they succeed', async () => {
    const server = await faultServer(
      reset,
      plain(502, '<title>Bad gateway</title>'),
      json(500, {}),
      plain(408, ''),
      cutShort,
      plain(200, 'not json'),
      json(200, { batch_id: 'b', status: 'draft', item_count: 3 }),
    );
    const clock = hurriedClock();
    const api = clientOf(server.url, { clock });
    expect((await api.getBatch(BATCH)).itemCount).toBe(3);
    expect(clock.slept).toHaveLength(6);
    expect(api.stats()).toMatchObject({ total: 7, repeated: 6 });
  });

  it('give up when the service stays away, saying so', async () => {
    const server = await faultServer(json(503, { message: 'down for maintenance' }));
    const waits: string[] = [];
    const api = clientOf(server.url, {
      patience: { attempts: 3 },
      onWait: (reason, _ms, detail) => waits.push(`${reason}: ${detail}`),
    });
    const error = await failure(api.getBatch(BATCH));
    expect(error).toMatchObject({ code: 'unavailable', disposition: 'unavailable', status: 503 });
    expect(error.message).toContain('down for maintenance');
    expect(server.seen).toHaveLength(3);
    expect(waits).toHaveLength(2);
    expect(waits[0]).toMatch(/^retry: .*503/);
  });

  it('do not wait for what waiting cannot mend', async () => {
    for (const status of [400, 401, 403, 404, 501]) {
      const server = await faultServer(json(status, { message: 'no' }));
      await failure(clientOf(server.url).getBatch(BATCH));
      expect(server.seen).toHaveLength(1);
    }
  });

  it('give up a rate limit when the patience for it is over', async () => {
    const server = await faultServer(plain(429, 'Rate limit exceeded for FREE plan\n', { 'retry-after': '31536000' }));
    const error = await failure(clientOf(server.url, { patience: { rateLimitMs: 50_000 } }).getBatch(BATCH));
    expect(error).toMatchObject({ code: 'rate-limited', disposition: 'rate-limited', effect: 'none' });
    expect(error.message).toContain('Rate limit exceeded for FREE plan');
    expect(server.seen).toHaveLength(1);
  });

  it('take a batch that is gone for deleted, also when the first answer was lost', async () => {
    const server = await faultServer(reset, json(404, { message: 'not found' }));
    expect(await clientOf(server.url).deleteBatch(BATCH)).toBe(false);
    expect(server.seen).toHaveLength(2);
  });

  it('stay in doubt when a later try is refused but an earlier one may have been applied', async () => {
    const server = await faultServer(reset, json(403, { message: 'no' }));
    const error = await failure(clientOf(server.url).deleteBatch(BATCH));
    expect(error).toMatchObject({ code: 'forbidden', effect: 'unknown' });
  });

  it('say which is missing, the batch or the API', async () => {
    const server = await faultServer(json(404, { detail: 'Not Found' }));
    const api = clientOf(server.url);
    expect(await failure(api.getBatch(BATCH))).toMatchObject({ code: 'not-found', disposition: 'not-found' });
    const error = await failure(api.createBatch({}));
    expect(error).toMatchObject({ code: 'no-batch-api', disposition: 'not-found', effect: 'none' });
    expect(error.message).toContain(`no Batch API at ${server.url}/api/v2`);
  });

  it('reach a service whose answers come in chunks', async () => {
    const server = await faultServer((_request, response) => {
      response.write('{"batch_id":"b",');
      setImmediate(() => response.end('"status":"draft","item_count":7}'));
    });
    expect((await clientOf(server.url).getBatch(BATCH)).itemCount).toBe(7);
  });
});

describe('the key', () => {
  it('is in no message, even when the service says it back', async () => {
    const echo: Scripted = (request, response) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ message: `bad ${'x'.repeat(480)} ${request.headers.authorization ?? ''}` }));
    };
    const server = await faultServer(
      echo,
      json(200, [{ sequence_index: 0, status: 'failed', error: { code: KEY, message: `no ${KEY}` } }]),
      plain(302, '', { location: `https://${KEY}.example/` }),
    );
    const api = clientOf(server.url);
    const error = await failure(api.createBatch({}));
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      expect(`${cause.message} ${cause.stack ?? ''}`).not.toContain(KEY.slice(0, 12));
    }
    expect(error.serverMessage).not.toContain(KEY.slice(0, 12));
    expect(JSON.stringify(await api.addItems(BATCH, BODY))).not.toContain(KEY);
    expect((await failure(api.createBatch({}))).message).not.toContain(KEY);
  });

  it.each(['', 'two words', 'line\nbreak', 'tab\t', 'schlüssel', '\u0000'])(
    'is refused before any call when no header can carry it (%j)',
    async (apiKey) => {
      const server = await faultServer(draft);
      expect(() => clientOf(server.url, { apiKey })).toThrowError(
        expect.objectContaining({ code: 'bad-api-key', disposition: 'usage' }) as Error,
      );
      expect(server.seen).toHaveLength(0);
    },
  );
});

describe('an answer that is far too large', () => {
  it('is cut off when it is an error: its status is what counts', async () => {
    const server = await faultServer((_request, response) => {
      response.writeHead(500);
      const write = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', write);
      };
      write();
    });
    const error = await failure(clientOf(server.url).createBatch({}));
    expect(error).toMatchObject({ code: 'unavailable', status: 500 });
    expect(error.serverMessage).toHaveLength(500);
  });

  it('is refused without being read when it is a good one', async () => {
    const server = await faultServer((_request, response) => {
      response.writeHead(200);
      const write = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(1 << 20, 0x20)));
        if (!response.destroyed) response.once('drain', write);
      };
      write();
    });
    const error = await failure(clientOf(server.url).getBatch(BATCH));
    expect(error).toMatchObject({ code: 'bad-answer', effect: 'unknown' });
    expect(server.seen).toHaveLength(1);
  });
});

describe('many calls at once', () => {
  it('raise no warning, though they share one signal', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listen);
    const server = await faultServer(draft);
    const api = clientOf(server.url, { connections: 30, clock: systemClock });
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 60 }, () => api.getBatch(BATCH, signal)));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(warnings).toEqual([]);
    expect(api.stats().total).toBe(60);
  });
});

describe('a closed client', () => {
  it('leaves no call waiting, whether under way, queued or yet to be made', async () => {
    let arrived: () => void = () => undefined;
    const request = new Promise<void>((resolve) => (arrived = resolve));
    const server = await faultServer(() => arrived());
    const api = clientOf(server.url, { connections: 1 });
    const underWay = failure(api.addItems(BATCH, BODY));
    await request;
    const queued = failure(api.addItems(BATCH, BODY));
    await api.close();
    expect(await underWay).toMatchObject({ code: 'connection', effect: 'unknown' });
    expect(await queued).toMatchObject({ code: 'connection', effect: 'none' });
    expect(await failure(api.getBatch(BATCH))).toMatchObject({ effect: 'none' });
    expect(server.seen).toHaveLength(1);
  });
});

describe('the way to the service', () => {
  it('can be told: proxy, budget, clock', async () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    const headers = { date, 'x-ratelimit-limit': '600', 'x-ratelimit-remaining': '598', 'x-ratelimit-reset': '60' };
    const server = await faultServer(json(200, { batch_id: 'b' }, headers));
    const api = createHttpApi({ baseUrl: server.url, apiKey: KEY, clock: systemClock, connections: 1, env: {} });
    closing(() => api.close());
    expect(api.connectionFacts()).toEqual({ proxy: undefined, budget: undefined, clockSkewMs: undefined });
    await api.getBatch(BATCH);
    const { budget, clockSkewMs } = api.connectionFacts();
    expect(budget).toEqual({ limit: 600, remaining: 598 });
    expect(Math.abs((clockSkewMs ?? 0) - 3_600_000)).toBeLessThan(60_000);
  });
});

describe('a proxy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zi-remote-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('that is no tunnel gets the whole address and its own credentials', async () => {
    const proxy = await faultServer(draft, plain(407, 'who are you?'));
    const env = { HTTP_PROXY: `http://me:p%40ss@127.0.0.1:${proxy.port}` };
    const api = clientOf('http://service.example', { env });
    await api.createBatch({});
    expect(proxy.seen[0]).toMatchObject({ url: 'http://service.example/api/v2/batches' });
    expect(proxy.seen[0]?.headers.host).toBe('service.example');
    expect(proxy.seen[0]?.headers['proxy-authorization']).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
    expect(await failure(api.createBatch({}))).toMatchObject({ code: 'proxy', status: 407, effect: 'none' });
  });

  it.skipIf(!canMakeCertificates)(
    'that is a tunnel carries the call inside, and every failure of it means that nothing was sent',
    async () => {
      const { key, cert } = certificate(folder);
      const secure = createHttpsServer({ key, cert }, (_request, response) => response.end('{"batch_id":"b"}'));
      const securePort = await listening(secure);
      closing(() => closed(secure));
      const authorities: string[] = [];
      let verdict: number | 'hang' | 'close' = 200;
      const sockets = new Set<Socket>();
      const proxy = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.once('data', (head) => {
          authorities.push(/^CONNECT (\S+)/.exec(head.toString())?.[1] ?? '');
          if (verdict === 'hang') return;
          if (verdict === 'close') {
            socket.destroy();
            return;
          }
          socket.write(`HTTP/1.1 ${verdict} Verdict\r\n\r\n`);
          if (verdict === 200) {
            const through = connect(securePort, '127.0.0.1');
            sockets.add(through);
            through.on('error', () => undefined);
            socket.pipe(through).pipe(socket);
          } else socket.end();
        });
      });
      const proxyPort = await listening(proxy);
      closing(async () => {
        for (const socket of sockets) socket.destroy();
        await new Promise<void>((resolve) => proxy.close(() => resolve()));
      });
      const env = { https_proxy: `127.0.0.1:${proxyPort}` };
      const timeouts = { connectMs: 300, headersMs: 2_000, bodyMs: 2_000 };
      const call = (): Promise<RemoteError> =>
        failure(clientOf('https://service.example:8443', { env, timeouts, patience: { attempts: 2 } }).createBatch({}));

      expect(await call()).toMatchObject({ code: 'tls', effect: 'none' });
      expect(authorities).toEqual(['service.example:8443']);
      verdict = 407;
      expect(await call()).toMatchObject({ code: 'proxy', effect: 'none' });
      expect(authorities).toHaveLength(2);
      verdict = 503;
      expect(await call()).toMatchObject({ code: 'proxy', effect: 'none' });
      expect(authorities).toHaveLength(4);
      verdict = 'close';
      expect(await call()).toMatchObject({ code: 'connection', effect: 'none' });
      expect(authorities).toHaveLength(6);
      verdict = 'hang';
      expect(await call()).toMatchObject({ code: 'timeout', effect: 'none' });
    },
  );

  it.skipIf(!canMakeCertificates)(
    'is not needed for a certificate to be refused: that ends the call at once, unsent',
    async () => {
      const { key, cert } = certificate(folder);
      const secure = createHttpsServer({ key, cert }, (_request, response) => response.end('{}'));
      const port = await listening(secure);
      closing(() => closed(secure));
      const clock = hurriedClock();
      const error = await failure(clientOf(`https://127.0.0.1:${port}`, { clock }).createBatch({}));
      expect(error).toMatchObject({ code: 'tls', effect: 'none' });
      expect(error.hint).toContain('NODE_EXTRA_CA_CERTS');
      expect(clock.slept).toEqual([]);
    },
  );
});

describe('a connection that does not come about', () => {
  it('within its time is a time-out before sending', async () => {
    const server = await tcpServer(() => undefined);
    const timeouts = { connectMs: 100, headersMs: 2_000, bodyMs: 2_000 };
    const https = server.url.replace('http:', 'https:');
    const error = await failure(clientOf(https, { timeouts, patience: { attempts: 2 } }).createBatch({}));
    expect(error).toMatchObject({ code: 'timeout', disposition: 'timeout', effect: 'none' });
  });

  it('for want of such a host says so', async () => {
    const error = await failure(clientOf('http://no-such-host.invalid', { patience: { attempts: 2 } }).createBatch({}));
    expect(error).toMatchObject({ effect: 'none' });
    expect(error.message).toContain('no-such-host.invalid');
  });
});

function cutShort(_request: unknown, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('[{"sequence_index":0', () => response.socket?.destroy());
}

async function freePort(): Promise<number> {
  const server = createHttpServer();
  const port = await listening(server);
  await closed(server);
  return port;
}

function certificate(folder: string): { key: string; cert: string } {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=service.example', '-days', '2'];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject];
  execFileSync('openssl', made, { stdio: 'ignore' });
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}
