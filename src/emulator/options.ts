/**
 * The flags of `serve`, as a table: the command line, its help and the README are made from it. Parsing turns what was typed into the
 * server's options and refuses what makes no sense, naming the flag.
 */
import { readFileSync } from 'node:fs';
import { usageError } from '../errors.js';
import { LIMITS } from '../wire.js';
import type { LocalServer, LocalServerOptions } from './index.js';
import { KINDS } from './fault-kinds.js';
import { MAX_CHUNK_ITEMS } from './ids.js';
import { DEFAULT_PROJECT, type ApiKey } from './keys.js';
import { OPERATIONS } from './operations.js';
import type { WebhookEvent, WebhookOptions } from './webhooks.js';

/** What one flag gives: its text, all its texts when it is repeatable, true for a switch. */
export type ServeValue = string | readonly string[] | boolean | undefined;
export type ServeValues = Readonly<Record<string, ServeValue>>;

export interface ServeFlag {
  /** Without dashes; `values` are keyed by it. */
  readonly name: string;
  /** What follows it, for help; undefined for a switch. */
  readonly value: string | undefined;
  readonly description: string;
  /** As help shows it; undefined when there is none. */
  readonly default: string | undefined;
  readonly repeatable: boolean;
  /** The checked value; throws AppError `bad-serve-flag`. */
  readonly parse: (text: string) => unknown;
}

function bad(flag: string, text: string, expected: string): never {
  throw usageError('bad-serve-flag', `--${flag} ${text} is not ${expected}.`, 'See zep-import serve --help.');
}

const asText = (text: string): string => text;

function whole(flag: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    return value >= min && value <= max ? value : bad(flag, text, `a whole number from ${min} to ${max}`);
  };
}

function decimal(flag: string): (text: string) => number {
  return (text) => (/^\d{1,9}(\.\d+)?$/.test(text) ? Number(text) : bad(flag, text, 'a number of at least 0'));
}

function rate(text: string): number {
  return text === 'max' ? Infinity : decimal('processing-rate')(text);
}

function oneOf<T extends string>(flag: string, known: readonly T[]): (text: string) => T {
  return (text) => known.find((word) => word === text) ?? bad(flag, text, `one of ${known.join(', ')}`);
}

/** An empty name would be a database of SQLite's own that is gone at the end. */
function dataFile(text: string): string {
  return text.trim() === '' ? bad('data', JSON.stringify(text), 'a file or :memory:') : text;
}

/** `KEY`, or `KEY=PROJECT`. A key may hold `=`: the last one separates. */
function apiKey(text: string): ApiKey {
  const at = text.lastIndexOf('=');
  const key = at < 0 ? text : text.slice(0, at);
  const project = at < 0 ? DEFAULT_PROJECT : text.slice(at + 1);
  if (key.trim() === '' || project.trim() === '') bad('api-key', '(not shown)', 'KEY or KEY=PROJECT');
  return { key: key.trim(), project };
}

function webUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'http:' || url?.protocol === 'https:'
    ? text
    : bad('webhook', text, 'an http or https address');
}

function secret(text: string): string {
  return /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(text)
    ? text
    : bad('webhook-secret', '(not shown)', 'whsec_ and a key in base64');
}

function flag(
  name: string,
  value: string | undefined,
  description: string,
  parse: (text: string) => unknown = asText,
  more: { readonly default?: string; readonly repeatable?: boolean } = {},
): ServeFlag {
  return { name, value, description, parse, default: more.default, repeatable: more.repeatable ?? false };
}

const EVENTS: readonly WebhookEvent[] = ['ingest.batch.completed', 'episode.processed'];
const DAY_SECONDS = 86_400;

