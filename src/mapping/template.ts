/**
 * Texts with `{{ expressions }}` in them. A text that is one single expression keeps the value's type; in a longer one every part
 * becomes text, and one missing part makes the whole missing: an id such as `support-` is never made.
 */
import { compileExpression } from './expression/compile.js';
import { endOfLiteral } from './expression/mask.js';
import { ExpressionMistake } from './expression/parse.js';
import { kindInWords, textOf } from './expression/values.js';
import type { NameUse, Read } from './names.js';
import { plainPath } from './paths.js';
import { expressionError } from './row-error.js';
import { MAX_TEXT } from './scope.js';

export interface TemplatePart {
  readonly kind: 'text' | 'expression';
  readonly text: string;
  /** Where the part's text begins in the template. */
  readonly offset: number;
}

export interface Template {
  /** The value of a single expression, the text of anything else; null when something is missing. */
  readonly read: Read;
  /** The text itself, when there is no expression in it. */
  readonly constant: string | undefined;
  /** Nothing but one path: its value is a part of the row itself, not made by an expression. */
  readonly isPath: boolean;
  /** The expressions as they are written, for sentences. */
  readonly expressions: readonly string[];
}

/** Takes a template apart; throws ExpressionMistake with an offset in `template`. */
export function splitTemplate(template: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{{', at);
    const text = template.slice(at, open < 0 ? undefined : open);
    const stray = text.indexOf('}}');
    if (stray >= 0) {
      throw new ExpressionMistake('}} without {{ before it', at + stray, 'write {{ "}}" }} for the braces themselves');
    }
    const foreign = text.search(/\$\{\s*[\p{L}_]/u);
    if (foreign >= 0) {
      throw new ExpressionMistake(
        '${ is text here',
        at + foreign,
        'an expression is written {{ name }}, the text itself {{ "${" }}',
      );
    }
    if (text !== '') parts.push({ kind: 'text', text, offset: at });
    if (open < 0) break;
    const close = endOfExpression(template, open + 2);
    if (close === undefined) throw new ExpressionMistake('{{ is not closed', open, 'add }}');
    parts.push({ kind: 'expression', text: template.slice(open + 2, close), offset: open + 2 });
    at = close + 2;
  }
  return parts;
}

/** Where the `}}` stands that closes an expression; braces of object literals and texts in quotes inside it do not. */
function endOfExpression(template: string, from: number): number | undefined {
  let depth = 0;
  let at = from;
  while (at < template.length) {
    const literal = endOfLiteral(template, at);
    if (literal !== undefined) {
      at = literal;
      continue;
    }
    if (depth === 0 && template.startsWith('}}', at)) return at;
    if (template[at] === '{') depth += 1;
    else if (template[at] === '}') depth -= 1;
    at += 1;
  }
  // A quote that is not closed hides the braces: the end is then where they stand, and the parser tells about the quote.
  const close = template.indexOf('}}', from);
  return close < 0 ? undefined : close;
}

/** Compiles a template for rows of a level; throws ExpressionMistake with an offset in `template`. */
export function compileTemplate(template: string, level: number, use: NameUse): Template {
  const parts = splitTemplate(template);
  const expressions = parts.filter((part) => part.kind === 'expression').map((part) => part.text.trim());
  const readers = parts.map((part) => (part.kind === 'text' ? part.text : compilePart(part, level, use)));
  const [only] = readers;
  if (expressions.length === 0) return { read: () => template, constant: template, isPath: false, expressions };
  if (readers.length === 1 && typeof only === 'function') {
    const isPath = plainPath(expressions[0] ?? '') !== undefined;
    return { read: only, constant: undefined, isPath, expressions };
  }
  return { read: joined(readers, parts), constant: undefined, isPath: false, expressions };
}

function compilePart(part: TemplatePart, level: number, use: NameUse): Read {
  try {
    return compileExpression(part.text, level, use);
  } catch (error) {
    if (!(error instanceof ExpressionMistake)) throw error;
    throw new ExpressionMistake(error.message, part.offset + error.offset, error.fix);
  }
}

function joined(readers: readonly (string | Read)[], parts: readonly TemplatePart[]): Read {
  const names = parts.map((part) => part.text.trim());
  return (scope) => {
    let whole = '';
    for (let i = 0; i < readers.length; i++) {
      const part = readers[i];
      if (typeof part === 'string') whole += part;
      else if (part !== undefined) {
        const value = part(scope);
        if (value === null) return null;
        whole += typeof value === 'string' ? value : textOfPart(value, names[i] ?? '');
      }
    }
    if (whole.length > MAX_TEXT) throw expressionError('the text that the template makes is too long');
    return whole;
  };
}

/** Text of a value that stands in a text; throws for lists and objects. */
export function textOfPart(value: unknown, name: string): string {
  const text = textOf(value);
  if (text === undefined) throw expressionError(`${name} is ${kindInWords(value)}, and text is needed: json(${name})`);
  return text;
}
