/**
 * Column names are data: they may be words that CEL keeps for itself (`package`, `in`) or hold letters CEL does not know (`größe`).
 * Such names are covered by ASCII names of the same length before parsing, so that every offset of the parsed expression is also an
 * offset of the text as it was written, where the real name is looked up again.
 */

/** Words the CEL grammar refuses as names. */
const KEPT = new Set(
  'as break const continue else for function if import let loop package namespace return var void while __proto__ prototype'.split(
    ' ',
  ),
);
/** Words that are values or operators where an operand may begin, and names behind a dot. */
const WORDS = new Set(['in', 'true', 'false', 'null']);

const NAME = /[\p{ID_Start}_$][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /0[xX][0-9a-fA-F]+[uU]?|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?[uU]?/y;
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The expression with every name CEL would not take covered. Same length as `text`. */
export function maskNames(text: string): string {
  let masked = '';
  let copied = 0;
  /** What stands before: a dot makes the next word a name; an operand makes `in` an operator. */
  let before: 'dot' | 'operand' | 'other' = 'other';
  let at = 0;
  while (at < text.length) {
    const end = endOfToken(text, at);
    const token = text.slice(at, end);
    if (token.trim() === '' || token.startsWith('//')) {
      at = end;
      continue;
    }
    const isName = isNameStart(token);
    if (isName && mustMask(token, before)) {
      masked += text.slice(copied, at) + 'x'.repeat(token.length);
      copied = end;
      before = 'operand';
    } else if (token === '.') {
      before = 'dot';
    } else if (isName) {
      before = token === 'in' ? 'other' : 'operand';
    } else {
      before = /^[\])}"'0-9]/.test(token) || /["']$/.test(token) ? 'operand' : 'other';
    }
    at = end;
  }
  return masked + text.slice(copied);
}

/** The name that stands at `start` of the expression as written; undefined when there is none. */
export function nameAt(text: string, start: number): string | undefined {
  NAME.lastIndex = start;
  return NAME.exec(text)?.[0];
}

function mustMask(name: string, before: 'dot' | 'operand' | 'other'): boolean {
  if (WORDS.has(name)) return before === 'dot' || (name === 'in' && before === 'other');
  return KEPT.has(name) || !PLAIN.test(name);
}

function isNameStart(token: string): boolean {
  NAME.lastIndex = 0;
  return NAME.test(token) && NAME.lastIndex === token.length;
}

/** Where the token that begins at `at` ends: text literals and comments whole, names, numbers, else one character. */
function endOfToken(text: string, at: number): number {
  const literal = endOfLiteral(text, at);
  if (literal !== undefined) return literal;
  for (const pattern of [NAME, NUMBER]) {
    pattern.lastIndex = at;
    if (pattern.test(text)) return pattern.lastIndex;
  }
  if (text.startsWith('//', at)) {
    const line = text.indexOf('\n', at);
    return line < 0 ? text.length : line;
  }
  return at + 1;
}

/**
 * Where the text literal that begins at `at` ends (`"…"`, `'…'`, three of either, with a prefix `r` or `b` or none); undefined when none
 * begins here. A backslash covers the next character, in raw literals too. An unclosed one ends with the text: the parser tells.
 */
export function endOfLiteral(text: string, at: number): number | undefined {
  const prefixed = /[rRbB]/.test(text[at] ?? '') && /["']/.test(text[at + 1] ?? '');
  const open = prefixed ? at + 1 : at;
  const quote = text[open];
  if (quote !== '"' && quote !== "'") return undefined;
  const triple = quote.repeat(3);
  const mark = text.startsWith(triple, open) ? triple : quote;
  for (let i = open + mark.length; i < text.length; i++) {
    if (text[i] === '\\') i += 1;
    else if (text.startsWith(mark, i)) return i + mark.length;
  }
  return text.length;
}
