/**
 * What the faults that strike a call do to it: wait and meddle before, refuse, apply in a wrong way or at a wrong time, spoil the answer,
 * spoil its delivery. Each kind acts at one of these stages, so that several faults on one call combine.
 */
import { html, json, plain, type Answer } from './answer.js';
import { isObject, type Call } from './call.js';
import type { Fault } from './faults.js';
import { rateLimited } from './rate-limit.js';
import { spoilAnswer } from './fault-answers.js';
import type { ItemFailure, RunPlan } from './store/batches.js';
import { textMatcher } from './text-matcher.js';

export type Delivery =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'drop' }
  | { readonly kind: 'truncate'; readonly answer: Answer; readonly keepBytes: number | undefined }
  | { readonly kind: 'slow'; readonly answer: Answer; readonly overMs: number };

/** What faults can do beside the call itself. */
export interface FaultyCall {
  readonly stopping: AbortSignal;
  struck(fault: Fault): void;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Wall-clock milliseconds. */
  now(): number;
  random(): number;
  /** Runs after `ms`, unless the server stops before. */
  later(ms: number, work: () => Promise<unknown>): void;
  /** Somebody else's act on the batch that the call names. */
  meddle(act: 'delete' | 'process', call: Call): Promise<void>;
  /** The item count of a batch `ms` ago, when it was another one. */
  countAgo(batchId: string, ms: number): number | undefined;
  /** Called around every add, so that `countAgo` can be answered. */
  watchCount(call: Call): void;
}

type Apply = (call: Call) => Promise<Answer>;

const DROP: Delivery = { kind: 'drop' };
const AFTER = /^([45]\d\d)-after$/;

function seconds(fault: Fault, otherwise: number): number {
  return Number(fault.params.seconds ?? otherwise) * 1000;
}

export async function underFaults(
  faults: readonly Fault[],
  call: Call,
  apply: Apply,
  effects: FaultyCall,
  signal: AbortSignal,
): Promise<Delivery> {
  if (faults.length === 0) return { kind: 'answer', answer: await apply(call) };
  for (const fault of faults) effects.struck(fault);
  await before(faults, call, effects, signal);
  for (const fault of faults) {
    const refused = await refuse(fault, call, apply, effects, signal);
    if (refused !== undefined) return refused;
  }
  const answer = await applyBadly(faults, call, apply);
  const spoilt =
    answer.status < 300 ? faults.reduce((made, fault) => spoilAnswer(fault, made, effects), answer) : answer;
  return deliver(faults, spoilt, effects, signal);
}

async function before(faults: readonly Fault[], call: Call, effects: FaultyCall, signal: AbortSignal): Promise<void> {
  for (const { kind, params } of faults) {
    if (kind === 'latency')
      await effects.sleep(Number(params.ms ?? 0) + effects.random() * Number(params.jitter ?? 0), signal);
    else if (kind === 'delete-draft') await effects.meddle('delete', call);
    else if (kind === 'process-draft') await effects.meddle('process', call);
  }
}

/** An end before the request is applied (or, for `late`, much earlier than it is applied). */
async function refuse(
  fault: Fault,
  call: Call,
  apply: Apply,
  effects: FaultyCall,
  signal: AbortSignal,
): Promise<Delivery | undefined> {
  switch (fault.kind) {
    case 'drop-before':
      return DROP;
    case 'hang-before':
      return hang(effects, signal);
    case 'late':
      effects.later(seconds(fault, 5), () => apply(call));
      return fault.params.answer === '504' ? { kind: 'answer', answer: statusAnswer(504, {}, effects) } : DROP;
    case 'maintenance':
      return { kind: 'answer', answer: statusAnswer(503, { body: 'html', ...fault.params }, effects) };
    case 'refuse-item':
      return refuseItem(fault, call);
    default:
      return /^[45]\d\d$/.test(fault.kind)
        ? { kind: 'answer', answer: statusAnswer(Number(fault.kind), fault.params, effects) }
        : undefined;
  }
}

/** Until the client goes away or the server stops. */
async function hang(effects: FaultyCall, signal: AbortSignal): Promise<Delivery> {
  const settled = new AbortController();
  await new Promise<void>((resolve) => {
    for (const end of [signal, effects.stopping]) {
      if (end.aborted) resolve();
      else end.addEventListener('abort', () => resolve(), { once: true, signal: settled.signal });
    }
  });
  settled.abort();
  return DROP;
}

function itemsOf(call: Call): unknown[] | undefined {
  try {
    const body: unknown = JSON.parse(call.body.toString('utf8'));
    return isObject(body) && Array.isArray(body.items) ? body.items : undefined;
  } catch {
    return undefined;
  }
}

function refuseItem(fault: Fault, call: Call): Delivery | undefined {
  const matches = textMatcher(fault.params.pattern);
  const place = (itemsOf(call) ?? []).findIndex((item) => {
    const text = isObject(item) ? (item.data ?? item.content) : undefined;
    return typeof text === 'string' && matches(text);
  });
  if (place < 0) return undefined;
  const message = fault.params.message ?? `items[${place}] was refused`;
  return { kind: 'answer', answer: json(400, { message: `bad request: ${message}`, request_id: requestId(fault) }) };
}

