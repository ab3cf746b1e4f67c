/**
 * One exchange with the service: a request out, an answer back, nothing repeated. The seam between HTTP and everything that decides. Its
 * rule: a failure says whether the request may have left, and says `no` only when it certainly did not.
 */
import type { HeaderLookup } from './rate-headers.js';

export interface WireRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path and query, URI-encoded, beginning with the path of the API. */
  readonly path: string;
  /** JSON bytes; owned by the request until it is over. Undefined = no body and no content-type. */
  readonly body?: Uint8Array;
}

/** An answer came. Of one with an error status the body may be cut short: the status is what counts. */
export interface WireAnswer {
  readonly status: number;
  readonly header: HeaderLookup;
  readonly body: Buffer;
  /** Monotonic milliseconds: when the request was written, when the answer's headers were there. */
  readonly sentAt: number;
  readonly headersAt: number;
}

export type FailureKind =
  | 'dns'
  | 'refused'
  | 'connect-timeout'
  | 'headers-timeout'
  | 'body-timeout'
  | 'tls'
  | 'proxy'
  | 'lost'
  | 'too-large'
  | 'closed';

/** No usable answer came. */
export class WireFailure extends Error {
  readonly kind: FailureKind;
  /** `no`: the request certainly never left, so the service cannot have applied it. */
  readonly sent: 'no' | 'maybe';
  /** Status of an answer that began well and broke off. */
  readonly status: number | undefined;

  constructor(
    message: string,
    facts: Pick<WireFailure, 'kind' | 'sent'> & { status?: number | undefined; cause?: unknown },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'WireFailure';
    this.kind = facts.kind;
    this.sent = facts.sent;
    this.status = facts.status;
  }
}

export interface Transport {
  /** Rejects with WireFailure, or with `signal.reason`; either way its socket is closed before, so that nothing more can leave by it. */
  exchange(request: WireRequest, signal: AbortSignal | undefined): Promise<WireAnswer>;
  /** Closes all sockets at once; exchanges under way fail. */
  close(): Promise<void>;
}

/** The sentence and kind for an error of the network, by its code. `where` is host:port as people know it. */
export function networkFailure(error: unknown, where: string, sent: 'no' | 'maybe', status?: number): WireFailure {
  const code = errorCode(error);
  const facts = { sent, status, cause: error };
  if (error instanceof WireFailure) return error;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_NODATA' || code === 'EAI_FAIL') {
    return new WireFailure(`the host of ${where} cannot be found (${code})`, { ...facts, kind: 'dns' });
  }
  if (code === 'ECONNREFUSED') return new WireFailure(`${where} refused the connection`, { ...facts, kind: 'refused' });
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || (code === 'ETIMEDOUT' && sent === 'no')) {
    return new WireFailure(`no connection to ${where} within the time allowed`, { ...facts, kind: 'connect-timeout' });
  }
  if (isCertificateCode(code)) {
    return new WireFailure(`the certificate of ${where} is not trusted (${code})`, { ...facts, kind: 'tls' });
  }
  if (code.startsWith('ERR_SSL') || code === 'EPROTO') {
    return new WireFailure(`no secure connection to ${where} (${code})`, { ...facts, kind: 'tls' });
  }
  if (code.startsWith('UND_ERR_DESTROYED') || code.startsWith('UND_ERR_CLOSED')) {
    return new WireFailure('the client was closed', { ...facts, kind: 'closed' });
  }
  const when =
    sent === 'no'
      ? 'before the request was sent'
      : status === undefined
        ? 'before an answer came'
        : 'in the middle of the answer';
  const detail = code === '' ? '' : ` (${code})`;
  return new WireFailure(`the connection to ${where} was lost ${when}${detail}`, { ...facts, kind: 'lost' });
}

/** The code of an error, or of the first of the errors it stands for (a host with several addresses fails once for each). */
function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  if (typeof code === 'string' && code !== '') return code;
  return Array.isArray(errors) && errors.length > 0 ? errorCode(errors[0]) : '';
}

function isCertificateCode(code: string): boolean {
  return /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/.test(
    code,
  );
}
