/** The way of records from source to items, for people: a block a record, a line a step. */
import type { ExplainedRow, ExplainedStep } from '../explained-row.js';
import { jsonLines, printable } from './escape.js';
import { count } from './format.js';

const ROW_CHARACTERS = 600;
const VALUE_CHARACTERS = 160;

export function explainText(rows: readonly ExplainedRow[], mapping: string): string {
  return rows.map((row) => `${record(row, mapping).join('\n')}\n`).join('\n');
}

function record(row: ExplainedRow, mapping: string): readonly string[] {
  const [from, to] = row.bytes;
  return [
    `# ${printable(row.source, 300)}:${row.line}, record ${count(row.record)}, bytes ${count(from)} to ${count(to)}: ${row.fate}`,
    ...(row.value === undefined ? [] : [`row  ${cut(JSON.stringify(row.value), ROW_CHARACTERS)}`]),
    ...(row.steps.length === 0 ? [] : ['', `by ${printable(mapping, 200)}`, ...steps(row.steps)]),
    ...row.rejections.map(
      ({ code, message, field }) =>
        `\nrejected  ${printable(message, 1000)} [${code}${field === undefined ? '' : `, ${printable(field, 100)}`}]`,
    ),
    ...row.items.flatMap((item, index) => [`\n${heading(item, index)}`, jsonLines(item.wire).trimEnd()]),
  ];
}

function steps(all: readonly ExplainedStep[]): readonly string[] {
  const width = Math.min(24, Math.max(...all.map(({ name }) => name.length)));
  return all.map(({ name, written, line, value, error }) => {
    const given = error === undefined ? shown(value) : `ERROR: ${printable(error, 400)}`;
    return `  ${printable(name, 60).padEnd(width)}  line ${String(line).padStart(3)}  ${cut(written, VALUE_CHARACTERS)}  ->  ${given}`;
  });
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  return Array.isArray(value) ? `a list of ${count(value.length)}` : cut(JSON.stringify(value), VALUE_CHARACTERS);
}

function heading({ owner, part, key, slot }: ExplainedRow['items'][number], index: number): string {
  const facts = [
    ...(part === undefined ? [] : [`part ${part.index + 1} of ${part.of}`]),
    ...(owner === undefined ? [] : [`thread of user ${printable(owner, 200)}`]),
    key === undefined ? 'known again by its content' : `key ${printable(key, 200)}`,
    `slot ${slot}`,
  ];
  return `item ${index + 1}: ${facts.join(', ')}`;
}

function cut(text: string, most: number): string {
  const safe = printable(text, most + 1);
  return safe.length > most ? `${safe.slice(0, most)}…` : safe;
}
