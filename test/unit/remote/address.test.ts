import { describe, expect, it } from 'vitest';
import { isLoopback, normaliseBaseUrl } from '../../../src/remote/base-url.js';
import { proxyFor } from '../../../src/remote/proxy.js';

describe('the address of the service', () => {
  it.each([
    ['https://api.getzep.com', 'https://api.getzep.com/api/v2'],
    ['https://api.getzep.com/', 'https://api.getzep.com/api/v2'],
    ['https://api.getzep.com/api/v2', 'https://api.getzep.com/api/v2'],
    ['https://api.getzep.com/api/v2///', 'https://api.getzep.com/api/v2'],
    ['  HTTPS://API.GetZep.com  ', 'https://api.getzep.com/api/v2'],
    ['https://gw.example:8443/zep/', 'https://gw.example:8443/zep/api/v2'],
    ['https://gw.example/zep/api/v2/', 'https://gw.example/zep/api/v2'],
    ['http://127.0.0.1:8000', 'http://127.0.0.1:8000/api/v2'],
    ['http://[::1]:8000', 'http://[::1]:8000/api/v2'],
    ['https://gw.example/a b', 'https://gw.example/a%20b/api/v2'],
  ])('%s is %s', (typed, href) => {
    const base = normaliseBaseUrl(typed);
    expect(base.href).toBe(href);
    expect(base.origin + base.path).toBe(href);
    expect(normaliseBaseUrl(href).href).toBe(href);
  });

  it.each([
    '',
    '   ',
    'api.getzep.com',
    'localhost:8000',
    'ftp://api.getzep.com',
    'file:///etc/passwd',
    'https://',
    'https://user@api.getzep.com',
    'https://user:secret@api.getzep.com',
    'https://api.getzep.com?x=1',
    'https://api.getzep.com/#x',
    'https://api.getzep.com/api/v4',
    'javascript:alert(1)',
  ])('%j is refused before anything is sent, without repeating a password', (typed) => {
    let message = '';
    try {
      normaliseBaseUrl(typed);
    } catch (error) {
      expect(error).toMatchObject({ code: 'bad-api-url', disposition: 'usage' });
      message = (error as Error).message;
    }
    expect(message).not.toBe('');
    expect(message).not.toContain('secret');
  });

  it('is this machine or is not', () => {
    for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '[::1]', 'zep.localhost'])
      expect(isLoopback(host)).toBe(true);
    for (const host of ['localhost.example', '128.0.0.1', 'api.getzep.com']) expect(isLoopback(host)).toBe(false);
  });
});

describe('the proxy', () => {
  const https = 'https://api.getzep.com';

  it('is the one for the scheme of the service, lower case first', () => {
    const env = { HTTPS_PROXY: 'http://upper:1', https_proxy: 'http://lower:2', HTTP_PROXY: 'plain:3' };
    expect(proxyFor(https, env)).toMatchObject({ hostname: 'lower', port: 2, label: 'http://lower:2' });
    expect(proxyFor('http://api.getzep.com', env)).toMatchObject({ hostname: 'plain', port: 3 });
    expect(proxyFor(https, {})).toBeUndefined();
    expect(proxyFor(https, { HTTPS_PROXY: '  ' })).toBeUndefined();
  });

  it('has default ports, and a password that no label shows', () => {
    expect(proxyFor(https, { HTTPS_PROXY: 'https://p.example' })).toMatchObject({ protocol: 'https:', port: 443 });
    expect(proxyFor(https, { HTTPS_PROXY: 'http://[::1]:8080' })).toMatchObject({ hostname: '::1', port: 8080 });
    const proxy = proxyFor(https, { HTTPS_PROXY: 'http://me:p%3Aw@p.example' });
    expect(proxy?.authorization).toBe(`Basic ${Buffer.from('me:p:w').toString('base64')}`);
    expect(proxy?.label).toBe('http://p.example');
  });

  it.each([
    ['*', true],
    ['getzep.com', true],
    ['.getzep.com', true],
    ['*.getzep.com', true],
    ['api.getzep.com', true],
    ['API.GETZEP.COM.', true],
    ['api.getzep.com:443', true],
    ['api.getzep.com:8443', false],
    ['a.example, getzep.com', true],
    ['a.example getzep.com', true],
    ['zep.com', false],
    ['.api.getzep.com', false],
    ['', false],
    [',', false],
  ])('NO_PROXY=%j bypasses it: %s', (noProxy, bypassed) => {
    const env = { HTTPS_PROXY: 'http://p:1', NO_PROXY: noProxy };
    expect(proxyFor(https, env) === undefined).toBe(bypassed);
  });

  it('never stands before this machine', () => {
    for (const origin of ['http://127.0.0.1:8000', 'http://localhost:8000', 'http://[::1]:8000']) {
      expect(proxyFor(origin, { HTTP_PROXY: 'http://p:1' })).toBeUndefined();
    }
  });

  it.each(['socks5://p:1080', 'ftp://p', 'http://', 'http://a%zz:b@p:1', 'http://p:99999'])(
    '%s is refused',
    (address) => {
      expect(() => proxyFor(https, { HTTPS_PROXY: address })).toThrowError(
        expect.objectContaining({ code: 'bad-proxy', disposition: 'usage' }) as Error,
      );
    },
  );
});
