/**
 * The one loop that looks: at the ledger every second, at the service as often as there may be news and its rate allows. It runs while somebody
 * watches and stands still otherwise; any number of tabs share it.
 */
import type { Clock } from '../clock.js';
import { AppError } from '../errors.js';
import type { StoredBatch } from '../ledger/batches.js';
import type { BatchId } from '../model.js';
import { RemoteError } from '../remote/api.js';
import { settleBatch } from '../run/settle-batches.js';
import { BatchStore, canChange, HEAD, isMoving } from './batch-store.js';
import { settledOf } from './batch-rows.js';
import { Pulse } from './pulse.js';
import { RunBook, type LedgerDeps } from './run-book.js';
import { Service, type Connect, type Connection } from './service.js';
import type { Link } from './view-models.js';

export interface WatcherDeps extends LedgerDeps {
  readonly connect: Connect;
  readonly clock: Clock;
}

const LEDGER_MS = 1_000;
const LINGER_MS = 3_000;
const FIRST_POLL_MS = 1_000;
const SLOWEST_POLL_MS = 15_000;
const POLL_GROWTH = 1.4;
const FIRST_MEND_MS = 2_000;
/** This share of the project's calls a minute is ours; the rest belongs to imports. */
const OWN_SHARE = 0.2;
/** Finished batches whose failures are put on record in one round. */
const SETTLED_A_ROUND = 4;
/** Looking never takes more than this share of the time. */
const LOOK_SHARE = 0.2;

export class Watcher {
  readonly store = new BatchStore();
  readonly runs: RunBook;
  readonly service: Service;
  readonly pulse = new Pulse();
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  readonly #batchPulses = new Map<string, Pulse>();
  #link: Link = { state: 'connecting', detail: undefined };
  #watch: AbortController | undefined;
  #leaving: ReturnType<typeof setTimeout> | undefined;
  #looking: Promise<void> | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #wake: () => void = () => undefined;

  constructor(deps: WatcherDeps) {
    this.#clock = deps.clock;
    this.runs = new RunBook(deps);
    this.service = new Service(deps.connect);
  }

  get link(): Link {
    return this.#link;
  }

  /** Calls the listener after every look, until the returned function is called. The loop runs while there are listeners. */
  subscribe(listener: () => void): () => void {
    clearTimeout(this.#leaving);
    this.#listeners.add(listener);
    if (this.#watch === undefined) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearTimeout(this.#leaving);
      // A tab that goes from one view to another comes back at once.
      this.#leaving = setTimeout(() => this.#stop(), LINGER_MS).unref();
    };
  }

  /** The client waits: shown until the next answer. */
  waits(reason: string, detail: string): void {
    this.#tell({ state: reason === 'rate-limited' ? 'waiting' : 'lost', detail });
  }

  perSecond(batch: string): number | undefined {
    return this.#batchPulses.get(batch)?.rate(this.#clock.now());
  }

  async close(): Promise<void> {
    clearTimeout(this.#leaving);
    this.#listeners.clear();
    this.#stop();
    await this.service.close();
    await this.#work;
    this.runs.close();
  }

  #start(): void {
    const watch = new AbortController();
    this.#watch = watch;
    const before = this.#work;
    this.#work = before.then(() => Promise.all([this.#lookLoop(watch.signal), this.#pollLoop(watch.signal)]));
    this.#work.catch(() => undefined);
  }

  #stop(): void {
    this.#watch?.abort(new Error('nobody watches'));
    this.#watch = undefined;
    void this.service.rest();
  }

