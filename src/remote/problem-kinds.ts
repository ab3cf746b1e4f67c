/**
 * The kinds of refusal there are, in the words a person reads. Codes are stable; dispositions decide the exit code. Bodies and statuses
 * are those observed at Zep (help.getzep.com/sdk-reference/batch; 401 and 429 come as plain text) and at the gateways before it.
 */
import type { Disposition } from '../errors.js';

/** What a kind of failure is called, what it ends the program with, what happened, what to do next. */
export interface Kind {
  readonly code: string;
  readonly disposition: Disposition;
  readonly what: string;
  readonly hint: string;
}

/** By status of the answer. */
export const KINDS: Readonly<Record<number, Kind>> = {
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
    hint: 'look at plan and usage at https://app.getzep.com',
  },
  403: {
    code: 'forbidden',
    disposition: 'refused',
    what: 'the API key is not permitted to do this',
    hint: 'the key needs permission for the Batch API, and the feature must be enabled for the account',
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
    hint: 'a smaller --chunk-size helps on a slow line',
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
    hint: 'try later, or lower --rate-limit when others use the same account',
  },
};

export const UNAVAILABLE: Kind = {
  code: 'unavailable',
  disposition: 'unavailable',
  what: 'the service is not available',
  hint: 'see https://status.getzep.com',
};
export const NO_API: Kind = {
  code: 'no-batch-api',
  disposition: 'not-found',
  what: 'there is no such API at this address',
  hint: 'check --api-url or ZEP_API_URL (default https://api.getzep.com)',
};
export const NOT_FOUND: Kind = {
  code: 'not-found',
  disposition: 'not-found',
  what: 'not found',
  hint: 'check the id, and that the key belongs to the project it lives in',
};
export const BAD_ANSWER: Omit<Kind, 'what'> = {
  code: 'bad-answer',
  disposition: 'unavailable',
  hint: 'a proxy or gateway may stand between; check --api-url and try again',
};
