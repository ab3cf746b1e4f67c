/**
 * Workflow commands of GitHub Actions: `::error file=...,line=...,title=...::message`. Rule: whatever the texts hold, a command is one line and
 * ends where it should, because `%`, line ends and, in properties, `:` and `,` are escaped as the runner undoes it.
 */
import { printable } from '../escape.js';

export interface CommandProperties {
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly col?: number | undefined;
  readonly title?: string | undefined;
}

const MAX_MESSAGE = 1000;
const MAX_PROPERTY = 1000;

/** One line, without its line end. */
export function workflowCommand(
  name: 'error' | 'warning' | 'notice',
  properties: CommandProperties,
  message: string,
): string {
  const written = Object.entries(properties)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${key}=${property(String(value))}`);
  return `::${name}${written.length === 0 ? '' : ` ${written.join(',')}`}::${data(message)}`;
}

/** A line end between sentences is meant; everything else that could move a cursor is shown as an escape. */
function data(text: string): string {
  const lines = text.split('\n').map((line) => printable(line, MAX_MESSAGE));
  return lines.map((line) => line.replaceAll('%', '%25')).join('%0A');
}

function property(text: string): string {
  return printable(text, MAX_PROPERTY).replaceAll('%', '%25').replaceAll(':', '%3A').replaceAll(',', '%2C');
}
