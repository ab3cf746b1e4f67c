/**
 * Who is let in. The server listens on loopback, but a browser carries requests of any page there: so a request must name our own address
 * (DNS rebinding), come from our own page or from nowhere (other origins, other ports of this machine), and bring the token that only the
 * owner of the terminal has seen. Facts in, answer out.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

export interface RequestFacts {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** What the browser says of where the request comes from. */
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  readonly cookie: string | undefined;
  readonly header: string | undefined;
}

export interface GateOptions {
  readonly port: number;
  readonly token: string;
  /** Takes a code that opens the door once. */
  readonly takeCode: (code: string) => boolean;
}

export type Verdict =
  | { readonly kind: 'enter'; readonly path: string; readonly query: URLSearchParams; readonly setCookie: boolean }
  | { readonly kind: 'refuse'; readonly status: 400 | 403 | 405; readonly reason: string };

export const TOKEN_HEADER = 'x-zep-import-token';
const MAX_URL = 4_096;

export function cookieName(port: number): string {
  // Cookies are shared by all ports of a host.
  return `zep_import_dashboard_${port}`;
}

export function judge(facts: RequestFacts, { port, token, takeCode }: GateOptions): Verdict {
  const own = `127.0.0.1:${port}`;
  if (facts.host !== own) return refuse(403, `this server answers only to ${own}`);
  if (facts.origin !== undefined && facts.origin !== `http://${own}`) return refuse(403, 'another origin');
  if (facts.method !== 'GET') return refuse(405, 'only GET');
  const { url = '' } = facts;
  if (!url.startsWith('/') || url.length > MAX_URL || !URL.canParse(url, `http://${own}`)) {
    return refuse(400, 'not an address of this server');
  }
  const { pathname: path, searchParams: query, host } = new URL(url, `http://${own}`);
  if (host !== own) return refuse(400, 'not an address of this server');
  const isOutside = facts.fetchSite !== undefined && facts.fetchSite !== 'same-origin' && facts.fetchSite !== 'none';
  // A link in a terminal or a chat may lead here; anything but a visit may not come from outside.
  if (isOutside && !(path === '/' && facts.fetchMode === 'navigate')) return refuse(403, 'another site');
  if (path === '/') {
    const code = query.get('once');
    if (code !== null && takeCode(code)) return { kind: 'enter', path, query, setCookie: true };
    const given = query.get('token');
    if (given !== null && isSame(given, token)) return { kind: 'enter', path, query, setCookie: true };
  }
  const given = facts.header ?? cookieValue(facts.cookie ?? '', cookieName(port));
  if (given === undefined || !isSame(given, token)) {
    return refuse(403, 'no valid token: open the address that zep-import dashboard has printed');
  }
  return { kind: 'enter', path, query, setCookie: false };
}

/** In a time that does not depend on what is the same. */
export function isSame(given: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

function cookieValue(cookies: string, name: string): string | undefined {
  for (const pair of cookies.split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

function refuse(status: 400 | 403 | 405, reason: string): Verdict {
  return { kind: 'refuse', status, reason };
}

/** On every answer, refusals too. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
};
