/**
 * The block builder of JSON documents. The first part of a document is held back until it is known to be sound or to be passed: in a
 * small damaged document a number or a text between brackets is more likely a shred of the damage than a row, so only objects stand
 * and the rest is rejected. Beyond that part, and in a sound document, every value is a record.
 */
import { BlockBuilder } from './block.js';
import type { ReaderContext } from './reader.js';
import type { Window } from './window.js';

/** Independent of how the input is cut into reads, so that the same document always gives the same records. */
export const HELD_BYTES = 256 * 1024;

export class HeldBuilder extends BlockBuilder {
  /** Damage was found while entries were held. */
  damaged = false;
  /** Values met at the top of the document, good and bad; elements of an array do not count. */
  values = 0;
  #held = true;
  readonly #window: Window;
  #from = 0;

  constructor(context: ReaderContext) {
    super(context);
    this.#window = context.window;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Begins to hold at this index of the window. */
  hold(index: number): void {
    this.#from = this.#window.base + index;
  }

  /** What must stay in the window when reading goes on at `index`. */
  keepFrom(index: number): number {
    return this.#held ? this.#from - this.#window.base : index;
  }

  /** Whether it is time to hand a block out; lets go of what is held when `index` is far enough from where holding began. */
  due(index: number): boolean {
    if (this.#held && index - this.keepFrom(index) > HELD_BYTES) this.release();
    return !this.#held && this.full;
  }

  /** Judges what is held and holds nothing from now on. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    if (!this.damaged) return;
    // Damage behind the only value of a document is damage of that value.
    const only = this.values === 1;
    this.withdraw(
      (value) => only || !isRow(value),
      'damaged-document',
      'not taken: the document is damaged, and this value may be a part of the damage',
    );
  }
}

function isRow(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}
