/** Users: every user has a graph of its own, in which the user's episodes and the messages of the user's threads end. */
import { badRequest, json, notFound, type Answer } from '../answer.js';
import { bodyObject, param, type Call } from '../call.js';
import type { RouteContext } from '../context.js';
import type { Route } from '../router.js';
import type { Target } from '../store/targets.js';
import { targetPage, threadAnswer, userAnswer } from '../target-answers.js';
import { checkTimeZone, optionalBoolean, optionalObject, optionalText, requiredId } from '../validate-fields.js';

export function userRoutes(context: RouteContext): Route[] {
  return [
    { operation: 'user-create', method: 'POST', path: '/users', handler: (call) => createUser(context, call) },
    { operation: 'user-list', method: 'GET', path: '/users-ordered', handler: (call) => listUsers(context, call) },
    { operation: 'user-get', method: 'GET', path: '/users/:user', handler: (call) => getUser(context, call) },
    { operation: 'user-delete', method: 'DELETE', path: '/users/:user', handler: (call) => deleteUser(context, call) },
    {
      operation: 'user-threads',
      method: 'GET',
      path: '/users/:user/threads',
      handler: (call) => userThreads(context, call),
    },
  ];
}

export function requireUser({ store }: RouteContext, call: Call, id: string): Target {
  const user = store.targets.find(call.project.no, 'user', id);
  if (user === undefined) throw notFound('user');
  return user;
}

const TEXT_FIELDS = ['email', 'first_name', 'last_name', 'time_zone'] as const;

function createUser({ store, clock }: RouteContext, call: Call): Answer {
  const body = bodyObject(call);
  const id = requiredId(body.user_id, 'user_id');
  const fields: Record<string, unknown> = {};
  for (const name of TEXT_FIELDS) {
    const text = optionalText(body[name], name);
    if (text !== undefined) fields[name] = text;
  }
  checkTimeZone(fields.time_zone);
  const disabled = optionalBoolean(body.disable_default_ontology, 'disable_default_ontology');
  if (disabled !== undefined) fields.disable_default_ontology = disabled;
  const metadata = optionalObject(body.metadata, 'metadata');
  if (metadata !== undefined) fields.metadata = metadata;
  const user = store.targets.create(call.project.no, 'user', id, { fields, now: clock.date() });
  if (user === undefined) throw badRequest(`user already exists with user_id: ${id}`);
  return json(201, userAnswer(user, call.project));
}

function listUsers({ store }: RouteContext, call: Call): Answer {
  const page = targetPage(call, 'user', { number: 'pageNumber', size: 'pageSize' });
  const { targets, total } = store.targets.list(call.project.no, page);
  const users = targets.map((user) => userAnswer(user, call.project));
  return json(200, { users, row_count: users.length, total_count: total });
}

function getUser(context: RouteContext, call: Call): Answer {
  return json(200, userAnswer(requireUser(context, call, param(call)), call.project));
}

function deleteUser(context: RouteContext, call: Call): Answer {
  const user = requireUser(context, call, param(call));
  context.processor.targetsDeleted(context.store.targets.delete(user));
  return json(200, { message: 'user deleted' });
}

function userThreads(context: RouteContext, call: Call): Answer {
  const user = requireUser(context, call, param(call));
  const threads = context.store.targets.threadsOf(user.no);
  return json(
    200,
    threads.map((thread) => threadAnswer(thread, user, call.project)),
  );
}
