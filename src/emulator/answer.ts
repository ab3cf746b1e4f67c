/**
 * What the local server says: an answer is a value until the socket writes it, so that faults can change it and tests can look at it.
 * Error bodies are the ones the service is known to send: JSON `{message, request_id}`, plain text for 401 and 429.
 */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const TEXT_TYPE = 'text/plain; charset=utf-8';

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': JSON_TYPE, ...headers }, body: JSON.stringify(value) };
}

/** An answer whose JSON text is already written. */
export function rawJson(status: number, text: string | Buffer): Answer {
  return { status, headers: { 'content-type': JSON_TYPE }, body: text };
}

export function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': TEXT_TYPE, ...headers }, body: text };
}

export function html(status: number, title: string, headers: Readonly<Record<string, string>> = {}): Answer {
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n`;
  return { status, headers: { 'content-type': 'text/html; charset=UTF-8', ...headers }, body };
}

/** A refusal of a request: thrown by validation and routes, turned into an answer in one place. Nothing was written when it is thrown. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, `bad request: ${message}`);
}

/** What the service says where a value cannot be read as its field's type. */
export function invalidJson(message: string): ApiError {
  return new ApiError(400, `invalid json: ${message}`);
}

export function notFound(what: string): ApiError {
  return new ApiError(404, `${what} not found`);
}

export function conflict(message: string): ApiError {
  return new ApiError(409, `conflict: ${message}`);
}
