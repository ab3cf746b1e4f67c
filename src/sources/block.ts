/**
 * Gathers what was read from one window into blocks. The text of an entry is not copied while reading: the block remembers where it
 * lies in the window, which stays as it is until the next block is asked for.
 */
import type { Position, ReadEntry, RecordBlock, Rejection, SourceInfo } from '../model.js';
import type { Window } from './window.js';

/** Large enough that the cost of a promise vanishes, small enough that progress and cancellation are prompt. */
export const BLOCK_RECORDS = 500;
/** How much of a record that is too long to keep is shown in a rejects file. */
export const HEAD_BYTES = 1024;
const CUT_MARK = '… [cut]';

class Block implements RecordBlock {
  constructor(
    readonly source: SourceInfo,
    readonly entries: readonly ReadEntry[],
    readonly bytesRead: number,
    readonly inexactNumbers: number,
    private readonly bytes: Buffer,
    private readonly base: number,
    private readonly starts: readonly number[],
    private readonly ends: readonly number[],
    private readonly heads: ReadonlyMap<number, string>,
  ) {}

  raw(position: Position): string {
    const head = this.heads.get(position.ordinal);
    if (head !== undefined) return head;
    const first = this.entries[0]?.position.ordinal ?? 0;
    const start = this.starts[position.ordinal - first];
    const end = this.ends[position.ordinal - first];
    if (start === undefined || end === undefined) return '';
    return this.bytes.toString('utf8', start - this.base, end - this.base);
  }
}

export class BlockBuilder {
  /** 0-based number of the next record. */
  ordinal: number;
  entries: ReadEntry[] = [];
  /** Numbers kept as text since the last block. */
  inexactNumbers = 0;

  readonly #info: SourceInfo;
  readonly #window: Window;
  /** Absolute offsets in the decoded text: the window may move while entries are held. */
  #starts: number[] = [];
  #ends: number[] = [];
  #heads = new Map<number, string>();
  #told = 0;

  constructor(info: SourceInfo, window: Window, ordinal: number) {
    this.#info = info;
    this.#window = window;
    this.ordinal = ordinal;
  }

  get full(): boolean {
    return this.entries.length >= BLOCK_RECORDS;
  }

  /** `start` and `end` are indexes into the window. */
  record(value: unknown, start: number, end: number, line: number): void {
    this.entries.push({ kind: 'record', value, position: this.#position(start, end, line) });
  }

  /** Gives the code back, so that a caller can hand it on. */
  rejected(code: string, message: string, start: number, end: number, line: number): string {
    const position = this.#position(start, end, line);
    this.entries.push({ kind: 'rejected', stage: 'read', code, message, position });
    return code;
  }

  /** A record whose bytes are gone: all offsets are original ones, `head` is what is left of its text. */
  rejectedFrom(code: string, message: string, at: { start: number; end: number; line: number; head: string }): void {
    const position: Position = {
      source: this.#info,
      ordinal: this.ordinal++,
      line: at.line,
      byteStart: at.start,
      byteEnd: at.end,
    };
    this.#starts.push(0);
    this.#ends.push(0);
    this.#heads.set(position.ordinal, at.head + CUT_MARK);
    this.entries.push({ kind: 'rejected', stage: 'read', code, message, position });
  }

  /** Takes back the last entry if it is a rejection that begins at this index of the window. */
  undoRejection(start: number): void {
    if (this.#starts.at(-1) !== this.#window.base + start || this.entries.at(-1)?.kind !== 'rejected') return;
    this.entries.pop();
    this.#starts.pop();
    this.#ends.pop();
    this.ordinal--;
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
    const [starts, ends, heads] = [this.#starts, this.#ends, this.#heads];
    const inexact = this.inexactNumbers;
    this.entries = [];
    this.#starts = [];
    this.#ends = [];
    this.#heads = new Map();
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
        bytes,
        base,
        entries.length <= BLOCK_RECORDS ? starts : starts.slice(from, to),
        entries.length <= BLOCK_RECORDS ? ends : ends.slice(from, to),
        heads,
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

/** The first bytes of a record that will not be kept, as text; never more than the limit it broke. */
export function headText(bytes: Buffer, start: number, maxRecordBytes: number): string {
  return bytes.toString('utf8', start, Math.min(bytes.length, start + HEAD_BYTES, start + maxRecordBytes));
}
