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

const PART = new Uint8Array(256);
for (let digit = 0x30; digit <= 0x39; digit++) PART[digit] = DIGIT;
PART[0x2e] = DOT;
PART[0x65] = EXPONENT;
PART[0x45] = EXPONENT;
PART[0x2b] = SIGN;
PART[0x2d] = SIGN;

/** May the JSON text in `bytes[start, end)` hold a number that a double cannot? Never wrongly false. */
export function mayHoldInexact(bytes: Uint8Array, start: number, end: number): boolean {
  let streak = 0;
  for (let i = start + STRIDE - 1; i < end; i += STRIDE) {
    const part = PART[bytes[i] ?? 0] ?? 0;
    if (part === 0) {
      streak = 0;
      continue;
    }
    if (part <= DOT) {
      streak++;
      if (streak >= STREAK && isInexactToken(bytes, start, end, i)) return true;
    } else {
      streak = 0;
    }
    if (part !== DOT && nearExponent(bytes, i, part) && isInexactToken(bytes, start, end, i)) return true;
  }
  return false;
}

/** Whether the byte at `i` can belong to an exponent: it is its letter or sign, or these are within three bytes of it. */
function nearExponent(bytes: Uint8Array, i: number, part: number): boolean {
  if (part === EXPONENT) return PART[bytes[i - 1] ?? 0] === DIGIT;
  if (part === SIGN) return PART[bytes[i - 1] ?? 0] === EXPONENT;
  if (PART[bytes[i + 1] ?? 0] === EXPONENT) return true;
  for (let back = 1; back <= 3; back++) {
    const before = PART[bytes[i - back] ?? 0] ?? 0;
    if (before === EXPONENT || before === SIGN) return true;
    if (before !== DIGIT) return false;
  }
  return false;
}

/** Whether the run of number characters around `i` stands where a number may stand, and is one that a double cannot hold. */
function isInexactToken(bytes: Uint8Array, start: number, end: number, i: number): boolean {
  let from = i;
  while (from > start && PART[bytes[from - 1] ?? 0] !== 0) from--;
  let to = i;
  while (to < end && PART[bytes[to] ?? 0] !== 0) to++;
  if (from > start && !BEFORE_NUMBER.has(bytes[from - 1] ?? 0)) return false;
  if (to < end && !AFTER_NUMBER.has(bytes[to] ?? 0)) return false;
  return isInexact(Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1'));
}

const BLANKS = [0x20, 0x09, 0x0a, 0x0d];
const BEFORE_NUMBER = new Set([...BLANKS, 0x5b, 0x3a, 0x2c]);
const AFTER_NUMBER = new Set([...BLANKS, 0x5d, 0x7d, 0x2c]);

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
