/** A block of lines in a terminal that is drawn anew in its place. */
import { displayWidth } from './width.js';
import { createWriter, type OutputStream } from './writer.js';

export interface Redraw {
  show(text: string): void;
  /** Takes the block away; what is printed next stands in its place. */
  clear(): void;
}

const DEFAULT_COLUMNS = 80;

export function createRedraw(stream: OutputStream): Redraw {
  const writer = createWriter(stream);
  let drawn = '';
  const erase = (): string => {
    const rows = rowsOf(drawn, stream.columns ?? DEFAULT_COLUMNS);
    return rows === 0 ? '' : `\u001b[${rows}A\r\u001b[J`;
  };
  return {
    show(text) {
      if (writer.write(erase() + text)) drawn = text;
    },
    clear() {
      writer.write(erase(), true);
      drawn = '';
    },
  };
}

/** Rows of the terminal that the text takes at the width it has now: lines that are too long go on in the next row. */
function rowsOf(text: string, columns: number): number {
  if (text === '') return 0;
  const lines = text.replace(/\n$/, '').split('\n');
  return lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(displayWidth(line) / columns)), 0);
}
