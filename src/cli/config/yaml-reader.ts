/** A config file in any notation that YAML 1.2 has (JSON is a part of it), without its traps: tags, aliases, keys that are no text. */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import type { ConfigNode, MapEntry, MapNode, Place } from './nodes.js';

export interface Mistake extends Place {
  readonly message: string;
}

const MAX_DEPTH = 8;

/** The map of a file (an empty one for a file without content), or what is wrong with its notation. */
export function readYaml(text: string): { readonly map: MapNode } | { readonly mistakes: readonly Mistake[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { version: '1.2', lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const mistakes: Mistake[] = [...document.errors, ...document.warnings].map((error) => ({
    ...placeOf(lines, error.pos[0]),
    message:
      error.code === 'DUPLICATE_KEY' ? 'this key stands here twice' : error.message.replace(/ at line \d+.*$/s, ''),
  }));
  if (mistakes.length > 0) return { mistakes: firstOfLines(mistakes) };
  const read = new NodeReader(lines).read(document);
  return 'message' in read ? { mistakes: [read] } : { map: read };
}

/** One mistake a line: YAML says several things about one stray quote. */
function firstOfLines(mistakes: readonly Mistake[]): readonly Mistake[] {
  const seen = new Set<number>();
  return mistakes.filter(({ line }) => !seen.has(line) && seen.add(line));
}

function placeOf(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

class Unreadable extends Error {
  readonly mistake: Mistake;

  constructor(mistake: Mistake) {
    super(mistake.message);
    this.mistake = mistake;
  }
}

class NodeReader {
  readonly #lines: LineCounter;

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  read({ contents }: Document.Parsed): MapNode | Mistake {
    if (contents === null || (isScalar(contents) && contents.value === null)) {
      return { kind: 'map', line: 1, column: 1, entries: [] };
    }
    try {
      const node = this.#node(contents, { line: 1, column: 1 }, 0);
      return node.kind === 'map' ? node : { ...this.#place(contents), message: 'a config file is a map: KEY: VALUE' };
    } catch (error) {
      if (error instanceof Unreadable) return error.mistake;
      throw error;
    }
  }

  #place(node: unknown, otherwise: Place = { line: 1, column: 1 }): Place {
    const range = (node as { readonly range?: readonly [number, number, number] | null } | null)?.range;
    return range === null || range === undefined ? otherwise : placeOf(this.#lines, range[0]);
  }

  #node(node: unknown, around: Place, depth: number): ConfigNode {
    const place = this.#place(node, around);
    if (depth > MAX_DEPTH) throw new Unreadable({ ...place, message: 'nested too deeply' });
    if ((node as { readonly tag?: string } | null)?.tag !== undefined)
      throw new Unreadable({ ...place, message: 'a leading ! makes this a YAML tag: put the value in quotes' });
    if (node === null) return { kind: 'scalar', text: '', isQuoted: false, ...place };
    if (isScalar(node)) {
      const isPlain = node.type === 'PLAIN' || node.type === undefined;
      // An empty value has no text of its own; its place is that of its key.
      const text = isPlain ? (node.source ?? '') : String(node.value);
      return { kind: 'scalar', text, isQuoted: !isPlain, ...(text === '' && isPlain ? around : place) };
    }
    if (isSeq(node))
      return { kind: 'list', items: node.items.map((each) => this.#node(each, place, depth + 1)), ...place };
    if (!isMap(node))
      throw new Unreadable({ ...place, message: 'a config file has no aliases: write the value itself' });
    const entries = node.items.map((pair): MapEntry => {
      const at = this.#place(pair.key, place);
      if (!isScalar(pair.key)) throw new Unreadable({ ...at, message: 'a key must be text' });
      const key = typeof pair.key.value === 'string' ? pair.key.value : (pair.key.source ?? String(pair.key.value));
      return { key, value: this.#node(pair.value, at, depth + 1), ...at };
    });
    return { kind: 'map', entries, ...place };
  }
}
