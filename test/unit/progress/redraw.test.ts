import { expect, it } from 'vitest';
import { createRedraw } from '../../../src/progress/redraw.js';

/** A terminal of so many columns that understands what the block needs of it. */
function terminal(columns: number): { write(text: string): boolean; readonly columns: number; lines(): string[] } {
  let rows = [''];
  return {
    columns,
    write(text) {
      for (const piece of text.split(/(\u001b\[\d*[AJ]|\r|\n)/)) {
        const up = /^\u001b\[(\d+)A$/.exec(piece);
        if (up !== null) rows = [...rows.slice(0, rows.length - 1 - Number(up[1])), ''];
        else if (piece === '\n') rows.push('');
        else if (piece !== '\r' && piece !== '\u001b[J') {
          const whole = (rows.pop() ?? '') + piece;
          for (let at = 0; at === 0 || at < whole.length; at += columns) rows.push(whole.slice(at, at + columns));
        }
      }
      return true;
    },
    lines: () => rows,
  };
}

it('a block takes the place of the one before it, also when its lines are wider than the terminal', () => {
  const screen = terminal(10);
  const block = createRedraw(screen);
  screen.write('before\n');
  block.show('a line that goes over three rows\nshort\n');
  block.show('one\ntwo\n');
  expect(screen.lines()).toEqual(['before', 'one', 'two', '']);
  block.show('exactly 10\n');
  block.clear();
  screen.write('after\n');
  expect(screen.lines()).toEqual(['before', 'after', '']);
});

it('a stream that breaks does not fail the one who draws', () => {
  const block = createRedraw({
    write: () => {
      throw new Error('gone');
    },
  });
  block.show('a\n');
  block.clear();
});
