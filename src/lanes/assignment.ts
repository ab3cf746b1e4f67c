/**
 * Which lane a slot belongs to. A slot moves only at a batch border, and only away from the lane whose border it is, so that one graph is
 * never in two open batches at once.
 */
import { SLOTS } from './destination.js';

export interface StoredAssignment {
  readonly lanes: number;
  readonly slots: string;
}

export class LaneAssignment {
  readonly #laneOf = new Uint16Array(SLOTS);
  readonly #items = new Float64Array(SLOTS);
  #lanes: number;

  /** `lanes` from the start: slot s belongs to lane s mod lanes, until it is balanced. */
  constructor(lanes: number) {
    this.#lanes = lanes;
    for (let slot = 0; slot < SLOTS; slot++) this.#laneOf[slot] = slot % lanes;
  }

  /** As `stored` gave it. */
  static parse({ lanes, slots }: StoredAssignment): LaneAssignment {
    const assignment = new LaneAssignment(lanes);
    for (let slot = 0; slot < SLOTS; slot++) {
      assignment.#laneOf[slot] = Number.parseInt(slots.slice(slot * 2, slot * 2 + 2), 16);
    }
    return assignment;
  }

  /** Two hexadecimal digits a slot. */
  stored(): StoredAssignment {
    const slots = Array.from(this.#laneOf, (lane) => lane.toString(16).padStart(2, '0')).join('');
    return { lanes: this.#lanes, slots };
  }

  slotsOf(lane: number): readonly number[] {
    return [...this.#laneOf.keys()].filter((slot) => this.#laneOf[slot] === lane);
  }

  get lanes(): number {
    return this.#lanes;
  }

  /** The lane of a slot; counts one item there. */
  place(slot: number): number {
    this.#items[slot] = (this.#items[slot] ?? 0) + 1;
    return this.#laneOf[slot] ?? 0;
  }

  laneOf(slot: number): number {
    return this.#laneOf[slot] ?? 0;
  }

  /**
   * At the batch border of `lane`: spreads its slots over itself and lanes that are new, `total` lanes in all.
   */
  spread(lane: number, total: number): void {
    if (total <= this.#lanes) return;
    const targets = [lane];
    for (let fresh = this.#lanes; fresh < total; fresh++) targets.push(fresh);
    this.#deal(this.slotsOf(lane), targets, this.#items);
    this.#lanes = total;
  }

  /**
   * Before any item has its lane: deals all slots out by what the first `slots` of the input hold, so that no lane gets much more than the others.
   * False, and nothing changed, when those are fewer graphs than lanes: the input may be sorted by them, and then others come.
   */
  balance(slots: readonly number[]): boolean {
    const seen = new Float64Array(SLOTS);
    for (const slot of slots) seen[slot] = (seen[slot] ?? 0) + 1;
    if (seen.filter((items) => items > 0).length < this.#lanes) return false;
    const lanes = Array.from({ length: this.#lanes }, (_, lane) => lane);
    this.#deal([...this.#laneOf.keys()], lanes, seen);
    return true;
  }

  /** The busiest slots first, each to the lane with the least to do so far. */
  #deal(slots: readonly number[], lanes: readonly number[], items: Float64Array): void {
    const load = new Map(lanes.map((lane) => [lane, 0]));
    const itemsOf = (slot: number): number => items[slot] ?? 0;
    for (const slot of slots.toSorted((a, b) => itemsOf(b) - itemsOf(a))) {
      let best = lanes[0] ?? 0;
      for (const lane of lanes) if ((load.get(lane) ?? 0) < (load.get(best) ?? 0)) best = lane;
      this.#laneOf[slot] = best;
      load.set(best, (load.get(best) ?? 0) + itemsOf(slot) + 1);
    }
  }
}
