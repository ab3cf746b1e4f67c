/**
 * Cuts a JSON value into values the service takes, at members of objects and elements of lists. Each part repeats the names on the way
 * to its members, so that every leaf keeps its path (places in lists count anew) and all leaves together are those of the whole.
 */
import { countCharacters } from './characters.js';

/** JSON texts of at most `limit` code points; undefined when a single leaf is longer than that. */
export function splitJson(value: unknown, limit: number): readonly string[] | undefined {
  const json = JSON.stringify(value);
  if (json.length <= limit || countCharacters(json) <= limit) return [json];
  if (typeof value !== 'object' || value === null) return undefined;
  return Array.isArray(value) ? splitList(value as readonly unknown[], limit) : splitObject(value, limit);
}

function splitList(list: readonly unknown[], limit: number): readonly string[] | undefined {
  const packer = new Packer('[', ']', limit);
  for (const element of list) if (!packer.addValue('', element)) return undefined;
  return packer.finish();
}

function splitObject(object: object, limit: number): readonly string[] | undefined {
  const packer = new Packer('{', '}', limit);
  for (const [key, value] of Object.entries(object)) {
    if (!packer.addValue(`${JSON.stringify(key)}:`, value)) return undefined;
  }
  return packer.finish();
}

/** Packs members into as few texts as their order allows. */
class Packer {
  readonly #parts: string[] = [];
  readonly #open: string;
  readonly #close: string;
  readonly #room: number;
  #body = '';
  #size = 0;

  constructor(open: string, close: string, limit: number) {
    this.#open = open;
    this.#close = close;
    this.#room = limit - 2;
  }

  /** False when the value does not fit even alone and cannot be split. */
  addValue(prefix: string, value: unknown): boolean {
    const pieces = splitJson(value, this.#room - countCharacters(prefix));
    if (pieces === undefined) return false;
    // Pieces of one member share its name, so that each needs a text of its own.
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) this.#flush();
      this.#add(prefix + piece);
    }
    return true;
  }

  finish(): readonly string[] {
    this.#flush();
    return this.#parts;
  }

  #add(member: string): void {
    const size = countCharacters(member);
    if (this.#size > 0 && this.#size + 1 + size > this.#room) this.#flush();
    this.#body += this.#size === 0 ? member : `,${member}`;
    this.#size += this.#size === 0 ? size : size + 1;
  }

  #flush(): void {
    if (this.#size === 0) return;
    this.#parts.push(this.#open + this.#body + this.#close);
    this.#body = '';
    this.#size = 0;
  }
}
