import { AppError } from '../../src/errors.js';
import { HashTable } from '../../src/ledger/hash-store/hash-table.js';

/** Words that look random and are the same for the same seed. */
export function hashWords(seed: number, count: number): Uint32Array {
  const words = new Uint32Array(count);
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  for (let i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = Math.imul(state, 0x85ebca6b) ^ (state >>> 11);
  }
  return words;
}

/** The key of a number: a hash for most, for others keys that differ in their first or last word only. */
export function keyOf(n: number): Uint32Array {
  if (n % 4 === 0) return Uint32Array.of(7, 7, 7, n);
  if (n % 4 === 1) return Uint32Array.of(n * 0x01000193, 0, 0xffffffff, 0);
  return hashWords(n, 4);
}

/** A table with the keys of the numbers from `from` up to but not including `to`, each with its number plus `add` as the value. */
export function tableOf(from: number, to: number, add = 0): HashTable {
  const table = new HashTable();
  for (let n = from; n < to; n++) table.set(keyOf(n), 0, n + add);
  return table;
}

export function codeOf(error: unknown): string {
  return error instanceof AppError ? `${error.code}/${error.disposition}` : String(error);
}

/** Code and disposition of the AppError thrown, or `none`. */
export function thrownBy(work: () => unknown): string {
  try {
    work();
    return 'none';
  } catch (error) {
    return codeOf(error);
  }
}

export async function rejectedBy(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    return codeOf(error);
  }
}
