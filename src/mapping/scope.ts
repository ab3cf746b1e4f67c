/**
 * What an expression can see of a row: the record and the rows `each` has opened inside it, innermost last. One scope serves a whole
 * run and is filled anew for each row, so that reading a column allocates nothing.
 */
import type { Position } from '../model.js';
import { expressionError } from './row-error.js';

/**
 * Work one row may cost in its expressions: elements looked at, plus text in units of 64 characters. A million elements are an ordinary
 * big record; ten times that takes about a second, and more is a loop inside a loop that would never end on real data.
 */
export const MAX_STEPS = 10_000_000;

/** Characters of a text that an expression makes. */
export const MAX_TEXT = 32 * 1024 * 1024;

export class Scope {
  /** The record at 0, then the current row of each `each`. */
  readonly rows: unknown[] = [undefined];
  /** 0-based place of `rows[n]` in the list it came from; meaningless at 0. */
  readonly indexes: number[] = [0];
  /** Variables of comprehensions, by the slot the compiler gave them. */
  readonly locals: unknown[] = [];
  position: Position | undefined;
  steps = MAX_STEPS;

  /** Counts work; throws an expression error when the row has used up its share. */
  charge(steps: number): void {
    if ((this.steps -= steps) < 0) {
      throw expressionError('an expression needs too much work for one row: make it simpler, or use a shorter list');
    }
  }

  /** Counts the work of going over a text of so many characters. */
  chargeText(characters: number): void {
    this.charge((characters >> 6) + 1);
  }

  /** Every column of these formats is text until it is converted. */
  get isCsv(): boolean {
    const format = this.position?.source.format;
    return format === 'csv' || format === 'tsv';
  }
}
