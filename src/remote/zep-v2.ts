/**
 * The calls of Zep's API generation v3, whose paths begin with /api/v2: method, path and body of each, and how to read its answer
 * (help.getzep.com/sdk-reference/batch, /users, /threads, /graph). Another generation is another file like this one.
 */
import type { BatchId } from '../model.js';
import type { CreateBatchRequest } from '../wire.js';
import {
  BadAnswer,
  parseBatchPage,
  parseItemPage,
  parseItems,
  parseJson,
  parseProject,
  parseSummary,
  parseThreadOwner,
  type Page,
} from './answers.js';
import { RemoteError, type BatchItem, type BatchSummary, type CallStats, type ConnectionFacts } from './api.js';
import type { EnsureOutcome, ItemPage, Project, RemoteApi } from './api.js';
import type { BaseUrl } from './base-url.js';
import type { Caller } from './caller.js';
import type { Pace } from './pace.js';
import { followPages } from './paging.js';
import type { Operation } from './problems.js';
import type { Proxy } from './proxy.js';
import { json, query, segment, shown } from './request-parts.js';
import type { Redact } from './server-words.js';
import type { Transport, WireAnswer, WireRequest } from './transport.js';

export interface ZepV2Options {
  readonly base: BaseUrl;
  readonly caller: Caller;
  readonly pace: Pace;
  readonly transport: Transport;
  readonly redact: Redact;
  readonly proxy: Proxy | undefined;
}

/** The service promises no page size; this is what its own tools ask for. */
const PAGE_SIZE = 100;

export class ZepV2 implements RemoteApi {
  readonly #options: ZepV2Options;
  readonly #caller: Caller;

  constructor(options: ZepV2Options) {
    this.#options = options;
    this.#caller = options.caller;
  }

  async createBatch(request: CreateBatchRequest, signal?: AbortSignal): Promise<BatchSummary> {
    const operation = this.#onApi('createBatch', 'creating a batch', false, 'Batch API');
    const call = this.#request('POST', '/batches', json(request));
    return this.#caller.call(operation, call, (answer) => parseSummary(parseJson(answer), undefined), signal);
  }

  async addItems(batch: BatchId, body: Uint8Array, signal?: AbortSignal): Promise<readonly BatchItem[]> {
    const operation = onThing('addItems', `adding items to batch ${shown(batch)}`, false, `batch ${shown(batch)}`);
    const call = this.#request('POST', `/batches/${segment(batch, operation)}/items`, body);
    const { redact } = this.#options;
    return this.#caller.call(operation, call, (answer) => parseItems(parseJson(answer), redact), signal);
  }

  async getBatch(batch: BatchId, signal?: AbortSignal): Promise<BatchSummary> {
    const operation = onThing('getBatch', `reading batch ${shown(batch)}`, true, `batch ${shown(batch)}`);
    const call = this.#request('GET', `/batches/${segment(batch, operation)}`);
    return this.#caller.call(operation, call, (answer) => parseSummary(parseJson(answer), batch), signal);
  }

  listBatches(
    filter: { readonly status?: string; readonly limit?: number },
    signal?: AbortSignal,
  ): AsyncIterable<BatchSummary> {
    const operation = this.#onApi('listBatches', 'listing batches', true, 'Batch API');
    const pageSize = Math.min(PAGE_SIZE, filter.limit ?? PAGE_SIZE);
    const page = (cursor: Cursor): Promise<Page<BatchSummary>> => {
      const call = this.#request('GET', `/batches${query({ limit: pageSize, cursor, status: filter.status })}`);
      return this.#caller.call(operation, call, (answer) => parseBatchPage(parseJson(answer)), signal);
    };
    return followPages({ operation, page, identity: (entry) => entry.batchId, limit: filter.limit });
  }

  listItems(batch: BatchId, filter: { readonly status?: string }, signal?: AbortSignal): AsyncIterable<BatchItem> {
    const operation = onThing('listItems', `listing the items of batch ${shown(batch)}`, true, `batch ${shown(batch)}`);
    const { redact } = this.#options;
    const page = async (cursor: Cursor): Promise<Page<BatchItem>> => {
      const path = `/batches/${segment(batch, operation)}/items`;
      const call = this.#request('GET', `${path}${query({ limit: PAGE_SIZE, cursor, status: filter.status })}`);
      return this.#caller.call(operation, call, (answer) => parseItemPage(parseJson(answer), redact), signal);
    };
    return followPages({ operation, page, identity: (entry) => entry.itemId ?? entry.index, limit: undefined });
  }

  async itemPage(
    batch: BatchId,
    filter: { readonly status?: string; readonly cursor?: string; readonly limit?: number },
    signal?: AbortSignal,
  ): Promise<ItemPage> {
    const operation = onThing('listItems', `listing the items of batch ${shown(batch)}`, true, `batch ${shown(batch)}`);
    const { redact } = this.#options;
    const { status, cursor, limit = PAGE_SIZE } = filter;
    const path = `/batches/${segment(batch, operation)}/items${query({ limit: Math.min(PAGE_SIZE, limit), cursor, status })}`;
    const call = this.#request('GET', path);
    const page = await this.#caller.call(operation, call, (answer) => parseItemPage(parseJson(answer), redact), signal);
    return { items: page.entries, next: page.nextCursor === undefined ? undefined : String(page.nextCursor) };
  }

  async deleteBatch(batch: BatchId, signal?: AbortSignal): Promise<boolean> {
    const operation = onThing('deleteBatch', `deleting batch ${shown(batch)}`, true, `batch ${shown(batch)}`);
    return unlessMissing(async () => {
      const call = this.#request('DELETE', `/batches/${segment(batch, operation)}`);
      return this.#caller.call(operation, call, acknowledged, signal);
    }, false);
  }

