/** Threads, their messages, and the task that stands for messages added outside of a batch. */
import { LIMITS } from '../../wire.js';
import { badRequest, invalidJson, json, notFound, type Answer } from '../answer.js';
import { isoTime } from '../batch-answers.js';
import { bodyObject, isObject, pageLimit, param, queryInteger, type Call } from '../call.js';
import type { RouteContext } from '../context.js';
import { addDirectly } from '../direct-add.js';
import { CANCELED, FAILED } from '../engine/machine.js';
import {
  episodeAnswer,
  messageAnswer,
  openPlace,
  placedSeqs,
  processedOnly,
  shownInThread,
} from '../episode-reader.js';
import type { Route } from '../router.js';
import type { Batch, BatchSettings } from '../store/batches.js';
import type { Target } from '../store/targets.js';
import { targetPage, threadAnswer } from '../target-answers.js';
import { longerThan, optionalBoolean, optionalRoles, requiredId } from '../validate-fields.js';
import { requireUser } from './users.js';

/** The documented number of messages in one call of thread.add_messages. */
const MESSAGES_PER_CALL = 30;
const DEFAULT_MESSAGES = 100;
const MAX_MESSAGES = 1_000;

export function threadRoutes(context: RouteContext): Route[] {
  return [
    { operation: 'thread-create', method: 'POST', path: '/threads', handler: (call) => createThread(context, call) },
    { operation: 'thread-list', method: 'GET', path: '/threads', handler: (call) => listThreads(context, call) },
    {
      operation: 'thread-delete',
      method: 'DELETE',
      path: '/threads/:thread',
      handler: (call) => deleteThread(context, call),
    },
    {
      operation: 'thread-messages',
      method: 'GET',
      path: '/threads/:thread/messages',
      handler: (call) => messages(context, call),
    },
    {
      operation: 'thread-add',
      method: 'POST',
      path: '/threads/:thread/messages',
      handler: (call) => addMessages(context, call),
    },
    {
      operation: 'thread-episodes',
      method: 'GET',
      path: '/threads/:thread/episodes',
      handler: (call) => episodes(context, call),
    },
    { operation: 'task', method: 'GET', path: '/tasks/:task', handler: (call) => getTask(context, call) },
  ];
}

function requireThread({ store }: RouteContext, call: Call): Target {
  const thread = store.targets.find(call.project.no, 'thread', param(call));
  if (thread === undefined) throw notFound('thread');
  return thread;
}

function createThread(context: RouteContext, call: Call): Answer {
  const { store, clock } = context;
  const body = bodyObject(call);
  const id = requiredId(body.thread_id, 'thread_id');
  const userId = requiredId(body.user_id, 'user_id');
  if (longerThan(id, LIMITS.threadIdCharacters, context.rules.characterUnit)) {
    throw badRequest(`thread_id exceeds ${LIMITS.threadIdCharacters} characters`);
  }
  const user = requireUser(context, call, userId);
  const thread = store.targets.create(call.project.no, 'thread', id, { parent: user, fields: {}, now: clock.date() });
  if (thread === undefined) throw badRequest(`session with id ${id} already exists`);
  return json(201, threadAnswer(thread, user, call.project));
}

function listThreads({ store }: RouteContext, call: Call): Answer {
  const page = targetPage(call, 'thread', { number: 'page_number', size: 'page_size' });
  const { targets, total } = store.targets.list(call.project.no, page);
  const threads = targets.map((thread) => {
    const owner = thread.parent === undefined ? undefined : store.targets.byNumber(thread.parent);
    return threadAnswer(thread, owner, call.project);
  });
  return json(200, { threads, response_count: threads.length, total_count: total });
}

function deleteThread(context: RouteContext, call: Call): Answer {
  const thread = requireThread(context, call);
  context.processor.targetsDeleted(context.store.targets.delete(thread));
  return json(200, { message: 'thread deleted' });
}

