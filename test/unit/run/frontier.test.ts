import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrontierQueue, isBefore, type Settled } from '../../../src/run/frontier.js';

const block = (ordinal: number, source = 0): Settled => ({
  place: { source, ordinal, line: ordinal + 1, byteStart: ordinal * 10 },
  totals: { read: ordinal },
});

describe('the place where a next try begins', () => {
  it('is the beginning of the block that holds the first item on its way, with what was counted before it', () => {
    const queue = new FrontierQueue(undefined);
    expect(queue.settledTo(undefined)).toBeUndefined();
    for (const ordinal of [0, 10, 20]) queue.enter(block(ordinal));
    expect(queue.settledTo({ source: 0, ordinal: 0 })).toEqual(block(0));
    expect(queue.settledTo({ source: 0, ordinal: 9 })).toEqual(block(0));
    expect(queue.settledTo({ source: 0, ordinal: 10 })).toEqual(block(10));
    expect(queue.settledTo({ source: 0, ordinal: 25 })).toEqual(block(20));
  });

  it('is the last block when nothing is on its way', () => {
    const queue = new FrontierQueue(undefined);
    for (const ordinal of [0, 10, 20]) queue.enter(block(ordinal));
    expect(queue.settledTo(undefined)).toEqual(block(20));
  });

  it('is where the try before had it until a block of this one is settled', () => {
    const queue = new FrontierQueue(block(10));
    expect(queue.settledTo(undefined)).toEqual(block(10));
    expect(queue.settledTo({ source: 0, ordinal: 12 })).toEqual(block(10));
    queue.enter(block(10));
    queue.enter(block(15));
    expect(queue.settledTo({ source: 0, ordinal: 12 })).toEqual(block(10));
    expect(queue.settledTo({ source: 0, ordinal: 15 })).toEqual(block(15));
  });

  it('never goes back, in any order of blocks and answers, and never passes an item on its way', () => {
    const steps = fc.array(fc.oneof(fc.constant('enter' as const), fc.nat(5)), { maxLength: 1_500 });
    fc.assert(
      fc.property(steps, (list) => {
        const queue = new FrontierQueue(undefined);
        let entered = 0;
        let pending = 0;
        let last = -1;
        for (const each of list) {
          if (each === 'enter') queue.enter(block(entered++ * 10));
          else pending = Math.min(entered * 10, pending + each * 7);
          const isOnItsWay = pending < entered * 10;
          const settled = queue.settledTo(isOnItsWay ? { source: 0, ordinal: pending } : undefined);
          const at = settled?.place.ordinal ?? -1;
          expect(at).toBeGreaterThanOrEqual(last);
          if (isOnItsWay) expect(at).toBe(Math.floor(pending / 10) * 10);
          else if (entered > 0) expect(at).toBe((entered - 1) * 10);
          last = at;
        }
      }),
      { numRuns: 50 },
    );
  });

  it('is told from another by source first', () => {
    const queue = new FrontierQueue(undefined);
    queue.enter(block(90, 0));
    queue.enter(block(0, 1));
    expect(queue.settledTo({ source: 0, ordinal: 95 })).toEqual(block(90, 0));
    expect(queue.settledTo({ source: 1, ordinal: 0 })).toEqual(block(0, 1));
    expect(isBefore({ source: 0, ordinal: 9 }, { source: 1, ordinal: 0 })).toBe(true);
    expect(isBefore({ source: 1, ordinal: 0 }, { source: 1, ordinal: 0 })).toBe(false);
  });
});
