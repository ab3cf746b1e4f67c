/** The address behind the #: which view, with which filter and page. */
export interface Route {
  readonly view: 'overview' | 'batches' | 'batch' | 'runs' | 'run';
  readonly id: string;
  readonly status: string;
  readonly query: string;
  readonly page: number;
  readonly items: string;
  /** Where the pages of items began, the newest last. */
  readonly trail: readonly string[];
}

const HOME: Route = { view: 'overview', id: '', status: '', query: '', page: 1, items: '', trail: [] };

export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#\/?/, '');
  const at = text.indexOf('?');
  const [view = '', id = ''] = (at < 0 ? text : text.slice(0, at)).split('/');
  const parameters = new URLSearchParams(at < 0 ? '' : text.slice(at + 1));
  const page = Number(parameters.get('page') ?? '1');
  const known = view === 'batches' || view === 'runs' || view === 'batch' || view === 'run' ? view : 'overview';
  return {
    view: known,
    id: decoded(id),
    status: parameters.get('status') ?? '',
    query: parameters.get('q') ?? '',
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
    items: parameters.get('items') ?? '',
    trail: (parameters.get('from') ?? '').split('~').filter(Boolean),
  };
}

export function hashOf(to: Partial<Route>): string {
  const { view, id, status, query, page, items, trail } = { ...HOME, ...to };
  const parameters = new URLSearchParams();
  if (status !== '') parameters.set('status', status);
  if (query !== '') parameters.set('q', query);
  if (page > 1) parameters.set('page', String(page));
  if (items !== '') parameters.set('items', items);
  if (trail.length > 0) parameters.set('from', trail.join('~'));
  const rest = parameters.toString();
  const path = view === 'overview' ? '' : id === '' ? view : `${view}/${encodeURIComponent(id)}`;
  return `#/${path}${rest === '' ? '' : `?${rest}`}`;
}

/** What the server is asked for it. */
export function questionOf({ view, id, status, query, page, items, trail }: Route): string {
  const parameters = new URLSearchParams({ view });
  if (view === 'batch' || view === 'run') parameters.set('id', id);
  if (view === 'batch' && items !== '') parameters.set('items', items);
  const cursor = trail.at(-1);
  if (view === 'batch' && cursor !== undefined) parameters.set('cursor', cursor);
  if (view === 'batches' || view === 'runs') {
    if (status !== '') parameters.set('status', status);
    if (query !== '') parameters.set('q', query);
    if (page > 1) parameters.set('page', String(page));
  }
  return parameters.toString();
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
