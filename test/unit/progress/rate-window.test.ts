import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { advance, perSecond, rateWindow, type RateWindow } from '../../../src/progress/rate-window.js';

function steady(window: RateWindow, perMs: number, untilMs: number, everyMs: number): RateWindow {
  let grown = window;
  for (let at = 0; at <= untilMs; at += everyMs) grown = advance(grown, at, at * perMs);
  return grown;
}

describe('a rate', () => {
  test('is unknown before anything and before half a second has passed', () => {
    const empty = rateWindow(10_000, 250);
    expect(perSecond(empty, 0)).toBeUndefined();
    expect(perSecond(advance(empty, 0, 0), 499)).toBeUndefined();
  });

  test('of steady growth is that growth, however often it is told', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1_000, max: 60_000 }),
        fc.integer({ min: 1, max: 1_000 }),
        (everyMs, untilMs, perMs) => {
          const lastMs = Math.floor(untilMs / everyMs) * everyMs;
          const measured = perSecond(steady(rateWindow(10_000, 250), perMs, untilMs, everyMs), lastMs);
          expect(measured).toBeCloseTo(perMs * 1000, 3);
        },
      ),
    );
  });

  test('falls to nothing when nothing happens for the length of the window', () => {
    const window = steady(rateWindow(10_000, 250), 5, 20_000, 100);
    expect(perSecond(window, 25_000)).toBeCloseTo(2500, 3);
    expect(perSecond(window, 30_000)).toBe(0);
    expect(perSecond(window, 3_000_000)).toBe(0);
  });

  test('forgets what is older than the window', () => {
    let window = steady(rateWindow(10_000, 250), 1000, 10_000, 100);
    for (let at = 10_100; at <= 30_000; at += 100) window = advance(window, at, 10_000_000 + (at - 10_000));
    expect(perSecond(window, 30_000)).toBeCloseTo(1000, 3);
  });

  test('is never negative, also when what was counted is taken back', () => {
    const window = advance(advance(rateWindow(10_000, 250), 0, 1000), 2_000, 10);
    expect(perSecond(window, 2_000)).toBe(0);
  });

  test('keeps few samples however many updates come', () => {
    const window = steady(rateWindow(10_000, 250), 1, 100_000, 1);
    expect(window.samples.length).toBeLessThanOrEqual(43);
  });
});
