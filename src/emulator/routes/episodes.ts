/**
 * Episodes: by uuid, the latest of a graph, pages of a graph with filters, and the chunks of a document. Walks over a graph give way to
 * other requests and keep no more than a page in memory.
 */
import { badRequest, invalidJson, json, notFound, type Answer } from '../answer.js';
import { bodyObject, isObject, param, queryInteger, type Call } from '../call.js';
import type { RouteContext } from '../context.js';
import {
  episodeAnswer,
  findEpisode,
  graphMembers,
  openPlace,
  placedSeqs,
  processedOnly,
  type PlacedItem,
} from '../episode-reader.js';
import { SUCCEEDED } from '../engine/machine.js';
import { targetOfItem } from '../layout.js';
import { compileMetadataFilter } from '../metadata-filter.js';
import type { Route } from '../router.js';
import type { Target } from '../store/targets.js';
import { requireGraph } from './graphs.js';
import { requireUser } from './users.js';

const MAX_LAST = 1_000;
const DEFAULT_PAGE = 100;
const MAX_PAGE = 50;
const MAX_UUIDS = 256;
const WALK_SLICE = 500;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function episodeRoutes(context: RouteContext): Route[] {
  const ofGraph = (call: Call): Target => requireGraph(context, call, param(call));
  const ofUser = (call: Call): Target => requireUser(context, call, param(call));
  const base = '/graph/episodes';
  return [
    { operation: 'episode-get', method: 'GET', path: `${base}/:uuid`, handler: (call) => getEpisode(context, call) },
    {
      operation: 'episodes-graph',
      method: 'GET',
      path: `${base}/graph/:graph`,
      handler: (call) => latest(context, call, ofGraph(call)),
    },
    {
      operation: 'episodes-user',
      method: 'GET',
      path: `${base}/user/:user`,
      handler: (call) => latest(context, call, ofUser(call)),
    },
    {
      operation: 'episodes-graph',
      method: 'POST',
      path: `${base}/graph/:graph`,
      handler: (call) => search(context, call, ofGraph(call)),
    },
    {
      operation: 'episodes-user',
      method: 'POST',
      path: `${base}/user/:user`,
      handler: (call) => search(context, call, ofUser(call)),
    },
    {
      operation: 'episodes-document',
      method: 'GET',
      path: '/graph/documents/:document/episodes',
      handler: (call) => ofDocument(context, call),
    },
  ];
}

function getEpisode(context: RouteContext, call: Call): Answer {
  const uuid = param(call);
  if (!UUID.test(uuid)) throw badRequest('uuid is not a UUID');
  const found = findEpisode(context, call.project.no, uuid);
  if (found === undefined) throw notFound('episode');
  return json(200, episodeAnswer(found));
}

/** The last `lastn` processed, oldest of them first. */
function latest(context: RouteContext, call: Call, target: Target): Answer {
  const lastN = Math.min(queryInteger(call, 'lastn', 1) ?? 10, MAX_LAST);
  const episodes: object[] = [];
  for (const place of placedSeqs(context, graphMembers(context, target), false, processedOnly)) {
    if (episodes.length >= lastN) break;
    const open = openPlace(context, place);
    if (open !== undefined) episodes.push(episodeAnswer(open));
  }
  return json(200, { episodes: episodes.reverse() });
}