/** `lastn` wins over `limit` and `cursor`; a cursor is how many messages to pass over. */
function messages(context: RouteContext, call: Call): Answer {
  const thread = requireThread(context, call);
  const limit = pageLimit(call, 'limit', DEFAULT_MESSAGES, MAX_MESSAGES);
  const cursor = queryInteger(call, 'cursor', 0) ?? 0;
  const lastN = queryInteger(call, 'lastn', 0) ?? 0;
  let total = 0;
  for (const place of placedSeqs(context, [thread.no], true, shownInThread)) if (place.seq >= 0) total += 1;
  const from = lastN > 0 ? Math.max(0, total - lastN) : cursor;
  const until = lastN > 0 ? Math.min(total, from + MAX_MESSAGES) : from + limit;
  const shown: object[] = [];
  let at = 0;
  for (const place of placedSeqs(context, [thread.no], true, shownInThread)) {
    if (at >= until) break;
    const open = at++ < from ? undefined : openPlace(context, place);
    const message = open === undefined ? undefined : messageAnswer(open);
    if (message !== undefined) shown.push(message);
  }
  const owner = thread.parent === undefined ? undefined : context.store.targets.byNumber(thread.parent);
  return json(200, {
    messages: shown,
    row_count: shown.length,
    total_count: total,
    ...(owner === undefined ? {} : { user_id: owner.id, user_uuid: owner.uuid }),
    thread_created_at: isoTime(thread.createdAt),
  });
}

async function addMessages(context: RouteContext, call: Call): Promise<Answer> {
  const thread = requireThread(context, call);
  const body = bodyObject(call);
  const { messages: wanted } = body;
  if (!Array.isArray(wanted)) throw invalidJson('messages must be an array');
  if (wanted.length > MESSAGES_PER_CALL) {
    throw badRequest(`too many messages: ${wanted.length}, at most ${MESSAGES_PER_CALL} are allowed`);
  }
  const ignoreRoles = optionalRoles(body.ignore_roles, 'ignore_roles');
  const strictOntology = optionalBoolean(body.strict_ontology, 'strict_ontology');
  optionalBoolean(body.return_context, 'return_context');
  const settings: BatchSettings = {
    ...(ignoreRoles === undefined ? {} : { ignoreRoles }),
    ...(strictOntology === undefined ? {} : { strictOntology }),
  };
  const items = wanted.map((message: unknown) => {
    if (!isObject(message)) return message;
    const { role, content, name, created_at, metadata } = message;
    return { type: 'thread_message', thread_id: thread.id, role, content, name, created_at, metadata };
  });
  const { batch, places } = await addDirectly(context, call, items, 'messages', settings);
  return json(200, { message_uuids: places.map((place) => place.uuid), task_id: batch.uuid });
}

/** The hundred latest. */
function episodes(context: RouteContext, call: Call): Answer {
  const thread = requireThread(context, call);
  const found: object[] = [];
  for (const place of placedSeqs(context, [thread.no], false, processedOnly)) {
    if (found.length === DEFAULT_MESSAGES) break;
    const open = openPlace(context, place);
    if (open !== undefined) found.push(episodeAnswer(open));
  }
  return json(200, { episodes: found.reverse() });
}

function taskStatus(batch: Batch): string {
  if (batch.completedAt === undefined) return batch.status === 'processing' ? 'processing' : 'pending';
  return (batch.counts?.[FAILED] ?? 0) + (batch.counts?.[CANCELED] ?? 0) > 0 ? 'failed' : 'succeeded';
}

function getTask({ store }: RouteContext, call: Call): Answer {
  const batch = store.batches.find(call.project.no, param(call), false);
  if (batch === undefined) throw notFound('task');
  const status = taskStatus(batch);
  return json(200, {
    task_id: batch.uuid,
    type: 'add_messages',
    status,
    progress: { stage: status, message: `${batch.itemCount} items` },
    ...(status === 'failed' ? { error: { code: 'failed', message: 'some items were not processed' } } : {}),
    created_at: isoTime(batch.createdAt),
    updated_at: isoTime(batch.updatedAt),
    ...(batch.processedAt === undefined ? {} : { started_at: isoTime(batch.processedAt) }),
    ...(batch.completedAt === undefined ? {} : { completed_at: isoTime(batch.completedAt) }),
  });
}
