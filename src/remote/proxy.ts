/**
 * Which proxy, if any, stands between us and the service. Decided once, purely, from the usual variables: one client talks to one
 * origin. The rules are those of Go's net/http, which Zep's own command line follows: lower-case names win, NO_PROXY takes hosts, domain
 * suffixes, ports and `*`, and this machine is never reached through a proxy.
 */
import { isLoopback } from './base-url.js';
import { usageError } from '../errors.js';

export interface Proxy {
  readonly protocol: 'http:' | 'https:';
  readonly hostname: string;
  readonly port: number;
  /** The value of a Proxy-Authorization header, when the proxy's address holds a user. */
  readonly authorization: string | undefined;
  /** Scheme, host and port, for people: never the password. */
  readonly label: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** `origin` is the scheme, host and port of the service. Throws a usage error (`bad-proxy`) for an address that is no HTTP proxy. */
export function proxyFor(origin: string, env: Environment): Proxy | undefined {
  const target = new URL(origin);
  const name = target.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const address = variable(env, name);
  if (address === undefined || isLoopback(target.hostname)) return undefined;
  if (bypassed(target, variable(env, 'no_proxy') ?? '')) return undefined;
  return parseProxy(address, name.toUpperCase());
}

function variable(env: Environment, name: string): string | undefined {
  for (const spelling of [name, name.toUpperCase()]) {
    const value = env[spelling]?.trim();
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

function parseProxy(address: string, name: string): Proxy {
  const schemed = /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`;
  const url = URL.canParse(schemed) ? new URL(schemed) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw usageError('bad-proxy', `${name} is not the address of an HTTP proxy`, 'e.g. http://proxy.example.com:3128');
  }
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return {
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    authorization: credentials(url, name),
    label: url.origin,
  };
}

function credentials(url: URL, name: string): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  try {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    return `Basic ${Buffer.from(pair).toString('base64')}`;
  } catch {
    throw usageError('bad-proxy', `the user or password in ${name} is not URL-encoded`, 'write % as %25');
  }
}

function bypassed(target: URL, noProxy: string): boolean {
  const host = bareHost(target.hostname);
  const port = target.port === '' ? (target.protocol === 'https:' ? '443' : '80') : target.port;
  return noProxy.split(/[\s,]+/).some((entry) => entry !== '' && (entry === '*' || covers(entry, host, port)));
}

/** `example.com` covers itself and its subdomains, `.example.com` and `*.example.com` its subdomains only; `:443` narrows to a port. */
function covers(entry: string, host: string, port: string): boolean {
  const narrowed = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry);
  if (narrowed !== null && narrowed[2] !== port) return false;
  const name = bareHost(narrowed?.[1] ?? entry);
  if (name.startsWith('*.')) return host.endsWith(name.slice(1));
  if (name.startsWith('.')) return host.endsWith(name);
  return name !== '' && (host === name || host.endsWith(`.${name}`));
}

function bareHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}
