/**
 * Finds out what separates the cells of a CSV file: the candidate by which the most rows have the same number of cells, more than one.
 */
import { PlainRows } from './csv-plain.js';

export const DELIMITER_CANDIDATES = [',', ';', '\t', '|'];
const ROWS_LOOKED_AT = 100;

/** Bytes at the beginning of a file that are looked at. */
export const DELIMITER_SAMPLE_BYTES = 64 * 1024;

export interface DelimiterGuess {
  readonly delimiter: string;
  /** 0 when nothing separates anything, 1 when all rows agree. */
  readonly confidence: number;
}

/** `ended` says that the sample is all there is, so that its last row is whole. */
export function guessDelimiter(sample: Buffer, ended: boolean, quote: string, comment?: string): DelimiterGuess {
  let best = { delimiter: ',', confidence: 0, cells: 1 };
  for (const delimiter of DELIMITER_CANDIDATES) {
    const counts = cellCounts(sample, ended, delimiter, quote, comment);
    const header = counts[0] ?? 1;
    const agreeing = counts.filter((count) => count === header).length;
    if (header < 2) continue;
    const confidence = agreeing / counts.length;
    if (confidence > best.confidence || (confidence === best.confidence && header > best.cells)) {
      best = { delimiter, confidence, cells: header };
    }
  }
  return best;
}

/** Cells of the first rows; a row that cannot be read counts as having none. */
function cellCounts(
  sample: Buffer,
  ended: boolean,
  delimiter: string,
  quote: string,
  comment: string | undefined,
): number[] {
  const bytes = sample.subarray(0, DELIMITER_SAMPLE_BYTES);
  const window = { bytes, base: 0, ended: ended && bytes.length === sample.length };
  const rows = new PlainRows({ quote, escape: quote, comment, trim: false }, delimiter, DELIMITER_SAMPLE_BYTES);
  const counts: number[] = [];
  for (let at = 0; counts.length < ROWS_LOOKED_AT && rows.advance(window, at); at = rows.next) {
    counts.push(rows.fault === undefined ? rows.cells.length : 0);
    if (rows.lineTooLong) break;
  }
  return counts;
}
