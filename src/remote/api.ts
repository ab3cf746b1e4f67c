/**
 * What the rest of the program knows of the service: plain calls, parsed answers, and errors that say whether the call may have been
 * applied. Nothing here knows HTTP, a version or undici; a second API generation is a second implementation of `RemoteApi`.
 */
import { AppError, type AppErrorOptions } from '../errors.js';
import type { BatchId } from '../model.js';
import type { CreateBatchRequest } from '../wire.js';
import type { BatchCounts } from '../events.js';

export interface BatchSummary {
  readonly batchId: BatchId;
  /** As the service words it; unknown words are kept. Empty string when absent. */
  readonly status: string;
  readonly itemCount: number | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Undefined while the service gives none (drafts). */
  readonly counts:
    | (BatchCounts & { readonly queued: number; readonly processing: number; readonly percent: number | undefined })
    | undefined;
  readonly createdAt: string | undefined;
  readonly updatedAt: string | undefined;
  readonly processedAt: string | undefined;
  readonly completedAt: string | undefined;
}

export interface BatchItem {
  readonly index: number | undefined;
  readonly itemId: string | undefined;
  readonly kind: string | undefined;
  readonly status: string;
  readonly episodeUuid: string | undefined;
  readonly graphId: string | undefined;
  readonly userId: string | undefined;
  readonly threadId: string | undefined;
  /** Free-form at the service: a message and a code where they can be found, else the JSON text. */
  readonly error: { readonly message: string; readonly code: string | undefined } | undefined;
}

export interface ItemPage {
  readonly items: readonly BatchItem[];
  /** Undefined on the last page. */
  readonly next: string | undefined;
}

export interface Project {
  readonly uuid: string | undefined;
  readonly name: string | undefined;
}

/**
 * A call that failed for good (after whatever repeats were safe). `effect` is the question that matters: `none` = the service has
 * certainly not applied it; `unknown` = it may have. `status` is undefined when no answer came.
 */
export class RemoteError extends AppError {
  readonly operation: string;
  readonly status: number | undefined;
  readonly effect: 'none' | 'unknown';
  /** The service's own words, trimmed, at most 500 characters; HTML is reduced to its title. */
  readonly serverMessage: string | undefined;

  constructor(
    message: string,
    options: AppErrorOptions & {
      readonly operation: string;
      readonly status: number | undefined;
      readonly effect: 'none' | 'unknown';
      readonly serverMessage: string | undefined;
    },
  ) {
    super(message, options);
    this.name = 'RemoteError';
    this.operation = options.operation;
    this.status = options.status;
    this.effect = options.effect;
    this.serverMessage = options.serverMessage;
  }
}

/** The batch calls. Every method may throw RemoteError, and rejects with `signal.reason` when aborted. */
export interface BatchApi {
  /** Never repeated unless the service cannot have seen it (429, refused connection). A missing batch_id throws with effect unknown. */
  createBatch(request: CreateBatchRequest, signal?: AbortSignal): Promise<BatchSummary>;
  /**
   * One add call. `body` is the finished JSON (`{"items":[...]}`); it owns its memory. Never repeated unless the service cannot have
   * seen it. Returns the details as answered: the caller checks that they are exactly the items it sent. An answer that is not a JSON
   * array throws with effect unknown.
   */
  addItems(batch: BatchId, body: Uint8Array, signal?: AbortSignal): Promise<readonly BatchItem[]>;
  getBatch(batch: BatchId, signal?: AbortSignal): Promise<BatchSummary>;
  /**
   * Newest first as far as the service sorts; pages are followed; a cursor that does not advance throws. At most `limit` batches are
   * given, and no more than that are asked for.
   */
  listBatches(
    filter: { readonly status?: string; readonly limit?: number },
    signal?: AbortSignal,
  ): AsyncIterable<BatchSummary>;
  /** Pages are followed, in pages of up to 100; ascending as far as the service sorts. */
  listItems(batch: BatchId, filter: { readonly status?: string }, signal?: AbortSignal): AsyncIterable<BatchItem>;
  /** One call: the items from `cursor` on (an earlier answer's `next`), at most `limit` of them, as far as the service keeps to that. */
  itemPage(
    batch: BatchId,
    filter: { readonly status?: string; readonly cursor?: string; readonly limit?: number },
    signal?: AbortSignal,
  ): Promise<ItemPage>;
  /** 404 is success (already gone): returns false. Repeated when in doubt, since deleting twice is harmless. */
  deleteBatch(batch: BatchId, signal?: AbortSignal): Promise<boolean>;
  /** One process call, never repeated when in doubt: the caller asks and decides. */
  startBatch(batch: BatchId, signal?: AbortSignal): Promise<BatchSummary>;
}

/** `exists` also when the service answered "already exists" to a create. */
export type EnsureOutcome = 'created' | 'exists';

/** Users, graphs, threads. Creates are by caller-chosen id, so repeating one is harmless: "already exists" is an answer. */
export interface DestinationApi {
  project(signal?: AbortSignal): Promise<Project>;
  userExists(userId: string, signal?: AbortSignal): Promise<boolean>;
  createUser(userId: string, signal?: AbortSignal): Promise<EnsureOutcome>;
  graphExists(graphId: string, signal?: AbortSignal): Promise<boolean>;
  createGraph(graphId: string, signal?: AbortSignal): Promise<EnsureOutcome>;
  /** The user who owns a thread; undefined when there is no such thread. */
  threadOwner(threadId: string, signal?: AbortSignal): Promise<string | undefined>;
  /** `user-missing` when the service says that the user does not exist. */
  createThread(threadId: string, userId: string, signal?: AbortSignal): Promise<EnsureOutcome | 'user-missing'>;
}

export interface CallStats {
  readonly total: number;
  readonly add: number;
  readonly repeated: number;
  readonly rateLimited: number;
  readonly bytesSent: number;
}

/** What the calls made so far have shown of the way to the service; for a person who looks for a fault. */
export interface ConnectionFacts {
  /** The proxy in use, without its password. */
  readonly proxy: string | undefined;
  /** The budget of the newest answer that told one; undefined when none did. */
  readonly budget: { readonly limit: number; readonly remaining: number } | undefined;
  /** The service's wall clock minus ours, milliseconds, to about a second; undefined before the first answer with a date. */
  readonly clockSkewMs: number | undefined;
}

export interface RemoteApi extends BatchApi, DestinationApi {
  stats(): CallStats;
  /** How many calls may usefully be in flight now: what the pace (rate headers, --rate-limit, refusals) allows. */
  concurrencyHint(): number;
  close(): Promise<void>;
}
