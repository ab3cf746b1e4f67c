/**
 * From a failed call to the one error the program knows: a stable code, a disposition for the exit code, whether the call may have been
 * applied, what happened in the service's own words, and what to do next.
 */
import type { Disposition } from '../errors.js';
import { RemoteError } from './api.js';
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

interface Kind {
  readonly code: string;
  readonly disposition: Disposition;
  readonly what: string;
  readonly hint: string;
}

const KINDS: Readonly<Record<number, Kind>> = {
  400: {
    code: 'bad-request',
    disposition: 'usage',
    what: 'the service refused the request',
    hint: 'correct what the service names and run the command again',
  },
  401: {
    code: 'unauthorized',
    disposition: 'refused',
    what: 'the service does not accept the API key',
    hint: 'check ZEP_API_KEY (or --api-key-file, -k) and that it belongs to this address; keys are made in the project settings at https://app.getzep.com',
  },
  402: {
    code: 'plan',
    disposition: 'refused',
    what: "the account's plan or quota does not allow this",
    hint: 'look at plan and usage at https://app.getzep.com; the run can be resumed afterwards',
  },
  403: {
    code: 'forbidden',
    disposition: 'refused',
    what: 'the API key is not permitted to do this',
    hint: 'the key needs permission for the Batch API and the feature must be enabled for the account; `zep-import doctor` tells which calls work',
  },
  407: {
    code: 'proxy',
    disposition: 'unavailable',
    what: 'the proxy asks for a user and password',
    hint: 'put them into HTTPS_PROXY or HTTP_PROXY: http://user:password@host:port',
  },
  408: {
    code: 'timeout',
    disposition: 'timeout',
    what: 'the service gave up waiting for the request',
    hint: 'a smaller --chunk-size helps on a slow line; the run can be resumed',
  },
  409: {
    code: 'conflict',
    disposition: 'usage',
    what: 'the service does not allow this in the present state',
    hint: 'look at the batch with `zep-import batches show`',
  },
  413: {
    code: 'payload-too-large',
    disposition: 'usage',
    what: 'the request is too large for the service',
    hint: 'use a smaller --chunk-size',
  },
  429: {
    code: 'rate-limited',
    disposition: 'rate-limited',
    what: 'the service kept limiting the rate beyond the patience given',
    hint: 'resume later, or lower --rate-limit when others use the same account',
  },
};

const UNAVAILABLE: Kind = {
  code: 'unavailable',
  disposition: 'unavailable',
  what: 'the service is not available',
  hint: 'see https://status.getzep.com; the run can be resumed',
};
const NO_API: Kind = {
  code: 'no-batch-api',
  disposition: 'not-found',
  what: 'there is no such API at this address',
  hint: 'check --api-url or ZEP_API_URL (default https://api.getzep.com)',
};
const NOT_FOUND: Kind = {
  code: 'not-found',
  disposition: 'not-found',
  what: 'not found',
  hint: 'check the id, and that the key belongs to the project it lives in',
};
const BAD_ANSWER: Omit<Kind, 'what'> = {
  code: 'bad-answer',
  disposition: 'unavailable',
  hint: 'a proxy or gateway may stand between; check --api-url and try again',
};

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
  if (status === 499 || status === 504 || status === 522 || status === 524) {
    return {
      ...UNAVAILABLE,
      code: 'timeout',
      disposition: 'timeout',
      what: 'the service did not answer its gateway in time',
    };
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
      return { code: 'timeout', disposition: 'timeout', hint: 'check the network; the run can be resumed' };
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
      return { code: 'connection', disposition: 'unavailable', hint: 'check the network; the run can be resumed' };
  }
}
