/**
 * Finds where blocks of a text begin: paragraphs and the headings of Markdown. Goes over the text once, line by line, no further than it is
 * asked to. What stands between the fences of a code block is one block.
 */
export interface BlockStart {
  readonly offset: number;
  /** End of what is before it, without white space. */
  readonly contentEnd: number;
  readonly isHeading: boolean;
  /** What is before it is a heading, which belongs to what follows. */
  readonly isBehindHeading: boolean;
}

const HEADING = /^ {0,3}#{1,6}(?:[ \t]|\r?$)/;
const UNDERLINE = /^ {0,3}(?:=+|-+)[ \t]*\r?$/;
const FENCE = /^ {0,3}(?:`{3,}|~{3,})/;
/** Enough of a line to tell what it is. */
const LOOK = 128;

export class BlockScanner {
  readonly #text: string;
  readonly #found: BlockStart[] = [];
  /** Beginning of the next line. */
  #at = 0;
  /** End of the content so far, without white space. */
  #contentEnd = 0;
  #afterBlank = true;
  #afterHeading = false;
  #fence: string | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** The blocks that begin behind `from`, and what is before them ends at `most` or earlier. Ask with growing offsets. */
  between(from: number, most: number): readonly BlockStart[] {
    while (this.#at < this.#text.length && this.#contentEnd <= most) this.#line();
    const gone = this.#found.findIndex(({ offset }) => offset > from);
    this.#found.splice(0, gone < 0 ? this.#found.length : gone);
    const beyond = this.#found.findIndex(({ contentEnd }) => contentEnd > most);
    return beyond < 0 ? this.#found : this.#found.slice(0, beyond);
  }

  #line(): void {
    const text = this.#text;
    const start = this.#at;
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    this.#at = newline < 0 ? end : newline + 1;
    const head = text.slice(start, Math.min(end, start + LOOK));
    const isBlankLine = head.trim() === '' && (end - start <= LOOK || text.slice(start, end).trim() === '');
    if (isBlankLine) {
      this.#afterBlank = true;
      return;
    }
    const wasInFence = this.#fence !== undefined;
    if (!wasInFence) this.#begin(start, end, head);
    this.#fence = fenceAfter(this.#fence, head);
    if (!wasInFence && this.#fence !== undefined) this.#afterHeading = false;
    this.#afterBlank = false;
    this.#contentEnd = start + text.slice(start, end).trimEnd().length;
  }

  /** A line that is not blank and not inside a code block. */
  #begin(start: number, end: number, head: string): void {
    const isHeading = HEADING.test(head) || this.#isUnderlined(end, head);
    if (this.#afterBlank || isHeading || this.#afterHeading) {
      const offset = start + (head.length - head.trimStart().length);
      if (offset > 0 && this.#contentEnd > 0) {
        const isBehindHeading = this.#afterHeading;
        this.#found.push({ offset, contentEnd: this.#contentEnd, isHeading, isBehindHeading });
      }
    }
    // The underline of a heading is a line of it.
    this.#afterHeading = isHeading || (this.#afterHeading && !this.#afterBlank && UNDERLINE.test(head));
  }

  /** The line is a paragraph of its own, and the next is made of = or - only. */
  #isUnderlined(end: number, head: string): boolean {
    if (!this.#afterBlank || end === this.#text.length || UNDERLINE.test(head)) return false;
    const next = this.#text.slice(end + 1, end + 1 + LOOK);
    const line = next.indexOf('\n');
    return UNDERLINE.test(line < 0 ? next : next.slice(0, line)) && (line >= 0 || next.length < LOOK);
  }
}

/** The mark that closes the code block the next line lies in; undefined outside of one. */
function fenceAfter(open: string | undefined, head: string): string | undefined {
  const mark = FENCE.exec(head)?.[0].trim();
  if (open === undefined) return mark;
  const isClosed = mark !== undefined && mark.startsWith(open) && head.trim() === mark;
  return isClosed ? undefined : open;
}