export const SERVE_FLAGS: readonly ServeFlag[] = [
  flag('port', 'N', 'port on 127.0.0.1; 0 for any free one', whole('port', 0, 65_535), { default: '8787' }),
  flag('data', 'FILE', 'data file; :memory: keeps nothing', dataFile, { default: '<state-dir>/local.db' }),
  flag('api-key', 'KEY[=PROJECT]', 'accept this key (repeatable); without it every key opens one project', apiKey, {
    repeatable: true,
  }),
  flag('processing-rate', 'N', 'items processed a second; max, or 0 for none', rate, { default: 'max' }),
  flag('processing-concurrency', 'N', 'graphs processed side by side', whole('processing-concurrency', 1, 100_000), {
    default: '16',
  }),
  flag('expire-after', 'SECONDS', 'end a batch this long after process', decimal('expire-after'), {
    default: String(7 * DAY_SECONDS),
  }),
  flag(
    'invalid',
    'WHEN',
    'how a missing destination shows: at-once, late, refuse',
    oneOf('invalid', ['at-once', 'late', 'refuse']),
    {
      default: 'at-once',
    },
  ),
  flag('max-items-per-add', 'N', 'items in one add call', whole('max-items-per-add', 1, MAX_CHUNK_ITEMS), {
    default: String(LIMITS.itemsPerAdd),
  }),
  flag('max-items-per-batch', 'N', 'items in one batch', whole('max-items-per-batch', 1, 10_000_000), {
    default: String(LIMITS.itemsPerBatch),
  }),
  flag('max-body-bytes', 'N', 'refuse larger requests with 413', whole('max-body-bytes', 1, 1_000_000_000)),
  flag('episode-characters', 'N', 'characters of an episode', whole('episode-characters', 1, 10_000_000), {
    default: String(LIMITS.episodeCharacters),
  }),
  flag('message-characters', 'N', 'characters of a message', whole('message-characters', 1, 10_000_000), {
    default: String(LIMITS.messageCharacters),
  }),
  flag(
    'character-unit',
    'UNIT',
    'what a character is: code-points, bytes',
    oneOf('character-unit', ['code-points', 'bytes']),
    {
      default: 'code-points',
    },
  ),
  flag('rate-limit', 'N', 'calls a minute', whole('rate-limit', 1, 100_000_000)),
  flag('no-rate-headers', undefined, 'keep the rate limit without telling of it'),
  flag('latency', 'MS', 'wait before every request', decimal('latency'), { default: '0' }),
  flag('jitter', 'MS', 'wait up to this much more', decimal('jitter'), { default: '0' }),
  flag('fault', 'RULE', "make calls fail, e.g. 'add:3=drop-after' (repeatable)", asText, { repeatable: true }),
  flag('fault-file', 'FILE', 'rules from a file, one a line, # for comments'),
  flag('seed', 'N', 'of all chance', whole('seed', 0, 4_294_967_295)),
  flag('webhook', 'URL', 'send webhooks there', webUrl),
  flag('webhook-secret', 'SECRET', 'sign webhooks with it: whsec_ and a key in base64', secret),
  flag(
    'webhook-event',
    'NAME',
    `only these events (repeatable): ${EVENTS.join(', ')}`,
    oneOf('webhook-event', EVENTS),
    {
      repeatable: true,
    },
  ),
  flag('webhook-delay', 'SECONDS', 'send webhooks this much later', decimal('webhook-delay')),
  flag('webhook-duplicate', undefined, 'send every webhook twice'),
  flag('webhook-missign', undefined, 'sign webhooks with a wrong key'),
];

function read(values: ServeValues, name: string): unknown {
  const known = SERVE_FLAGS.find((entry) => entry.name === name);
  const value = values[name];
  if (known === undefined || value === undefined || value === false) return undefined;
  if (value === true) return true;
  if (typeof value === 'string') return known.parse(value);
  return known.repeatable ? value.map((text) => known.parse(text)) : bad(name, '(repeated)', 'a single value');
}

/** A flag that would do nothing without another is a mistake of whoever typed it. */
const NEEDS: Readonly<Record<string, string>> = {
  'webhook-secret': 'webhook',
  'webhook-event': 'webhook',
  'webhook-delay': 'webhook',
  'webhook-duplicate': 'webhook',
  'webhook-missign': 'webhook',
  webhook: 'webhook-secret',
  'no-rate-headers': 'rate-limit',
};

function checkCompanions(values: ServeValues): void {
  const isGiven = (name: string): boolean => values[name] !== undefined && values[name] !== false;
  for (const [name, other] of Object.entries(NEEDS)) {
    if (!isGiven(name) || isGiven(other)) continue;
    throw usageError('bad-serve-flag', `--${name} needs --${other}.`, `Give --${other} too, or leave --${name} out.`);
  }
}

function keysOf(values: ServeValues): ApiKey[] | undefined {
  const keys = listOf<ApiKey>(read(values, 'api-key'));
  const projects = new Map<string, string>();
  for (const { key, project } of keys ?? []) {
    const other = projects.get(key) ?? project;
    if (other !== project) bad('api-key', '(not shown)', `a key to one project: it opens ${other} and ${project}`);
    projects.set(key, project);
  }
  return keys;
}

