import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LaneAssignment } from '../../../src/lanes/assignment.js';
import { destinationKey, slotOf, SlotSet, SLOTS } from '../../../src/lanes/destination.js';
import { KeyIndex } from '../../../src/lanes/key-index.js';
import { partsAfterRefusal, rangesOf } from '../../../src/lanes/refusal-ladder.js';

describe('slots', () => {
  it('keeps the slot of a destination for ever: these values are written into the metadata of batches', () => {
    expect(['g:docs', 'u:alice', 'u:bob', 'g:', 'u:Zoë'].map(slotOf)).toEqual([1, 18, 17, 0, 4]);
  });

  it("puts a thread's messages and its owner's episodes into one destination", () => {
    const message = { type: 'thread_message', thread_id: 't', role: 'user', content: 'c' } as const;
    const episode = { type: 'graph_episode', data: 'd', data_type: 'text', user_id: 'alice' } as const;
    expect(destinationKey(message, 'alice')).toBe(destinationKey(episode, undefined));
  });

  it('spreads many destinations over all slots', () => {
    const seen = new Set(Array.from({ length: 2_000 }, (_, i) => slotOf(`u:user-${i}`)));
    expect(seen.size).toBe(SLOTS);
  });

  it('reads a slot set back from its text, and tells overlaps', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(63)), fc.uniqueArray(fc.nat(63)), (a, b) => {
        const make = (slots: number[]): SlotSet => {
          const set = new SlotSet();
          for (const slot of slots) set.add(slot);
          return set;
        };
        const first = make(a);
        expect(first.toString()).toHaveLength(16);
        expect(SlotSet.parse(first.toString()).toString()).toBe(first.toString());
        expect(first.overlaps(make(b))).toBe(a.some((slot) => b.includes(slot)));
        expect(SlotSet.parse(first.toString()).overlaps(make(b))).toBe(a.some((slot) => b.includes(slot)));
      }),
    );
  });
});

describe('the assignment of slots to lanes', () => {
  it('moves slots only away from the lane at its border, and every slot keeps exactly one lane', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(63), { maxLength: 300 }), fc.integer({ min: 2, max: 8 }), (items, total) => {
        const assignment = new LaneAssignment(1);
        for (const slot of items) assignment.place(slot);
        assignment.spread(0, total);
        expect(assignment.lanes).toBe(total);
        for (let slot = 0; slot < SLOTS; slot++) expect(assignment.laneOf(slot)).toBeLessThan(total);
      }),
    );
    const two = new LaneAssignment(2);
    const before = Array.from({ length: SLOTS }, (_, slot) => two.laneOf(slot));
    two.spread(0, 4);
    for (let slot = 0; slot < SLOTS; slot++) if (before[slot] === 1) expect(two.laneOf(slot)).toBe(1);
  });

  it('gives the busiest slots lanes of their own', () => {
    const assignment = new LaneAssignment(1);
    for (let i = 0; i < 1_000; i++) assignment.place(i % 4);
    assignment.spread(0, 4);
    expect(new Set([0, 1, 2, 3].map((slot) => assignment.laneOf(slot))).size).toBe(4);
  });

  it('balanced by a sample, gives no lane more of it than the others and one graph', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(SLOTS - 1), { maxLength: 600 }), fc.integer({ min: 2, max: 8 }), (sample, lanes) => {
        const assignment = new LaneAssignment(lanes);
        const before = assignment.stored();
        if (!assignment.balance(sample)) {
          expect(new Set(sample).size).toBeLessThan(lanes);
          expect(assignment.stored()).toEqual(before);
          return;
        }
        const items = (slots: readonly number[]): number => sample.filter((slot) => slots.includes(slot)).length;
        const loads = Array.from({ length: lanes }, (_, lane) => items(assignment.slotsOf(lane)));
        const largest = Math.max(...Array.from({ length: SLOTS }, (_, slot) => items([slot])));
        // An unseen slot counts as one item.
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(largest + SLOTS);
        expect(assignment.stored().lanes).toBe(lanes);
        expect(LaneAssignment.parse(assignment.stored()).stored()).toEqual(assignment.stored());
      }),
    );
  });
});

describe('the key index', () => {
  it('gives each distinct text one number, in order of first sight, and finds it again', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 4 }), { maxLength: 3_000 }), (texts) => {
        const index = new KeyIndex();
        const seen = new Map<string, number>();
        for (const text of texts) {
          expect(index.find(text)).toBe(seen.get(text) ?? -1);
          const number = index.add(text);
          expect(number).toBe(seen.get(text) ?? seen.size);
          seen.set(text, number);
        }
        expect(index.size).toBe(seen.size);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps kinds of text apart by their seed', () => {
    const index = new KeyIndex();
    expect(index.add('same', 1)).toBe(0);
    expect(index.add('same', 2)).toBe(1);
    expect(index.find('same', 1)).toBe(0);
  });
});

describe('the ladder of a refused add', () => {
  it('tries 350 first, then halves, and never loses or repeats an item', () => {
    expect(partsAfterRefusal(0, 500)).toEqual([
      { from: 0, to: 350 },
      { from: 350, to: 500 },
    ]);
    expect(partsAfterRefusal(10, 13)).toEqual([
      { from: 10, to: 12 },
      { from: 12, to: 13 },
    ]);
    expect(partsAfterRefusal(7, 8)).toEqual([]);
    fc.assert(
      fc.property(fc.nat(1_000), fc.integer({ min: 2, max: 2_000 }), (from, n) => {
        const parts = partsAfterRefusal(from, from + n);
        expect(parts[0]?.from).toBe(from);
        expect(parts.at(-1)?.to).toBe(from + n);
        parts.slice(1).forEach((part, i) => expect(part.from).toBe(parts[i]?.to));
        expect(parts.length).toBeGreaterThan(1);
      }),
    );
  });

  it('cuts a range into pieces of at most the given size', () => {
    expect(rangesOf(5, 12, 3)).toEqual([
      { from: 5, to: 8 },
      { from: 8, to: 11 },
      { from: 11, to: 12 },
    ]);
  });
});
