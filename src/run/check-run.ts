/**
 * Reads and maps everything and sends nothing: what an import would do, in constant memory. Calls and batches are predicted with the slots
 * and lanes of a real run's start; destinations are counted by hash.
 */
import { paceOf, type CheckNotice, type CheckReport } from '../check-report.js';
import type { Clock } from '../clock.js';
import type { Observe } from '../events.js';
import { EncodedBlock } from '../lanes/encoded-block.js';
import { KeyIndex, NumberColumn } from '../lanes/key-index.js';
import type { Item, Rejection, Source } from '../model.js';
import { LIMITS } from '../wire.js';
import { Books, exceeds, type MaxErrors } from './books.js';
import { CallCounts } from './call-counts.js';
import { CoverageCounter, type MappedColumns } from './coverage.js';
import { ownedByAnother, type CreatableKind } from './destinations.js';
import type { OnChanged } from './known-items.js';
import { readItems, type ItemBlock, type RecordMapper } from './read-items.js';
import { RecordsMet } from './records-met.js';
import { Repeats } from './repeats.js';
import { inTimeOrder, type SortSettings } from './sort/time-order.js';

export interface CheckOptions {
  readonly skip: number;
  readonly limit: number;
  readonly chunkSize: number;
  readonly maxChunkBytes: number;
  readonly batchSize: number;
  readonly lanes: number | 'auto';
  readonly create: ReadonlySet<CreatableKind>;
  readonly rateLimit: number | undefined;
  /** Where an import would stop; a check reads on. */
  readonly maxErrors: MaxErrors;
  /** Items are counted in the order of their time; undefined: in that of the input. */
  readonly sort?: SortSettings | undefined;
  /** What becomes of a key that comes again with other content; undefined: equal items are all sent. */
  readonly onChanged?: OnChanged | undefined;
}

export interface CheckDeps {
  readonly sources: readonly Source[];
  readonly mapper: RecordMapper & { notices?: () => readonly CheckNotice[] };
  readonly clock: Clock;
  readonly observe: Observe;
  readonly recordRejection: (rejection: Rejection) => void;
  /** What the mapping reads of a record; undefined when that cannot be told. */
  readonly columns?: MappedColumns | undefined;
  /** Names a folder of this check's own, for what does not fit into memory. */
  readonly scratch?: (() => string) | undefined;
}

/** The report without its last words, which the command line adds. */
export type CheckFindings = Omit<CheckReport, 'exitCode' | 'next' | 'tests'>;

export async function runCheck(deps: CheckDeps, options: CheckOptions, signal: AbortSignal): Promise<CheckFindings> {
  const { sources, mapper, clock, observe } = deps;
  const startedAt = clock.now();
  const partly = deps.scratch === undefined ? undefined : new RecordsMet(deps.scratch);
  const books = new Books({
    maxErrors: { kind: 'unlimited' },
    nowMs: clock.date(),
    observe,
    record: deps.recordRejection,
    isSorted: options.sort !== undefined,
    isFirstOf: partly === undefined ? undefined : (position) => partly.meet(position),
  });
  const counts = new ItemCounts(options);
  const repeats =
    options.onChanged === undefined || deps.scratch === undefined
      ? undefined
      : await Repeats.create(options.onChanged, deps.scratch);
  const coverage = new CoverageCounter(deps.columns);
  const counting: RecordMapper = {
    map(record, out) {
      coverage.countRecord(record);
      return mapper.map(record, out);
    },
  };
  const reading = tidied(readItems({ sources, mapper: counting, books, observe }, options, signal), partly);
  if (options.sort !== undefined) observe({ type: 'phase', phase: 'sorting' });
  const blocks = options.sort === undefined ? reading : inTimeOrder(reading, sources, { ...options.sort, signal });
  const written = new EncodedBlock();
  try {
    for await (const { items } of blocks) {
      for (const item of items) {
        coverage.countItem(item);
        written.clear();
        written.add(item);
        const bytes = written.bytes(0);
        // As in a run: what is known already is not asked where it goes.
        if (repeats?.isKnown(item, bytes) === true) {
          counts.known += 1;
          continue;
        }
        if (!counts.place(item)) {
          books.rejectMisplaced(ownedByAnother(item));
          continue;
        }
        repeats?.remember();
        counts.add(item, bytes.length);
      }
      counts.endBlock();
      await repeats?.tidy();
      await partly?.tidy();
    }
  } finally {
    repeats?.close();
    partly?.close();
  }
  signal.throwIfAborted();
  const { calls, batches, batchesMost } = counts.work();
  const notices = [
    ...(mapper.notices?.() ?? []),
    ...coverage.notices(),
    ...stopNotice(books, options.maxErrors),
    ...counts.identityNotice(),
    ...orderNotice(books),
  ];
  return {
    records: {
      read: books.read,
      mapped: books.mapped,
      skipped: books.skipped,
      rejected: books.rejectedRecords,
      partlyRejected: books.partlyRejected,
    },
    items: { ...counts.items(), known: counts.known, rejected: books.rejectedItems },
    rejects: books.errors,
    destinations: counts.destinations(),
    calls,
    batches,
    batchesMost,
    credits: counts.credits,
    bytesToSend: counts.bytes,
    bytesRead: books.bytesRead,
    durationMs: clock.now() - startedAt,
    time: books.time,
    inexactNumbers: books.inexactNumbers,
    notices,
    coverage: coverage.result(),
    pace: paceOf(calls.total, options.rateLimit),
  };
}

