/**
 * From a failed call to the one error the program knows: a stable code, a disposition for the exit code, whether the call may have been
 * applied, what happened in the service's own words, and what to do next.
 */
import { RemoteError } from './api.js';
import { BAD_ANSWER, KINDS, NO_API, NOT_FOUND, UNAVAILABLE, type Kind } from './problem-kinds.js';
import type { ServerWords } from './server-words.js';
import type { WireFailure } from './transport.js';

export interface Operation {
  /** Name of the method of RemoteApi. */
  readonly name: string;
  /** For people, to follow "while": `adding items to batch 3f9a`. */
  readonly doing: string;
  /** Doing it twice does no harm. */
  readonly idempotent: boolean;
  /** What a 404 means: the thing named does not exist, or there is no such API at this address. */
  readonly missing: { readonly thing: string } | { readonly api: string };
}

/** The service answered, and not what was hoped for. */
export function refusal(operation: Operation, status: number, words: ServerWords, location = ''): RemoteError {
  if (status >= 300 && status < 400) return redirected(operation, status, location);
  const kind = kindOf(operation, status);
  const what = status === 404 ? absence(operation) : kind.what;
  const said = words.text === undefined ? '' : `: ${words.text}`;
  const id = words.requestId === undefined ? '' : ` [request ${words.requestId}]`;
  return new RemoteError(`${what} (${status} while ${operation.doing})${said}${id}`, {
    ...options(kind),
    operation: operation.name,
    status,
    effect: effectOf(status),
    serverMessage: words.text,
  });
}

/** The status was fine, the body was not. */
export function badAnswer(operation: Operation, status: number | undefined, why: string, cause: unknown): RemoteError {
  return new RemoteError(`the service's answer cannot be used while ${operation.doing}: ${why}`, {
    ...BAD_ANSWER,
    cause,
    operation: operation.name,
    status,
    effect: 'unknown',
    serverMessage: undefined,
  });
}

/** No answer came. */
export function silence(operation: Operation, failure: WireFailure): RemoteError {
  const kind = silentKind(failure);
  return new RemoteError(`${failure.message} (while ${operation.doing})`, {
    ...kind,
    cause: failure,
    operation: operation.name,
    status: failure.status,
    effect: failure.sent === 'no' ? 'none' : 'unknown',
    serverMessage: undefined,
  });
}

/** The same error, for a call of which an earlier try may have been applied, whatever the last one says. */
export function inDoubt(error: RemoteError): RemoteError {
  if (error.effect === 'unknown') return error;
  const { code, disposition, hint, cause, operation, status, serverMessage } = error;
  return new RemoteError(error.message, {
    code,
    disposition,
    hint,
    cause,
    operation,
    status,
    effect: 'unknown',
    serverMessage,
  });
}

/** An id that no path can carry: `.` and `..` would change which thing is meant on the way to the service. */
export function unaddressable(operation: Operation, why: string): RemoteError {
  return new RemoteError(`${why} (while ${operation.doing})`, {
    code: 'bad-id',
    disposition: 'usage',
    hint: 'use another id for it',
    operation: operation.name,
    status: undefined,
    effect: 'none',
    serverMessage: undefined,
  });
}

function redirected(operation: Operation, status: number, location: string): RemoteError {
  const target = location === '' ? 'nowhere' : URL.canParse(location) ? new URL(location).host : 'another path';
  return new RemoteError(
    `the address redirects to ${target} (${status} while ${operation.doing}), which is not followed`,
    {
      ...BAD_ANSWER,
      hint: 'put the final address into --api-url or ZEP_API_URL',
      operation: operation.name,
      status,
      effect: 'unknown',
      serverMessage: undefined,
    },
  );
}

function absence({ missing }: Operation): string {
  return 'api' in missing ? `there is no ${missing.api}` : `${missing.thing} was not found`;
}

function kindOf(operation: Operation, status: number): Kind {
  if (status === 404) return 'api' in operation.missing ? NO_API : NOT_FOUND;
  const known = KINDS[status];
  if (known !== undefined) return known;
  if (status === 499) return KINDS[408] ?? UNAVAILABLE;
  if (status === 504 || status === 522 || status === 524) {
    return { ...UNAVAILABLE, what: 'the service did not answer its gateway in time' };
  }
  if (status >= 500) return UNAVAILABLE;
  return KINDS[400] ?? UNAVAILABLE;
}

/** A 4xx refuses before anything is done, except where it reports that somebody stopped waiting. */
function effectOf(status: number): 'none' | 'unknown' {
  return status >= 400 && status < 500 && status !== 408 && status !== 499 ? 'none' : 'unknown';
}

function options(kind: Kind): Omit<Kind, 'what'> {
  return { code: kind.code, disposition: kind.disposition, hint: kind.hint };
}

function silentKind(failure: WireFailure): Omit<Kind, 'what'> {
  switch (failure.kind) {
    case 'connect-timeout':
    case 'headers-timeout':
    case 'body-timeout':
      return { code: 'timeout', disposition: 'timeout', hint: 'check the network' };
    case 'tls':
      return {
        code: 'tls',
        disposition: 'unavailable',
        hint: 'behind a company proxy, set NODE_EXTRA_CA_CERTS to the file with its certificate',
      };
    case 'proxy':
      return { code: 'proxy', disposition: 'unavailable', hint: 'check HTTPS_PROXY, HTTP_PROXY and NO_PROXY' };
    case 'dns':
    case 'refused':
      return {
        code: 'connection',
        disposition: 'unavailable',
        hint: 'check --api-url or ZEP_API_URL, and the network',
      };
    case 'too-large':
      return BAD_ANSWER;
    case 'lost':
    case 'closed':
      return { code: 'connection', disposition: 'unavailable', hint: 'check the network' };
  }
}
