/** Whose key it is: the cheapest call, and the usual test of a credential. */
import { json } from '../answer.js';
import { isoTime } from '../batch-answers.js';
import type { Route } from '../router.js';

export function projectRoutes(): Route[] {
  return [
    {
      operation: 'project',
      method: 'GET',
      path: '/projects/info',
      handler: ({ project }) =>
        json(200, {
          project: {
            uuid: project.uuid,
            name: project.name,
            description: 'zep-import local server',
            created_at: isoTime(project.createdAt),
            default_time_zone: 'UTC',
          },
        }),
    },
  ];
}
