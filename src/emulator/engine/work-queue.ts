/**
 * Which item is worked on next. Items of one graph run one at a time in the order in which they were added, earlier runs first; up to
 * `concurrency` graphs run side by side, taking turns. Pure and in memory: the caller loads batches, asks for so many completions, and
 * stores the states of the batches that changed.
 */
import { CANCELED, FAILED, isFinal, PROCESSING, QUEUED } from './machine.js';

/** A batch being worked on. `order` lists sequence indexes graph by graph; group g is `order[starts[g] .. starts[g + 1])`. */
export interface ActiveBatch {
  readonly no: number;
  readonly run: number;
  readonly project: number;
  readonly uuid: string;
  /** Current states, one byte an item; the queue writes them. */
  readonly states: Uint8Array;
  /** What becomes of each item when its turn comes. */
  readonly fates: Uint8Array;
  readonly counts: number[];
  readonly order: Uint32Array;
  readonly starts: Uint32Array;
  /** The graph (number of a user or graph target) of each group. */
  readonly graphs: Float64Array;
  /** Which of `targets` an item is addressed to, and the targets' numbers (0 for one that is gone). */
  readonly targetOf: Uint32Array;
  readonly targets: Float64Array;
  /** What the service calls the source of an item: its data type, or `message`. */
  readonly sourceOf: (seq: number) => string;
}

interface Entry {
  readonly batch: ActiveBatch;
  next: number;
  readonly end: number;
}

interface Lane {
  readonly graph: number;
  readonly entries: Entry[];
  current: { readonly batch: ActiveBatch; readonly seq: number } | undefined;
}

/** First in, first out, without moving what waits. */
class Fifo<T> {
  private items: (T | undefined)[] = [];
  private head = 0;

  get size(): number {
    return this.items.length - this.head;
  }

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    const item = this.items[this.head];
    this.items[this.head] = undefined;
    if (this.head < this.items.length) this.head += 1;
    if (this.head > 1024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }
}

function setState(batch: ActiveBatch, seq: number, state: number): void {
  const before = batch.states[seq] ?? 0;
  batch.counts[before] = (batch.counts[before] ?? 0) - 1;
  batch.counts[state] = (batch.counts[state] ?? 0) + 1;
  batch.states[seq] = state;
}

export type OnFinal = (batch: ActiveBatch, seq: number, state: number) => void;

export class WorkQueue {
  private readonly lanes = new Map<number, Lane>();
  private readonly waiting = new Fifo<Lane>();
  private readonly running = new Fifo<Lane>();
  private readonly batches = new Map<number, ActiveBatch>();
  private readonly dirty = new Set<ActiveBatch>();

  constructor(private readonly concurrency: number) {}

  /** Items admitted and not yet at an end. */
  get open(): number {
    let open = 0;
    for (const batch of this.batches.values()) open += openItems(batch);
    return open;
  }

  get(no: number): ActiveBatch | undefined {
    return this.batches.get(no);
  }

  /** All batches being worked on, earliest run first. */
  active(): Iterable<ActiveBatch> {
    return this.batches.values();
  }

  /** Batches must be admitted in the order of their runs: that is what keeps a graph's order across batches. */
  admit(batch: ActiveBatch): void {
    this.batches.set(batch.no, batch);
    this.dirty.add(batch);
    for (let seq = 0; seq < batch.states.length; seq++) {
      if (!isFinal(batch.states[seq] ?? 0)) {
        setState(batch, seq, batch.targets[batch.targetOf[seq] ?? 0] === 0 ? CANCELED : QUEUED);
      }
    }
    for (let group = 0; group < batch.graphs.length; group++) {
      const graph = batch.graphs[group] ?? 0;
      const entry: Entry = { batch, next: batch.starts[group] ?? 0, end: batch.starts[group + 1] ?? 0 };
      if (graph !== 0) this.append(graph, entry);
    }
  }