  async startBatch(batch: BatchId, signal?: AbortSignal): Promise<BatchSummary> {
    const operation = onThing('startBatch', `starting batch ${shown(batch)}`, false, `batch ${shown(batch)}`);
    const call = this.#request('POST', `/batches/${segment(batch, operation)}/process`);
    const read = (answer: WireAnswer): BatchSummary => {
      const summary = parseSummary(parseJson(answer), batch);
      if (summary.status === '') throw new BadAnswer('it does not say in which state the batch is');
      return summary;
    };
    return this.#caller.call(operation, call, read, signal);
  }

  async project(signal?: AbortSignal): Promise<Project> {
    const operation = this.#onApi('project', 'reading the project', true, 'Zep API');
    const call = this.#request('GET', '/projects/info');
    return this.#caller.call(operation, call, (answer) => parseProject(parseJson(answer)), signal);
  }

  async userExists(userId: string, signal?: AbortSignal): Promise<boolean> {
    return this.#exists('userExists', '/users', 'user', userId, signal);
  }

  async graphExists(graphId: string, signal?: AbortSignal): Promise<boolean> {
    return this.#exists('graphExists', '/graph', 'graph', graphId, signal);
  }

  async createUser(userId: string, signal?: AbortSignal): Promise<EnsureOutcome> {
    const operation = this.#onApi('createUser', `creating user ${shown(userId)}`, true, 'Zep API');
    const call = this.#request('POST', '/users', json({ user_id: userId }));
    return this.#ensure(operation, call, () => this.userExists(userId, signal), signal);
  }

  async createGraph(graphId: string, signal?: AbortSignal): Promise<EnsureOutcome> {
    const operation = this.#onApi('createGraph', `creating graph ${shown(graphId)}`, true, 'Zep API');
    const call = this.#request('POST', '/graph/create', json({ graph_id: graphId }));
    return this.#ensure(operation, call, () => this.graphExists(graphId, signal), signal);
  }

  async threadOwner(threadId: string, signal?: AbortSignal): Promise<string | undefined> {
    const operation = onThing('threadOwner', `reading thread ${shown(threadId)}`, true, `thread ${shown(threadId)}`);
    return unlessMissing(async () => {
      const call = this.#request('GET', `/threads/${segment(threadId, operation)}/messages?lastn=1`);
      return this.#caller.call(operation, call, (answer) => parseThreadOwner(parseJson(answer)), signal);
    }, undefined);
  }

  async createThread(threadId: string, userId: string, signal?: AbortSignal): Promise<EnsureOutcome | 'user-missing'> {
    const operation = onThing('createThread', `creating thread ${shown(threadId)}`, true, `user ${shown(userId)}`);
    const call = this.#request('POST', '/threads', json({ thread_id: threadId, user_id: userId }));
    try {
      return await this.#ensure(
        operation,
        call,
        async () => (await this.threadOwner(threadId, signal)) !== undefined,
        signal,
      );
    } catch (error) {
      if (error instanceof RemoteError && saysUserMissing(error)) return 'user-missing';
      throw error;
    }
  }

  stats(): CallStats {
    return this.#caller.stats();
  }

  concurrencyHint(): number {
    return this.#options.pace.concurrencyHint();
  }

  connectionFacts(): ConnectionFacts {
    return { proxy: this.#options.proxy?.label, ...this.#caller.facts() };
  }

  async close(): Promise<void> {
    this.#options.pace.close();
    await this.#options.transport.close();
  }

  async #exists(
    name: string,
    path: string,
    what: string,
    id: string,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const operation = onThing(name, `looking for ${what} ${shown(id)}`, true, `${what} ${shown(id)}`);
    return unlessMissing(async () => {
      const call = this.#request('GET', `${path}/${segment(id, operation)}`);
      return this.#caller.call(operation, call, acknowledged, signal);
    }, false);
  }

  /** A create by chosen id. Refused because there is one already = it exists; a bare conflict is believed after a look. */
  async #ensure(
    operation: Operation,
    call: WireRequest,
    exists: () => Promise<boolean>,
    signal: AbortSignal | undefined,
  ): Promise<EnsureOutcome> {
    try {
      await this.#caller.call(operation, call, acknowledged, signal);
      return 'created';
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      const refused = error.status === 400 || error.status === 409;
      if (refused && /already exists/i.test(error.serverMessage ?? '')) return 'exists';
      if (error.status === 409 && (await exists())) return 'exists';
      throw error;
    }
  }

  #request(method: WireRequest['method'], path: string, body?: Uint8Array): WireRequest {
    const full = this.#options.base.path + path;
    return body === undefined ? { method, path: full } : { method, path: full, body };
  }

  #onApi(name: string, doing: string, idempotent: boolean, api: string): Operation {
    return { name, doing, idempotent, missing: { api: `${api} at ${this.#options.base.href}` } };
  }
}

type Cursor = number | string | undefined;

function onThing(name: string, doing: string, idempotent: boolean, thing: string): Operation {
  return { name, doing, idempotent, missing: { thing } };
}

/** An answer of which only the status matters: empty or JSON. A page of HTML with a good status is not the service's. */
function acknowledged(answer: WireAnswer): true {
  if (answer.body.length > 0) parseJson(answer);
  return true;
}

/** 404 as an answer rather than an error. */
async function unlessMissing<T, M>(call: () => Promise<T>, missing: M): Promise<T | M> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof RemoteError && error.status === 404) return missing;
    throw error;
  }
}

function saysUserMissing(error: RemoteError): boolean {
  return error.status === 404 || (error.effect === 'none' && /user not found/i.test(error.serverMessage ?? ''));
}
