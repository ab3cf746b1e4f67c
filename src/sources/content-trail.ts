/**
 * Knows content again: a hash of every 64 KiB of a source, and of the rest behind the last whole stretch. A later try that reads the
 * source anew checks stretch by stretch that it is what was read the first time, and refuses it when it is not, with file and place;
 * behind that, content may have grown. The hashes are fast, not secret: they find a changed file, not a forged one.
 */
import xxhash, { type XXHash, type XXHashAPI } from 'xxhash-wasm';
import { AppError } from '../errors.js';
import type { ContentTap } from '../model.js';

export const STRETCH_BYTES = 64 * 1024;
const HASH_BYTES = 8;
const LF = 0x0a;

/** What is stored of a trail. */
export interface TrailState {
  /** One hash of 8 bytes after the other, each of a whole stretch, from the beginning of the content on. */
  readonly hashes: Uint8Array;
  /** What lies behind the last whole stretch, if anything does. */
  readonly tail: { readonly bytes: number; readonly hash: Uint8Array } | undefined;
}

/** What came to a trail: `hashes` are those of the stretches from index `from` on, `tail` takes the place of the one before. */
export interface TrailNews extends TrailState {
  readonly from: number;
}

/** Begins a trail, or goes on with one. `id` names the source in messages; `fromStart`: see ContentTap. */
export type BeginTrail = (id: string, kept?: TrailState, fromStart?: boolean) => ContentTrail;

/** Makes the hash function ready, once for all trails. */
export async function createContentTrails(): Promise<BeginTrail> {
  const hasher = await xxhash();
  return (id, kept, fromStart) => new ContentTrail(hasher, id, kept, fromStart);
}

const NOTHING: TrailState = { hashes: new Uint8Array(0), tail: undefined };

export class ContentTrail implements ContentTap {
  readonly knownTo: number;
  readonly fromStart: boolean;
  readonly #hasher: XXHashAPI;
  readonly #id: string;
  readonly #kept: TrailState;
  #covered: number;
  /** The hash of the unfinished stretch at the end, when there is one. */
  #running: XXHash<bigint> | undefined;
  /** What is not told yet: hashes from stretch `#toldStretches` on, content from `#toldTo` on. */
  #fresh: bigint[] = [];
  #toldStretches: number;
  #toldTo: number;
  /** The line at an offset: counted while checking, for messages. */
  #line = 1;
  #lineAt = 0;

  constructor(hasher: XXHashAPI, id: string, kept = NOTHING, fromStart = false) {
    this.#hasher = hasher;
    this.#id = id;
    this.#kept = kept;
    this.fromStart = fromStart;
    this.#toldStretches = kept.hashes.length / HASH_BYTES;
    this.knownTo = this.#toldStretches * STRETCH_BYTES + (kept.tail?.bytes ?? 0);
    this.#covered = this.knownTo;
    this.#toldTo = this.knownTo;
  }

  /** The offset up to which the trail reaches. */
  get covered(): number {
    return this.#covered;
  }

  stretch(at: number): { readonly from: number; readonly to: number } {
    const from = at - (at % STRETCH_BYTES);
    return { from, to: Math.min(from + STRETCH_BYTES, this.knownTo) };
  }

  begin(at: number, line: number): void {
    this.#lineAt = at;
    this.#line = line;
  }

  check(bytes: Uint8Array, at: number): void {
    const { to } = this.stretch(at);
    if (bytes.length < to - at) throw this.#shorter(at + bytes.length);
    if (this.#hasher.h64Raw(bytes) !== this.#keptHash(at)) throw this.#differs(at, to);
    if (this.#lineAt >= at && this.#lineAt < to) {
      this.#line += lineEnds(bytes, this.#lineAt - at);
      this.#lineAt = to;
    }
    const isTail = to - at < STRETCH_BYTES;
    if (isTail && this.#covered === to) this.#running ??= this.#hasher.create64().update(bytes);
  }

  take(bytes: Uint8Array, at: number): void {
    const isJoined = (this.#running !== undefined) === this.#covered % STRETCH_BYTES > 0;
    if (at !== this.#covered || !isJoined) throw new RangeError(`${this.#id}: byte ${at} does not follow the trail`);
    for (let start = 0; start < bytes.length;) {
      const missing = STRETCH_BYTES - (this.#covered % STRETCH_BYTES);
      const part = bytes.subarray(start, start + missing);
      this.#add(part, part.length === missing);
      start += part.length;
      this.#covered += part.length;
    }
  }

  #add(part: Uint8Array, completes: boolean): void {
    if (completes && this.#running === undefined) {
      this.#fresh.push(this.#hasher.h64Raw(part));
      return;
    }
    this.#running ??= this.#hasher.create64();
    this.#running.update(part);
    if (!completes) return;
    this.#fresh.push(this.#running.digest());
    this.#running = undefined;
  }

  end(at: number): void {
    if (at < this.knownTo) throw this.#shorter(at);
  }

  /** What came since the last call, to be stored before anything made of it is; undefined when nothing did. Cheap. */
  news(): TrailNews | undefined {
    if (this.#covered === this.#toldTo) return undefined;
    const bytes = this.#covered % STRETCH_BYTES;
    const hash = this.#running?.digest();
    const news = {
      from: this.#toldStretches,
      hashes: hashBytes(this.#fresh),
      tail: hash === undefined ? undefined : { bytes, hash: hashBytes([hash]) },
    };
    this.#toldStretches += this.#fresh.length;
    this.#toldTo = this.#covered;
    this.#fresh = [];
    return news;
  }

  #keptHash(at: number): bigint | undefined {
    const { hashes, tail } = this.#kept;
    const offset = (at / STRETCH_BYTES) * HASH_BYTES;
    if (offset < hashes.length) return viewOf(hashes).getBigUint64(offset);
    return tail === undefined ? undefined : viewOf(tail.hash).getBigUint64(0);
  }

  #shorter(at: number): AppError {
    return changed(`${this.#id} ends at byte ${number(at)}, but ${number(this.knownTo)} bytes of it were read before`);
  }

  #differs(from: number, to: number): AppError {
    const line = this.#lineAt >= from && this.#lineAt < to ? `from line ${number(this.#line)} on, ` : '';
    return changed(`${this.#id} differs ${line}between byte ${number(from)} and ${number(to)}`);
  }
}

function changed(how: string): AppError {
  return new AppError(`${how}: it is not what it was when this import began`, {
    code: 'source-changed',
    disposition: 'ledger',
    hint: 'to import it as it is now, start anew with --restart, or give the import another name with --name',
  });
}

function lineEnds(bytes: Uint8Array, from: number): number {
  let count = 0;
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) count += 1;
  return count;
}

function hashBytes(hashes: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(hashes.length * HASH_BYTES);
  const view = viewOf(bytes);
  for (const [index, hash] of hashes.entries()) view.setBigUint64(index * HASH_BYTES, hash);
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
