/** Named graphs, and adding a single episode to a graph outside of any batch. */
import { badRequest, json, notFound, type Answer } from '../answer.js';
import { bodyObject, param, type Call } from '../call.js';
import type { RouteContext } from '../context.js';
import { addDirectly } from '../direct-add.js';
import { episodeAnswer } from '../episode-reader.js';
import type { Route } from '../router.js';
import type { Target } from '../store/targets.js';
import { graphAnswer, targetPage } from '../target-answers.js';
import { checkTimeZone, optionalBoolean, optionalText, requiredId } from '../validate-fields.js';

export function graphRoutes(context: RouteContext): Route[] {
  return [
    { operation: 'graph-create', method: 'POST', path: '/graph/create', handler: (call) => createGraph(context, call) },
    { operation: 'graph-list', method: 'GET', path: '/graph/list-all', handler: (call) => listGraphs(context, call) },
    { operation: 'graph-get', method: 'GET', path: '/graph/:graph', handler: (call) => getGraph(context, call) },
    {
      operation: 'graph-delete',
      method: 'DELETE',
      path: '/graph/:graph',
      handler: (call) => deleteGraph(context, call),
    },
    { operation: 'graph-add', method: 'POST', path: '/graph', handler: (call) => addEpisode(context, call) },
  ];
}

export function requireGraph({ store }: RouteContext, call: Call, id: string): Target {
  const graph = store.targets.find(call.project.no, 'graph', id);
  if (graph === undefined) throw notFound('graph');
  return graph;
}

function createGraph({ store, clock }: RouteContext, call: Call): Answer {
  const body = bodyObject(call);
  const id = requiredId(body.graph_id, 'graph_id');
  const fields: Record<string, unknown> = {};
  for (const name of ['name', 'description', 'time_zone'] as const) {
    const text = optionalText(body[name], name);
    if (text !== undefined) fields[name] = text;
  }
  checkTimeZone(fields.time_zone);
  const graph = store.targets.create(call.project.no, 'graph', id, { fields, now: clock.date() });
  if (graph === undefined) throw badRequest(`graph already exists with graph_id: ${id}`);
  return json(201, graphAnswer(graph, call.project));
}

function listGraphs({ store }: RouteContext, call: Call): Answer {
  const page = targetPage(call, 'graph', { number: 'pageNumber', size: 'pageSize' });
  const { targets, total } = store.targets.list(call.project.no, page);
  const graphs = targets.map((graph) => graphAnswer(graph, call.project));
  const place = { page_number: page.number, page_size: page.limit };
  return json(200, { graphs, ...place, row_count: graphs.length, total_count: total });
}

function getGraph(context: RouteContext, call: Call): Answer {
  return json(200, graphAnswer(requireGraph(context, call, param(call)), call.project));
}

function deleteGraph(context: RouteContext, call: Call): Answer {
  const graph = requireGraph(context, call, param(call));
  context.processor.targetsDeleted(context.store.targets.delete(graph));
  return json(200, { message: 'graph deleted' });
}

async function addEpisode(context: RouteContext, call: Call): Promise<Answer> {
  const { type, data, graph_id, user_id, created_at, metadata, source_description, document_id, strict_ontology } =
    bodyObject(call);
  const strictOntology = optionalBoolean(strict_ontology, 'strict_ontology');
  const shared = { data, graph_id, user_id, created_at, metadata, source_description, document_id };
  const item = { type: 'graph_episode', data_type: type, ...shared };
  const added = await addDirectly(
    context,
    call,
    [item],
    'body',
    strictOntology === undefined ? {} : { strictOntology },
  );
  const [episode] = added.places;
  if (episode === undefined) throw notFound('graph');
  return json(202, { ...episodeAnswer(episode), task_id: added.batch.uuid });
}
