/**
 * Sorts entries by key without moving them: a radix sort of their numbers by the first word, which tells almost all hashes apart, then
 * each group that shares it by the rest. A comparison sort of a full table takes some ten times as long.
 */
import { compareKeys, ENTRY_WORDS } from './entry.js';

const DIGIT_BITS = 11;
const DIGITS = 3;
const DIGIT_VALUES = 1 << DIGIT_BITS;

/** The numbers of the entries in the order of their keys. */
export function sortedOrder(entries: Uint32Array): Uint32Array {
  const count = entries.length / ENTRY_WORDS;
  let order = new Uint32Array(count);
  let next = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  for (let digit = 0; digit < DIGITS; digit++) {
    sortByDigit(entries, digit * DIGIT_BITS, order, next);
    [order, next] = [next, order];
  }
  sortGroups(entries, order);
  return order;
}

function sortByDigit(entries: Uint32Array, shift: number, from: Uint32Array, to: Uint32Array): void {
  const places = new Uint32Array(DIGIT_VALUES);
  const digitOf = (entry: number): number => ((entries[entry * ENTRY_WORDS] ?? 0) >>> shift) & (DIGIT_VALUES - 1);
  for (let i = 0; i < from.length; i++) {
    const digit = digitOf(i);
    places[digit] = (places[digit] ?? 0) + 1;
  }
  let start = 0;
  for (let digit = 0; digit < DIGIT_VALUES; digit++) {
    const size = places[digit] ?? 0;
    places[digit] = start;
    start += size;
  }
  for (let i = 0; i < from.length; i++) {
    const entry = from[i] ?? 0;
    const digit = digitOf(entry);
    const place = places[digit] ?? 0;
    places[digit] = place + 1;
    to[place] = entry;
  }
}

function sortGroups(entries: Uint32Array, order: Uint32Array): void {
  const firstWord = (i: number): number => entries[(order[i] ?? 0) * ENTRY_WORDS] ?? 0;
  for (let from = 0, to = 1; from < order.length; from = to++) {
    while (to < order.length && firstWord(to) === firstWord(from)) to++;
    if (to - from > 1) {
      order.subarray(from, to).sort((x, y) => compareKeys(entries, x * ENTRY_WORDS, entries, y * ENTRY_WORDS));
    }
  }
}
