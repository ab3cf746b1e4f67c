/** What rows show about the names in a mapping that a person should know: a choice that was made, or a name that was probably meant. */
import type { CheckNotice } from '../check-report.js';
import type { Scope } from './scope.js';

const ROWS_ASKED = 100;

/** Names for which rows have shown that a column stands behind a context name or beside a nested value. */
export class Clashes {
  readonly #notices = new Map<string, CheckNotice>();

  /** A question to ask of each row of a level until it has been answered with yes once. */
  watch(column: string, level: number): (scope: Scope) => void {
    let told = false;
    return (scope) => {
      if (told) return;
      const row = scope.rows[level];
      if (typeof row !== 'object' || row === null || !Object.hasOwn(row, column)) return;
      told = true;
      this.#notices.set(`context ${column}`, {
        level: 'warning',
        code: 'name-clash',
        message: `rows have a column "${column}", but in this mapping ${column} is the name of something else`,
        hint: `the column is row.${column}`,
      });
    };
  }

  /** Notes that a row has both a column named `whole` and a value of that path inside another column. */
  noteWhole(whole: string): void {
    if (this.#notices.has(`whole ${whole}`)) return;
    this.#notices.set(`whole ${whole}`, {
      level: 'warning',
      code: 'name-clash',
      message: `rows have both a column named "${whole}" and a nested value of that path: the column is taken`,
      hint: `the nested value is ${bracketed(whole)}`,
    });
  }

  /**
   * A question to ask of rows when a field is the same text for all of them: a column of that name makes it likely that its value was
   * meant. Asked of the first rows only, since the columns of later ones are rarely others.
   */
  watchConstant(field: string, text: string, level: number): (scope: Scope) => void {
    let left = ROWS_ASKED;
    return (scope) => {
      if (left <= 0) return;
      left -= 1;
      const row = scope.rows[level];
      if (typeof row !== 'object' || row === null || !Object.hasOwn(row, text)) return;
      left = 0;
      this.#notices.set(`constant ${field}`, {
        level: 'warning',
        code: 'fixed-text',
        message: `${field} is the fixed text "${text}" on every row, and rows have a column of that name`,
        hint: `the column is "{{ ${text} }}"`,
      });
    };
  }

  /**
   * To be told, for each row, whether a bare name was found in the row itself or in one around it: some of this and some of that is often not
   * what was meant.
   */
  watchOrigin(column: string): (isOwn: boolean) => void {
    let own = false;
    let outer = false;
    return (isOwn) => {
      if (isOwn ? own : outer) return;
      if (isOwn) own = true;
      else outer = true;
      if (!own || !outer) return;
      this.#notices.set(`origin ${column}`, {
        level: 'warning',
        code: 'mixed-origin',
        message: `"${column}" is read from the row itself where it has that column, and from the row around it where it has not`,
        hint: `row.${column} reads the row alone, parent.${column} the row around it`,
      });
    };
  }

  list(): readonly CheckNotice[] {
    return [...this.#notices.values()];
  }
}

function bracketed(whole: string): string {
  const [first = '', ...rest] = whole.split('.');
  return first + rest.map((name) => `["${name}"]`).join('');
}
