/**
 * Users, graphs and threads that items point at: looked up and created ahead of the chunk that needs them, several at once, each only once.
 * What is known is kept in a few bytes per destination, so that millions of threads fit.
 *
 * A create by a chosen id is the look-up: "already exists" is an answer, and then a thread's owner is read and compared, because thread ids
 * are global to the project and messages would land in somebody else's graph.
 */
import type { Observe } from '../events.js';
import { slotOf } from '../lanes/destination.js';
import { KeyIndex } from '../lanes/key-index.js';
import type { Item, Rejection } from '../model.js';
import { RemoteError, type DestinationApi } from '../remote/api.js';

export type CreatableKind = 'users' | 'graphs' | 'threads';

const USER = 1;
const GRAPH = 2;
const THREAD = 3;
type Kind = typeof USER | typeof GRAPH | typeof THREAD;

const UNKNOWN = 0;
const OK = 1;
const MISSING = 2;
const USER_MISSING = 3;
const NO_OWNER = 4;
const BAD_ID = 5;

/** Why an item cannot go where it points. `missing`: which kind `--create-missing` would have to name. */
export interface Misplaced {
  readonly code: 'user-missing' | 'graph-missing' | 'thread-missing' | 'thread-owner' | 'bad-id';
  readonly message: string;
  readonly missing: CreatableKind | undefined;
}

export interface DestinationOptions {
  readonly create: ReadonlySet<CreatableKind>;
  /** How many look-ups and creations may be under way at once. */
  readonly concurrency: number;
  readonly observe: Observe;
}

/** Items whose destinations are wanted together. */
interface Asked {
  readonly items: readonly Item[];
  readonly signal: AbortSignal | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** The first item that was not looked at yet. */
  next: number;
  readonly underWay: Set<Promise<void>>;
  failure: { readonly error: unknown } | undefined;
}

/** A task may have to wait for another (a thread for its owner): so many a call that may be under way keep all calls busy. */
const TASKS_A_CALL = 4;

export class Destinations {
  readonly #api: DestinationApi;
  readonly #options: DestinationOptions;
  readonly #index = new KeyIndex();
  #state = new Uint8Array(1024);
  /** 1 where the service was asked since the last `forget`. */
  #fresh = new Uint8Array(1024);
  #slot = new Uint8Array(1024);
  /** For threads: the number of the owner in the same index, plus one; 0 = not known. */
  #owner = new Uint32Array(1024);
  /** By kind and id: what is under way or waits for its turn. */
  readonly #tasks = new Map<string, Promise<void>>();
  /** What has items yet for which no task was begun, in order. */
  readonly #asked: Asked[] = [];
  readonly #created = { users: 0, graphs: 0, threads: 0 };
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(api: DestinationApi, options: DestinationOptions) {
    this.#api = api;
    this.#options = options;
  }

  get created(): { readonly users: number; readonly graphs: number; readonly threads: number } {
    return { ...this.#created };
  }

  /**
   * Finds out (or creates) what the items point at. Undefined when all of it is known already: then no promise is made.
   * Rejects when the service cannot be asked; items that point nowhere are told by `place`.
   */
  ensure(items: readonly Item[], signal?: AbortSignal): Promise<void> | undefined {
    const next = items.findIndex((item) => this.#isAsked(item));
    if (next < 0) return undefined;
    return new Promise((resolve, reject) => {
      this.#asked.push({ items, signal, resolve, reject, next, underWay: new Set(), failure: undefined });
      this.#begin();
    });
  }

  /** More is wanted already than can be asked for now. */
  get isBusy(): boolean {
    return this.#asked.length > 0;
  }

  #isAsked(item: Item): boolean {
    const [kind, id] = pointsAt(item);
    const at = this.#index.find(id, kind);
    // A thread that an earlier row named without its owner may be created for this one.
    return !this.#isFresh(at) || (item.owner !== undefined && this.#stateOf(at) === NO_OWNER);
  }

  /** Begins as many tasks as may wait for their turn. What waits behind them costs nothing but its place: there may be millions. */
  #begin(): void {
    while (this.#tasks.size < this.#options.concurrency * TASKS_A_CALL) {
      const [asked] = this.#asked;
      if (asked === undefined) return;
      const item = this.#nextOf(asked);
      if (item === undefined) {
        this.#asked.shift();
        settle(asked);
      } else this.#beginFor(asked, item);
    }
  }

