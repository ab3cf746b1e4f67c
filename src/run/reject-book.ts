/**
 * Rejected rows on their way to the books: the row itself goes to the rejects files, in its source's own format, what is known of it to the
 * ledger. Both are written with the next commit. The text of a row that is rejected while it is read is at hand; that of one that the service
 * or a missing destination rejects later is fetched at the end.
 */
import type { Ledger, StoredPosition } from '../ledger/ledger.js';
import type { Frontier } from '../ledger/runs.js';
import type { StoredReject } from '../ledger/rejects.js';
import type { Position, RecordBlock, Rejection } from '../model.js';
import type { RejectionFacts } from './books.js';
import type { OpenAgain } from './read-again.js';
import { RejectsFiles } from './rejects-files.js';

type Place = StoredReject['place'];
type Pending = Omit<StoredReject, 'state'>;

/** The row is in no file. */
const NOWHERE: Place = { file: -1, offset: 0, length: 0 };
/** As many rejections wait in memory for a commit. */
const MOST_PENDING = 500;
/** So far ahead, entering the source anew is quicker than reading on. */
const JUMP_BYTES = 8 * 1024 * 1024;

/** A row as it may be written down; `isJson`: it is meant to be JSON. */
export type RedactRow = (raw: string, isJson: boolean) => string;

export class RejectBook {
  readonly #ledger: Ledger;
  readonly #run: string;
  readonly #files: RejectsFiles | undefined;
  readonly #redactRow: RedactRow | undefined;
  #pending: Pending[] = [];
  #block: RecordBlock | undefined;
  /** Rejections were recorded of which the row is in no file yet. */
  #hasUnwritten = false;

  /** `folder`: the run's; undefined keeps no rows. What was rejected at or behind `from` will be rejected again. */
  constructor(
    ledger: Ledger,
    run: string,
    folder: string | undefined,
    from: Frontier | undefined,
    redactRow?: RedactRow,
  ) {
    this.#redactRow = redactRow;
    this.#ledger = ledger;
    this.#run = run;
    const stored = ledger.runs.byId(run);
    this.#files =
      folder === undefined
        ? undefined
        : RejectsFiles.open(folder, stored?.rejectFiles ?? [], (source, ordinal) =>
            ledger.rejects.placeOf(run, source, ordinal),
          );
    this.#withdraw(from ?? { source: 0, ordinal: 0 });
    // An earlier try may have been killed before it fetched them.
    for (const _ of ledger.rejects.unwritten(run)) {
      this.#hasUnwritten = true;
      break;
    }
  }

