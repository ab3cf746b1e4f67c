/**
 * Numbers a double cannot hold are kept as their text: a 64-bit id must not come out as `...800`. Nearly no record has one, so the work
 * is done in two steps: a scan that looks at every fifth byte and only asks whether such a number may be here, and, for those records
 * alone, a walk over the text that quotes the numbers in question before it is parsed.
 *
 * Why every fifth byte is enough: a number of up to 15 significant digits survives unless its exponent has three digits. A run of 16
 * digits meets three places in a row, and `0e100`, the shortest text with such an exponent, is five bytes long.
 */
const STRIDE = 5;
const STREAK = 3;

const DIGIT = 1;
const DOT = 2;
const EXPONENT = 3;
const SIGN = 4;

/** What each byte can be within a number; 0 is nothing. */
const PART = new Uint8Array(256);
for (let digit = 0x30; digit <= 0x39; digit++) PART[digit] = DIGIT;
PART[0x2e] = DOT;
PART[0x65] = EXPONENT;
PART[0x45] = EXPONENT;
PART[0x2b] = SIGN;
PART[0x2d] = SIGN;

const partAt = (bytes: Uint8Array, i: number): number => PART[bytes[i] as number] as number;

/** May the JSON text in `bytes[start, end)` hold a number that a double cannot? Never wrongly false. */
export function mayHoldInexact(bytes: Buffer, start: number, end: number): boolean {
  let streak = 0;
  for (let i = start + STRIDE - 1; i < end; i += STRIDE) {
    const part = PART[bytes[i] as number] as number;
    if (part === 0) {
      streak = 0;
      continue;
    }
    streak = part <= DOT ? streak + 1 : 0;
    if (streak === STREAK) streak = contiguous(bytes, i);
    if (streak < STREAK && !nearExponent(bytes, i, part)) continue;
    const behind = behindExact(bytes, start, end, i);
    if (behind < 0) return true;
    // The whole run is judged: looking at it again would make long runs quadratic.
    i = behind;
    streak = 0;
  }
  return false;
}

/** How many of the last places looked at belong to one run of digits that goes on at `i`. */
function contiguous(bytes: Buffer, i: number): number {
  for (let back = 1; back < STREAK * STRIDE - STRIDE; back++) {
    const part = partAt(bytes, i - back);
    if (part === 0 || part > DOT) return back > STRIDE ? 2 : 1;
  }
  return STREAK;
}

/** Whether the byte at `i` is part of an exponent: its letter, its sign, one of its first three digits, or the digit before it. */
function nearExponent(bytes: Buffer, i: number, part: number): boolean {
  if (part === DOT) return false;
  if (part === EXPONENT) return partAt(bytes, i - 1) === DIGIT;
  if (part === SIGN) return partAt(bytes, i - 1) === EXPONENT;
  if (partAt(bytes, i + 1) === EXPONENT) return true;
  let before = i - 1;
  while (before >= i - 2 && partAt(bytes, before) === DIGIT) before--;
  if (partAt(bytes, before) === SIGN) before--;
  return partAt(bytes, before) === EXPONENT;
}

/**
 * The index behind the run of number characters around `i`; -1 when it stands where a number may stand and is one that a double cannot
 * hold.
 */
function behindExact(bytes: Buffer, start: number, end: number, i: number): number {
  let to = i + 1;
  while (to < end && partAt(bytes, to) !== 0) to++;
  if (to < end && AFTER_NUMBER[bytes[to] as number] === 0) return to;
  let from = i;
  while (from > start && partAt(bytes, from - 1) !== 0) from--;
  if (from > start && BEFORE_NUMBER[bytes[from - 1] as number] === 0) return to;
  const token = bytes.toString('latin1', from, to);
  // Most long numbers were printed from a double in the first place.
  return String(Number(token)) !== token && isInexact(token) ? -1 : to;
}

function flags(...bytes: readonly number[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of bytes) table[byte] = 1;
  return table;
}

const BEFORE_NUMBER = flags(0x20, 0x09, 0x0a, 0x0d, 0x5b, 0x3a, 0x2c);
const AFTER_NUMBER = flags(0x20, 0x09, 0x0a, 0x0d, 0x5d, 0x7d, 0x2c);

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const PLAIN_INTEGER = /^-?\d+$/;

/**
 * Whether a JSON number changes its decimal value on the way through a double. A plain integer must also come out in the same digits:
 * from 1e21 on a double prints as a power, which no id survives.
 */
export function isInexact(token: string): boolean {
  if (!JSON_NUMBER.test(token)) return false;
  const value = Number(token);
  if (value === 0) return significant(token).digits !== '';
  const printed = String(value);
  if (printed === token) return false;
  if (!Number.isFinite(value) || PLAIN_INTEGER.test(token)) return true;
  const before = significant(token);
  const after = significant(printed);
  return before.digits !== after.digits || before.exponent !== after.exponent;
}

const PARTS_OF_NUMBER = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** The digits without leading and trailing zeros, and the power of ten of the last of them. */
function significant(token: string): { digits: string; exponent: number } {
  const [, whole = '', fraction = '', power = '0'] = PARTS_OF_NUMBER.exec(token) ?? [];
  const leading = (whole + fraction).replace(/^0+/, '');
  const digits = withoutTrailingZeros(leading);
  return { digits, exponent: Number(power) - fraction.length + (leading.length - digits.length) };
}

/** A JSON text with every number that a double cannot hold turned into a string. `text` must be valid JSON. */
export function quoteInexact(text: string): { text: string; count: number } {
  let out = '';
  let copied = 0;
  let count = 0;
  let i = 0;
  while (i < text.length) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      i = endOfString(text, i);
    } else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      const from = i;
      while (i < text.length && PART[text.charCodeAt(i)] !== 0 && text.charCodeAt(i) < 256) i++;
      const token = text.slice(from, i);
      if (!isInexact(token)) continue;
      out += `${text.slice(copied, from)}"${token}"`;
      copied = i;
      count++;
    } else {
      i++;
    }
  }
  return { text: out + text.slice(copied), count };
}

/** By hand: the regular expression for it takes quadratic time on a long run of zeros that does not end the text. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 0x30) end--;
  return digits.slice(0, end);
}

function endOfString(text: string, open: number): number {
  for (let i = open + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5c) i++;
    else if (code === 0x22) return i + 1;
  }
  return text.length;
}
