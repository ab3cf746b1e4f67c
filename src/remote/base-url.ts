/**
 * Where the service lives. People paste addresses with and without the API path, with trailing slashes and behind gateway prefixes; one
 * pure function turns all of them into the one address the client uses, and refuses what could send the key somewhere unintended.
 */
import { usageError } from '../errors.js';

/** The path of the API generation this client speaks. */
const API_PATH = '/api/v2';

export interface BaseUrl {
  /** Scheme, host and port, e.g. `https://api.getzep.com`. */
  readonly origin: string;
  /** Gateway prefix and API path, without a trailing slash, e.g. `/api/v2`. */
  readonly path: string;
  /** `origin` + `path`, for people. */
  readonly href: string;
  /** True when host is this machine. */
  readonly loopback: boolean;
}

/**
 * Accepts `https://host[:port][/prefix][/api/v2][/]`. Throws a usage error (code `bad-api-url`) for anything else: another scheme, a user
 * or password, a query, a fragment, another API generation.
 */
export function normaliseBaseUrl(text: string): BaseUrl {
  const typed = text.trim();
  const url = parse(typed);
  if (url.username !== '' || url.password !== '') {
    throw refuse('an API address must not hold a user name or password', 'the key goes into ZEP_API_KEY');
  }
  if (url.search !== '' || url.hash !== '') {
    throw refuse(`the API address ${url.origin}${url.pathname} must not have a query or a fragment`);
  }
  let path = withoutTrailingSlashes(url.pathname);
  const generation = /\/api\/(v\d+)$/i.exec(path)?.[1];
  if (generation === undefined) path += API_PATH;
  else if (generation !== 'v2') {
    throw refuse(
      `the API address ends in /api/${generation}, but this program speaks /api/v2`,
      `use ${url.origin}${path.slice(0, -generation.length)}v2`,
    );
  }
  return { origin: url.origin, path, href: url.origin + path, loopback: isLoopback(url.hostname) };
}

/** `hostname` as a URL has it (IPv6 in brackets, lower case). */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function parse(typed: string): URL {
  if (typed === '') throw refuse('the API address is empty', 'e.g. https://api.getzep.com');
  const schemed = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed);
  if (!schemed) throw refuse('the API address needs to begin with https:// or http://', 'e.g. https://api.getzep.com');
  if (!URL.canParse(typed)) throw refuse('the API address is not a URL', 'e.g. https://api.getzep.com');
  const url = new URL(typed);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw refuse(`the API address must begin with https:// or http://, not ${url.protocol}//`);
  }
  return url;
}

function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && path.charCodeAt(end - 1) === 0x2f) end--;
  return path.slice(0, end);
}

function refuse(message: string, hint?: string): Error {
  return usageError('bad-api-url', message, hint ?? 'check --api-url or ZEP_API_URL');
}
