/**
 * Finds the rows inside a JSON document: walks from the top along the path, checking everything it passes with the grammar and keeping
 * none of it. Where a name occurs twice, the first counts.
 */
import { usageError } from '../errors.js';
import type { JsonCursor } from './json-cursor.js';
import { JsonGrammar } from './json-grammar.js';

const NAMES_TOLD = 12;

/** Why the walk ended before the place was found: the document is damaged there. */
export interface PathFault {
  readonly reason: string;
}

/** `data.items`, `/data/items` (JSON Pointer), also with a leading `$.` or a trailing `[*]`. An empty path is the document itself. */
export function parsePath(path: string | undefined): readonly string[] {
  if (path === undefined || path === '' || path === '$' || path === '.') return [];
  if (path.startsWith('/')) {
    return path
      .slice(1)
      .split('/')
      .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
  }
  const plain = path.replace(/^\$\.?/, '').replace(/(?:\[\*?\])+$/, '');
  const segments = plain
    .replace(/\[(\d+)\]/g, '.$1')
    .split('.')
    .filter((segment, index) => segment !== '' || index > 0);
  if (segments.includes('')) throw usageError('bad-path', `source path ${JSON.stringify(path)} has an empty part`);
  return segments;
}

export class PathWalk {
  readonly grammar = new JsonGrammar();
  readonly #cursor: JsonCursor;
  readonly #sourceId: string;

  constructor(cursor: JsonCursor, sourceId: string) {
    this.#cursor = cursor;
    this.#sourceId = sourceId;
  }

  /** Leaves the cursor at the first byte of the value at the end of the path. A path that leads nowhere is a usage error. */
  async to(path: readonly string[]): Promise<PathFault | undefined> {
    for (const [index, segment] of path.entries()) {
      const here = path.slice(0, index);
      const byte = await this.#cursor.peek();
      let fault: PathFault | undefined;
      if (byte === 0x7b) fault = await this.#toMember(segment, here);
      else if (byte === 0x5b && /^\d+$/.test(segment)) fault = await this.#toElement(Number(segment), here);
      else if (byte === undefined) fault = { reason: this.grammar.missing() };
      else this.#notFound(segment, here, byte === 0x5b ? 'that is an array' : 'that is no object');
      if (fault !== undefined) return fault;
    }
    return (await this.#cursor.peek()) === undefined ? { reason: this.grammar.missing() } : undefined;
  }

  async #toMember(wanted: string, here: readonly string[]): Promise<PathFault | undefined> {
    const names: string[] = [];
    let fault = this.#step();
    while (fault === undefined) {
      const byte = await this.#cursor.peek();
      if (byte === 0x7d && names.length === 0) break;
      const name = await this.#name();
      if (typeof name !== 'string') return name;
      if (name === wanted) return undefined;
      if (names.length <= NAMES_TOLD) names.push(name);
      const passed = await this.#passValue();
      if (passed === 'last') break;
      fault = passed;
    }
    return fault ?? this.#notFound(wanted, here, namesThere(names));
  }

  async #toElement(wanted: number, here: readonly string[]): Promise<PathFault | undefined> {
    let fault = this.#step();
    for (let index = 0; fault === undefined; index++) {
      if ((await this.#cursor.peek()) === 0x5d && index === 0) break;
      if (index === wanted) return undefined;
      const passed = await this.#passValue();
      if (passed === 'last') break;
      fault = passed;
    }
    return fault ?? this.#notFound(String(wanted), here, 'the array there is shorter');
  }

  /** Reads a name and the colon behind it. */
  async #name(): Promise<string | PathFault> {
    const cursor = this.#cursor;
    const parts: number[] = [];
    do {
      if (!(await this.#ready())) return { reason: this.grammar.missing() };
      parts.push(cursor.byte ?? 0);
      const fault = this.#step();
      if (fault !== undefined) return fault;
    } while (this.grammar.inText);
    await cursor.peek();
    const fault = this.#step();
    return fault ?? (JSON.parse(Buffer.from(parts).toString('utf8')) as string);
  }

  /** Passes a value and the ',' behind it; `last` when the container ended instead. */
  async #passValue(): Promise<PathFault | 'last' | undefined> {
    const { grammar } = this;
    const cursor = this.#cursor;
    const { depth } = grammar;
    while (cursor.byte !== undefined || (await this.#ready())) {
      const separator = cursor.byte === 0x2c && !grammar.inText;
      const fault = this.#step();
      if (fault !== undefined) return fault;
      if (grammar.depth < depth) return 'last';
      if (separator && grammar.depth === depth) return undefined;
    }
    return { reason: grammar.missing() };
  }

  /** Makes sure that a byte is in the window; false at the end of the input. */
  async #ready(): Promise<boolean> {
    const cursor = this.#cursor;
    while (cursor.byte === undefined) if (!(await cursor.refill(cursor.at))) return false;
    return true;
  }

  /** Consumes the next byte of the window. */
  #step(): PathFault | undefined {
    const cursor = this.#cursor;
    const byte = cursor.byte;
    if (byte === undefined) return { reason: this.grammar.missing() };
    if (!this.grammar.step(byte)) return { reason: this.grammar.fault };
    cursor.pass(cursor.at + 1, byte === 0x0a ? 1 : 0);
    return undefined;
  }

  #notFound(segment: string, here: readonly string[], why: string): never {
    const place = here.length === 0 ? 'at the top' : `in ${here.join('.')}`;
    throw usageError(
      'path-not-found',
      `${this.#sourceId}: there is no ${JSON.stringify(segment)} ${place} of the document: ${why}`,
      'Set source.path to where the array of rows lies, or leave it out when the document is the array.',
    );
  }
}

function namesThere(names: readonly string[]): string {
  if (names.length === 0) return 'the object there is empty';
  const told = names.slice(0, NAMES_TOLD).map((name) => JSON.stringify(name.slice(0, 60)));
  return `the names there are ${told.join(', ')}${names.length > NAMES_TOLD ? ', …' : ''}`;
}