/** Only what was given, so that the server's own defaults hold for the rest. */
function given<T extends object>(options: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function listOf<T>(value: unknown): T[] | undefined {
  if (value === undefined) return undefined;
  return (Array.isArray(value) ? value : [value]) as T[];
}

function seconds(value: unknown): number | undefined {
  return typeof value === 'number' ? value * 1000 : undefined;
}

function faultsOf(values: ServeValues): string[] | undefined {
  const rules = listOf<string>(read(values, 'fault')) ?? [];
  const file = read(values, 'fault-file');
  if (typeof file === 'string') {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (cause) {
      return bad(
        'fault-file',
        file,
        `a file that can be read (${cause instanceof Error ? cause.message : String(cause)})`,
      );
    }
    for (const line of text.split(/\r?\n/))
      if (line.trim() !== '' && !line.trim().startsWith('#')) rules.push(line.trim());
  }
  return rules.length === 0 ? undefined : rules;
}

function webhookOf(values: ServeValues): WebhookOptions | undefined {
  const url = read(values, 'webhook') as string | undefined;
  const key = read(values, 'webhook-secret') as string | undefined;
  if (url === undefined || key === undefined) return undefined;
  return {
    url,
    secret: key,
    ...given({
      events: listOf<WebhookEvent>(read(values, 'webhook-event')),
      delayMs: seconds(read(values, 'webhook-delay')),
      duplicate: read(values, 'webhook-duplicate') as boolean | undefined,
      missign: read(values, 'webhook-missign') as boolean | undefined,
    }),
  };
}

/** `values` by flag name, as typed. Unknown names and wrong values throw AppError (usage). */
export function parseServeOptions(values: ServeValues): LocalServerOptions {
  for (const name of Object.keys(values)) {
    if (!SERVE_FLAGS.some((entry) => entry.name === name)) bad(name, '', 'a flag of serve');
  }
  checkCompanions(values);
  const number = (name: string): number | undefined => read(values, name) as number | undefined;
  const data = read(values, 'data') as string | undefined;
  const limits: LocalServerOptions['limits'] = given({
    maxItemsPerAdd: number('max-items-per-add'),
    maxItemsPerBatch: number('max-items-per-batch'),
    maxBodyBytes: number('max-body-bytes'),
    episodeCharacters: number('episode-characters'),
    messageCharacters: number('message-characters'),
    characterUnit: read(values, 'character-unit') as 'code-points' | 'bytes' | undefined,
    rateLimitPerMinute: number('rate-limit'),
    rateLimitHeaders: read(values, 'no-rate-headers') === true ? false : undefined,
  });
  return given({
    port: number('port') ?? 8787,
    dataFile: data === ':memory:' ? undefined : data,
    apiKeys: keysOf(values),
    processingRate: number('processing-rate'),
    processingConcurrency: number('processing-concurrency'),
    expireAfterMs: seconds(read(values, 'expire-after')),
    invalidMode: read(values, 'invalid') as LocalServerOptions['invalidMode'],
    limits,
    latencyMs: number('latency'),
    jitterMs: number('jitter'),
    faults: faultsOf(values),
    seed: number('seed'),
    webhook: webhookOf(values),
  });
}

/** What `--fault` understands, for help and README: the shape of a rule, the operations, and every kind with its values. */
export function faultHelp(): string[] {
  const kinds = [...KINDS].map(([name, { description, params }]) => {
    const values = Object.keys(params).join(', ');
    return `  ${name.padEnd(15)} ${description}${values === '' ? '' : ` [${values}]`}`;
  });
  return [
    'OPERATION[:CALLS]=KIND[@PROBABILITY][,name=value]   CALLS: *, 3, 3-5, 3+, %10 (every tenth)',
    `Operations: *, ${OPERATIONS.join(', ')} (or a beginning, thread-*)`,
    'Kinds (each also takes from and for, in seconds since the start):',
    '  400 ... 599     that status, not applied; with -after (500-after) applied first [body, message, retry-after, reset]',
    ...kinds,
  ];
}

/** The line that says that requests may come: the one thing `serve` prints on stdout. */
export function readyLine(server: LocalServer, options: Pick<LocalServerOptions, 'dataFile'>): string {
  const data = options.dataFile ?? 'in memory';
  return `zep-import local server ready on ${server.url} (data: ${data}, project: ${server.projectUuid})`;
}
