/**
 * Where in an expression an operator or function stands, for the sentences it says about a row. A sentence names the column, its type
 * and what to type instead; it never holds a value, so that the same mistake reads the same on every row.
 */
import { expressionError, type RowError } from '../row-error.js';
import type { Scope } from '../scope.js';
import { kindOf, kindInWords } from './values.js';

export class CallSite {
  /** `operands`: the operands as they are written. */
  constructor(
    readonly name: string,
    readonly operands: readonly string[],
  ) {}

  operand(index: number): string {
    return this.operands[index] ?? this.name;
  }

  fail(sentence: string): RowError {
    return expressionError(sentence);
  }

  /** A value of the wrong type: `amount is text in a CSV: number(amount)`. */
  wrongType(
    scope: Scope,
    index: number,
    value: unknown,
    wanted: 'numbers' | 'text' | 'true or false' | 'a list' | 'an object',
  ) {
    const operand = this.operand(index);
    const csv = scope.isCsv && kindOf(value) === 'text' ? ' in a CSV' : '';
    const fix = FIXES[wanted]?.(operand, kindOf(value));
    const says = `${operand} is ${kindInWords(value)}${csv}`;
    return this.fail(fix === undefined ? `${says}, and ${this.name} needs ${wanted}` : `${says}: ${fix}`);
  }
}

type Fix = (operand: string, kind: string) => string | undefined;

const FIXES: Readonly<Record<string, Fix>> = {
  numbers: (operand, kind) => (kind === 'text' ? `number(${operand})` : undefined),
  text: (operand, kind) =>
    kind === 'list' || kind === 'object' ? `json(${operand})` : kind === 'null' ? undefined : `text(${operand})`,
  'true or false': (operand, kind) => (kind === 'text' || kind === 'number' ? `bool(${operand})` : undefined),
};
