/**
 * Mistakes in the expressions of a file whose shape is wrong, so that a person sees both at once. A file of the right shape is compiled
 * instead, which finds these and more.
 */
import { compileExpression } from '../expression/compile.js';
import { ExpressionMistake } from '../expression/parse.js';
import { Clashes } from '../clashes.js';
import { compileTemplate } from '../template.js';
import type { Problems } from './problems.js';
import type { DocumentPath } from './read-document.js';

/** Keys whose text is an expression as it stands. */
const BARE = new Set(['where', 'when', 'each', 'expr']);
/** Keys below which nothing is evaluated. */
const PLAIN = new Set(['tests', 'batch', 'source', 'from', 'map', 'default', 'format', 'zone']);

export function addExpressionProblems(value: unknown, path: DocumentPath, problems: Problems): void {
  if (typeof value === 'string') addTextProblem(value, path, problems);
  else if (Array.isArray(value))
    value.forEach((each, index) => addExpressionProblems(each, [...path, index], problems));
  else if (typeof value === 'object' && value !== null) {
    for (const [key, each] of Object.entries(value)) {
      if (!PLAIN.has(key)) addExpressionProblems(each, [...path, key], problems);
    }
  }
}

function addTextProblem(text: string, path: DocumentPath, problems: Problems): void {
  const key = path.findLast((step) => typeof step === 'string') ?? '';
  const isBare = BARE.has(String(key));
  // An empty text is a mistake of shape.
  if (text === '' || (!isBare && !text.includes('{{'))) return;
  const use = { columns: new Set<string>(), clashes: new Clashes() };
  try {
    if (isBare) compileExpression(text, 0, use);
    else compileTemplate(text, 0, use);
  } catch (error) {
    if (!(error instanceof ExpressionMistake)) throw error;
    problems.add(path, error.message, error.fix, { text, offset: error.offset });
  }
}
