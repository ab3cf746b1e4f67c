/** A receipt as CSV (RFC 4180 quoting, lines end with LF) and as JSON lines. */
import type { ReceiptLine } from '../run-report.js';
import { jsonLine, printable } from './escape.js';
import { receiptJson } from './run-json.js';

export const RECEIPT_COLUMNS = [
  'source',
  'line',
  'ordinal',
  'item',
  'part',
  'batch_id',
  'index',
  'episode_uuid',
  'status',
  'error',
] as const;

export interface ReceiptFormat {
  readonly head: string;
  readonly lines: (lines: readonly ReceiptLine[]) => string;
}

/** Programs get every cell as it is; on a terminal what could move its cursor is made visible. */
export function receiptCsv(isTerminal: boolean): ReceiptFormat {
  const cell = isTerminal ? (text: string): string => quoted(printable(text)) : quoted;
  const row = (values: readonly unknown[]): string => `${values.map((value) => cell(textOf(value))).join(',')}\n`;
  return {
    head: row(RECEIPT_COLUMNS),
    lines: (lines) =>
      lines
        .map((line) =>
          row([
            line.source,
            line.line,
            line.ordinal,
            line.item,
            line.part,
            line.batch,
            line.index,
            line.episodeUuid,
            line.status,
            line.error,
          ]),
        )
        .join(''),
  };
}

export const receiptJsonLines: ReceiptFormat = {
  head: '',
  lines: (lines) => lines.map((line) => jsonLine(receiptJson(line))).join(''),
};

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** In quotes, a name that begins with `::` is no command to a CI system that reads the receipt as output of a job. */
function quoted(text: string): string {
  return /[",\r\n]|^\s*::/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
