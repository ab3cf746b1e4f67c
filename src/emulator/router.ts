/**
 * Which operation a request means. An own table rather than a router package: every route must carry the name by which faults and
 * statistics call it, each path segment must be decoded exactly once (ids may hold `/` or `%`), and thirty routes need no tree.
 * A literal segment wins over a parameter, in the order of the table.
 */
import type { Answer } from './answer.js';
import type { Call } from './call.js';
import type { Operation } from './operations.js';

export type Handler = (call: Call) => Answer | Promise<Answer>;

export interface Route {
  /** The operation's name, as faults and statistics use it. */
  readonly operation: Operation;
  readonly method: string;
  /** Path below the base, e.g. `/batches/:id/items`. */
  readonly path: string;
  readonly handler: Handler;
}

export type RouteMatch =
  | { readonly kind: 'found'; readonly route: Route; readonly params: readonly string[] }
  | { readonly kind: 'method'; readonly allow: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'bad-path' };

interface Compiled {
  readonly route: Route;
  readonly segments: readonly string[];
}

function decodeSegments(path: string): string[] | undefined {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function paramsOf(pattern: readonly string[], path: readonly string[]): string[] | undefined {
  const params: string[] = [];
  for (const [place, expected] of pattern.entries()) {
    const actual = path[place] ?? '';
    if (expected.startsWith(':')) {
      if (actual === '') return undefined;
      params.push(actual);
    } else if (expected !== actual) return undefined;
  }
  return params;
}

export function createRouter(routes: readonly Route[]): (method: string, path: string) => RouteMatch {
  const byLength = new Map<number, Compiled[]>();
  for (const route of routes) {
    const segments = route.path.split('/').slice(1);
    const same = byLength.get(segments.length) ?? [];
    same.push({ route, segments });
    byLength.set(segments.length, same);
  }
  const literals = (compiled: Compiled): number => compiled.segments.filter((part) => !part.startsWith(':')).length;
  for (const same of byLength.values()) same.sort((a, b) => literals(b) - literals(a));

  return (method, path) => {
    const segments = decodeSegments(path);
    if (segments === undefined) return { kind: 'bad-path' };
    const allowed = new Set<string>();
    for (const compiled of byLength.get(segments.length) ?? []) {
      const params = paramsOf(compiled.segments, segments);
      if (params === undefined) continue;
      if (compiled.route.method === method) return { kind: 'found', route: compiled.route, params };
      allowed.add(compiled.route.method);
    }
    return allowed.size === 0 ? { kind: 'none' } : { kind: 'method', allow: [...allowed].sort().join(', ') };
  };
}
