/**
 * Gathers what was read from one window into blocks. The text of an entry is not copied while reading: the block remembers where it
 * lies in the window, which stays as it is until the next block is asked for.
 */
import type { Position, ReadEntry, RecordBlock, Rejection, SourceInfo } from '../model.js';
import { characterBytes, decodeRaw } from '../raw-text.js';
import type { ReaderContext } from './reader.js';
import type { Window } from './window.js';

/** Large enough that the cost of a promise vanishes, small enough that progress and cancellation are prompt. */
export const BLOCK_RECORDS = 500;
/** How much of a record that is too long to keep is shown in a rejects file. */
const CUT_BYTES = 1024;
const CUT_MARK = '… [cut]';

class Block implements RecordBlock {
  constructor(
    readonly source: SourceInfo,
    readonly entries: readonly ReadEntry[],
    readonly bytesRead: number,
    readonly inexactNumbers: number,
    readonly head: string | undefined,
    private readonly bytes: Buffer,
    private readonly base: number,
    private readonly starts: readonly number[],
    private readonly ends: readonly number[],
    /** By ordinal, where the text is another than what lies in the window. */
    private readonly texts: ReadonlyMap<number, string>,
  ) {}

  raw(position: Position): string {
    const text = this.texts.get(position.ordinal);
    if (text !== undefined) return text;
    const first = this.entries[0]?.position.ordinal ?? 0;
    const start = this.starts[position.ordinal - first];
    const end = this.ends[position.ordinal - first];
    if (start === undefined || end === undefined) return '';
    return decodeRaw(this.bytes.subarray(start - this.base, end - this.base));
  }
}

export class BlockBuilder {
  /** 0-based number of the next record. */
  ordinal: number;
  entries: ReadEntry[] = [];
  /** Numbers kept as text since the last block. */
  inexactNumbers = 0;
  /** What must stand before rows that are written down (RecordBlock.head). */
  head: string | undefined;

  readonly #info: SourceInfo;
  readonly #window: Window;
  /** Absolute offsets in the decoded text: the window may move while entries are held. */
  #starts: number[] = [];
  #ends: number[] = [];
  #texts = new Map<number, string>();
  #told = 0;

  constructor({ info, window, from, mark }: Pick<ReaderContext, 'info' | 'window' | 'from' | 'mark'>) {
    this.#info = info;
    this.#window = window;
    this.ordinal = from?.ordinal ?? 0;
    this.head = mark;
  }

  get full(): boolean {
    return this.entries.length >= BLOCK_RECORDS;
  }

  /** `start` and `end` are indexes into the window. */
  record(value: unknown, start: number, end: number, line: number): void {
    this.entries.push({ kind: 'record', value, position: this.#position(start, end, line) });
  }

  /** `text` is what is to be written down of it, when that is not what stands there. Gives the code back, so that a caller can hand it on. */
  rejected(code: string, message: string, start: number, end: number, line: number, text?: string): string {
    const position = this.#position(start, end, line);
    if (text !== undefined) this.#texts.set(position.ordinal, text);
    this.entries.push({ kind: 'rejected', stage: 'read', code, message, position });
    return code;
  }

  /** A record whose bytes are gone: all offsets are original ones, `text` is what is left of it. */
  rejectedFrom(code: string, message: string, at: { start: number; end: number; line: number; text: string }): void {
    const position: Position = {
      source: this.#info,
      ordinal: this.ordinal++,
      line: at.line,
      byteStart: at.start,
      byteEnd: at.end,
    };
    this.#starts.push(0);
    this.#ends.push(0);
    this.#texts.set(position.ordinal, at.text);
    this.entries.push({ kind: 'rejected', stage: 'read', code, message, position });
  }

  /** Takes back the last entry if it is a rejection that begins at this index of the window. */
  undoRejection(start: number): void {
    if (this.#starts.at(-1) !== this.#window.base + start || this.entries.at(-1)?.kind !== 'rejected') return;
    this.entries.pop();
    this.#starts.pop();
    this.#ends.pop();
    this.#texts.delete(--this.ordinal);
  }

  /** Turns records gathered but not yet handed out into rejections. */
  withdraw(doomed: (value: unknown) => boolean, code: string, message: string): void {
    this.entries = this.entries.map((entry): ReadEntry => {
      if (entry.kind !== 'record' || !doomed(entry.value)) return entry;
      return { kind: 'rejected', stage: 'read', code, message, position: entry.position } satisfies Rejection;
    });
  }

  /**
   * Hands out what was gathered, `consumed` being the index in the window up to which the input is dealt with. Several blocks when
   * there are many entries, none when there is nothing to tell.
   */
  *take(consumed: number): Generator<RecordBlock> {
    const bytesRead = this.#window.diskBytes(consumed);
    if (this.entries.length === 0 && bytesRead === this.#told) return;
    const { entries } = this;
    const [starts, ends, texts] = [this.#starts, this.#ends, this.#texts];
    const inexact = this.inexactNumbers;
    this.entries = [];
    this.#starts = [];
    this.#ends = [];
    this.#texts = new Map();
    this.inexactNumbers = 0;
    const { bytes, base } = this.#window;
    for (let from = 0; from === 0 || from < entries.length; from += BLOCK_RECORDS) {
      const to = from + BLOCK_RECORDS;
      const last = to >= entries.length;
      const share = last ? bytesRead : this.#told;
      yield new Block(
        this.#info,
        entries.length <= BLOCK_RECORDS ? entries : entries.slice(from, to),
        share,
        from === 0 ? inexact : 0,
        this.head,
        bytes,
        base,
        entries.length <= BLOCK_RECORDS ? starts : starts.slice(from, to),
        entries.length <= BLOCK_RECORDS ? ends : ends.slice(from, to),
        texts,
      );
    }
    this.#told = bytesRead;
  }

  #position(start: number, end: number, line: number): Position {
    const { base } = this.#window;
    this.#starts.push(base + start);
    this.#ends.push(base + end);
    return {
      source: this.#info,
      ordinal: this.ordinal++,
      line,
      byteStart: this.#window.original(start),
      byteEnd: this.#window.original(end),
    };
  }
}

/** The first bytes of a record that will not be kept, as text with a mark of the cut; never more than the limit it broke. */
export function cutText(bytes: Buffer, start: number, maxRecordBytes: number): string {
  const end = Math.min(bytes.length, start + CUT_BYTES, start + maxRecordBytes);
  return decodeRaw(bytes.subarray(start, beforeHalfCharacter(bytes, start, end))) + CUT_MARK;
}

/** `end`, or where the character begins that would be cut there. */
function beforeHalfCharacter(bytes: Buffer, start: number, end: number): number {
  for (let at = end - 1; at >= start && at > end - 4; at--) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x80 && byte < 0xc0) continue;
    return at + characterBytes(byte) > end ? at : end;
  }
  return end;
}
