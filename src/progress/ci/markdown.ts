/**
 * Markdown for job summaries. Rule: text from outside stands only in code spans and fences that it cannot close, so that it makes no link, no
 * mention, no HTML, and no further cell of a table.
 */
import { printable } from '../escape.js';

const MAX_SPAN = 300;

/** Outside text as a code span; `''` stays empty. */
export function code(text: string, maxLength = MAX_SPAN): string {
  const shown = printable(text, maxLength);
  if (shown === '') return '';
  const fence = '`'.repeat(longestRun(shown) + 1);
  const pad = /^[` ]|[` ]$/.test(shown) ? ' ' : '';
  return `${fence}${pad}${shown}${pad}${fence}`;
}

/** The same in a cell of a table, which a bar would end. */
export function cell(text: string): string {
  return code(text).replaceAll('|', '\\x7c');
}

/** Outside lines as a block. */
export function block(lines: readonly string[], language = ''): string[] {
  const shown = lines.map((line) => printable(line, 4_000));
  const fence = '`'.repeat(Math.max(3, ...shown.map((line) => longestRun(line) + 1)));
  return [fence + language, ...shown, fence];
}

/** Cells are Markdown already; columns after the first are numbers. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)];
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}
