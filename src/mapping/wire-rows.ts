/**
 * Rows that already are items for the service and need no mapping. They are checked as strictly as mapped ones: a field the kind does
 * not have is refused by name, since a mistyped one would be lost silently.
 */
import type { CheckNotice } from '../check-report.js';
import type { MapOutput, RecordFate, SourceRecord } from '../model.js';
import { LIMITS } from '../wire.js';
import type { EventTime } from './dates/date-reader.js';
import { rfc3339Ms } from './dates/iso.js';
import { nearest } from './document/shape-problems.js';
import { isObject, kindInWords, textOf, type JsonObject } from './expression/values.js';
import { checkLength, checkWellFormed, isBlank } from './items/characters.js';
import { Emission } from './items/emission.js';
import { emitEpisode } from './items/episode.js';
import { emitMessage } from './items/message.js';
import { metadataOf } from './items/metadata.js';
import { checkOverride, type DestinationOverride } from './items/templates.js';
import { rejectionOf, type Mapper } from './mapper.js';
import { rowError } from './row-error.js';

const FIELDS = {
  thread_message: ['type', 'thread_id', 'role', 'content', 'name', 'created_at', 'metadata', 'user_id'],
  graph_episode: [
    'type',
    'data',
    'data_type',
    'graph_id',
    'user_id',
    'created_at',
    'metadata',
    'source_description',
    'document_id',
  ],
} as const;
type Kind = keyof typeof FIELDS;
const FIELD_SETS: Readonly<Record<Kind, ReadonlySet<string>>> = {
  thread_message: new Set(FIELDS.thread_message),
  graph_episode: new Set(FIELDS.graph_episode),
};
const SERVICE_ID_CHARACTERS = 1000;
/** Texts over the limit are split, JSON is rejected. */
const AS_IT_IS = { oversize: undefined, split: undefined };

/**
 * A mapper for rows that are items: of the type they name, else of the one their fields leave no doubt about. A message may carry
 * `user_id`, the owner of its thread, which is not sent. Throws the usage error `bad-destination`.
 */
export function wireItemMapper(override: DestinationOverride): Mapper {
  checkOverride(override, undefined);
  return new WireRowMapper(override);
}

/**
 * Why a value is no item: a sentence that names what is missing, or undefined when it is one. With `override`, ids from the command
 * line count as there.
 */
export function explainNotWireItem(value: unknown, override: DestinationOverride = {}): string | undefined {
  if (!isObject(value)) return `a row is ${kindInWords(value)}, and an item is an object`;
  const kind = kindOfRow(value);
  if (kind === undefined) return withoutKind(value);
  const missing = missingFields(value, kind, override);
  if (missing.length === 0) return undefined;
  return `a ${kind} needs ${NEEDS[kind]}, and ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`;
}

const NEEDS: Readonly<Record<Kind, string>> = {
  thread_message: 'thread_id, role and content',
  graph_episode: 'data, and graph_id or user_id',
};

function withoutKind(row: JsonObject): string {
  if (typeof row['type'] === 'string' && isGiven(row, 'type')) {
    return 'their type is neither thread_message nor graph_episode';
  }
  return 'a thread_message needs thread_id, role and content, a graph_episode needs data, and these are missing';
}

function isGiven(row: JsonObject, name: string): boolean {
  return Object.hasOwn(row, name) && row[name] !== null && row[name] !== undefined;
}

/** The type a row names, or the only one its fields allow. */
function kindOfRow(row: JsonObject): Kind | undefined {
  if (isGiven(row, 'type')) {
    const type = row['type'];
    return type === 'thread_message' || type === 'graph_episode' ? type : undefined;
  }
  const isMessage = isGiven(row, 'content');
  const isEpisode = isGiven(row, 'data');
  if (isMessage === isEpisode) return undefined;
  return isMessage ? 'thread_message' : 'graph_episode';
}

function missingFields(row: JsonObject, kind: Kind, override: DestinationOverride): readonly string[] {
  const missing: string[] = [];
  if (kind === 'graph_episode') {
    if (!isGiven(row, 'data')) missing.push('data');
    const hasGraph = isGiven(row, 'graph_id') || isGiven(row, 'user_id');
    if (!hasGraph && override.graphId === undefined && override.userId === undefined)
      missing.push('graph_id or user_id');
    return missing;
  }
  if (!isGiven(row, 'thread_id') && override.threadId === undefined) missing.push('thread_id');
  for (const name of ['role', 'content']) if (!isGiven(row, name)) missing.push(name);
  return missing;
}

class WireRowMapper implements Mapper {
  readonly #override: DestinationOverride;
  readonly #emission = new Emission();

  constructor(override: DestinationOverride) {
    this.#override = override;
  }