  /** Completes up to `quota` items and starts their successors; returns how many were completed. */
  advance(quota: number, onFinal: OnFinal): number {
    this.fill();
    let done = 0;
    while (done < quota) {
      const lane = this.running.shift();
      if (lane === undefined) break;
      done += this.complete(lane, onFinal);
      if (lane.entries.length > 0) this.waiting.push(lane);
      else this.lanes.delete(lane.graph);
      this.fill();
    }
    return done;
  }

  /** The remaining items of deleted targets are canceled, wherever they stand. */
  targetsDeleted(gone: ReadonlySet<number>, onFinal: OnFinal): void {
    for (const batch of this.batches.values()) {
      const hit = batch.targets.map((no) => (gone.has(no) ? 1 : 0));
      if (!hit.includes(1)) continue;
      this.endWhere(batch, (seq) => hit[batch.targetOf[seq] ?? 0] === 1, CANCELED, onFinal);
      hit.forEach((was, index) => {
        if (was === 1) batch.targets[index] = 0;
      });
    }
  }

  /** Whatever of the batch is not at an end fails. */
  failRest(batch: ActiveBatch, onFinal: OnFinal): void {
    this.endWhere(batch, () => true, FAILED, onFinal);
  }

  /** Batches whose states changed since the last call; those at an end leave the queue. */
  takeDirty(): ActiveBatch[] {
    const changed = [...this.dirty];
    this.dirty.clear();
    for (const batch of changed) if (openItems(batch) === 0) this.batches.delete(batch.no);
    return changed;
  }

  /** Undoes `takeDirty` when what changed could not be written. */
  restore(changed: readonly ActiveBatch[]): void {
    for (const batch of changed) {
      this.dirty.add(batch);
      this.batches.set(batch.no, batch);
    }
  }

  private append(graph: number, entry: Entry): void {
    const lane = this.lanes.get(graph);
    if (lane !== undefined) {
      lane.entries.push(entry);
      return;
    }
    const fresh: Lane = { graph, entries: [entry], current: undefined };
    this.lanes.set(graph, fresh);
    this.waiting.push(fresh);
  }

  private fill(): void {
    while (this.running.size < this.concurrency) {
      const lane = this.waiting.shift();
      if (lane === undefined) return;
      if (this.start(lane)) this.running.push(lane);
      else this.lanes.delete(lane.graph);
    }
  }

  /** Puts the lane's next open item to work; false when it has none. */
  private start(lane: Lane): boolean {
    for (;;) {
      const entry = lane.entries[0];
      if (entry === undefined) return false;
      while (entry.next < entry.end) {
        const seq = entry.batch.order[entry.next++] ?? 0;
        if (isFinal(entry.batch.states[seq] ?? 0)) continue;
        setState(entry.batch, seq, PROCESSING);
        this.dirty.add(entry.batch);
        lane.current = { batch: entry.batch, seq };
        return true;
      }
      lane.entries.shift();
    }
  }

  private complete(lane: Lane, onFinal: OnFinal): number {
    const current = lane.current;
    lane.current = undefined;
    if (current === undefined || isFinal(current.batch.states[current.seq] ?? 0)) return 0;
    const state = current.batch.fates[current.seq] ?? FAILED;
    setState(current.batch, current.seq, state);
    this.dirty.add(current.batch);
    onFinal(current.batch, current.seq, state);
    return 1;
  }

  private endWhere(batch: ActiveBatch, chosen: (seq: number) => boolean, state: number, onFinal: OnFinal): void {
    for (let seq = 0; seq < batch.states.length; seq++) {
      if (isFinal(batch.states[seq] ?? 0) || !chosen(seq)) continue;
      setState(batch, seq, state);
      onFinal(batch, seq, state);
      this.dirty.add(batch);
    }
  }
}

function openItems(batch: ActiveBatch): number {
  const [pending = 0, queued = 0, processing = 0] = batch.counts;
  return pending + queued + processing;
}
