/**
 * A small terminal: enough of one to see what a person would see after cursor movements, clearing and wrapping. Unknown sequences throw,
 * so that nothing is drawn that this model does not understand.
 */
export interface ScreenModel {
  /** A stream to draw on. */
  readonly stream: {
    isTTY: true;
    columns: number;
    write(text: string): boolean;
    on(): void;
  };
  /** Everything written so far. */
  raw(): string;
  /** One entry for each write. */
  writes(): readonly string[];
  /** The lines on the screen, without colours and trailing blanks. */
  lines(): string[];
  cursorShown(): boolean;
  wraps(): boolean;
}

const TOKEN = /\u001b\[(\??)([\d;]*)([A-Za-z])|\r|\n|[^]/gu;

export function screenModel(columns: number): ScreenModel {
  const rows: string[][] = [[]];
  const writes: string[] = [];
  let row = 0;
  let column = 0;
  let cursor = true;
  let wrap = true;

  const line = (): string[] => (rows[row] ??= []);
  const newline = (): void => {
    row++;
    column = 0;
    line();
  };
  const put = (character: string, width: number): void => {
    if (column >= width) {
      if (wrap) newline();
      else column = width - 1;
    }
    const current = line();
    while (current.length < column) current.push(' ');
    current[column] = character;
    column++;
  };
  const control = (mark: string, argument: string, letter: string): void => {
    const number = Number(argument);
    if (mark === '?') {
      if (argument === '25') cursor = letter === 'h';
      else if (argument === '7') wrap = letter === 'h';
      else throw new Error(`unknown mode ${argument}`);
      return;
    }
    switch (letter) {
      case 'm':
        return;
      case 'A':
        row = Math.max(0, row - (number || 1));
        return;
      case 'B':
        row += number || 1;
        return;
      case 'G':
        column = (number || 1) - 1;
        return;
      case 'K':
        if (number === 2) rows[row] = [];
        else line().length = Math.min(line().length, column);
        return;
      case 'J':
        line().length = Math.min(line().length, column);
        rows.length = row + 1;
        return;
      default:
        throw new Error(`unknown sequence ${letter}`);
    }
  };
  const stream = {
    isTTY: true as const,
    columns,
    write(text: string): boolean {
      writes.push(text);
      for (const match of text.matchAll(TOKEN)) {
        const [token, mark, argument, letter] = match;
        if (letter !== undefined) control(mark ?? '', argument ?? '', letter);
        else if (token === '\n') newline();
        else if (token === '\r') column = 0;
        else put(token, stream.columns);
      }
      return true;
    },
    on: () => undefined,
  };
  return {
    stream,
    raw: () => writes.join(''),
    writes: () => writes,
    lines: () => rows.map((characters) => characters.join('').trimEnd()),
    cursorShown: () => cursor,
    wraps: () => wrap,
  };
}
