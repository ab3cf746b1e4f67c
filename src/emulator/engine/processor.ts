/**
 * The background work of the local server: takes handed-over batches in the order of their runs, works their items off at the given rate,
 * and writes what came of it. Requests come first: the work is done in small slices between them. Everything it knows is in the store, so
 * a killed server goes on where its last slice was written.
 */
import type { Clock } from '../../clock.js';
import { failureText } from '../failure-text.js';
import type { Batch, RunPlan } from '../store/batches.js';
import type { Store } from '../store/store.js';
import type { ItemTarget } from '../layout.js';
import { countStates, FAILED, finalStatus, isFinal, SUCCEEDED } from './machine.js';
import { loadActive } from './plan.js';
import { allQueued, prepareBatch } from './prepare.js';
import { WorkQueue, type ActiveBatch } from './work-queue.js';

export interface ProcessorOptions {
  /** Items a second; Infinity = as fast as it goes, 0 = not at all. */
  readonly rate: number;
  /** How many graphs are worked on side by side. */
  readonly concurrency: number;
  readonly expireAfterMs: number;
}

/** Told inside the transaction that makes it so. */
export interface ProcessorEvents {
  episodeProcessed?(batch: ActiveBatch, seq: number): void;
  batchCompleted(batch: Batch): void;
  log(line: string): void;
}

const SLICE_ITEMS = 2_000;
const WINDOW_ITEMS = 100_000;
const RETRY_MS = 1_000;
const IDLE_MS = 1_000;

export const EXPIRED = { code: 'expired', message: 'the batch was stopped before this item was processed' } as const;