function requestId(fault: Fault): string {
  return `fault-${fault.kind}`;
}

function runPlan(faults: readonly Fault[]): RunPlan | undefined {
  const invalid = faults.find(({ kind }) => kind === 'invalid');
  const failures = faults.filter(({ kind }) => kind === 'fail-item').map(failureOf);
  if (invalid === undefined && failures.length === 0) return undefined;
  const late = invalid?.params.seconds;
  return {
    ...(invalid === undefined ? {} : { invalid: true }),
    ...(late === undefined ? {} : { checkAfterMs: Number(late) * 1000 }),
    ...(failures.length === 0 ? {} : { failures }),
  };
}

function failureOf({ params }: Fault): ItemFailure {
  return {
    ...(params.pattern === undefined ? {} : { pattern: params.pattern }),
    probability: Number(params.share ?? 1),
    code: params.code ?? 'processing_failed',
    message: params.message ?? 'the item could not be processed',
  };
}

async function applyBadly(faults: readonly Fault[], call: Call, apply: Apply): Promise<Answer> {
  const plan = runPlan(faults);
  const planned: Call = plan === undefined ? call : { ...call, plan };
  const partial = faults.find(({ kind }) => kind === 'partial');
  const actual = partial === undefined ? planned : { ...planned, body: firstItems(planned, partial) };
  const answer = await apply(actual);
  if (faults.some(({ kind }) => kind === 'twice')) await apply(actual);
  const refused = faults.some(({ kind, params }) => kind === 'invalid' && params.answer === '400');
  if (refused && answer.status < 300) {
    return json(400, { message: 'bad request: batch contains invalid references', request_id: 'fault-invalid' });
  }
  return answer;
}

function firstItems(call: Call, fault: Fault): Buffer {
  const items = itemsOf(call);
  if (items === undefined) return call.body;
  const keep = Number(fault.params.keep ?? Math.ceil(items.length / 2));
  return Buffer.from(JSON.stringify({ items: items.slice(0, keep) }));
}

async function deliver(
  faults: readonly Fault[],
  answer: Answer,
  effects: FaultyCall,
  signal: AbortSignal,
): Promise<Delivery> {
  for (const fault of faults) {
    const after = AFTER.exec(fault.kind)?.[1];
    if (after !== undefined) return { kind: 'answer', answer: statusAnswer(Number(after), fault.params, effects) };
    if (fault.kind === 'drop-after') return DROP;
    if (fault.kind === 'hang-after') return hang(effects, signal);
    if (fault.kind === 'truncate') return { kind: 'truncate', answer, keepBytes: optional(fault.params.bytes) };
    if (fault.kind === 'slow') return { kind: 'slow', answer, overMs: seconds(fault, 5) };
    if (fault.kind === 'partial' && fault.params.answer === 'drop') return DROP;
    if (fault.kind === 'partial' && fault.params.answer !== '200') {
      return { kind: 'answer', answer: statusAnswer(500, {}, effects) };
    }
  }
  return { kind: 'answer', answer };
}

function optional(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'bad request: refused',
  401: 'unauthorized',
  402: 'payment required: the usage quota of the plan is exhausted',
  403: 'forbidden: the API key may not do this',
  404: 'not found',
  409: 'conflict: the batch is not in a state that allows this',
  413: 'request entity too large',
  500: 'internal server error',
  502: '502 Bad Gateway',
  503: '503 Service Temporarily Unavailable',
  504: '504 Gateway Time-out',
};

/** `2` as it is; `date+5` an HTTP date five seconds ahead; `none` no header. */
function retryAfter(text: string | undefined, now: number): Record<string, string> {
  if (text === undefined || text === 'none') return {};
  const ahead = /^date([+-]\d+)$/.exec(text)?.[1];
  return { 'retry-after': ahead === undefined ? text : new Date(now + Number(ahead) * 1000).toUTCString() };
}

function statusAnswer(status: number, params: Readonly<Record<string, string>>, effects: FaultyCall): Answer {
  const now = effects.now();
  const headers = retryAfter(params['retry-after'] ?? (status === 429 ? '1' : undefined), now);
  if (params.reset !== undefined) headers['x-ratelimit-reset'] = String(Math.ceil(now / 1000 + Number(params.reset)));
  const message = params.message ?? REASONS[status] ?? `status ${status}`;
  const byProxy = status === 502 || status === 503 || status === 504;
  switch (params.body ?? (status === 401 || status === 429 ? 'text' : byProxy ? 'html' : 'json')) {
    case 'html':
      return html(status, message, headers);
    case 'empty':
      return { status, headers, body: '' };
    case 'text':
      if (status === 429 && params.message === undefined) return rateLimited(headers);
      return plain(status, `${message}\n`, headers);
    default:
      return json(status, { message, request_id: `fault-${status}` }, headers);
  }
}
