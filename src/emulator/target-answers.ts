/** Users, graphs and threads as the service answers them, and the paging that their lists share. */
import { badRequest } from './answer.js';
import { isoTime } from './batch-answers.js';
import { queryBoolean, queryInteger, type Call } from './call.js';
import type { Project } from './store/projects.js';
import type { Target, TargetPage } from './store/targets.js';
import type { TargetKind } from './layout.js';

function times(target: Target): { readonly created_at: string; readonly updated_at: string } {
  return { created_at: isoTime(target.createdAt), updated_at: isoTime(target.updatedAt) };
}

export function userAnswer(user: Target, project: Project): object {
  return {
    id: user.no,
    uuid: user.uuid,
    user_id: user.id,
    graph_uuid: user.graphUuid,
    project_uuid: project.uuid,
    ...user.fields,
    ...times(user),
  };
}

export function graphAnswer(graph: Target, project: Project): object {
  return {
    id: graph.no,
    uuid: graph.uuid,
    canonical_graph_uuid: graph.graphUuid,
    graph_id: graph.id,
    project_uuid: project.uuid,
    ...graph.fields,
    ...times(graph),
  };
}

export function threadAnswer(thread: Target, owner: Target | undefined, project: Project): object {
  return {
    uuid: thread.uuid,
    thread_id: thread.id,
    ...(owner === undefined ? {} : { user_id: owner.id, user_uuid: owner.uuid }),
    graph_uuid: thread.graphUuid,
    project_uuid: project.uuid,
    created_at: isoTime(thread.createdAt),
  };
}

export interface PageNames {
  readonly number: string;
  readonly size: string;
}

/** Pages are numbered from 1; a page has 50 entries, 100 at most. Newest first unless `asc`. */
export function targetPage(call: Call, kind: TargetKind, names: PageNames): TargetPage & { readonly number: number } {
  const size = Math.min(queryInteger(call, names.size, 1) ?? 50, 100);
  const number = queryInteger(call, names.number, 1) ?? 1;
  const orderBy = call.query.get('order_by') ?? '';
  const search = call.query.get('search') ?? '';
  return {
    kind,
    number,
    limit: size,
    offset: Math.min((number - 1) * size, Number.MAX_SAFE_INTEGER),
    orderBy: orderColumn(orderBy, kind),
    ascending: queryBoolean(call, 'asc') ?? false,
    search: search === '' ? undefined : search,
  };
}

function orderColumn(orderBy: string, kind: TargetKind): TargetPage['orderBy'] {
  switch (orderBy) {
    case '':
    case 'created_at':
      return 'created_at';
    case 'updated_at':
      return 'updated_at';
    case 'email':
    case 'name':
      return orderBy;
    default:
      if (orderBy === `${kind}_id` || orderBy === 'user_id') return orderBy === `${kind}_id` ? 'id' : 'parent';
      throw badRequest(`order_by ${orderBy.slice(0, 100)} is not known`);
  }
}
