import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dashboardScene, type DashboardScene } from './support.js';

let here: DashboardScene;
beforeAll(async () => {
  here = await dashboardScene();
});
afterAll(async () => {
  await here.close();
});

const own = (): string => `127.0.0.1:${here.served.port}`;
const withToken = (more: Record<string, string> = {}): Record<string, string> => ({
  'x-zep-import-token': here.token,
  ...more,
});

describe('who is let in', () => {
  it('nobody without the token, whatever is asked for', async () => {
    for (const path of [
      '/',
      '/main.js',
      '/api/events?view=overview',
      '/nothing',
      '/?token=',
      '/?token=wrong',
      '/?once=',
    ]) {
      expect((await here.get(path)).status, path).toBe(403);
    }
    const near = `${here.token.slice(0, -1)}${here.token.endsWith('A') ? 'B' : 'A'}`;
    expect((await here.get(`/?token=${near}`)).status).toBe(403);
    expect((await here.get('/main.js', { cookie: `zep_import_dashboard_${here.served.port}=${near}` })).status).toBe(
      403,
    );
    expect((await here.get('/api/events?view=overview', { 'x-zep-import-token': near })).status).toBe(403);
  });

  it('with the token in the address, which becomes a cookie that no script reads and no other site sends', async () => {
    const first = await here.get(`/?token=${here.token}`);
    expect(first.status).toBe(200);
    const [cookie = ''] = first.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
    expect((await here.get('/main.js', { cookie: `other=1; ${cookie.split(';')[0] ?? ''}` })).status).toBe(200);
    expect((await here.get(`/main.js?token=${here.token}`)).status).toBe(403);
  });

  it('an address for a browser opens the door once', async () => {
    const path = new URL(here.served.urlForOnce());
    expect(path.href).not.toContain(here.token);
    expect((await here.get(path.pathname + path.search)).status).toBe(200);
    expect((await here.get(path.pathname + path.search)).status).toBe(403);
  });

  it('no request that names another host, as a rebound name does', async () => {
    for (const host of [
      'evil.example',
      `evil.example:${here.served.port}`,
      '127.0.0.1',
      '127.0.0.1:1',
      `localhost:${here.served.port}`,
    ]) {
      expect((await here.get('/main.js', withToken({ host }))).status, host).toBe(403);
    }
    expect((await here.get(`/?token=${here.token}`, { host: `evil.example:${here.served.port}` })).status).toBe(403);
  });

  it('no other origin, and no other site or port of this machine', async () => {
    const origins = [
      'https://evil.example',
      'null',
      'http://127.0.0.1:1',
      `https://${own()}`,
      `http://localhost:${here.served.port}`,
    ];
    for (const origin of origins) {
      expect((await here.get('/api/events?view=overview', withToken({ origin }))).status, origin).toBe(403);
    }
    expect((await here.get('/main.js', withToken({ origin: `http://${own()}` }))).status).toBe(200);
    for (const site of ['cross-site', 'same-site']) {
      const from = { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' };
      expect((await here.get('/main.js', withToken(from))).status, site).toBe(403);
      expect((await here.get(`/?token=${here.token}`, from)).status, site).toBe(403);
      expect((await here.get(`/?token=${here.token}`, { ...from, 'sec-fetch-mode': 'navigate' })).status).toBe(200);
    }
  });

  it('only GET', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE']) {
      const { status, headers } = await here.get('/main.js', withToken(), method);
      expect([status, headers['allow']], method).toEqual([405, 'GET']);
    }
  });

  it('no path leads out of the page', async () => {
    const paths = [
      '/../package.json',
      '/..%2fpackage.json',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/....//etc/passwd',
      '//etc/passwd',
      '/index.html/..',
      '/main.js%00',
      '/__proto__',
      '/constructor',
      `http://evil.example/main.js`,
      `//evil.example/main.js`,
    ];
    for (const path of paths) {
      const { status, body } = await here.get(path, withToken());
      expect([400, 404], path).toContain(status === 200 && body.includes('<title>page</title>') ? 404 : status);
      expect(body).not.toContain('root:');
    }
    expect((await here.get(`/${'a'.repeat(5_000)}`, withToken())).status).toBe(400);
    for (const query of ['', 'view=', 'view=nothing', 'view=batches&page=0', 'view=batches&page=x', 'view=__proto__']) {
      expect((await here.get(`/api/events?${query}`, withToken())).status, query).toBe(400);
    }
  });
});

describe('every answer', () => {
  it('carries the policy, also when it refuses', async () => {
    for (const [path, headers] of [
      [`/?token=${here.token}`, {}],
      ['/main.js', withToken()],
      ['/nothing', withToken()],
      ['/', {}],
    ] as const) {
      const answer = await here.get(path, headers);
      const policy = String(answer.headers['content-security-policy']);
      for (const rule of [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
      ]) {
        expect(policy).toContain(rule);
      }
      expect(policy).not.toContain('unsafe');
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('is refused on every address but loopback: the server listens nowhere else', async () => {
    const elsewhere = new Promise<string>((resolve) => {
      const sent = request({ host: '127.0.0.2', port: here.served.port, path: '/', timeout: 2_000 }, () =>
        resolve('answered'),
      );
      sent.once('error', () => resolve('refused'));
      sent.once('timeout', () => sent.destroy());
      sent.end();
    });
    expect(await elsewhere).toBe('refused');
  });
});
