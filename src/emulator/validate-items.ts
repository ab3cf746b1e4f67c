/**
 * The items of an add call: all of them are checked before anything is stored. Fields that do not belong to an item's type are checked
 * too, then ignored; fields nobody knows are ignored. Written for speed: it runs for every item, and a refusal is thrown because it ends
 * the call.
 */
import { DATA_TYPES, LIMITS, type DataType, type WireItem } from '../wire.js';
import { badRequest, invalidJson } from './answer.js';
import { isObject, type JsonObject } from './call.js';
import { LayoutBuilder, typeOfData, typeOfRole, type ChunkLayout } from './layout.js';
import {
  badRole,
  checkMetadata,
  checkTime,
  isBlank,
  isRole,
  longerThan,
  type CharacterUnit,
} from './validate-fields.js';

export interface ItemRules {
  readonly maxItemsPerAdd: number;
  readonly characterUnit: CharacterUnit;
  readonly episodeCharacters: number;
  readonly messageCharacters: number;
}

export interface CheckedItems {
  readonly items: readonly WireItem[];
  readonly layout: ChunkLayout;
}

const dataTypes: ReadonlySet<string> = new Set(DATA_TYPES);
const TEXT_FIELDS = [
  'data',
  'data_type',
  'graph_id',
  'user_id',
  'thread_id',
  'content',
  'role',
  'name',
  'source_description',
  'document_id',
] as const;

export function parseItems(body: Buffer, rules: ItemRules): CheckedItems {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    throw invalidJson('the body is not JSON');
  }
  if (!isObject(parsed)) throw invalidJson('the body must be an object');
  const { items } = parsed;
  if (items === undefined || items === null) throw badRequest('items is required');
  if (!Array.isArray(items)) throw invalidJson('items must be an array');
  return checkItems(items, rules);
}

/** `what` is how refusals call the list. */
export function checkItems(items: readonly unknown[], rules: ItemRules, what = 'items'): CheckedItems {
  if (items.length === 0) throw badRequest(`${what} must not be empty`);
  if (items.length > rules.maxItemsPerAdd) {
    throw badRequest(`too many ${what}: ${items.length}, at most ${rules.maxItemsPerAdd} are allowed in one request`);
  }
  const layout = new LayoutBuilder(items.length);
  for (let index = 0; index < items.length; index++) {
    const item: unknown = items[index];
    if (!isObject(item)) throw invalidJson(`${what}[${index}] must be an object`);
    checkItem(item, index, `${what}[${index}]`, rules, layout);
  }
  return { items: items as readonly WireItem[], layout: layout.finish() };
}

function checkItem(item: JsonObject, index: number, where: string, rules: ItemRules, layout: LayoutBuilder): void {
  for (const field of TEXT_FIELDS) {
    const value = item[field];
    if (typeof value !== 'string' && value !== undefined && value !== null) {
      throw invalidJson(`${where}.${field} must be a string`);
    }
  }
  checkLengths(item, where, rules);
  if (typeof item.role === 'string' && !isRole(item.role)) throw badRole(item.role);
  if (typeof item.data_type === 'string' && !dataTypes.has(item.data_type)) {
    throw badRequest(`${where}.data_type must be one of ${DATA_TYPES.join(', ')}`);
  }
  if (item.created_at !== undefined) checkTime(item.created_at, `${where}.created_at`);
  if (item.metadata !== undefined) checkMetadata(item.metadata, `${where}.metadata`, LIMITS.metadataKeys);
  if (item.type === 'graph_episode') checkEpisode(item, index, where, layout);
  else if (item.type === 'thread_message') checkMessage(item, index, where, layout);
  else throw badRequest(`${where}.type must be graph_episode or thread_message`);
}

function checkLengths(item: JsonObject, where: string, rules: ItemRules): void {
  const { characterUnit: unit } = rules;
  const over = (value: unknown, max: number): boolean => typeof value === 'string' && longerThan(value, max, unit);
  if (over(item.data, rules.episodeCharacters)) {
    throw badRequest(`${where}.data exceeds ${rules.episodeCharacters} characters`);
  }
  if (over(item.content, rules.messageCharacters)) {
    throw badRequest(`message content exceeds ${rules.messageCharacters} characters (${where})`);
  }
  if (over(item.name, LIMITS.nameCharacters))
    throw badRequest(`${where}.name exceeds ${LIMITS.nameCharacters} characters`);
  if (over(item.thread_id, LIMITS.threadIdCharacters)) {
    throw badRequest(`${where}.thread_id exceeds ${LIMITS.threadIdCharacters} characters`);
  }
  if (over(item.source_description, LIMITS.sourceDescriptionCharacters)) {
    throw badRequest(`${where}.source_description exceeds ${LIMITS.sourceDescriptionCharacters} characters`);
  }
  if (item.document_id === '' || over(item.document_id, LIMITS.documentIdCharacters)) {
    throw badRequest(`${where}.document_id must have 1 to ${LIMITS.documentIdCharacters} characters`);
  }
}

function checkEpisode(item: JsonObject, index: number, where: string, layout: LayoutBuilder): void {
  const { data, data_type: dataType, graph_id: graphId, user_id: userId } = item;
  if (typeof data !== 'string' || isBlank(data)) throw badRequest(`${where}.data is required`);
  if (typeof dataType !== 'string') throw badRequest(`${where}.data_type is required`);
  const graph = typeof graphId === 'string' && graphId !== '' ? graphId : undefined;
  const user = typeof userId === 'string' && userId !== '' ? userId : undefined;
  if ((graph === undefined) === (user === undefined)) {
    throw badRequest(`${where} needs exactly one of graph_id and user_id`);
  }
  if (dataType === 'json' && !isJson(data)) throw badRequest(`${where}.data is not valid JSON`);
  layout.set(index, user === undefined ? 'graph' : 'user', user ?? graph ?? '', typeOfData(dataType as DataType));
}

function checkMessage(item: JsonObject, index: number, where: string, layout: LayoutBuilder): void {
  const { content, role, thread_id: threadId } = item;
  if (typeof threadId !== 'string' || isBlank(threadId)) throw badRequest(`${where}.thread_id is required`);
  if (typeof content !== 'string' || isBlank(content)) throw badRequest(`${where}.content is required`);
  if (typeof role !== 'string' || !isRole(role)) throw badRequest(`${where}.role is required`);
  layout.set(index, 'thread', threadId, typeOfRole(role));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
