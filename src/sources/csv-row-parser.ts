/**
 * csv-parse called directly, block by block, instead of as a stream.
 */
import { CsvError, Parser, type Options } from 'csv-parse';

/** Collects rows instead of streaming them: one call of the stream machinery per row would cost more than parsing it. */
export class RowParser extends Parser {
  readonly rows: { readonly cells: string[]; readonly behind: number }[] = [];

  constructor(
    options: Options,
    /** Absolute offset of the first byte it gets. */
    readonly origin: number,
    /** Reads one row only, taking quotes in the middle of a cell as text. */
    readonly lenient: boolean,
  ) {
    super(lenient ? { ...options, relax_quotes: true, to: 1 } : options);
  }

  override push(row: string[] | null): boolean {
    if (row !== null) this.rows.push({ cells: row, behind: this.origin + this.info.bytes });
    return true;
  }

  /** Cells of the row that is not whole yet. */
  get openCells(): number {
    const { state } = this as { readonly state?: { readonly record?: readonly unknown[] } };
    return state?.record?.length ?? 0;
  }

  feed(bytes: Buffer): CsvError | undefined {
    return this.#call((done) => this._transform(bytes, 'utf8', done));
  }

  finish(): CsvError | undefined {
    return this.#call((done) => this._flush(done));
  }

  #call(work: (done: (error?: Error | null) => void) => void): CsvError | undefined {
    let failure: CsvError | undefined;
    work((error) => {
      if (error instanceof CsvError) failure = error;
      else if (error != null) throw error;
    });
    return failure;
  }
}
