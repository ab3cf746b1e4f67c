/**
 * The service's own words, made fit to be shown: found in whatever body came (JSON, plain text, a proxy's HTML), freed of control
 * characters that could steer a terminal, cut to a sensible length, and never holding the API key, even where a server echoes it.
 */

/** Longest text taken over, in UTF-16 units. */
const MAX_WORDS = 500;
/** A shorter "key" is no secret but a word such as a local server is given, and taking it out would turn messages into riddles. */
const SHORTEST_KEY = 6;

/** Takes the API key out of a text. */
export type Redact = (text: string) => string;

export function redactor(apiKey: string): Redact {
  if (apiKey.length < SHORTEST_KEY) return (text) => text;
  return (text) => (text.includes(apiKey) ? text.replaceAll(apiKey, '[key]') : text);
}

export interface ServerWords {
  /** Undefined when the body says nothing. */
  readonly text: string | undefined;
  /** The service's own number for the call, worth quoting to its support. */
  readonly requestId: string | undefined;
}

export function serverWords(body: Buffer, redact: Redact): ServerWords {
  const text = body
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trim();
  if (text === '') return { text: undefined, requestId: undefined };
  if (text.startsWith('{') || text.startsWith('[') || text.startsWith('"')) {
    const value = parsed(text);
    if (value !== undefined) {
      const id = field(value, 'request_id');
      return {
        text: presentable(wordsOf(value) ?? text, redact),
        requestId: typeof id === 'string' ? presentable(id.slice(0, 100), redact) : undefined,
      };
    }
  }
  return { text: presentable(text.startsWith('<') ? titleOf(text) : text, redact), requestId: undefined };
}

/** Redacted, one line, no control or direction-changing characters, at most 500 units; undefined when nothing is left. */
export function presentable(text: string, redact: Redact): string | undefined {
  // Redacted before any cut, or half the key could survive one.
  const redacted = redact(text);
  const clean = redacted
    .slice(0, MAX_WORDS * 20)
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\s]+/g, ' ')
    .trim();
  if (clean === '') return undefined;
  if (clean.length <= MAX_WORDS) return clean;
  const end = isHighSurrogate(clean.charCodeAt(MAX_WORDS - 2)) ? MAX_WORDS - 2 : MAX_WORDS - 1;
  return `${clean.slice(0, end)}…`;
}

/** The message in a JSON error body: Zep says `{message}`, its newer API `{error: {message}}`, gateways `{detail}` or `{title}`. */
export function wordsOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  for (const name of ['message', 'error', 'detail', 'title', 'error_description', 'reason']) {
    const found = field(value, name);
    if (typeof found === 'string' && found.trim() !== '') return found;
    const nested = field(found, 'message');
    if (typeof nested === 'string' && nested.trim() !== '') return nested;
  }
  return undefined;
}

export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function titleOf(html: string): string {
  const title = /<title[^>]*>([^<]{0,1000})/i.exec(html)?.[1]?.trim();
  return title === undefined || title === '' ? 'an HTML page' : unescapeHtml(title);
}

function unescapeHtml(text: string): string {
  const names: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: ' ' };
  return text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (whole, name: string) => names[name] ?? whole);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
