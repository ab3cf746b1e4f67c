/**
 * From JSON bytes to the nouns of api.ts. The service declares every property of its answers optional, so everything is checked and
 * nothing assumed: a missing part is undefined, an unknown word is kept, and only what makes an answer useless is refused (BadAnswer).
 */
import type { BatchId } from '../model.js';
import type { BatchItem, BatchSummary, Project } from './api.js';
import { field, presentable, wordsOf, type Redact } from './server-words.js';
import type { WireAnswer } from './transport.js';

/** A good status whose body is not what the call answers. Whether the call was applied is then unknown. */
export class BadAnswer extends Error {
  override readonly name = 'BadAnswer';
}

export interface Page<T> {
  readonly entries: readonly T[];
  readonly nextCursor: number | string | undefined;
}

type Json = Readonly<Record<string, unknown>>;

export function parseJson(answer: WireAnswer): unknown {
  const encoding = answer.header('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity') throw new BadAnswer('it is compressed, which was not asked for');
  if (answer.body.length === 0) throw new BadAnswer('it is empty');
  const bom = answer.body[0] === 0xef && answer.body[1] === 0xbb && answer.body[2] === 0xbf;
  const text = answer.body.toString('utf8', bom ? 3 : 0);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const html = text.trimStart().startsWith('<');
    throw new BadAnswer(html ? 'it is an HTML page, not JSON' : 'it is not JSON, or was cut short');
  }
}

/** Of a batch known by `expected`; of a new one when undefined, which then must say its id. */
export function parseSummary(value: unknown, expected: BatchId | undefined): BatchSummary {
  const json = object(value, 'a batch');
  const id = text(json['batch_id']);
  const status = text(json['status']);
  if (id === undefined && expected === undefined) throw new BadAnswer('it names no batch_id');
  if (id !== undefined && expected !== undefined && id !== expected) throw new BadAnswer('it is about another batch');
  if (id === undefined && status === undefined) throw new BadAnswer('it says nothing about a batch');
  const itemCount = count(json['item_count']);
  return {
    batchId: expected ?? (id as BatchId),
    status: status ?? '',
    itemCount,
    metadata: isObject(json['metadata']) ? json['metadata'] : {},
    counts: parseCounts(json['progress'], itemCount),
    createdAt: text(json['created_at']),
    updatedAt: text(json['updated_at']),
    processedAt: text(json['processed_at']),
    completedAt: text(json['completed_at']),
  };
}

/** Undefined while there is no progress: absent, null, without numbers, or all zeros as drafts may show it. */
function parseCounts(value: unknown, itemCount: number | undefined): BatchSummary['counts'] {
  if (!isObject(value)) return undefined;
  const queued = count(value['queued_items']) ?? 0;
  const processing = count(value['processing_items']) ?? 0;
  const succeeded = count(value['succeeded_items']) ?? 0;
  const failed = count(value['failed_items']) ?? 0;
  const skipped = count(value['skipped_items']) ?? 0;
  const canceled = count(value['canceled_items']) ?? 0;
  const told = count(value['total_items']);
  const sum = queued + processing + succeeded + failed + skipped + canceled;
  const total = told === undefined || told === 0 ? (itemCount ?? sum) : told;
  if (sum === 0 && (told ?? 0) === 0) return undefined;
  const percent = number(value['percent_complete']);
  return { total, queued, processing, succeeded, failed, skipped, canceled, percent };
}

/** The details of an add call: a bare array. One pass, since there are 500 of them. */
export function parseItems(value: unknown, redact: Redact): BatchItem[] {
  if (!Array.isArray(value)) throw new BadAnswer('it is not a list of item details');
  return value.map((entry: unknown) => parseItem(entry, redact));
}

function parseItem(value: unknown, redact: Redact): BatchItem {
  const json = object(value, 'an item detail');
  return {
    index: count(json['sequence_index']),
    itemId: text(json['item_id']),
    kind: text(json['kind']),
    status: text(json['status']) ?? '',
    episodeUuid: text(json['episode_uuid']),
    graphId: text(json['graph_id']),
    userId: text(json['user_id']),
    threadId: text(json['thread_id']),
    error: parseItemError(json['error'], redact),
  };
}

/** Free-form at the service: a message and a code where they can be found, else the JSON itself. */
function parseItemError(value: unknown, redact: Redact): BatchItem['error'] {
  if (value === undefined || value === null || value === '' || value === false) return undefined;
  if (isObject(value) && Object.keys(value).length === 0) return undefined;
  const code = field(value, 'code');
  const message = presentable(wordsOf(value) ?? asJson(value), redact) ?? 'no reason given';
  return {
    message,
    code: typeof code === 'string' || typeof code === 'number' ? presentable(String(code), redact) : undefined,
  };
}

/** Also of what is nested too deep to be written down again. */
function asJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return 'an error nested too deep to be shown';
  }
}

export function parseItemPage(value: unknown, redact: Redact): Page<BatchItem> {
  return parsePage(value, 'items', (entry) => parseItem(entry, redact));
}

/** An entry without an id cannot be asked about and is left out. */
export function parseBatchPage(value: unknown): Page<BatchSummary> {
  const page = parsePage(value, 'batches', (entry) =>
    text(field(entry, 'batch_id')) === undefined ? undefined : parseSummary(entry, undefined),
  );
  return { ...page, entries: page.entries.filter((entry) => entry !== undefined) };
}

function parsePage<T>(value: unknown, name: string, parse: (entry: unknown) => T): Page<T> {
  const json = object(value, `a list of ${name}`);
  const list = json[name];
  if (list !== undefined && list !== null && !Array.isArray(list)) throw new BadAnswer(`its ${name} are not a list`);
  const next = json['next_cursor'];
  return {
    entries: ((list ?? []) as unknown[]).map(parse),
    nextCursor: typeof next === 'number' || (typeof next === 'string' && next !== '') ? next : undefined,
  };
}

export function parseProject(value: unknown): Project {
  const json = object(value, 'a project');
  const project = isObject(json['project']) ? json['project'] : json;
  return { uuid: text(project['uuid']), name: text(project['name']) };
}

/** The user a thread belongs to, from its message list. */
export function parseThreadOwner(value: unknown): string {
  const owner = text(object(value, 'a thread')['user_id']);
  if (owner === undefined) throw new BadAnswer('it does not say whose thread it is');
  return owner;
}

function object(value: unknown, what: string): Json {
  if (!isObject(value)) throw new BadAnswer(`it is not ${what}`);
  return value;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A finite number, also when it was sent as text. */
function number(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' && /^-?\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : undefined;
}

function count(value: unknown): number | undefined {
  const found = number(value);
  return found !== undefined && Number.isInteger(found) && found >= 0 ? found : undefined;
}
