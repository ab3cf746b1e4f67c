/** Seeded chance for tests: the same seed throws the same numbers on every machine. */
import { seededRandom } from '../../src/emulator/faults.js';

export class Dice {
  readonly #random: () => number;
  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }
  /** 0 … n - 1. */
  below(n: number): number {
    return Math.floor(this.#random() * n);
  }
  /** Both ends included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }
  chance(p: number): boolean {
    return this.#random() < p;
  }
  of<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] ?? list[0];
  }
  /** A probability as text. */
  share(low: number, high: number): string {
    return (low + this.#random() * (high - low)).toFixed(3);
  }
}