export class Processor {
  private readonly queue: WorkQueue;
  private readonly late = new Map<number, number>();
  private readonly events: { readonly batch: ActiveBatch; readonly seq: number }[] = [];
  private lastAdmitted = 0;
  private preparing: Promise<unknown> = Promise.resolve();
  private deletedMeanwhile = new Set<number>();
  private waker = new AbortController();
  private closed = false;
  private tokens = 0;
  private filledAt: number;
  private lastExpiryCheck = -Infinity;
  private work: Promise<void> | undefined;

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly options: ProcessorOptions,
    private readonly told: ProcessorEvents,
  ) {
    this.queue = new WorkQueue(options.concurrency);
    this.filledAt = clock.now();
  }

  start(): void {
    this.work = this.loop();
  }

  /** Stops after the slice in hand; what is left goes on at the next start. */
  async close(): Promise<void> {
    this.closed = true;
    this.waker.abort();
    await this.work;
    await this.preparing;
  }

  /**
   * Accepts a draft for processing: queued when this returns its promise, prepared when the promise resolves (unless the plan says later)
   * with the destinations found missing.
   */
  handOver(batch: Batch, plan: RunPlan): Promise<readonly ItemTarget[]> {
    const now = this.clock.date();
    this.store.db.transaction(() => {
      const run = this.store.batches.newRun(batch.no);
      const counts = allQueued(batch.itemCount);
      this.store.batches.update(batch.no, { status: 'queued', run, plan, counts, processedAt: now }, now);
    });
    if (plan.checkAfterMs !== undefined) {
      this.late.set(batch.no, now + plan.checkAfterMs);
      this.wake();
      return Promise.resolve([]);
    }
    return this.prepare(batch.no);
  }

  /** The current states of a batch's items, or undefined when nothing was done with it. */
  states(no: number): Uint8Array | undefined {
    return this.queue.get(no)?.states ?? this.store.batches.states(no);
  }

  targetsDeleted(numbers: readonly number[]): void {
    const gone = new Set(numbers);
    for (const no of gone) this.deletedMeanwhile.add(no);
    this.queue.targetsDeleted(gone, this.onFinal);
    this.wake();
  }

  private prepare(no: number): Promise<readonly ItemTarget[]> {
    const done = this.preparing.then(async () => {
      const batch = this.store.batches.byNumber(no);
      if (batch === undefined || batch.status !== 'queued' || batch.prepared || this.closed) return [];
      const deps = { store: this.store, clock: this.clock, random: this.random, giveWay };
      const missing = await prepareBatch(deps, batch);
      this.wake();
      return missing;
    });
    this.preparing = done.catch(() => undefined);
    return done;
  }

  private wake(): void {
    this.waker.abort();
  }

  private readonly onFinal = (batch: ActiveBatch, seq: number, state: number): void => {
    if (state === SUCCEEDED && this.told.episodeProcessed !== undefined) this.events.push({ batch, seq });
  };

  private async loop(): Promise<void> {
    while (!this.closed) {
      try {
        const busy = await this.slice();
        if (busy) await giveWay();
        else await this.pause();
      } catch (error) {
        this.told.log(`processing waits: ${failureText(error)}`);
        await this.sleep(RETRY_MS);
      }
    }
  }

  /** One slice of work; false when there is nothing to do before something changes or time passes. */
  private async slice(): Promise<boolean> {
    this.waker = new AbortController();
    this.expire();
    await this.prepareLate();
    if (this.queue.open === 0) this.filledAt = this.clock.now();
    await this.admit();
    const quota = this.quota();
    const done = quota > 0 ? this.queue.advance(quota, this.onFinal) : 0;
    if (Number.isFinite(this.options.rate)) this.tokens -= done;
    this.commit();
    return done > 0 && this.options.rate === Infinity;
  }

  private quota(): number {
    const { rate } = this.options;
    if (rate === Infinity) return SLICE_ITEMS;
    const now = this.clock.now();
    this.tokens = Math.min(this.tokens + (rate * (now - this.filledAt)) / 1000, Math.max(1, rate / 4));
    this.filledAt = now;
    return Math.min(SLICE_ITEMS, Math.floor(this.tokens));
  }

  private async pause(): Promise<void> {
    const { rate } = this.options;
    if (this.closed) return;
    if (this.queue.open === 0 && this.late.size === 0) await this.sleep(60 * IDLE_MS);
    else if (rate > 0 && rate !== Infinity && this.queue.open > 0) {
      await this.sleep(Math.min(250, Math.max(5, 1000 / rate)));
    } else await this.sleep(this.late.size > 0 ? 50 : IDLE_MS);
  }

  /** Ends early when woken. */
  private async sleep(ms: number): Promise<void> {
    await this.clock.sleep(ms, this.waker.signal).catch(() => undefined);
  }

  private async admit(): Promise<void> {
    while (!this.closed && this.queue.open < WINDOW_ITEMS) {
      const [batch] = this.store.batches.openRuns(this.lastAdmitted, 1);
      if (batch === undefined) return;
      if (!batch.prepared) {
        if (batch.plan.checkAfterMs === undefined) {
          await this.prepare(batch.no);
          if (this.store.batches.byNumber(batch.no)?.status === 'queued' && this.closed) return;
          continue;
        }
        this.late.set(batch.no, (batch.processedAt ?? 0) + batch.plan.checkAfterMs);
        this.lastAdmitted = batch.run ?? 0;
        continue;
      }
      this.lastAdmitted = batch.run ?? 0;
      await this.take(batch);
    }
  }

  private async take(batch: Batch): Promise<void> {
    this.deletedMeanwhile = new Set();
    const active = await loadActive(this.store, batch, giveWay);
    if (this.store.batches.byNumber(batch.no)?.completedAt !== undefined) return;
    this.queue.admit(active);
    this.queue.targetsDeleted(this.deletedMeanwhile, this.onFinal);
  }

  private async prepareLate(): Promise<void> {
    for (const [no, dueAt] of this.late) {
      if (dueAt > this.clock.date()) continue;
      this.late.delete(no);
      await this.prepare(no);
      const batch = this.store.batches.byNumber(no);
      if (batch?.prepared === true && (batch.run ?? 0) <= this.lastAdmitted) await this.take(batch);
    }
  }

  private expire(): void {
    const now = this.clock.date();
    if (now - this.lastExpiryCheck < IDLE_MS && now >= this.lastExpiryCheck) return;
    this.lastExpiryCheck = now;
    for (let after = 0; ;) {
      const [batch] = this.store.batches.openRuns(after, 1);
      if (batch === undefined || (batch.processedAt ?? now) + this.options.expireAfterMs > now) return;
      after = batch.run ?? 0;
      const active = this.queue.get(batch.no);
      if (active !== undefined) this.queue.failRest(active, this.onFinal);
      else this.expireWaiting(batch);
    }
  }

  private expireWaiting(batch: Batch): void {
    const saved = this.store.batches.states(batch.no) ?? new Uint8Array(batch.itemCount);
    const states = saved.map((state) => (isFinal(state) ? state : FAILED));
    this.late.delete(batch.no);
    this.store.db.transaction(() => {
      this.finish(batch.no, states, countStates(states));
    });
  }

  private commit(): void {
    const changed = this.queue.takeDirty();
    if (changed.length === 0) return;
    try {
      this.store.db.transaction(() => {
        for (const { batch, seq } of this.events) this.told.episodeProcessed?.(batch, seq);
        for (const batch of changed) this.finish(batch.no, batch.states, batch.counts);
      });
      this.events.length = 0;
    } catch (error) {
      this.queue.restore(changed);
      throw error;
    }
  }

  /** Inside a transaction: the states as they are, and the end of the batch when none is open. */
  private finish(no: number, states: Uint8Array, counts: readonly number[]): void {
    const now = this.clock.date();
    this.store.batches.saveStates(no, states);
    const [pending = 0, queued = 0, processing = 0] = counts;
    const open = pending + queued + processing;
    if (open > 0) {
      const started = open < states.length || processing > 0;
      this.store.batches.update(no, { counts: [...counts], ...(started ? { status: 'processing' } : {}) }, now);
      return;
    }
    this.store.batches.update(no, { counts: [...counts], status: finalStatus(counts), completedAt: now }, now);
    this.told.batchCompleted(this.store.batches.required(no));
  }
}

function giveWay(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
