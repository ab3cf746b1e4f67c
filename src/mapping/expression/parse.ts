/**
 * Text to syntax tree, by the grammar of CEL. Only the parser of the CEL library is used: its evaluator follows the language's static
 * types (whole and decimal numbers never meet, a missing field is an error), which is not what rows of real data need.
 */
import { Environment, ParseError, type ASTNode } from '@marcbachmann/cel-js';
import { maskNames } from './mask.js';

export type { ASTNode };

/** A mistake in an expression as it is written. `offset` counts from the start of the expression. */
export class ExpressionMistake extends Error {
  constructor(
    message: string,
    readonly offset: number,
    readonly fix?: string,
  ) {
    super(message);
    this.name = 'ExpressionMistake';
  }
}

/** Expressions are written by hand; these bounds keep the compiler's recursion far from the end of the stack. */
const MAX_CHARACTERS = 20_000;
const environment = new Environment({
  unlistedVariablesAreDyn: true,
  limits: { maxAstNodes: 4000, maxDepth: 100, maxListElements: 1000, maxMapEntries: 1000, maxCallArguments: 32 },
});

/** Parses an expression; throws ExpressionMistake. Offsets in the tree are offsets in `text`. */
export function parseExpression(text: string): ASTNode {
  const begin = text.length - text.trimStart().length;
  if (begin === text.length) throw new ExpressionMistake('the expression is empty', 0, 'name a column, e.g. ticket_id');
  if (text.length > MAX_CHARACTERS) throw new ExpressionMistake('the expression is too long', 0);
  if (text.startsWith('{{', begin)) {
    throw new ExpressionMistake('this is an expression already', begin, 'leave out the {{ }}');
  }
  try {
    return environment.parse(maskNames(text)).ast;
  } catch (error) {
    if (error instanceof ParseError) throw mistakeOf(error, text);
    if (error instanceof RangeError) throw new ExpressionMistake('the expression is nested too deeply', 0);
    throw error;
  }
}

function mistakeOf(error: ParseError, text: string): ExpressionMistake {
  const offset = Math.min(error.range?.start ?? 0, text.length);
  const rest = text.slice(offset);
  const word = /^[\p{L}\p{N}_]+/u.exec(rest)?.[0] ?? [...rest][0] ?? '';
  switch (error.code) {
    case 'limit_exceeded':
      return new ExpressionMistake('the expression is too large', offset);
    case 'unterminated_string':
    case 'unterminated_triple_quoted_string':
      return new ExpressionMistake('a text in quotes is not closed', offset, `add the closing ${rest[0] ?? 'quote'}`);
    case 'invalid_escape_sequence':
      return new ExpressionMistake(`${error.summary}`, offset, 'put an r before the text, as in r"\\d+"');
    case 'unexpected_character':
    case 'unexpected_token':
    case 'expected_token':
      if (rest.trim() === '') return new ExpressionMistake('the expression ends too early', offset);
      return new ExpressionMistake(`unexpected "${word}"`, offset, fixFor(word, text));
    default:
      return new ExpressionMistake(error.summary, offset);
  }
}

const OTHER_LANGUAGES: Readonly<Record<string, string>> = {
  '=': 'write == to compare',
  and: 'write && for and',
  AND: 'write && for and',
  or: 'write || for or',
  OR: 'write || for or',
  not: 'write ! for not',
  is: 'write == null or != null',
  '&': 'write && for and',
  '|': 'write || for or, or call a function: lower(name)',
  '`': 'write row["the name"] for a name with blanks or signs',
};

function fixFor(word: string, text: string): string | undefined {
  const fix = Object.hasOwn(OTHER_LANGUAGES, word) ? OTHER_LANGUAGES[word] : undefined;
  if (fix !== undefined) return fix;
  // Words with nothing but blanks between them: a column name such as `Ticket Id`.
  if (/^[\p{L}\p{N}_ ]+$/u.test(text.trim())) return `for a name with blanks write row[${JSON.stringify(text.trim())}]`;
  return undefined;
}
