/** A message that must not hold anybody up: bounded tries, one id, no redirects, no credentials in any text. */
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock, type Clock } from '../../../src/clock.js';
import { AppError } from '../../../src/errors.js';
import { deliver, webhookAddress, type Delivery, type WebhookMessage } from '../../../src/remote/webhook.js';
import { receiver, type Answer, type Receiver } from '../../support/receiver.js';

const opened: Receiver[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

async function receiving(...answers: readonly Answer[]): Promise<Receiver> {
  const made = await receiver(...answers);
  opened.push(made);
  return made;
}

const message: WebhookMessage = { id: 'msg_1', body: '{"type":"run.ended"}', sign: (at) => `v1,${at.getTime()}` };

/** Pauses between tries take no time. */
const hasty: Clock = { ...systemClock, sleep: () => Promise.resolve() };

function send(
  url: string,
  more: { clock?: Clock; signal?: AbortSignal; env?: Record<string, string> } = {},
): Promise<Delivery> {
  const deps = { clock: hasty, env: {}, userAgent: 'zep-import/test', ...more };
  return deliver(webhookAddress(url, deps.env), message, deps);
}

describe('a delivery', () => {
  test('is one POST of JSON with the headers of Standard Webhooks, taken with any 2xx', async () => {
    const there = await receiving(204);
    expect(await send(`${there.url}/hooks/1?token=a%20b#fragment`)).toEqual({ ok: true, tries: 1 });
    const [only, ...others] = there.received;
    expect(others).toEqual([]);
    expect(only).toMatchObject({ method: 'POST', path: '/hooks/1?token=a%20b', body: message.body });
    expect(only?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'zep-import/test',
      'webhook-id': 'msg_1',
    });
    expect(only?.headers['webhook-signature']).toMatch(/^v1,\d+$/);
    expect(only?.headers['webhook-timestamp']).toMatch(/^\d{10}$/);
  });

  test('that fails for a while is tried three times, with the same id', async () => {
    const there = await receiving(503, 429, 200);
    expect(await send(there.url)).toEqual({ ok: true, tries: 3 });
    expect(there.received.map(({ headers }) => headers['webhook-id'])).toEqual(['msg_1', 'msg_1', 'msg_1']);
  });

  test('is given up after three tries, with the last answer', async () => {
    const there = await receiving(500);
    const { host } = new URL(there.url);
    expect(await send(there.url)).toEqual({ ok: false, tries: 3, reason: `${host} answered 500` });
  });

  test('is not tried again where it is refused, and follows no redirect', async () => {
    const elsewhere = await receiving(200);
    const there = await receiving((response) => response.writeHead(307, { location: elsewhere.url }).end());
    expect(await send(there.url)).toMatchObject({
      ok: false,
      tries: 1,
      reason: expect.stringContaining('307, a redirect') as string,
    });
    expect(elsewhere.received).toEqual([]);
    const gone = await receiving(410);
    expect(await send(gone.url)).toMatchObject({ ok: false, tries: 1 });
  });

  test('to where nobody listens ends with the reason', async () => {
    const there = await receiver(200);
    await there.close();
    expect(await send(there.url)).toMatchObject({
      ok: false,
      tries: 3,
      reason: expect.stringContaining('refused the connection') as string,
    });
  });

  test('to a receiver that never answers is left as soon as somebody wants to leave', async () => {
    const leaving = new AbortController();
    const there = await receiving(() => leaving.abort());
    expect(await send(there.url, { signal: leaving.signal })).toMatchObject({ ok: false, tries: 1 });
    expect(there.received).toHaveLength(1);
  });

  test('goes through the proxy of the environment, and to this machine never', async () => {
    const there = await receiving(200);
    expect(
      await send(there.url, { env: { HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: 'http://127.0.0.1:1' } }),
    ).toMatchObject({ ok: true });
    const env = { HTTPS_PROXY: 'http://user:hidden@127.0.0.1:1' };
    const outcome = await send('https://hooks.example.com/x', { env });
    expect(outcome).toMatchObject({ ok: false });
    expect(JSON.stringify(outcome)).toContain('127.0.0.1:1');
    expect(JSON.stringify(outcome)).not.toContain('hidden');
  });
});

describe('an address', () => {
  test('with a user and a password sends them as a header, and shows them nowhere', async () => {
    const there = await receiving(401);
    const { host } = new URL(there.url);
    const outcome = await send(`http://me:s3cret%21@${host}/x`);
    expect(outcome).toEqual({ ok: false, tries: 1, reason: `${host} answered 401` });
    expect(there.received[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:s3cret!').toString('base64')}`);
  });

  test.each([
    'hooks.example.com/x',
    'http://user:s3cret@hooks.example.com/x',
    'ftp://s3cret@127.0.0.1/x',
    'file:///etc/s3cret',
    'javascript:s3cret',
    'https://%ff:s3cret@hooks.example.com',
    'https://',
    '',
  ])('that is not https, or http to this machine, is refused without being repeated: %s', (url) => {
    const attempt = (): unknown => webhookAddress(url, {});
    expect(attempt).toThrow(AppError);
    try {
      attempt();
    } catch (error) {
      const { code, message: text, hint } = error as AppError;
      expect(code).toBe('bad-notify-url');
      expect(`${text} ${hint}`).not.toMatch(/s3cret|user:/);
    }
  });

  test.each(['https://hooks.example.com', 'http://localhost:8080/x', 'http://[::1]:9/x', 'http://127.8.9.1/'])(
    'that is taken: %s',
    (url) => {
      expect(() => webhookAddress(url, {})).not.toThrow();
    },
  );
});
