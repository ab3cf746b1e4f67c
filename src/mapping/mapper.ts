/**
 * The hot path: one record in, its items and rejections out. Synchronous and total: whatever the data, the answer is items, rejections
 * and a fate. An exception that leaves here is a bug of the program, not of a row.
 */
import type { CheckNotice } from '../check-report.js';
import type { MapOutput, RecordFate, SourceRecord } from '../model.js';
import type { Emission } from './items/emission.js';
import type { MakeItem } from './items/templates.js';
import { isBlank } from './items/characters.js';
import { missingField, readText, type Field } from './fields.js';
import type { Clashes } from './clashes.js';
import type { Redactor } from './redaction/redactor.js';
import { RowError, rowError } from './row-error.js';
import type { Rows } from './rows.js';
import { MAX_STEPS, Scope } from './scope.js';

/** Turns records into items. Never throws on data, never waits; results depend on the record alone. */
export interface Mapper {
  /** Appends to `out`, items in the order of the record. */
  map(record: SourceRecord, out: MapOutput): RecordFate;
  /** What is worth telling of the records seen so far: names that clash, texts that were cut off. */
  notices(): readonly CheckNotice[];
}

export interface MapperParts {
  readonly rows: Rows;
  readonly key: Field | undefined;
  readonly items: readonly MakeItem[];
  readonly emission: Emission;
  readonly redactor: Redactor | undefined;
  readonly clashes: Clashes;
}

export class TemplateMapper implements Mapper {
  readonly #parts: MapperParts;
  readonly #emission: Emission;
  readonly #scope = new Scope();
  readonly #visit: () => void;
  readonly #reject: (error: RowError) => void;

  constructor(parts: MapperParts) {
    this.#parts = parts;
    this.#emission = parts.emission;
    this.#visit = () => this.#mapRow();
    this.#reject = (error) => this.#rejectItem(error);
  }

  map(record: SourceRecord, out: MapOutput): RecordFate {
    const scope = this.#scope;
    const before = { items: out.items.length, rejections: out.rejections.length };
    scope.rows[0] = record.value;
    scope.position = record.position;
    scope.steps = MAX_STEPS;
    this.#emission.begin(record.position, out);
    try {
      this.#parts.rows.forEach(scope, this.#visit, this.#reject);
    } catch (error) {
      this.#emission.reject(rejectionOf(error), false);
    }
    if (out.items.length > before.items) return 'mapped';
    return out.rejections.length > before.rejections ? 'rejected' : 'skipped';
  }

  notices(): readonly CheckNotice[] {
    const { clashes, redactor } = this.#parts;
    return [...clashes.list(), ...this.#emission.notices(), ...(redactor?.notices() ?? [])];
  }

  #mapRow(): void {
    const { key, items } = this.#parts;
    const emission = this.#emission;
    const scope = this.#scope;
    if (key !== undefined) {
      try {
        emission.key = this.#readKey(key);
      } catch (error) {
        this.#rejectItem(rejectionOf(error));
        return;
      }
    }
    for (let template = 0; template < items.length; template++) {
      emission.template = template;
      try {
        if (items[template]?.(scope, emission) === true) emission.index += 1;
      } catch (error) {
        this.#rejectItem(rejectionOf(error));
      }
    }
  }

  #readKey(key: Field): string | undefined {
    const text = readText(key, this.#scope);
    if (text !== null && !isBlank(text)) return text;
    if (key.required === false) return undefined;
    throw missingField(key, this.#scope, this.#parts.rows.depth);
  }

  #rejectItem(error: RowError): void {
    this.#emission.reject(error, true);
    this.#emission.index += 1;
  }
}

/** What a row did to the program that is the row's own doing; anything else is thrown on. */
export function rejectionOf(error: unknown): RowError {
  if (error instanceof RowError) return error;
  // Nesting beyond the stack, or a text beyond what a string can hold.
  if (error instanceof RangeError) {
    return rowError('map', 'too-deep', 'the row is nested too deeply, or too large, to be mapped');
  }
  throw error;
}