  #nextOf(asked: Asked): Item | undefined {
    const { items, signal } = asked;
    if (signal?.aborted === true) asked.failure ??= { error: signal.reason };
    if (asked.failure !== undefined) return undefined;
    while (asked.next < items.length) {
      const item = items[asked.next++];
      if (item !== undefined && this.#isAsked(item)) return item;
    }
    return undefined;
  }

  #beginFor(asked: Asked, item: Item): void {
    const [kind, id] = pointsAt(item);
    const { signal, underWay } = asked;
    const task = kind === THREAD ? this.#thread(id, item.owner, signal) : this.#owning(kind, id, signal);
    if (underWay.has(task)) return;
    underWay.add(task);
    const end = (): void => {
      underWay.delete(task);
      if (!this.#asked.includes(asked)) settle(asked);
      this.#begin();
    };
    task.then(end, (error: unknown) => {
      asked.failure ??= { error };
      end();
    });
  }

  /** The slot of an item whose destination is known, or why it cannot be placed. */
  place(item: Item): number | Misplaced {
    const [kind, id] = pointsAt(item);
    const at = this.#index.find(id, kind);
    const state = this.#stateOf(at);
    if (state === OK) {
      const owner = this.#owner[at] ?? 0;
      if (kind === THREAD && item.owner !== undefined && owner !== this.#index.find(item.owner, USER) + 1) {
        return { code: 'thread-owner', message: anotherOwner(id, item.owner), missing: undefined };
      }
      return this.#slot[at] ?? 0;
    }
    return misplaced(kind, id, state, item.owner);
  }

  /** From now on `ensure` asks the service again. `place` goes by what is known until then: items that were ensured may be on their way. */
  forget(): void {
    this.#fresh.fill(0);
  }