  async #lookLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const from = this.#clock.now();
      await this.#look();
      if (this.runs.isMoving) this.#wake();
      const tookMs = this.#clock.now() - from;
      await this.#clock.sleep(Math.max(LEDGER_MS, tookMs / LOOK_SHARE), signal).catch(() => undefined);
    }
  }

  /** One at a time: a look under way is what the next one waits for. */
  async #look(): Promise<void> {
    this.#looking ??= this.runs
      .look((id) => this.#told(id), this.#clock.now())
      .finally(() => {
        this.#looking = undefined;
        this.#changed();
      });
    await this.#looking;
  }

  async #pollLoop(signal: AbortSignal): Promise<void> {
    let pollMs = FIRST_POLL_MS;
    while (!signal.aborted) {
      let floorMs = FIRST_POLL_MS;
      try {
        const { isNews, calls, callsAMinute } = await this.service.use((connection) => this.#round(connection, signal));
        pollMs = isNews || this.#moves() ? FIRST_POLL_MS : Math.min(SLOWEST_POLL_MS, pollMs * POLL_GROWTH);
        if (callsAMinute !== undefined) floorMs = (calls * 60_000) / Math.max(1, callsAMinute * OWN_SHARE);
        this.#tell({ state: 'live', detail: undefined });
        if (isNews) await this.#look();
      } catch (error) {
        if (signal.aborted) return;
        pollMs = Math.min(SLOWEST_POLL_MS, Math.max(FIRST_MEND_MS, pollMs * POLL_GROWTH));
        this.#tell(linkAfter(error));
      }
      await this.#pause(Math.max(pollMs, floorMs), floorMs, signal);
    }
  }

  /** Waits, shorter when the ledger shows that something moves. */
  async #pause(ms: number, leastMs: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const from = this.#clock.now();
    this.#wake = () => {
      if (this.#link.state !== 'lost' && this.#clock.now() - from >= leastMs) woken.abort();
    };
    await this.#clock.sleep(ms, AbortSignal.any([signal, woken.signal])).catch(() => undefined);
    this.#wake = () => undefined;
  }

  async #round(
    connection: Connection,
    signal: AbortSignal,
  ): Promise<{ readonly isNews: boolean; readonly calls: number; readonly callsAMinute: number | undefined }> {
    const { api } = connection;
    const before = api.stats().total;
    const version = this.store.version;
    const { isFull, ask } = this.store.plan(this.#clock.now());
    await this.#list(connection, isFull, signal);
    for (const id of ask) await this.#ask(connection, id, signal);
    await this.#settle(connection, signal);
    this.#measure();
    this.service.keepOpen(this.store.all().some(({ summary }) => isMoving(summary.status)));
    return {
      isNews: version !== this.store.version,
      calls: api.stats().total - before,
      callsAMinute: connection.callsAMinute(),
    };
  }

  async #list({ api }: Connection, isFull: boolean, signal: AbortSignal): Promise<void> {
    const seen = new Set<string>();
    for await (const summary of api.listBatches(isFull ? {} : { limit: HEAD }, signal)) {
      this.store.put(summary, this.#clock.now(), seen.size);
      seen.add(summary.batchId);
      if (isFull && seen.size % 500 === 0) this.#changed();
    }
    if (isFull) {
      this.store.listed(seen, this.#clock.now());
      return;
    }
    // A draft among the newest that the list does not hold any more was deleted; asking once makes sure.
    const missing = this.store.all().slice(0, Math.min(HEAD, seen.size));
    for (const { summary } of missing) {
      const mayBeGone = canChange(summary.status) || summary.status === 'invalid';
      if (mayBeGone && !seen.has(summary.batchId)) await this.#ask({ api }, summary.batchId, signal);
    }
  }

  async #ask({ api }: Pick<Connection, 'api'>, id: string, signal: AbortSignal): Promise<void> {
    try {
      this.store.put(await api.getBatch(id as BatchId, signal), this.#clock.now());
    } catch (error) {
      if (!(error instanceof RemoteError) || error.status !== 404) throw error;
      this.store.drop(id);
    }
  }

  /**
   * What `status` would do: the end of a batch that nobody else is following is put on record, with its failed items, so that the books of its
   * run are right.
   */
  async #settle({ api, project }: Connection, signal: AbortSignal): Promise<void> {
    const { ledger } = this.runs;
    if (ledger === undefined) return;
    const ended = this.runs
      .all()
      .filter(({ run, line }) => line.condition === 'processing' && run.project === project)
      .flatMap(({ run }) => ledger.batches.of(run.id))
      .filter((batch) => this.#hasEnded(batch));
    for (const batch of ended.slice(0, SETTLED_A_ROUND)) {
      await settleBatch({ api, ledger, observe: () => undefined }, batch, signal);
      this.runs.written();
    }
  }

  #hasEnded({ state, batchId }: StoredBatch): boolean {
    const told = batchId === undefined ? undefined : this.#told(batchId);
    return state === 'started' && told !== undefined && !canChange(told.status) && told.status !== 'invalid';
  }

  #told(id: string): ReturnType<BatchStore['get']> {
    return this.store.get(id);
  }

  #moves(): boolean {
    return this.runs.isMoving || this.store.all().some(({ summary }) => isMoving(summary.status));
  }

  #measure(): void {
    const now = this.#clock.now();
    let settled = 0;
    const moving = new Set<string>();
    for (const { summary } of this.store.all()) {
      const own = settledOf(summary);
      settled += own;
      if (!isMoving(summary.status)) continue;
      moving.add(summary.batchId);
      const pulse = this.#batchPulses.get(summary.batchId) ?? new Pulse();
      pulse.take(own, now);
      this.#batchPulses.set(summary.batchId, pulse);
    }
    for (const id of this.#batchPulses.keys()) if (!moving.has(id)) this.#batchPulses.delete(id);
    if (this.store.isListed) this.pulse.take(settled, now);
    this.#changed();
  }

  #tell(link: Link): void {
    if (link.state === this.#link.state && link.detail === this.#link.detail) return;
    this.#link = link;
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** An import that has the local server's data is no fault: what it does is in the ledger. */
function linkAfter(error: unknown): Link {
  if (error instanceof AppError && error.code === 'local-data-in-use') {
    return {
      state: 'waiting',
      detail: 'Another command has the data of the local server; what it writes to the ledger is shown.',
    };
  }
  return { state: 'lost', detail: error instanceof Error ? error.message : String(error) };
}
