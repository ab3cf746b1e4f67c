/**
 * The everyday form of a config file: keys, plain or quoted values, maps by indentation. It is read at the start of every command, and loading a
 * YAML library for it would cost more than everything else a short command does. Whatever is beyond this form, or wrong, is left to that library
 * (undefined): what is read here is read exactly as YAML reads it.
 */
import type { ConfigNode, MapEntry, MapNode } from './nodes.js';

interface Line {
  readonly number: number;
  readonly indent: number;
  readonly key: string;
  /** Column of the value, from 1; undefined where nothing stands behind the colon. */
  readonly at: number | undefined;
  readonly text: string;
  readonly isQuoted: boolean;
}

/** `key: value # comment`. A plain value begins with a letter, a digit or a sign of a path or number, and holds nothing that YAML reads. */
const LINE =
  /^( *)([A-Za-z][A-Za-z0-9_-]*):(?:( +)(?:'([^'\n]*)'|"([^"\\\n]*)"|([A-Za-z0-9~/._][A-Za-z0-9~/._@%+=,:-]*(?: [A-Za-z0-9~/._@%+=,-]+)*)))?(?: +#.*)?$/;
const NOTHING = /^ *(?:#.*)?$/;

/** The map of a file; undefined when it takes more than this to read it. */
export function readPlain(text: string): MapNode | undefined {
  if (/[^\n -~]/.test(text)) return undefined;
  const lines: Line[] = [];
  for (const [at, raw] of text.split('\n').entries()) {
    if (NOTHING.test(raw)) continue;
    const line = lineOf(raw.replace(/ +$/, ''), at + 1);
    if (line === undefined) return undefined;
    lines.push(line);
  }
  if (lines.length === 0) return undefined;
  const reader = new PlainReader(lines);
  const map = reader.map(lines[0]?.indent ?? 0);
  return reader.isDone ? map : undefined;
}

function lineOf(raw: string, number: number): Line | undefined {
  const match = LINE.exec(raw);
  if (match === null) return undefined;
  const [, indent = '', key = '', gap = '', single, double, plain] = match;
  // `a: b: c` is a mistake, and a colon at the end makes a map.
  if (plain !== undefined && (/:(?: |$)/.test(plain) || plain.startsWith('---'))) return undefined;
  const text = single ?? double ?? plain;
  const column = indent.length + key.length + 1 + gap.length + 1;
  return {
    number,
    indent: indent.length,
    key,
    at: text === undefined ? undefined : column,
    text: text ?? '',
    isQuoted: plain === undefined && text !== undefined,
  };
}

class PlainReader {
  readonly #lines: readonly Line[];
  #at = 0;
  #isWrong = false;

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  get isDone(): boolean {
    return !this.#isWrong && this.#at === this.#lines.length;
  }

  map(indent: number): MapNode {
    const entries: MapEntry[] = [];
    const first = this.#lines[this.#at];
    for (;;) {
      const line = this.#lines[this.#at];
      if (line === undefined || line.indent < indent) break;
      this.#at += 1;
      if (line.indent > indent || entries.some(({ key }) => key === line.key)) this.#isWrong = true;
      entries.push({ key: line.key, line: line.number, column: indent + 1, value: this.#value(line) });
    }
    return { kind: 'map', line: first?.number ?? 1, column: indent + 1, entries };
  }

  #value(line: Line): ConfigNode {
    const next = this.#lines[this.#at];
    if (line.at === undefined && next !== undefined && next.indent > line.indent) return this.map(next.indent);
    const column = line.at ?? line.indent + 1;
    return { kind: 'scalar', text: line.text, isQuoted: line.isQuoted, line: line.number, column };
  }
}
