/**
 * An item on its way through a sort, as bytes: exactly what will be sent, and everything that is remembered of it. An item that an earlier try
 * has settled needs only its place in the order.
 */
import type { Item, SourceInfo } from '../../model.js';
import { MARK_WORDS } from '../../lanes/encoded-block.js';
import type { WireItem } from '../../wire.js';
import type { Met } from '../known-items.js';

/** What the sort is told of an item. */
export interface SortFacts {
  readonly destination: number;
  /** An earlier try has settled it. */
  readonly isSettled: boolean;
  /** What it is known by; undefined when it cannot be known again, or that is found out later. */
  readonly met: Met | undefined;
}

export interface SortedItem extends SortFacts {
  readonly item: Item;
  /** The item as it is sent. */
  readonly bytes: Buffer;
}

/** The place of a settled item. */
export interface SettledPlace {
  readonly isSettled: true;
  readonly destination: number;
  readonly ms: number | undefined;
}

const SETTLED = 1;
const MET = 2;
const HELD = 4;
const OCCURRENCE = 8;
const REPEATS = 16;
const PART = 32;
const TEMPLATE = 64;
const KEY = 128;
const OWNER = 256;

/** A text of UTF-8 and its length, numbers: everything but the wire item. Used again for every item. */
export class ItemHead {
  #bytes = Buffer.allocUnsafeSlow(1024);
  #at = 0;

  /** Valid until the next call. */
  write(item: Item, { destination, isSettled, met }: SortFacts): Buffer {
    this.#at = 0;
    this.#need(256);
    this.#uint(isSettled ? SETTLED : flagsOf(item, met));
    this.#uint(destination);
    this.#double(item.time.ms ?? Number.NaN);
    if (!isSettled) this.#rest(item, met);
    return this.#bytes.subarray(0, this.#at);
  }

  #rest(item: Item, met: Met | undefined): void {
    const { position, part, template, key, owner } = item;
    this.#uint(item.time.flags);
    this.#uint(position.source.index);
    this.#double(position.ordinal);
    this.#double(position.line);
    this.#double(position.byteStart);
    this.#double(position.byteEnd);
    this.#uint(item.index);
    if (met !== undefined) {
      for (let i = 0; i < MARK_WORDS; i++) this.#uint(met.mark[i] ?? 0);
      if (met.occurrence !== undefined) this.#uint(met.occurrence);
      if (met.repeats !== undefined) {
        this.#uint(met.repeats.source);
        this.#double(met.repeats.line);
      }
    }
    if (part !== undefined) {
      this.#uint(part.index);
      this.#uint(part.of);
    }
    if (template !== undefined) this.#uint(template);
    if (key !== undefined) this.#text(key);
    if (owner !== undefined) this.#text(owner);
  }

  #uint(value: number): void {
    this.#at = this.#bytes.writeUInt32LE(value, this.#at);
  }

  #double(value: number): void {
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  #text(text: string): void {
    // Sixteen bits a unit, so that also halves of characters come back as they were.
    this.#need(text.length * 2 + 256);
    this.#uint(text.length * 2);
    this.#at += this.#bytes.write(text, this.#at, 'utf16le');
  }

  #need(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow((this.#at + more) * 2);
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

function flagsOf({ part, template, key, owner }: Item, met: Met | undefined): number {
  return (
    (met === undefined ? 0 : MET) |
    (met?.isHeld === true ? HELD : 0) |
    (met?.occurrence === undefined ? 0 : OCCURRENCE) |
    (met?.repeats === undefined ? 0 : REPEATS) |
    (part === undefined ? 0 : PART) |
    (template === undefined ? 0 : TEMPLATE) |
    (key === undefined ? 0 : KEY) |
    (owner === undefined ? 0 : OWNER)
  );
}

/** Reads what `ItemHead` wrote, followed by the wire item. */
export function readItem(record: Buffer, sourceOf: (index: number) => SourceInfo): SortedItem | SettledPlace {
  let at = 0;
  const uint = (): number => record.readUInt32LE((at += 4) - 4);
  const double = (): number => record.readDoubleLE((at += 8) - 8);
  const text = (): string => {
    const length = uint();
    return record.toString('utf16le', at, (at += length));
  };
  const flags = uint();
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const destination = uint();
  const time = double();
  const ms = Number.isNaN(time) ? undefined : time;
  if (has(SETTLED)) return { isSettled: true, destination, ms };
  const timeFlags = uint();
  const position = {
    source: sourceOf(uint()),
    ordinal: double(),
    line: double(),
    byteStart: double(),
    byteEnd: double(),
  };
  const index = uint();
  const met = has(MET)
    ? {
        mark: Uint32Array.from({ length: MARK_WORDS }, uint),
        isHeld: has(HELD),
        occurrence: has(OCCURRENCE) ? uint() : undefined,
        repeats: has(REPEATS) ? { source: uint(), line: double() } : undefined,
      }
    : undefined;
  const part = has(PART) ? { part: { index: uint(), of: uint() } } : {};
  const template = has(TEMPLATE) ? { template: uint() } : {};
  const key = has(KEY) ? { key: text() } : {};
  const owner = has(OWNER) ? text() : undefined;
  const bytes = record.subarray(at);
  const wire = JSON.parse(bytes.toString('utf8')) as WireItem;
  const item: Item = { wire, owner, position, index, ...part, ...template, ...key, time: { ms, flags: timeFlags } };
  return { item, bytes, destination, isSettled: false, met };
}
