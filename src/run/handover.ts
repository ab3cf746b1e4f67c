/**
 * From complete drafts to finished batches: each is checked, processed, followed to its end, and what failed in it is told by source row.
 *
 * strict order: a batch is processed only when every earlier one that holds one of its slots is terminal, because the service promises no
 * order between batches. Upload goes on meanwhile: drafts are free. An unanswered `process` is settled by asking.
 */
import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock.js';
import { AppError } from '../errors.js';
import type { BatchCounts, BatchResult, Observe } from '../events.js';
import { SlotSet } from '../lanes/destination.js';
import type { StoredBatch } from '../ledger/batches.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Marks } from '../ledger/marks.js';
import type { Position } from '../model.js';
import { RemoteError, type BatchItem, type BatchSummary, type RemoteApi } from '../remote/api.js';
import { step } from '../steps.js';
import { TERMINAL_BATCH_STATUSES } from '../wire.js';
import type { Destinations } from './destinations.js';
import type { Draft, Drafts } from './drafts.js';
import { FailedItems, marksOfBatch } from './failed-items.js';
import type { Protocol } from './protocol.js';
import { countItems, settleBatch, settledItems } from './settle-batches.js';

export interface HandoverOptions {
  readonly order: 'strict' | 'relaxed';
  /** Batches of other runs into this project come before ours, when they hold the same slots. */
  readonly project: string;
  readonly run: string;
  /** Whether another run is an earlier one of the same import: then it is followed to its end like our own. */
  readonly isSameImport: (run: string) => boolean;
  /** Whether a living process works on a run. */
  readonly isAlive: (run: string) => Promise<boolean>;
  /** Nothing is processed: what is complete waits for a word of its own. */
  readonly stageOnly: boolean;
  readonly marks: Marks | undefined;
  readonly protocol: Protocol;
  /** False: hand over what may be handed over, and do not wait for the end. */
  readonly wait: boolean;
  /** The first wait before a batch is looked at (ms); it grows from there. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly observe: Observe;
  /** Turns what the ledger knows of an item into a position of this run. */
  readonly positionOf: (stored: {
    readonly source: number;
    readonly ordinal: number;
    readonly line: number;
    readonly byteStart: number;
    readonly byteEnd: number;
  }) => Position | undefined;
  readonly onFailedItem: (code: string, message: string, first: string) => void;
  /** Called before a batch that was handed over is made anew; rejects when another process is at it already. */
  readonly beforeReopening: () => Promise<void>;
  /** Every batch was handed over and no more will come; or that is not so any more. */
  readonly onDelivered: (delivered: boolean) => void;
  /** A batch cannot be dealt with: the run need not go on. `stop` is expected to be aborted by it. */
  readonly onFailure: (error: unknown) => void;
}

const SLOWEST_POLL_MS = 15_000;
const POLL_GROWTH = 1.4;
/** So often `process` is pressed while the batch stays a draft. */
const MAX_PRESSES = 10;
/** So many answers in a row that a batch does not exist are believed. */
const GONE_READS = 3;

interface Entry {
  readonly draft: Draft;
  /** stuck: waits for a batch that nobody hands over. */
  state: 'waiting' | 'stuck' | 'started' | 'terminal';
  /** An earlier try may have pressed process. */
  maybeStarted: boolean;
  status: string;
  counts: BatchCounts | undefined;
  /** As the service last told it, once the batch was handed over. */
  itemCount: number | undefined;
  invalids: number;
  /** How often it was a draft again after it had been handed over. */
  relapses: number;
}

export interface HandoverTotals {
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly canceled: number;
  /** Batches that were handed to the service (or finished). */
  readonly handedOver: number;
  /** Complete drafts that wait for an earlier batch. */
  readonly waiting: number;
  /** Handed over, but not finished. */
  readonly unfinished: number;
  /** By how many items the batches that were handed over differ from what was accepted from us. */
  readonly drift: number;
  /** Accepted items of batches that the service is done with of which it does not say what became. */
  readonly unaccounted: number;
}

