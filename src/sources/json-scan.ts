/**
 * Finds where a JSON value ends without parsing it: only quotes, backslashes, brackets and commas matter. Whether the text between is
 * valid is for JSON.parse to say. Brackets are counted without regard to their kind, for the same reason.
 */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LF = 0x0a;
const COMMA = 0x2c;

const NOTHING = 0;
const OPEN = 2;
const CLOSE = 3;

/** Bytes that matter outside of text. */
const MATTERS = new Uint8Array(256);
MATTERS[QUOTE] = 1;
MATTERS[0x5b] = OPEN;
MATTERS[0x7b] = OPEN;
MATTERS[0x5d] = CLOSE;
MATTERS[0x7d] = CLOSE;
MATTERS[COMMA] = 4;
MATTERS[LF] = 5;

/** The bytes ran out before the value ended. */
export const RAN_OUT = -1;
/** A line ended inside text, which JSON forbids. */
export const BROKEN_TEXT = -2;

/**
 * What a scan remembers. Kept between two calls only while the bytes of a value that is too long pass by unkept; otherwise every scan
 * begins anew at the beginning of the value.
 */
export class JsonScan {
  /** Line ends passed. */
  lines = 0;
  #depth = 0;
  #inText = false;
  #escaped = false;

  reset(): void {
    this.lines = 0;
    this.#depth = 0;
    this.#inText = false;
    this.#escaped = false;
  }

  /** Index of the ',' or closing bracket behind an element of an array, at the level of the array. */
  elementEnd(bytes: Uint8Array, from: number, stopAtBrokenText: boolean): number {
    return this.#scan(bytes, from, false, stopAtBrokenText);
  }

  /** Index just behind an object, array or text that begins at `from`. */
  valueEnd(bytes: Uint8Array, from: number): number {
    return this.#scan(bytes, from, true, false);
  }

  #scan(bytes: Uint8Array, from: number, single: boolean, stopAtBrokenText: boolean): number {
    const end = bytes.length;
    let depth = this.#depth;
    let i = from;
    if (this.#inText) {
      i = this.#passText(bytes, i, end, stopAtBrokenText);
      if (i < 0) return i;
      if (single && depth === 0) return i;
    }
    while (i < end) {
      const byte = bytes[i] ?? 0;
      const matters = MATTERS[byte];
      i++;
      if (matters === NOTHING) continue;
      if (byte === QUOTE) {
        i = this.#passText(bytes, i, end, stopAtBrokenText);
        if (i < 0) {
          this.#depth = depth;
          return i;
        }
        if (single && depth === 0) return i;
      } else if (matters === OPEN) {
        depth++;
      } else if (matters === CLOSE) {
        if (depth === 0) return i - 1;
        depth--;
        if (single && depth === 0) return i;
      } else if (byte === LF) {
        this.lines++;
      } else if (depth === 0 && !single) {
        return i - 1;
      }
    }
    this.#depth = depth;
    return RAN_OUT;
  }

  /** From inside a text to the index behind its closing quote. */
  #passText(bytes: Uint8Array, from: number, end: number, stopAtBroken: boolean): number {
    let i = from;
    if (this.#escaped && i < end) {
      if (bytes[i] === LF) this.lines++;
      i++;
      this.#escaped = false;
    }
    this.#inText = true;
    while (i < end) {
      const byte = bytes[i] ?? 0;
      i++;
      if (byte === QUOTE) {
        this.#inText = false;
        return i;
      }
      if (byte === BACKSLASH) {
        if (i === end) {
          this.#escaped = true;
          break;
        }
        if (bytes[i] === LF) this.lines++;
        i++;
      } else if (byte === LF) {
        this.lines++;
        if (stopAtBroken) return BROKEN_TEXT;
      }
    }
    return RAN_OUT;
  }
}

/** Index behind a number or word: where a blank, a bracket, a comma, a colon or a quote stands, or `end`. */
export function scalarEnd(bytes: Uint8Array, from: number): number {
  let i = from;
  while (i < bytes.length) {
    const byte = bytes[i] ?? 0;
    if (isJsonBlank(byte) || (MATTERS[byte] ?? 0) !== NOTHING || byte === 0x3a) break;
    i++;
  }
  return i;
}

export function isJsonBlank(byte: number): boolean {
  return byte === 0x20 || byte === LF || byte === 0x0d || byte === 0x09;
}
