/** How fast numbers grow: a rate over a short window, and the course of it for a small chart. A few hundred numbers, whatever happens. */
import { advance, perSecond, rateWindow, type RateWindow } from '../progress/rate-window.js';

const SPAN_MS = 12_000;
const STEP_MS = 900;
const POINTS = 60;

export class Pulse {
  #window: RateWindow = rateWindow(SPAN_MS, STEP_MS);
  #course: number[] = [];
  #pointAt = Number.NEGATIVE_INFINITY;
  #last: { readonly value: number; readonly at: number } | undefined;
  #grewAt = Number.NEGATIVE_INFINITY;

  /** `value` was reached at `now`. A value that falls (something was deleted), or grows after standing still for long, begins anew. */
  take(value: number, now: number): void {
    const last = this.#last;
    const grows = last !== undefined && value > last.value;
    if (last !== undefined && (value < last.value || (grows && now - this.#grewAt > SPAN_MS))) {
      this.#window = rateWindow(SPAN_MS, STEP_MS);
      if (grows) this.#window = advance(this.#window, last.at, last.value);
    }
    if (grows) this.#grewAt = now;
    this.#last = { value, at: now };
    this.#window = advance(this.#window, now, value);
    if (now - this.#pointAt < STEP_MS) return;
    this.#pointAt = now;
    this.#course = [...this.#course.slice(1 - POINTS), perSecond(this.#window, now) ?? 0];
  }

  rate(now: number): number | undefined {
    return perSecond(this.#window, now);
  }

  course(): readonly number[] {
    return this.#course;
  }
}