  #isFresh(at: number): boolean {
    return at >= 0 && this.#fresh[at] === 1;
  }

  #stateOf(at: number): number {
    return at < 0 ? UNKNOWN : (this.#state[at] ?? UNKNOWN);
  }

  #set(kind: Kind, id: string, state: number, slot: number, owner = 0): void {
    const at = this.#index.add(id, kind);
    if (at >= this.#state.length) this.#grow(at);
    this.#state[at] = state;
    this.#fresh[at] = 1;
    this.#slot[at] = slot;
    this.#owner[at] = owner;
  }

  #grow(at: number): void {
    const length = Math.max(at + 1, this.#state.length * 2);
    const state = new Uint8Array(length);
    const fresh = new Uint8Array(length);
    const slot = new Uint8Array(length);
    const owner = new Uint32Array(length);
    state.set(this.#state);
    fresh.set(this.#fresh);
    slot.set(this.#slot);
    owner.set(this.#owner);
    this.#state = state;
    this.#fresh = fresh;
    this.#slot = slot;
    this.#owner = owner;
  }

  #owning(kind: typeof USER | typeof GRAPH, id: string, signal?: AbortSignal): Promise<void> {
    return this.#once(kind, id, async () => {
      const [plural, prefix] = kind === USER ? (['users', 'u:'] as const) : (['graphs', 'g:'] as const);
      const found = this.#options.create.has(plural)
        ? await this.#create(plural, id, signal)
        : await this.#limited(() =>
            kind === USER ? this.#api.userExists(id, signal) : this.#api.graphExists(id, signal),
          );
      this.#set(kind, id, found ? OK : MISSING, slotOf(prefix + id));
    });
  }

  async #create(kind: 'users' | 'graphs', id: string, signal?: AbortSignal): Promise<true> {
    const outcome = await this.#limited(() =>
      kind === 'users' ? this.#api.createUser(id, signal) : this.#api.createGraph(id, signal),
    );
    if (outcome === 'created') this.#count(kind);
    return true;
  }

  #thread(id: string, owner: string | undefined, signal?: AbortSignal): Promise<void> {
    const work = async (): Promise<void> => {
      if (owner === undefined || !this.#options.create.has('threads')) {
        this.#setThread(id, await this.#limited(() => this.#api.threadOwner(id, signal)), owner);
        return;
      }
      if (this.#options.create.has('users') && !this.#isFresh(this.#index.find(owner, USER))) {
        await this.#owning(USER, owner, signal);
      }
      const outcome = await this.#limited(() => this.#api.createThread(id, owner, signal));
      if (outcome === 'user-missing') {
        this.#set(THREAD, id, USER_MISSING, 0);
        return;
      }
      if (outcome === 'created') {
        this.#count('threads');
        this.#setThread(id, owner, owner);
        return;
      }
      this.#setThread(id, await this.#limited(() => this.#api.threadOwner(id, signal)), owner);
    };
    // A look-up that only asks is not what somebody who may create waits for.
    return this.#once(THREAD, id, work, owner === undefined ? 'asked' : 'made');
  }

  #setThread(id: string, actual: string | undefined, named: string | undefined): void {
    const at = this.#index.find(id, THREAD);
    if (actual === undefined) {
      // Made for another row while this look-up was under way.
      if (named === undefined && this.#isFresh(at) && this.#stateOf(at) === OK) return;
      this.#set(THREAD, id, named === undefined ? NO_OWNER : MISSING, 0);
    } else this.#set(THREAD, id, OK, slotOf(`u:${actual}`), this.#index.add(actual, USER) + 1);
  }

  #count(kind: CreatableKind): void {
    this.#created[kind] += 1;
    this.#options.observe({ type: 'destinations', created: this.created });
  }

  #once(kind: Kind, id: string, work: () => Promise<void>, how = ''): Promise<void> {
    const key = `${kind}${how}:${id}`;
    let task = this.#tasks.get(key);
    if (task === undefined) {
      task = work()
        .catch((error: unknown) => {
          // An id that cannot stand in an address is the row's fault, not the service's.
          if (!(error instanceof RemoteError) || error.code !== 'bad-id') throw error;
          this.#set(kind, id, BAD_ID, 0);
        })
        .finally(() => this.#tasks.delete(key));
      this.#tasks.set(key, task);
    }
    return task;
  }

  async #limited<T>(call: () => Promise<T>): Promise<T> {
    while (this.#running >= this.#options.concurrency)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
    try {
      return await call();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}

function anotherOwner(thread: string, named: string): string {
  return `thread "${short(thread)}" belongs to another user than "${short(named)}"`;
}

/** How a run rejects a message that names another owner of its thread than an earlier row did. */
export function ownedByAnother({ wire, owner, position, index }: Item): Rejection {
  const thread = wire.type === 'thread_message' ? wire.thread_id : '';
  const message = anotherOwner(thread, owner ?? '');
  return { kind: 'rejected', stage: 'remote', code: 'thread-owner', message, position, item: index };
}

function pointsAt(item: Item): [Kind, string] {
  const { wire } = item;
  if (wire.type === 'thread_message') return [THREAD, wire.thread_id];
  return wire.graph_id === undefined ? [USER, wire.user_id ?? ''] : [GRAPH, wire.graph_id];
}

function misplaced(kind: Kind, id: string, state: number, owner: string | undefined): Misplaced {
  if (state === BAD_ID) {
    return { code: 'bad-id', message: `the id "${short(id)}" cannot be used at the service`, missing: undefined };
  }
  if (state === USER_MISSING) {
    return {
      code: 'user-missing',
      message: `user "${short(owner ?? '')}", who owns thread "${short(id)}", does not exist`,
      missing: 'users',
    };
  }
  if (state === NO_OWNER) {
    return {
      code: 'thread-missing',
      message: `thread "${short(id)}" does not exist, and the mapping names no user_id to create it for`,
      missing: undefined,
    };
  }
  if (kind === THREAD) {
    return { code: 'thread-missing', message: `thread "${short(id)}" does not exist`, missing: 'threads' };
  }
  return kind === USER
    ? { code: 'user-missing', message: `user "${short(id)}" does not exist`, missing: 'users' }
    : { code: 'graph-missing', message: `graph "${short(id)}" does not exist`, missing: 'graphs' };
}

function short(id: string): string {
  return id.length > 60 ? `${id.slice(0, 60)}…` : id;
}

/** When nothing is under way any more, so that nothing goes on unseen behind an error; tells the first one. */
function settle({ underWay, failure, resolve, reject }: Asked): void {
  if (underWay.size > 0) return;
  if (failure === undefined) resolve();
  else reject(failure.error);
}