export class Handover {
  readonly #api: RemoteApi;
  readonly #ledger: Ledger;
  readonly #drafts: Drafts;
  readonly #destinations: Destinations;
  readonly #options: HandoverOptions;
  readonly #entries: Entry[] = [];
  readonly #tasks: Promise<void>[] = [];
  readonly #stop: AbortSignal;
  readonly #signal: AbortSignal;
  readonly #nobodyWaits = new AbortController();
  /** Ends what only watches: at a stop, or when nobody waits for the end. */
  readonly #pause: AbortSignal;
  /** The same, and what ends calls in flight. */
  readonly #watching: AbortSignal;
  #closed = false;
  /** Batches of other runs into this project that are not finished. */
  #foreign: readonly StoredBatch[] = [];
  #foreignPollMs: number;
  #watchingForeign: Promise<void> | undefined;
  #culprit: string | undefined;
  /** The entries before this one are terminal. */
  #firstOpen = 0;
  #failure: { readonly error: unknown } | undefined;
  #resolveChange: () => void = () => undefined;
  #change: Promise<void>;

  /** `stop`: no new calls; what is in flight is finished. `signal`: ends calls in flight. */
  constructor(
    api: RemoteApi,
    ledger: Ledger,
    drafts: Drafts,
    destinations: Destinations,
    options: HandoverOptions,
    stop: AbortSignal,
    signal: AbortSignal,
  ) {
    this.#stop = stop;
    this.#pause = AbortSignal.any([stop, this.#nobodyWaits.signal]);
    this.#signal = signal;
    this.#watching = AbortSignal.any([this.#pause, signal]);
    // One listener a batch that is being followed; they are bounded by that, not by ten.
    setMaxListeners(0, this.#pause, this.#watching);
    this.#change = new Promise((resolve) => (this.#resolveChange = resolve));
    stop.addEventListener('abort', () => this.#tellChange(), { once: true });
    this.#api = api;
    this.#ledger = ledger;
    this.#drafts = drafts;
    this.#destinations = destinations;
    this.#options = options;
    this.#foreignPollMs = options.pollMs;
  }

  /** A complete batch; call in the order in which batches were filled. */
  submit(draft: Draft): void {
    this.#ledger.batches.setState(draft.row, 'closed', draft.slots.toString());
    this.#enter(entryOf(draft, 'waiting'));
  }

  /** A batch of an earlier try that is complete, or further; call it in order, before the first `submit`. */
  adopt(draft: Draft, { state, status, counts }: StoredBatch): void {
    if (state === 'terminal' || state === 'lost') {
      this.#entries.push({ ...entryOf(draft, 'terminal'), status, counts, itemCount: counts?.total });
      return;
    }
    const entry = entryOf(draft, state === 'started' ? 'started' : 'waiting');
    if (state === 'started') Object.assign(entry, { status, counts });
    entry.maybeStarted = state === 'starting';
    this.#enter(entry);
  }

  #enter(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#options.stageOnly && entry.state === 'waiting') return;
    this.#tasks.push(
      this.#carry(entry)
        .then(() => this.#tellDrift(entry))
        .catch((error: unknown) => this.#fail(error)),
    );
  }

  /** No more batches will come. Resolves when all are dealt with as far as the options say, or at a stop; throws what cannot be settled. */
  async finish(): Promise<void> {
    this.#closed = true;
    this.#tellDelivered();
    if (!this.#options.wait) this.#nobodyWaits.abort(new Error('nobody waits'));
    this.#tellChange();
    await Promise.all(this.#tasks);
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#options.wait && !this.#options.stageOnly) await this.#followEarlier();
  }

  /** What an earlier run of this import has handed over, and could not follow to its end. */
  async #followEarlier(): Promise<void> {
    let { pollMs } = this.#options;
    for (;;) {
      const earlier = this.#foreign.filter(({ state, run }) => state === 'started' && this.#options.isSameImport(run));
      const invalid = earlier.find(({ status }) => status === 'invalid');
      if (invalid !== undefined) this.#culprit = invalid.run;
      if (earlier.length === 0 || invalid !== undefined || this.#isHalted) return;
      this.#options.observe({ type: 'waiting', reason: 'earlier-batch', ms: pollMs });
      if (!(await this.#slept(pollMs, this.#pause))) return;
      if (!(await this.#unlessEnded(this.#pause, () => this.#askForeign()))) return;
      pollMs = Math.min(SLOWEST_POLL_MS, pollMs * POLL_GROWTH);
    }
  }

  /** What went wrong so far, to be looked at while uploading: a run that cannot hand over need not read on. */
  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  get totals(): HandoverTotals {
    const totals = { succeeded: 0, failed: 0, skipped: 0, canceled: 0, handedOver: 0, waiting: 0, unfinished: 0 };
    let drift = 0;
    let unaccounted = 0;
    for (const entry of this.#entries) {
      const { state, counts } = entry;
      if (this.#options.protocol.postProcessCheck) drift += Math.abs(driftOf(entry));
      if (state === 'terminal') unaccounted += Math.max(0, entry.draft.accepted - settledItems(counts));
      if (isLeft(entry)) totals.waiting += 1;
      else totals.handedOver += 1;
      if (state === 'started') totals.unfinished += 1;
      totals.succeeded += counts?.succeeded ?? 0;
      totals.failed += counts?.failed ?? 0;
      totals.skipped += counts?.skipped ?? 0;
      totals.canceled += counts?.canceled ?? 0;
    }
    return { ...totals, drift, unaccounted };
  }

  get drafts(): readonly Draft[] {
    return this.#entries.map(({ draft }) => draft);
  }

  /** Items that failed in earlier tries, for the summary. */
  tellEarlier(run: string): void {
    for (const { code, status, message, batch, index } of this.#ledger.rejects.failuresOf(run)) {
      this.#options.onFailedItem(
        code ?? status,
        message,
        `${this.#ledger.batches.byRow(batch)?.batchId ?? ''}[${index}]`,
      );
    }
  }

  /** Batches that the service has: they were processed, or it is done with them. */
  get handedOver(): readonly Draft[] {
    return this.#entries.filter((entry) => !isLeft(entry)).map((entry) => entry.draft);
  }

  /** The run that must be gone on with first: our drafts wait for its own, or it is of this import and must make a batch anew. */
  get waitsFor(): string | undefined {
    return this.#culprit;
  }

  /** Batches that may have been processed: the call was made, and then nobody could be asked what came of it. */
  get unsure(): ReadonlySet<Draft> {
    return new Set(this.#entries.filter((entry) => entry.status === 'unknown').map((entry) => entry.draft));
  }

  get results(): readonly BatchResult[] {
    return this.#entries.map(({ draft, status, counts }) => ({
      batch: draft.id,
      lane: draft.lane,
      number: draft.number,
      status,
      items: draft.accepted,
      counts,
    }));
  }

  /** The way of one batch: wait for its turn, process, follow to the end. */
  async #carry(entry: Entry): Promise<void> {
    const { wait } = this.#options;
    for (;;) {
      for (;;) {
        // Taken before anything is looked at: a change in the meantime is not missed.
        const change = this.#change;
        if (entry.state === 'started' || !this.#isBlocked(entry)) break;
        if (this.#isHalted || (this.#closed && !wait)) return;
        if (await this.#isStuck(entry)) {
          entry.state = 'stuck';
          this.#tellChange();
          return;
        }
        await change;
      }
      if (this.#isHalted || (entry.state !== 'started' && !(await this.#start(entry)))) return;
      let { pollMs } = this.#options;
      while (entry.state === 'started') {
        if (!(await this.#slept(pollMs, this.#pause))) return;
        const limited = this.#api.stats().rateLimited;
        if (!(await this.#unlessEnded(this.#pause, () => this.#poll(entry)))) return;
        const growth = this.#api.stats().rateLimited > limited ? POLL_GROWTH * 2 : POLL_GROWTH;
        pollMs = Math.min(SLOWEST_POLL_MS, pollMs * growth);
      }
      if (entry.state === 'terminal') {
        this.#tellChange();
        return;
      }
    }
  }

  get #isHalted(): boolean {
    return this.#stop.aborted || this.#failure !== undefined;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#options.onFailure(error);
    this.#tellChange();
  }

  #slept(ms: number, end: AbortSignal): Promise<boolean> {
    return this.#unlessEnded(end, () => this.#options.clock.sleep(ms, end));
  }

  /** False when `work` was cut short by the signal that it waits under. */
  async #unlessEnded(end: AbortSignal, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (end.aborted && error === end.reason) return false;
      throw error;
    }
  }

  #isBlocked(entry: Entry): boolean {
    if (this.#options.order === 'relaxed') return false;
    if (this.#foreignBefore(entry).length > 0) return true;
    const entries = this.#entries;
    while (entries[this.#firstOpen]?.state === 'terminal') this.#firstOpen += 1;
    for (let i = this.#firstOpen; i < entries.length; i++) {
      const earlier = entries[i];
      if (earlier === undefined || earlier === entry) return false;
      if (earlier.state !== 'terminal' && earlier.draft.slots.overlaps(entry.draft.slots)) return true;
    }
    return false;
  }

  /** Batches of other runs that must be finished before this one may be processed. */
  #foreignBefore({ draft }: Entry): readonly StoredBatch[] {
    return this.#foreign.filter(({ seq, slots }) => seq < draft.seq && SlotSet.parse(slots).overlaps(draft.slots));
  }

  /** Finds the batches of other runs that come before ours; what they wait for is not ours to press. */
  findForeign(): void {
    this.#foreign = this.#ledger.batches.unfinished(this.#options.project, this.#options.run);
  }

  async #askForeign(): Promise<void> {
    for (const batch of this.#foreign) {
      if (this.#stop.aborted) return;
      if (this.#isUnderWay(batch)) await settleBatch(this.#settling, batch, this.#signal);
    }
    this.findForeign();
  }

  get #settling(): Parameters<typeof settleBatch>[0] {
    return { api: this.#api, ledger: this.#ledger, observe: this.#options.observe, marks: this.#options.marks };
  }

  /** True when what the batch waits for will not come: a draft of a run that nobody is working on. Else waits a while, and looks again. */
  async #isStuck(entry: Entry): Promise<boolean> {
    const before = this.#foreignBefore(entry);
    if (before.length === 0) {
      const stuck = this.#entries.find(
        (other) => other.state === 'stuck' && other.draft.slots.overlaps(entry.draft.slots),
      );
      return stuck !== undefined && this.#entries.indexOf(stuck) < this.#entries.indexOf(entry);
    }
    for (const earlier of before) {
      const { run } = earlier;
      if (this.#isUnderWay(earlier) || (await this.#options.isAlive(run))) continue;
      // Nobody is at it now; that it was handed over in the meantime is on record since before its process let go.
      this.findForeign();
      const now = this.#foreign.find(({ row }) => row === earlier.row);
      if (now === undefined || this.#isUnderWay(now)) continue;
      this.#culprit = run;
      return true;
    }
    this.#watchingForeign ??= this.#watchForeign().finally(() => (this.#watchingForeign = undefined));
    return false;
  }

  #isUnderWay({ state, status }: StoredBatch): boolean {
    return state === 'started' && status !== 'invalid';
  }

  async #watchForeign(): Promise<void> {
    const { pollMs } = this.#options;
    this.#options.observe({ type: 'waiting', reason: 'earlier-batch', ms: this.#foreignPollMs });
    const slept = await this.#slept(this.#foreignPollMs, this.#pause);
    this.#foreignPollMs = Math.min(SLOWEST_POLL_MS, Math.max(pollMs, this.#foreignPollMs * POLL_GROWTH));
    try {
      if (slept) await this.#askForeign();
    } catch (error) {
      this.#fail(error);
    }
    // Told after this watch is over, so that who still waits may begin another.
    queueMicrotask(() => this.#tellChange());
  }

  #tellChange(): void {
    const tell = this.#resolveChange;
    this.#change = new Promise((resolve) => (this.#resolveChange = resolve));
    tell();
  }

  // --- process --------------------------------------------------------------------------------------------------------------------

  /** False when a stop came before the batch was handed over. */
  async #start(entry: Entry): Promise<boolean> {
    const { draft } = entry;
    if (entry.maybeStarted && (await this.#wasStarted(entry))) return true;
    for (let presses = 1; presses <= MAX_PRESSES; presses++) {
      const verified = await this.#unlessEnded(this.#stop, () =>
        draft.taken ? Promise.resolve() : this.#drafts.verify(draft, this.#stop, this.#signal),
      );
      if (!verified || this.#isHalted) return false;
      if (draft.accepted === 0 && !draft.taken) {
        await this.#drafts.discard(draft, this.#signal);
        entry.state = 'terminal';
        entry.status = 'deleted';
        this.#tellDelivered();
        return true;
      }
      const summary = draft.taken ? await this.#ask(draft, this.#signal) : await this.#process(entry);
      if (summary === undefined && draft.taken) {
        this.#vanished(entry);
        return true;
      }
      if (summary?.status === 'invalid') await this.#mendInvalid(entry);
      else if (summary !== undefined && summary.status !== 'draft') {
        this.#started(entry, summary);
        return true;
      } else if (summary !== undefined) {
        // Not taken after all, or not heard: once more, but not at once.
        draft.taken = false;
        const pauseMs = Math.min(SLOWEST_POLL_MS, this.#options.pollMs * 2 ** (presses - 1));
        if (!(await this.#slept(pauseMs, this.#stop))) return false;
      }
    }
    throw stillDraft(draft);
  }

  /** The process call of an earlier try, of which nobody heard: the service knows. */
  async #wasStarted(entry: Entry): Promise<boolean> {
    entry.maybeStarted = false;
    const summary = await this.#ask(entry.draft, this.#signal);
    if (summary === undefined || summary.status === 'draft' || summary.status === '' || summary.status === 'invalid')
      return false;
    this.#started(entry, summary);
    return true;
  }

  #started(entry: Entry, summary: BatchSummary): void {
    this.#ledger.batches.setState(entry.draft.row, 'started', entry.draft.slots.toString());
    step('process.recorded');
    entry.state = 'started';
    this.#see(entry, summary);
    this.#tellDelivered();
  }

  #tellDelivered(): void {
    this.#options.onDelivered(this.#closed && !this.#entries.some(isLeft));
  }

  /** Presses process and finds out what came of it. Undefined: the draft was put right and must be processed again. */
  async #process(entry: Entry): Promise<BatchSummary | undefined> {
    const { draft } = entry;
    entry.status = 'unknown';
    step('process.intending');
    this.#ledger.batches.setState(draft.row, 'starting', draft.slots.toString());
    step('process.intended');
    try {
      const summary = await this.#api.startBatch(draft.id, this.#signal);
      step('process.answered');
      if (summary.status !== '' && summary.status !== 'draft') return summary;
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      const settles =
        error.effect === 'unknown' || error.status === 404 || error.status === 409 || error.status === 400;
      if (error.effect === 'none') entry.status = 'draft';
      if (!settles) throw error;
      if (error.status === 400) return await this.#refusedToProcess(entry, error);
    }
    const summary = await this.#ask(draft, this.#signal);
    entry.status = 'draft';
    if (summary === undefined) await this.#drafts.rebuild(draft, this.#signal);
    return summary;
  }

  /** Undefined when there is no such batch: one such answer may come from a place that has not heard of it yet. */
  async #ask(draft: Draft, signal: AbortSignal): Promise<BatchSummary | undefined> {
    for (let read = 1; ; read++) {
      try {
        return await this.#api.getBatch(draft.id, signal);
      } catch (error) {
        if (!(error instanceof RemoteError) || error.status !== 404) throw error;
        if (read >= GONE_READS) return undefined;
      }
      await this.#options.clock.sleep(this.#options.pollMs, signal);
    }
  }

  /** A 400 may be the service's way of saying `invalid`: then the destinations tell. */
  async #refusedToProcess(entry: Entry, error: RemoteError): Promise<BatchSummary | undefined> {
    const summary = await this.#api.getBatch(entry.draft.id, this.#signal);
    if (summary.status !== 'draft' && summary.status !== '') return summary;
    if (entry.invalids > 0) throw error;
    await this.#mendInvalid(entry);
    return undefined;
  }

  /**
   * The service says that something the batch points at does not exist: ask for every destination again, create what may be created, reject
   * the rows of the rest and make the batch anew, once.
   */
  async #mendInvalid(entry: Entry): Promise<void> {
    entry.invalids += 1;
    if (entry.invalids > 1) {
      throw new AppError(
        `batch ${entry.draft.id} is invalid again: something it points at does not exist at the service`,
        {
          code: 'batch-invalid',
          disposition: 'not-found',
          hint: `zep-import batches items ${entry.draft.id} lists what it points at`,
        },
      );
    }
    this.#options.observe({
      type: 'notice',
      level: 'warning',
      code: 'batch-invalid',
      message: `batch ${entry.draft.id} is invalid: a user, graph or thread is missing; it is made anew`,
    });
    this.#destinations.forget();
    entry.draft.taken = false;
    // First of all the run is open again, on record: what is deleted from here on is in no batch that was handed over.
    await this.#options.beforeReopening();
    this.#resetToDraft(entry);
    await this.#drafts.rebuild(entry.draft, this.#signal);
  }

  #resetToDraft(entry: Entry): void {
    entry.state = 'waiting';
    entry.status = 'draft';
    entry.counts = undefined;
    entry.itemCount = undefined;
    this.#tellDelivered();
  }

  // --- follow ---------------------------------------------------------------------------------------------------------------------

  async #poll(entry: Entry): Promise<void> {
    step('poll.asking');
    const summary = await this.#ask(entry.draft, this.#watching);
    step('poll.answered');
    if (summary === undefined) {
      this.#vanished(entry);
      return;
    }
    if (summary.status === 'invalid') {
      await this.#mendInvalid(entry);
      return;
    }
    if (summary.status === 'draft') {
      // What was taken for the beginning of its processing was none.
      entry.relapses += 1;
      if (entry.relapses >= MAX_PRESSES) throw stillDraft(entry.draft);
      entry.draft.taken = false;
      this.#ledger.batches.setState(entry.draft.row, 'closed');
      this.#resetToDraft(entry);
      return;
    }
    this.#see(entry, summary);
    if (TERMINAL_BATCH_STATUSES.has(summary.status)) {
      await this.#finish(entry, summary);
    }
  }

  #vanished(entry: Entry): void {
    entry.state = 'terminal';
    entry.status = 'gone';
    const gone = marksOfBatch(this.#ledger, entry.draft.row);
    this.#ledger.db.record(() => {
      if (gone.length > 0) this.#options.marks?.withdraw(gone);
      this.#ledger.batches.seen(entry.draft.row, 'gone', entry.counts);
      this.#ledger.batches.setState(entry.draft.row, 'lost');
    });
    this.#options.observe({
      type: 'notice',
      level: 'warning',
      code: 'batch-gone',
      message: `batch ${entry.draft.id} is gone from the service while it was being processed; its ${entry.draft.accepted} items are not accounted for`,
    });
  }

  #see(entry: Entry, summary: BatchSummary): void {
    const { draft } = entry;
    entry.status = summary.status;
    if (summary.counts !== undefined) entry.counts = summary.counts;
    this.#ledger.batches.seen(draft.row, summary.status, entry.counts);
    entry.itemCount = summary.itemCount ?? entry.itemCount;
    this.#options.observe({
      type: 'batch',
      batch: draft.id,
      lane: draft.lane,
      number: draft.number,
      status: summary.status,
      items: draft.accepted,
      counts: entry.counts,
    });
  }

  #tellDrift(entry: Entry): void {
    const extra = driftOf(entry);
    if (extra === 0 || !this.#options.protocol.postProcessCheck) return;
    this.#options.observe({
      type: 'notice',
      level: 'warning',
      code: extra > 0 ? 'batch-doubled' : 'batch-short',
      message: `batch ${entry.draft.id} was processed with ${entry.itemCount ?? 0} items, ${Math.abs(extra)} ${extra > 0 ? 'more' : 'fewer'} than were accepted from us`,
      hint: `zep-import batches items ${entry.draft.id}`,
    });
  }

  async #finish(entry: Entry, summary: BatchSummary): Promise<void> {
    const { accepted } = entry.draft;
    const isSure = settledItems(summary.counts) === accepted && (summary.itemCount ?? accepted) === accepted;
    const counts =
      isSure && summary.counts !== undefined
        ? summary.counts
        : await countItems(this.#api, entry.draft.id, this.#watching);
    if (!isSure) entry.itemCount = counts.total;
    entry.counts = counts;
    const failed = new FailedItems(this.#ledger, entry.draft.row);
    if (counts.failed > 0) await this.#tellItems(entry, failed, 'failed');
    if (counts.canceled > 0) await this.#tellItems(entry, failed, 'canceled');
    this.#ledger.db.record(() => {
      failed.record(this.#options.protocol.markWithdrawal ? this.#options.marks : undefined);
      this.#ledger.batches.seen(entry.draft.row, summary.status, counts);
      this.#ledger.batches.setState(entry.draft.row, 'terminal');
    });
    step('poll.recorded');
    entry.state = 'terminal';
    this.#options.observe({
      type: 'batch',
      batch: entry.draft.id,
      lane: entry.draft.lane,
      number: entry.draft.number,
      status: summary.status,
      items: entry.draft.accepted,
      counts,
    });
  }

  async #tellItems(entry: Entry, failed: FailedItems, status: string): Promise<void> {
    for await (const item of this.#api.listItems(entry.draft.id, { status }, this.#watching)) {
      if (item.status === status) this.#tellItem(entry, item, failed);
    }
  }

  #tellItem(entry: Entry, item: BatchItem, failed: FailedItems): void {
    const source = failed.add(item);
    const position = source.position === undefined ? undefined : this.#options.positionOf(source.position);
    const { message } = source;
    this.#options.observe({
      type: 'item-failed',
      batch: entry.draft.id,
      index: item.index ?? -1,
      status: item.status,
      message,
      code: item.error?.code,
      episodeUuid: source.uuid,
      position,
      item: source.position?.item,
    });
    this.#options.onFailedItem(
      item.error?.code ?? item.status,
      message,
      position === undefined ? `${entry.draft.id}[${item.index ?? '?'}]` : `${position.source.id}:${position.line}`,
    );
  }
}

function entryOf(draft: Draft, state: Entry['state']): Entry {
  return {
    draft,
    state,
    maybeStarted: false,
    status: 'draft',
    counts: undefined,
    itemCount: undefined,
    invalids: 0,
    relapses: 0,
  };
}

/** Still a draft, and ours to deal with. */
function isLeft({ state }: Entry): boolean {
  return state === 'waiting' || state === 'stuck';
}

function stillDraft(draft: Draft): AppError {
  return new AppError(`batch ${draft.id} is still a draft after it was handed over ${MAX_PRESSES} times`, {
    code: 'unsettled',
    disposition: 'timeout',
    hint: 'run the same command again when the service answers',
  });
}

/** By how many items a batch that was handed over differs from what was accepted from us. */
function driftOf(entry: Entry): number {
  const { itemCount, draft } = entry;
  return isLeft(entry) || itemCount === undefined ? 0 : itemCount - draft.accepted;
}
