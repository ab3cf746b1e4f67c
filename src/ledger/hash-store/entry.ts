/**
 * What the hash store keeps: entries of five 32-bit words, the four of a key and one of its value. Tables, blocks and indexes all lay
 * them out one after another in a Uint32Array, so that comparing and searching is written once, and a key is always named by an array
 * and the index of its first word: four numbers above 2^31 as arguments would each become an object on the heap.
 *
 * Keys are expected to be good hashes, all words of them: of poor ones every answer is still right, but it comes slower.
 */
export const KEY_WORDS = 4;
export const ENTRY_WORDS = 5;

/** The answer for a key that was never set. */
export const ABSENT = -1;
/** The value of a key that was taken back: it hides what older segments say of the key. */
export const REMOVED = 0xffffffff;

/** Negative, zero or positive, as the key at `x[i]` sorts before, with or after the one at `y[j]`. */
export function compareKeys(x: Uint32Array, i: number, y: Uint32Array, j: number): number {
  for (let word = 0; word < KEY_WORDS; word++) {
    const left = x[i + word] ?? 0;
    const right = y[j + word] ?? 0;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

/** Which of the first `count` entries, sorted by key, is the last whose key is not above the one at `keys[at]`; -1 when all are. */
export function lastNotAbove(entries: Uint32Array, count: number, keys: Uint32Array, at: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(entries, middle * ENTRY_WORDS, keys, at) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