  notices(): readonly CheckNotice[] {
    return this.#emission.notices();
  }

  map(record: SourceRecord, out: MapOutput): RecordFate {
    this.#emission.begin(record.position, out);
    try {
      this.#emit(record.value);
      return 'mapped';
    } catch (error) {
      this.#emission.reject(rejectionOf(error), false);
      return 'rejected';
    }
  }

  #emit(value: unknown): void {
    const reason = explainNotWireItem(value, this.#override);
    if (reason !== undefined || !isObject(value)) {
      throw rowError('map', 'not-an-item', `the row is no item: ${reason ?? 'it is no object'}`);
    }
    const kind = kindOfRow(value) ?? 'graph_episode';
    refuseUnknown(value, kind);
    if (kind === 'thread_message') this.#emitMessage(value);
    else this.#emitEpisode(value);
  }

  #emitMessage(row: JsonObject): void {
    const { threadId, userId } = this.#override;
    const parts = {
      threadId: threadId ?? needed(row, 'thread_id', LIMITS.threadIdCharacters),
      role: needed(row, 'role', SERVICE_ID_CHARACTERS),
      name: optional(row, 'name', LIMITS.nameCharacters),
      content: text(row, 'content') ?? '',
      time: timeOf(row),
      metadata: isGiven(row, 'metadata') ? metadataOf(row['metadata']) : undefined,
      owner: userId ?? optional(row, 'user_id', SERVICE_ID_CHARACTERS),
    };
    emitMessage(parts, AS_IT_IS, this.#emission);
  }

  #emitEpisode(row: JsonObject): void {
    const { graphId, userId } = this.#override;
    const isOverridden = graphId !== undefined || userId !== undefined;
    if (!isOverridden && isGiven(row, 'graph_id') && isGiven(row, 'user_id')) {
      throw rowError('map', 'two-destinations', 'an episode goes to graph_id or to user_id, not to both', 'user_id');
    }
    const parts = {
      graphId: isOverridden ? graphId : optional(row, 'graph_id', SERVICE_ID_CHARACTERS),
      userId: isOverridden ? userId : optional(row, 'user_id', SERVICE_ID_CHARACTERS),
      data: row['data'],
      dataType: optional(row, 'data_type', SERVICE_ID_CHARACTERS),
      time: timeOf(row),
      metadata: isGiven(row, 'metadata') ? metadataOf(row['metadata']) : undefined,
      sourceDescription: optional(row, 'source_description', LIMITS.sourceDescriptionCharacters),
      documentId: optional(row, 'document_id', LIMITS.documentIdCharacters),
    };
    if (parts.graphId === undefined && parts.userId === undefined) {
      throw rowError('map', 'missing-field', 'graph_id is blank', 'graph_id');
    }
    emitEpisode(parts, AS_IT_IS, this.#emission, (value) => JSON.stringify(value));
  }
}

function refuseUnknown(row: JsonObject, kind: Kind): void {
  const known = FIELD_SETS[kind];
  for (const key of Object.keys(row)) {
    if (known.has(key) || row[key] === null) continue;
    const name = key.length > 40 ? `${key.slice(0, 40)}…` : key;
    const suggestion = nearest(key, FIELDS[kind]) ?? `it has ${FIELDS[kind].join(', ')}`;
    throw rowError('map', 'unknown-field', `a ${kind} has no field ${JSON.stringify(name)}: ${suggestion}`, name);
  }
}

function text(row: JsonObject, name: string): string | undefined {
  if (!isGiven(row, name)) return undefined;
  const value = textOf(row[name]);
  if (value === undefined) throw rowError('map', 'wrong-type', `${name} is ${kindInWords(row[name])}, not text`, name);
  return value;
}

function optional(row: JsonObject, name: string, limit: number): string | undefined {
  const value = text(row, name);
  if (value === undefined || isBlank(value)) return undefined;
  checkLength(value, name, limit);
  checkWellFormed(value, name);
  return value;
}

function needed(row: JsonObject, name: string, limit: number): string {
  const value = optional(row, name, limit);
  if (value === undefined) throw rowError('map', 'missing-field', `${name} is missing or blank`, name);
  return value;
}

function timeOf(row: JsonObject): EventTime | undefined {
  const value = isGiven(row, 'created_at') ? row['created_at'] : undefined;
  if (value === undefined) return undefined;
  const ms = typeof value === 'string' ? rfc3339Ms(value) : undefined;
  if (ms === undefined || typeof value !== 'string') {
    const message = 'created_at must be RFC 3339 with an offset, as in 2024-05-06T07:08:09Z';
    throw rowError('map', 'date-format', message, 'created_at');
  }
  return { text: value, ms, flags: 0 };
}