function giveWay(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

async function* walk(context: RouteContext, target: Target): AsyncIterable<PlacedItem> {
  let steps = 0;
  for (const place of placedSeqs(context, graphMembers(context, target), true, processedOnly)) {
    if (++steps % WALK_SLICE === 0) await giveWay();
    const open = openPlace(context, place);
    if (open !== undefined) yield open;
  }
}

async function ofDocument(context: RouteContext, call: Call): Promise<Answer> {
  const graphId = call.query.get('graph_id') ?? '';
  if (graphId === '') throw badRequest('graph_id is required');
  const episodes: object[] = [];
  for await (const place of walk(context, requireGraph(context, call, graphId))) {
    if (place.item.type !== 'graph_episode' || place.item.document_id !== param(call)) continue;
    episodes.push(episodeAnswer(place));
    if (episodes.length >= MAX_LAST) break;
  }
  return json(200, { episodes });
}

interface SearchRequest {
  readonly limit: number;
  readonly descending: boolean;
  /** What episodes are sorted by; comparable as text and different for every episode. */
  readonly keyOf: (place: PlacedItem) => string;
  readonly after: string | undefined;
  /** Only these episodes, when given. */
  readonly only: ReadonlySet<string> | undefined;
  readonly accepts: (place: PlacedItem) => boolean;
}

function searchRequest(call: Call): SearchRequest {
  const body = bodyObject(call, true);
  const { limit, order_by: orderBy = 'uuid', direction = 'desc', cursor, mentioned_node_uuids: uuids } = body;
  if (limit !== undefined && limit !== null && !(Number.isInteger(limit) && Number(limit) > 0)) {
    throw badRequest('limit must be a whole number of at least 1');
  }
  if (orderBy !== null && orderBy !== 'uuid' && orderBy !== 'created_at')
    throw badRequest('order_by must be uuid or created_at');
  if (direction !== null && direction !== 'asc' && direction !== 'desc')
    throw badRequest('direction must be asc or desc');
  if (cursor !== undefined && cursor !== null && typeof cursor !== 'string')
    throw invalidJson('cursor must be a string');
  const only = uuidSet(uuids);
  const filter = compileMetadataFilter(body.episode_metadata_filters);
  const byTime = orderBy === 'created_at';
  return {
    limit: typeof limit === 'number' ? Math.min(limit, MAX_PAGE) : DEFAULT_PAGE,
    descending: direction !== 'asc',
    keyOf: (place) => (byTime ? `${sortableTime(place.createdAt)} ${place.uuid}` : place.uuid),
    after: typeof cursor === 'string' && cursor !== '' ? Buffer.from(cursor, 'base64url').toString('utf8') : undefined,
    only,
    accepts: (place) => filter === undefined || filter(isObject(place.item.metadata) ? place.item.metadata : {}),
  };
}

function uuidSet(value: unknown): ReadonlySet<string> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw invalidJson('mentioned_node_uuids must be an array');
  if (value.length > MAX_UUIDS) throw badRequest(`mentioned_node_uuids may hold at most ${MAX_UUIDS} entries`);
  if (value.length === 0) return undefined;
  return new Set(
    value.map((uuid: unknown) => {
      if (typeof uuid !== 'string' || !UUID.test(uuid)) throw badRequest('mentioned_node_uuids must hold UUIDs');
      return uuid.toLowerCase();
    }),
  );
}

/** Milliseconds since the epoch as text of one length, so that comparing texts compares times; years before 1970 included. */
function sortableTime(time: string): string {
  return String(Date.parse(time) + 1e15).padStart(17, '0');
}

/** Named episodes are looked up one by one; only without names is the graph walked. */
async function* candidates(
  context: RouteContext,
  call: Call,
  target: Target,
  only: ReadonlySet<string> | undefined,
): AsyncIterable<PlacedItem> {
  if (only === undefined) {
    yield* walk(context, target);
    return;
  }
  for (const uuid of only) {
    const place = findEpisode(context, call.project.no, uuid);
    if (place?.state === SUCCEEDED && endsIn(context, place, target)) yield place;
  }
}

/** Whether an item ends in the graph of a user or graph. */
function endsIn({ store }: RouteContext, { item, batch }: PlacedItem, graph: Target): boolean {
  const { kind, id } = targetOfItem(item);
  const no = store.targets.numberOf(batch.project, kind, id);
  return no !== undefined && store.targets.graphOf(no) === graph.no;
}

/** Walks the whole graph keeping the best `limit + 1` seen: the page, and whether there is another. */
async function search(context: RouteContext, call: Call, target: Target): Promise<Answer> {
  const request = searchRequest(call);
  const before = (a: string, b: string): boolean => (request.descending ? a > b : a < b);
  const best: { readonly key: string; readonly episode: object }[] = [];
  for await (const place of candidates(context, call, target, request.only)) {
    const key = request.keyOf(place);
    if (request.after !== undefined && !before(request.after, key)) continue;
    const worst = best.at(-1);
    if (best.length > request.limit && worst !== undefined && !before(key, worst.key)) continue;
    if (!request.accepts(place)) continue;
    const at = best.findIndex((other) => before(key, other.key));
    best.splice(at < 0 ? best.length : at, 0, { key, episode: episodeAnswer(place) });
    if (best.length > request.limit + 1) best.pop();
  }
  const page = best.slice(0, request.limit);
  const last = page.at(-1);
  const more = best.length > page.length && last !== undefined;
  const headers: Record<string, string> = more
    ? { 'zep-next-cursor': Buffer.from(last.key).toString('base64url') }
    : {};
  return json(
    200,
    page.map(({ episode }) => episode),
    headers,
  );
}