async function* tidied(blocks: AsyncIterable<ItemBlock>, partly: RecordsMet | undefined): AsyncGenerator<ItemBlock> {
  for await (const block of blocks) {
    await partly?.tidy();
    yield block;
  }
}

/** An import of the same rows would not come to its end: better known before it starts. */
function stopNotice(books: Books, maxErrors: MaxErrors): readonly CheckNotice[] {
  if (!exceeds(maxErrors, books.rejections, books.read)) return [];
  return [
    {
      level: 'warning',
      code: 'would-stop',
      message: 'an import would stop on the way: more rows would be rejected than --max-errors allows',
      hint: 'mend the rows or the mapping, or raise --max-errors',
    },
  ];
}

/** So many items must be out of order for it to be told, and such a share of them. */
const LEAST_OUT_OF_ORDER = 10;
const SHARE_OUT_OF_ORDER = 0.01;

/** The service builds facts in the order of arrival: an export that is newest first tells its stories backwards. */
function orderNotice({ time, isSorted }: Books): readonly CheckNotice[] {
  if (isSorted) {
    const undated =
      time.undated === 0 ? '' : `; ${time.undated} without one stay behind the item that stands before them`;
    return [
      {
        level: 'info',
        code: 'sorted',
        message: `the items of each graph are sent in the order of their time${undated}`,
      },
    ];
  }
  if (time.outOfOrder < Math.max(LEAST_OUT_OF_ORDER, time.dated * SHARE_OUT_OF_ORDER)) return [];
  return [
    {
      level: 'warning',
      code: 'out-of-order',
      message: `${time.outOfOrder} of ${time.dated} dated items are older than an item before them in the same graph, and the service builds facts in the order of arrival`,
      hint: '--sort created_at sends them in the order of their time',
    },
  ];
}

class ItemCounts {
  readonly #options: CheckOptions;
  readonly #calls: CallCounts;
  readonly #users = new KeyIndex();
  readonly #graphs = new KeyIndex();
  readonly #threads = new KeyIndex();
  /** By thread: the number of the user who was named first as its owner. */
  readonly #ownerOf = new NumberColumn();
  readonly #unowned = new KeyIndex();
  /** Users that must be asked for or created: owners of threads only when users are created. */
  readonly #userCalls = new KeyIndex();
  #episodes = 0;
  #messages = 0;
  #parts = 0;
  /** Items with neither a key nor a time. */
  #nameless = 0;
  credits = 0;
  bytes = 0;
  /** Items that the input holds already. */
  known = 0;

  constructor(options: CheckOptions) {
    this.#options = options;
    this.#calls = new CallCounts(options);
  }

  /** Counts where an item goes. False, and not counted, for a message whose thread an earlier row gave to another user. */
  place({ wire, owner }: Item): boolean {
    if (wire.type === 'thread_message') return this.#addToThread(wire.thread_id, owner);
    this.#addEpisode(wire.graph_id, wire.user_id ?? '');
    return true;
  }

  /** Counts an item that would be sent as so many bytes. */
  add(item: Item, bytes: number): void {
    const { wire } = item;
    if (wire.type === 'thread_message') this.#messages += 1;
    else this.#episodes += 1;
    const content = wire.type === 'thread_message' ? wire.content : wire.data;
    this.credits += Math.max(1, Math.ceil(Buffer.byteLength(content) / LIMITS.creditBytes));
    this.bytes += bytes + 1;
    if (item.part !== undefined) this.#parts += 1;
    if (item.key === undefined && item.time.ms === undefined) this.#nameless += 1;
    this.#calls.add(item, bytes + 1);
  }

  /** Call it behind the items of each block. */
  endBlock(): void {
    this.#calls.endBlock();
  }

  /** What is imported twice cannot always be told: better known before it happens. */
  identityNotice(): readonly CheckNotice[] {
    if (this.#nameless === 0) return [];
    return [
      {
        level: 'warning',
        code: 'not-known-again',
        message: `${this.#nameless} ${this.#nameless === 1 ? 'item has' : 'items have'} neither a key nor a time: a later import knows them again in the same file only, and from standard input not at all`,
        hint: 'give the mapping a key, or created_at',
      },
    ];
  }

  #addToThread(thread: string, owner: string | undefined): boolean {
    const at = this.#threads.add(thread);
    if (owner === undefined) {
      this.#unowned.add(thread);
      return true;
    }
    const first = this.#ownerOf.get(at);
    if (!Number.isNaN(first)) return first === this.#users.find(owner);
    this.#ownerOf.set(at, this.#users.add(owner));
    if (this.#options.create.has('users')) this.#userCalls.add(owner);
    return true;
  }

  #addEpisode(graph: string | undefined, user: string): void {
    if (graph !== undefined) {
      this.#graphs.add(graph);
      return;
    }
    this.#users.add(user);
    this.#userCalls.add(user);
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

  work(): Pick<CheckReport, 'calls' | 'batches' | 'batchesMost'> {
    return this.#calls.result({
      users: this.#userCalls.size,
      graphs: this.#graphs.size,
      threads: this.#threads.size - this.#unowned.size,
      threadOwners: this.#unowned.size,
    });
  }
}
