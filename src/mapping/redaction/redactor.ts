/**
 * Takes personal data out of the texts of items before anything is made of them: before they are split, identified, sent or written down.
 * Ids are left alone, since another id is another user or thread.
 */
import type { CheckNotice } from '../../check-report.js';
import { compilePattern } from '../expression/regex.js';
import type { DocumentPath } from '../document/read-document.js';
import type { Problems } from '../document/problems.js';
import type { RedactRule } from '../schema.js';
import { FINDERS, REDACTED_KINDS, type Find, type Span } from './kinds.js';

interface Rule {
  readonly name: string;
  readonly mark: string;
  readonly find: Find;
}

export class Redactor {
  readonly #rules: readonly Rule[];
  readonly #counts = new Map<string, number>();
  /** Whether what is found is counted: rows that are only written down are not. */
  #counting = true;

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  text(text: string): string {
    let redacted = text;
    for (const { name, mark, find } of this.#rules) redacted = this.#replace(redacted, name, mark, find(redacted));
    return redacted;
  }

  #replace(text: string, name: string, mark: string, spans: Iterable<Span>): string {
    let result = '';
    let done = 0;
    let count = 0;
    for (const [from, to] of spans) {
      if (from < done || to <= from) continue;
      result += text.slice(done, from) + mark;
      done = to;
      count += 1;
    }
    if (count === 0) return text;
    if (this.#counting) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
    return result + text.slice(done);
  }

  /** The same value without personal data: texts inside of lists and objects, and numbers that are text for the rules (of a card). */
  value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return this.#number(value);
    if (Array.isArray(value)) return this.#list(value);
    if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
    let changed = false;
    const entries = Object.entries(value).map(([key, each]) => {
      const redacted = this.value(each);
      changed ||= redacted !== each;
      return [key, redacted] as const;
    });
    return changed ? Object.fromEntries(entries) : value;
  }

  #number(value: number): unknown {
    const text = String(value);
    const redacted = this.text(text);
    return redacted === text ? value : redacted;
  }

  #list(list: readonly unknown[]): readonly unknown[] {
    const redacted = list.map((each) => this.value(each));
    return redacted.some((each, index) => each !== list[index]) ? redacted : list;
  }

  /**
   * A row as it is written down to be mended: JSON stays JSON as far as it was, and all else is text. Nothing of it is counted.
   */
  row(raw: string, isJson: boolean): string {
    this.#counting = false;
    try {
      return isJson && isJsonText(raw) ? raw.replace(JSON_TOKEN, (token) => this.#token(token)) : this.text(raw);
    } finally {
      this.#counting = true;
    }
  }

  #token(token: string): string {
    if (!token.startsWith('"')) {
      const redacted = this.text(token);
      return redacted === token ? token : JSON.stringify(redacted);
    }
    const [, literal = '', colon = ''] = /^("(?:[^"\\]|\\.)*")(\s*:)?$/s.exec(token) ?? [];
    if (colon !== '') return token;
    const text = JSON.parse(literal) as string;
    const redacted = this.text(text);
    return redacted === text ? token : JSON.stringify(redacted);
  }

  /** Whether a text holds what a redacted row holds in the place of personal data. */
  isMarked(text: string): boolean {
    return this.#rules.some(({ mark }) => mark !== '' && text.includes(mark));
  }

  notices(): readonly CheckNotice[] {
    if (this.#counts.size === 0) return [];
    const found = [...this.#counts].map(([name, count]) => `${count} ${name}`).join(', ');
    return [{ level: 'info', code: 'redacted', message: `redacted in what is sent: ${found}` }];
  }
}

/** Texts (with the colon behind them when they are names) and numbers. */
const JSON_TOKEN = /"(?:[^"\\]|\\.)*"(?:\s*:)?|-?\d[\d.eE+-]*/gs;

function isJsonText(raw: string): boolean {
  try {
    JSON.parse(raw);
    return true;
  } catch {
    return false;
  }
}

/** Undefined when nothing is to be redacted; mistakes of patterns go to `problems`. */
export function compileRedaction(rules: readonly RedactRule[] | undefined, problems: Problems): Redactor | undefined {
  if (rules === undefined || rules.length === 0) return undefined;
  const own: Rule[] = [];
  for (const [index, rule] of rules.entries()) {
    if (typeof rule !== 'string') own.push(...patternRule(rule, ['redact', index], problems));
  }
  const kinds = REDACTION_ORDER.filter((kind) => rules.includes(kind));
  return new Redactor([...own, ...kinds.map((kind) => ({ name: kind, mark: `[${kind}]`, find: FINDERS[kind] }))]);
}

/** Those with check digits first. */
const REDACTION_ORDER = [...REDACTED_KINDS].sort(
  (a, b) => Object.keys(FINDERS).indexOf(a) - Object.keys(FINDERS).indexOf(b),
);

function patternRule(rule: Exclude<RedactRule, string>, path: DocumentPath, problems: Problems): readonly Rule[] {
  const { pattern, name = 'redacted', replace = `[${name}]` } = rule;
  const regex = compilePattern(pattern);
  if (typeof regex === 'string') {
    problems.add([...path, 'pattern'], regex, 'the syntax is that of RE2: https://github.com/google/re2/wiki/Syntax');
    return [];
  }
  if (regex.matcher('').find()) {
    problems.add([...path, 'pattern'], 'the pattern matches an empty text', 'write + for *');
    return [];
  }
  const find: Find = function* (text) {
    const matcher = regex.matcher(text);
    while (matcher.find()) yield [matcher.start(), matcher.end()];
  };
  return [{ name, mark: replace, find }];
}
