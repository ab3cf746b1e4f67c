/**
 * What personal data looks like, as far as its form tells: each finder gives the places of a text that it is sure of. Where a check digit
 * exists it must fit; where none does, the forms are narrow. Every finder takes time in proportion to the text.
 */

export const REDACTED_KINDS = ['email', 'phone', 'card', 'iban', 'ip', 'ssn'] as const;
export type RedactedKind = (typeof REDACTED_KINDS)[number];

/** From, to (exclusive). */
export type Span = readonly [number, number];
export type Find = (text: string) => Iterable<Span>;

const LOCAL = /[\p{L}\p{N}!#$%&'*+/=?^_`{|}~.-]/u;
const DOMAIN = /[\p{L}\p{N}.-]/u;
const LOCAL_CHARACTERS = 64;
const DOMAIN_CHARACTERS = 255;

function* emails(text: string): Generator<Span> {
  let free = 0;
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let from = at;
    while (from > free && at - from < LOCAL_CHARACTERS && LOCAL.test(text.charAt(from - 1))) from -= 1;
    while (from < at && /[.'`/=]/.test(text.charAt(from))) from += 1;
    let to = at + 1;
    while (to < text.length && to - at <= DOMAIN_CHARACTERS && DOMAIN.test(text.charAt(to))) to += 1;
    while (to > at + 1 && /[.-]/.test(text.charAt(to - 1))) to -= 1;
    if (
      from === at ||
      !/^[^.-][^]*\.[\p{L}]{2,}$/u.test(text.slice(at + 1, to)) ||
      text.slice(at + 1, to).includes('..')
    )
      continue;
    yield [from, to];
    free = to;
  }
}

const DIGITS = /(?<![\d\p{L}])\d(?:[ -]?\d){12,18}(?!\d|[ -]\d)/gu;

function* cards(text: string): Generator<Span> {
  for (const match of text.matchAll(DIGITS)) {
    const digits = match[0].replace(/[ -]/g, '');
    if (/^(?:3[0-9]|4|5[0-9]|6|2[2-7])/.test(digits) && hasCheckDigit(digits)) yield spanOf(match);
  }
}

/** Luhn's. */
function hasCheckDigit(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    sum += i % 2 === 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0);
  }
  return sum % 10 === 0 && !/^(\d)\1*$/.test(digits);
}

const IBAN = /(?<![\p{L}\d])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\p{L}\d])/gu;

function* ibans(text: string): Generator<Span> {
  for (const match of text.matchAll(IBAN)) {
    const plain = match[0].replaceAll(' ', '');
    if (plain.length >= 15 && plain.length <= 34 && isIban(plain)) yield spanOf(match);
  }
}

function isIban(plain: string): boolean {
  let rest = 0;
  for (const character of plain.slice(4) + plain.slice(0, 4)) {
    for (const digit of String(Number.parseInt(character, 36))) rest = (rest * 10 + Number(digit)) % 97;
  }
  return rest === 1;
}

const IPV4 = /(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\.?\d)/g;
const IPV6 = /(?<![\p{L}\d:.])(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){1,6}(?![\p{L}\d:])/giu;

function addresses(text: string): readonly Span[] {
  const found = [...text.matchAll(IPV4)].map(spanOf);
  if (!text.includes(':')) return found;
  for (const match of text.matchAll(IPV6)) {
    // Times such as 10:20:30 are no addresses.
    if (/::|[a-f]/i.test(match[0]) || match[0].split(':').length === 8) found.push(spanOf(match));
  }
  return inOrder(found);
}

const SSN = /(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])/g;

function* securityNumbers(text: string): Generator<Span> {
  for (const match of text.matchAll(SSN)) yield spanOf(match);
}

/** +351 912 345 678, 0049 (0)30 1234567: the country tells. */
const INTERNATIONAL = /(?<![\d\p{L}+])(?:\+|00)[1-9](?:[ ().\/-]{0,3}\d){6,13}(?![\d\p{L}])/gu;
/** (555) 123-4567, 555-123-4567, 030 1234567, 06 12 34 56 78, 912 345 678: groups tell. */
const NATIONAL =
  /(?<![\d\p{L}.,:\/#$€£+-]|[$€£] )(?:\(\d{2,5}\) ?\d{2,4}(?:[ -]?\d{2,4}){1,3}|0\d{1,4}[ \/-]\d{5,8}|0\d{1,4}(?:[ -]\d{2,4}){2,4}|\d{3}([ .-])\d{3}\1\d{3,4})(?![\d\p{L}%€$£-]|[.,]\d| ?(?:EUR|USD|GBP)\b)/gu;
const FEWEST_DIGITS = 9;
const MOST_DIGITS = 15;

function phones(text: string): readonly Span[] {
  const found = [...text.matchAll(INTERNATIONAL)].map(spanOf);
  for (const match of text.matchAll(NATIONAL)) {
    const digits = match[0].replace(/\D/g, '');
    if (digits.length < FEWEST_DIGITS || digits.length > MOST_DIGITS || digits.endsWith('000')) continue;
    found.push(spanOf(match));
  }
  return inOrder(found);
}

/** By place, and of two that overlap the first. */
function inOrder(spans: readonly Span[]): readonly Span[] {
  let done = 0;
  return [...spans]
    .sort(([a, aEnd], [b, bEnd]) => a - b || bEnd - aEnd)
    .filter(([from, to]) => {
      if (from < done) return false;
      done = to;
      return true;
    });
}

function spanOf(match: RegExpExecArray): Span {
  return [match.index, match.index + match[0].length];
}

const A_DIGIT = /\d/;
const hasDigit = (text: string): boolean => A_DIGIT.test(text);
const never: readonly Span[] = [];

/** In the order in which they are looked for: what one has found, the next does not see. */
export const FINDERS: Readonly<Record<RedactedKind, Find>> = {
  email: (text) => (text.includes('@') ? emails(text) : never),
  iban: (text) => (hasDigit(text) ? ibans(text) : never),
  card: (text) => (hasDigit(text) ? cards(text) : never),
  ssn: (text) => (text.includes('-') && hasDigit(text) ? securityNumbers(text) : never),
  ip: (text) => (hasDigit(text) ? addresses(text) : never),
  phone: (text) => (hasDigit(text) ? phones(text) : never),
};
