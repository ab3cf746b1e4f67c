/** The first distinct errors of a run, grouped with counts: what a person reads when a million rows were looked at. Bounded memory. */
import type { ErrorGroup } from '../events.js';

const GROUPS = 100;

export class ErrorGroups {
  readonly #groups = new Map<string, { stage: string; code: string; message: string; count: number; first: string }>();

  add(stage: string, code: string, message: string, first: string, count = 1): void {
    let key = `${stage}\n${code}\n${message}`;
    let group = this.#groups.get(key);
    if (group === undefined && this.#groups.size >= GROUPS) {
      // Too many different sentences: from here on one group a code.
      key = `${stage}\n${code}\n`;
      group = this.#groups.get(key);
      message = `(various) ${message}`;
    }
    if (group === undefined) {
      if (this.#groups.size >= GROUPS * 2) return;
      this.#groups.set(key, { stage, code, message, count, first });
      return;
    }
    group.count += count;
  }

  /** Most frequent first. */
  list(): readonly ErrorGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.count - a.count);
  }
}
