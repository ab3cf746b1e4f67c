/**
 * Reads and maps everything and sends nothing: what an import would do, in constant memory. Calls and batches are predicted with the slots
 * and lanes of a real run's start; destinations are counted by hash.
 */
import { paceOf, type CheckNotice, type CheckReport } from '../check-report.js';
import type { Clock } from '../clock.js';
import type { Observe } from '../events.js';
import { destinationKey, SLOTS, slotOf } from '../lanes/destination.js';
import { KeyIndex } from '../lanes/key-index.js';
import type { Item, Rejection, Source } from '../model.js';
import { LIMITS } from '../wire.js';
import { Books } from './books.js';
import type { CreatableKind } from './destinations.js';
import { readItems, type RecordMapper } from './read-items.js';

export interface CheckOptions {
  readonly skip: number;
  readonly limit: number;
  readonly chunkSize: number;
  readonly maxChunkBytes: number;
  readonly batchSize: number;
  readonly lanes: number | 'auto';
  readonly create: ReadonlySet<CreatableKind>;
  readonly rateLimit: number | undefined;
}

export interface CheckDeps {
  readonly sources: readonly Source[];
  readonly mapper: RecordMapper & { notices?: () => readonly CheckNotice[] };
  readonly clock: Clock;
  readonly observe: Observe;
  readonly recordRejection: (rejection: Rejection) => void;
}

/** The report without its last words, which the command line adds. */
export type CheckFindings = Omit<CheckReport, 'exitCode' | 'next' | 'tests'>;

export async function runCheck(deps: CheckDeps, options: CheckOptions, signal: AbortSignal): Promise<CheckFindings> {
  const { sources, mapper, clock, observe } = deps;
  const startedAt = clock.now();
  const books = new Books({
    maxErrors: { kind: 'unlimited' },
    nowMs: clock.date(),
    observe,
    record: deps.recordRejection,
  });
  const counts = new ItemCounts(options);
  for await (const block of readItems(sources, mapper, books, options, observe, signal)) {
    for (const item of block.items) counts.add(item);
  }
  signal.throwIfAborted();
  const calls = counts.calls();
  return {
    records: {
      read: books.read,
      mapped: books.mapped,
      skipped: books.skipped,
      rejected: books.rejectedRecords,
      partlyRejected: books.partlyRejected,
    },
    items: { ...counts.items(), known: 0, rejected: books.rejectedItems },
    rejects: books.errors,
    destinations: counts.destinations(),
    calls,
    batches: calls.create,
    credits: counts.credits,
    bytesToSend: counts.bytes,
    bytesRead: books.bytesRead,
    durationMs: clock.now() - startedAt,
    time: books.time,
    inexactNumbers: books.inexactNumbers,
    notices: mapper.notices?.() ?? [],
    pace: paceOf(calls.total, options.rateLimit),
  };
}

/** Chunks and batches of one lane, filled by counting. */
class LaneCount {
  #itemsInChunk = 0;
  #bytesInChunk = 0;
  #itemsInBatch = 0;
  adds = 0;
  batches = 0;

  add(bytes: number, options: CheckOptions): void {
    if (this.#itemsInBatch === 0) this.batches += 1;
    if (this.#itemsInChunk > 0 && this.#bytesInChunk + bytes > options.maxChunkBytes) this.#itemsInChunk = 0;
    if (this.#itemsInChunk === 0) {
      this.adds += 1;
      this.#bytesInChunk = 0;
    }
    this.#itemsInChunk += 1;
    this.#bytesInChunk += bytes;
    if (this.#itemsInChunk >= options.chunkSize) this.#itemsInChunk = 0;
    this.#itemsInBatch += 1;
    if (this.#itemsInBatch >= options.batchSize) {
      this.#itemsInBatch = 0;
      this.#itemsInChunk = 0;
    }
  }
}

class ItemCounts {
  readonly #options: CheckOptions;
  readonly #users = new KeyIndex();
  readonly #graphs = new KeyIndex();
  readonly #threads = new KeyIndex();
  readonly #unowned = new KeyIndex();
  /** Users that must be asked for or created: owners of threads only when users are created. */
  readonly #userCalls = new KeyIndex();
  readonly #lanes: LaneCount[];
  #episodes = 0;
  #messages = 0;
  #parts = 0;
  credits = 0;
  bytes = 0;

  constructor(options: CheckOptions) {
    this.#options = options;
    const lanes = options.lanes === 'auto' ? 1 : Math.min(SLOTS, options.lanes);
    this.#lanes = Array.from({ length: lanes }, () => new LaneCount());
  }

  add(item: Item): void {
    const { wire, owner } = item;
    const bytes = Buffer.byteLength(JSON.stringify(wire));
    const content = wire.type === 'thread_message' ? wire.content : wire.data;
    this.credits += Math.max(1, Math.ceil(Buffer.byteLength(content) / LIMITS.creditBytes));
    this.bytes += bytes + 1;
    if (item.part !== undefined) this.#parts += 1;
    if (wire.type === 'thread_message') {
      this.#messages += 1;
      this.#threads.add(wire.thread_id);
      if (owner === undefined) this.#unowned.add(wire.thread_id);
      else {
        this.#users.add(owner);
        if (this.#options.create.has('users')) this.#userCalls.add(owner);
      }
    } else {
      this.#episodes += 1;
      if (wire.graph_id !== undefined) this.#graphs.add(wire.graph_id);
      else {
        this.#users.add(wire.user_id ?? '');
        this.#userCalls.add(wire.user_id ?? '');
      }
    }
    const key =
      wire.type === 'thread_message' && owner === undefined ? `t:${wire.thread_id}` : destinationKey(wire, owner);
    const lane = this.#lanes.length === 1 ? 0 : slotOf(key) % this.#lanes.length;
    this.#lanes[lane]?.add(bytes + 1, this.#options);
  }

  items(): { readonly total: number; readonly episodes: number; readonly messages: number; readonly parts: number } {
    return {
      total: this.#episodes + this.#messages,
      episodes: this.#episodes,
      messages: this.#messages,
      parts: this.#parts,
    };
  }

  destinations(): CheckReport['destinations'] {
    return {
      users: this.#users.size,
      graphs: this.#graphs.size,
      threads: this.#threads.size,
      unownedThreads: this.#unowned.size,
    };
  }

  calls(): CheckReport['calls'] {
    const setup = {
      users: this.#userCalls.size,
      graphs: this.#graphs.size,
      threads: this.#threads.size - this.#unowned.size,
      threadOwners: this.#unowned.size,
    };
    const create = this.#lanes.reduce((sum, lane) => sum + lane.batches, 0);
    const add = this.#lanes.reduce((sum, lane) => sum + lane.adds, 0);
    const total = setup.users + setup.graphs + setup.threads + setup.threadOwners + create + add + create;
    return { setup, create, add, process: create, total };
  }
}