  #withdraw({ source, ordinal }: Pick<Frontier, 'source' | 'ordinal'>): void {
    if (this.#ledger.rejects.withdrawFrom(this.#run, source, ordinal) === 0 || this.#files === undefined) return;
    const kept = [...this.#ledger.rejects.of(this.#run)].filter(({ place }) => place.file >= 0);
    const { places, files } = this.#files.rewrite(kept.map(({ place }) => place));
    this.#ledger.db.durable(() => {
      this.#ledger.rejects.move(
        this.#run,
        kept.map((reject, index) => ({ reject, place: places[index] ?? NOWHERE })),
      );
      this.#ledger.runs.setRejectFiles(this.#run, files);
    });
  }

  get paths(): readonly string[] {
    return this.#files?.paths ?? [];
  }

  /** The block that is being mapped, while its text can be read. */
  during(block: RecordBlock | undefined): void {
    this.#block = block;
  }

  /** True when enough is waiting that it should be committed without waiting for a chunk. */
  get isFull(): boolean {
    return this.#pending.length >= MOST_PENDING;
  }

  add(rejection: Rejection, facts: RejectionFacts): void {
    const { position, item, stage, code, field, message } = rejection;
    this.#pending.push({
      source: position.source.index,
      ordinal: position.ordinal,
      item: facts.isRecord === true ? -1 : (item ?? -1),
      part: facts.part ?? 0,
      no: facts.no,
      refused: facts.refused,
      stage,
      code,
      field,
      message,
      line: position.line,
      byteStart: position.byteStart,
      byteEnd: position.byteEnd,
      occurrence: facts.occurrence,
      place: this.#write(rejection, position),
    });
  }

  #write(rejection: Rejection, position: Position): Place {
    const block = this.#block;
    if (this.#files === undefined) return NOWHERE;
    if (block === undefined) {
      this.#hasUnwritten = true;
      return NOWHERE;
    }
    return this.#files.add(rejection, this.#raw(block, position), position.source, block.head) ?? NOWHERE;
  }

  #raw(block: RecordBlock, position: Position): string {
    const raw = block.raw(position);
    const { format } = position.source;
    return this.#redactRow === undefined ? raw : this.#redactRow(raw, format !== 'csv' && format !== 'tsv');
  }

  /** Writes down what waits; call it inside a transaction. */
  commit(): void {
    if (this.#pending.length === 0) return;
    const states = this.#files?.flush();
    this.#ledger.rejects.put(this.#run, this.#pending);
    if (states !== undefined) this.#ledger.runs.setRejectFiles(this.#run, states);
    this.#pending = [];
  }

  /** Fetches the rows that were rejected after they had been read. */
  async fetchRows(openAgain: OpenAgain, signal: AbortSignal): Promise<void> {
    if (this.#files === undefined || !this.#hasUnwritten) return;
    const rows = new RowReader(openAgain, signal);
    try {
      let moved: { reject: StoredReject; place: Place }[] = [];
      for (const reject of this.#ledger.rejects.unwritten(this.#run)) {
        const found = await rows.at(reject);
        if (found === undefined) continue;
        const { block, position } = found;
        const { code, message } = reject;
        const rejection: Rejection = { kind: 'rejected', stage: 'remote', code, message, position };
        const place = this.#files.add(rejection, this.#raw(block, position), position.source, block.head);
        if (place !== undefined) moved.push({ reject, place });
        if (moved.length >= MOST_PENDING) {
          this.#move(moved);
          moved = [];
        }
      }
      this.#move(moved);
      this.#hasUnwritten = false;
    } finally {
      await rows.close();
    }
  }

  #move(moved: readonly { readonly reject: StoredReject; readonly place: Place }[]): void {
    if (moved.length === 0 || this.#files === undefined) return;
    const states = this.#files.flush();
    this.#ledger.db.durable(() => {
      this.#ledger.rejects.move(this.#run, moved);
      this.#ledger.runs.setRejectFiles(this.#run, states);
    });
  }

  close(): void {
    this.#files?.close();
  }
}

type Wanted = Pick<StoredPosition, 'source' | 'ordinal' | 'line' | 'byteStart'>;

/** Walks forward through the sources to one record after the other. */
class RowReader {
  readonly #openAgain: OpenAgain;
  readonly #signal: AbortSignal;
  #source = -1;
  #blocks: AsyncIterator<RecordBlock> | undefined;
  #block: RecordBlock | undefined;

  constructor(openAgain: OpenAgain, signal: AbortSignal) {
    this.#openAgain = openAgain;
    this.#signal = signal;
  }

  async at(wanted: Wanted): Promise<{ readonly block: RecordBlock; readonly position: Position } | undefined> {
    const last = this.#block?.entries.at(-1)?.position;
    if (wanted.source !== this.#source || wanted.byteStart - (last?.byteEnd ?? 0) > JUMP_BYTES)
      await this.#open(wanted);
    for (;;) {
      const found = this.#block?.entries.find(({ position }) => position.ordinal === wanted.ordinal);
      if (this.#block !== undefined && found !== undefined) return { block: this.#block, position: found.position };
      const next = await this.#blocks?.next();
      if (next === undefined || next.done === true) return undefined;
      this.#block = next.value;
    }
  }

  async #open(wanted: Wanted): Promise<void> {
    await this.close();
    const source = await this.#openAgain(wanted.source);
    this.#source = wanted.source;
    this.#block = undefined;
    this.#blocks = source.read(this.#signal, wanted)[Symbol.asyncIterator]();
  }

  async close(): Promise<void> {
    await this.#blocks?.return?.();
    this.#blocks = undefined;
  }
}
