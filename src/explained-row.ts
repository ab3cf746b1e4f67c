/** The way of one record from source to items, as `check --explain` tells it: made by the run, shown by progress. */
import type { Item, RecordFate, Rejection } from './model.js';

export interface ExplainedStep {
  /** `where`, `each`, `when`, `key`, or the item's field. */
  readonly name: string;
  /** As the mapping has it, and on which line of the file (1-based). */
  readonly written: string;
  readonly line: number;
  readonly value?: unknown;
  /** Why it gives no value. */
  readonly error?: string;
}

export interface ExplainedRow {
  readonly source: string;
  readonly line: number;
  /** From 1, over all sources. */
  readonly record: number;
  /** First and behind the last, in the unpacked source. */
  readonly bytes: readonly [number, number];
  /** The record as it was read; undefined when it could not be. */
  readonly value: unknown;
  readonly fate: RecordFate;
  readonly steps: readonly ExplainedStep[];
  readonly items: readonly (Pick<Item, 'wire' | 'owner' | 'part' | 'key'> & { readonly slot: number })[];
  readonly rejections: readonly Rejection[];
}
