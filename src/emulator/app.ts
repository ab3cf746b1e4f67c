/**
 * A request in, a delivery out, without a socket: who asks, whether the budget allows it, which operation it is, what the faults say, and
 * the answer. Every refusal is made here from a thrown ApiError, and a request that is refused has written nothing.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { ApiError, json, plain, type Answer } from './answer.js';
import type { Call } from './call.js';
import { failureText } from './failure-text.js';
import { underFaults, type Delivery, type FaultyCall } from './fault-effects.js';
import type { Faults } from './faults.js';
import type { RateDecision } from './rate-limit.js';
import type { Route, RouteMatch } from './router.js';
import type { Stats } from './stats.js';
import type { Project } from './store/projects.js';

export const BASE_PATH = '/api/v2';

export interface AppRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: Buffer;
  /** Aborted when the client goes away or the server stops. */
  readonly signal: AbortSignal;
}

export interface AppDeps {
  readonly clock: Clock;
  readonly stats: Stats;
  readonly faults: Faults;
  readonly projectOf: (authorization: string | undefined) => Project | undefined;
  readonly rateLimit: (now: number) => RateDecision;
  readonly match: (method: string, path: string) => RouteMatch;
  readonly effects: FaultyCall;
  readonly log: (line: string) => void;
}

export interface Handled {
  readonly operation: string;
  readonly delivery: Delivery;
}

export type App = (request: AppRequest) => Promise<Handled>;

function answered(answer: Answer): Delivery {
  return { kind: 'answer', answer };
}

export function refusal(error: ApiError): Answer {
  return json(error.status, { message: error.message, request_id: randomUUID() });
}

export function createApp(deps: AppDeps): App {
  return async (request) => {
    const { clock, stats } = deps;
    const url = request.url.split('#', 1)[0] ?? '';
    const [path = '', ...query] = url.split('?');
    if (path === '/__local/stats') return { operation: 'stats', delivery: answered(json(200, stats.snapshot())) };
    const found = path.startsWith(`${BASE_PATH}/`)
      ? deps.match(request.method, path.slice(BASE_PATH.length))
      : undefined;
    const operation = found?.kind === 'found' ? found.route.operation : 'unknown';
    stats.asked(operation);
    const project = deps.projectOf(request.authorization);
    if (project === undefined) return { operation, delivery: answered(plain(401, 'unauthorized\n')) };
    const { refusal: limited, headers } = deps.rateLimit(clock.date());
    if (limited !== undefined) return { operation, delivery: answered(limited) };
    // No database of text takes NUL, so no id and no search can hold it.
    if (url.includes('%00'))
      return { operation, delivery: withHeaders(answered(unrouted({ kind: 'bad-path' })), headers) };
    if (found?.kind !== 'found') return { operation, delivery: withHeaders(answered(unrouted(found)), headers) };
    const params = new URLSearchParams(query.join('?'));
    const call: Call = { operation, project, params: found.params, query: params, body: request.body };
    const apply = (actual: Call): Promise<Answer> => {
      if (operation === 'add') deps.effects.watchCount(actual);
      return answer(deps, found.route, actual);
    };
    const delivery = await underFaults(deps.faults.decide(call), call, apply, deps.effects, request.signal);
    return { operation, delivery: withHeaders(delivery, headers) };
  };
}

function unrouted(found: RouteMatch | undefined): Answer {
  if (found?.kind === 'bad-path') return refusal(new ApiError(400, 'bad request: malformed path or query'));
  if (found?.kind === 'method') {
    const { status, headers, body } = refusal(new ApiError(405, 'method not allowed'));
    return { status, headers: { ...headers, allow: found.allow }, body };
  }
  return refusal(new ApiError(404, 'not found'));
}

async function answer(deps: AppDeps, route: Route, call: Call): Promise<Answer> {
  try {
    const result = await route.handler(call);
    deps.stats.applied(route.operation);
    return result;
  } catch (error) {
    if (error instanceof ApiError) return refusal(error);
    deps.log(`${route.operation} failed: ${failureText(error)}`);
    return refusal(new ApiError(500, 'internal server error'));
  }
}

function withHeaders(delivery: Delivery, headers: Readonly<Record<string, string>>): Delivery {
  if (delivery.kind === 'drop') return delivery;
  const { answer: made } = delivery;
  return { ...delivery, answer: { ...made, headers: { ...headers, ...made.headers } } };
}
