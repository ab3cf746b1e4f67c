/**
 * How much of the data the mapping uses, over the whole input: columns that nobody reads, names that no record has, and fields of items that
 * are mostly missing. Memory: a number a column, for a bounded number of columns.
 */
import { distance } from 'fastest-levenshtein';
import type { CheckNotice, Coverage } from '../check-report.js';
import type { Item, SourceRecord } from '../model.js';

export interface MappedColumns {
  /** First names of the paths that the mapping reads from a record. */
  readonly used: ReadonlySet<string>;
  /** Nothing else of a record is read. */
  readonly isAll: boolean;
}

const MOST_COLUMNS = 2_000;
const MOST_TOLD = 20;
/** Fields that a wire item may be without. */
const OPTIONAL = ['name', 'created_at', 'source_description', 'document_id'] as const;

export class CoverageCounter {
  readonly #mapped: MappedColumns | undefined;
  readonly #columns = new Map<string, number>();
  readonly #fields = new Map<string, number>();
  #records = 0;
  #items = 0;
  #isCut = false;

  /** `mapped`: undefined when there is no mapping, or rows are read from inside of the records. */
  constructor(mapped: MappedColumns | undefined) {
    this.#mapped = mapped;
  }

  countRecord({ value }: SourceRecord): void {
    if (this.#mapped === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return;
    this.#records += 1;
    for (const name in value) {
      const count = this.#columns.get(name);
      if (count !== undefined) this.#columns.set(name, count + 1);
      else if (this.#columns.size < MOST_COLUMNS) this.#columns.set(name, 1);
      else this.#isCut = true;
    }
  }

  countItem({ wire }: Item): void {
    this.#items += 1;
    for (const name of OPTIONAL) if (name in wire) this.#add(name);
    if (wire.metadata !== undefined) for (const name in wire.metadata) this.#add(`metadata.${name}`);
  }

  #add(field: string): void {
    const count = this.#fields.get(field);
    if (count !== undefined || this.#fields.size < MOST_COLUMNS) this.#fields.set(field, (count ?? 0) + 1);
  }

  result(): Coverage {
    const { used = new Set<string>(), isAll = false } = this.#mapped ?? {};
    const unused = isAll
      ? [...this.#columns].filter(([column]) => !used.has(column)).map(([column, records]) => ({ column, records }))
      : [];
    unused.sort((a, b) => b.records - a.records);
    const sparse = [...this.#fields]
      .filter(([, items]) => items < this.#items)
      .map(([field, items]) => ({ field, items, of: this.#items }))
      .sort((a, b) => a.items - b.items);
    return {
      unused: unused.slice(0, MOST_TOLD),
      moreUnused: Math.max(0, unused.length - MOST_TOLD),
      absent: this.#absent(used),
      sparse: sparse.slice(0, MOST_TOLD),
    };
  }

  #absent(used: ReadonlySet<string>): readonly string[] {
    if (this.#records === 0 || this.#isCut) return [];
    return [...used].filter((name) => !this.#columns.has(name) && !CONTEXT.has(name));
  }

  /** A name that no record has is mostly mistyped. */
  notices(): readonly CheckNotice[] {
    return this.result().absent.map((name) => {
      const near = nearest(name, [...this.#columns.keys()]);
      return {
        level: 'warning',
        code: 'absent-column',
        message: `the mapping reads "${name}", which no record has`,
        hint:
          near === undefined ? `columns: ${[...this.#columns.keys()].slice(0, 8).join(', ')}` : `did you mean ${near}?`,
      };
    });
  }
}

function nearest(name: string, names: readonly string[]): string | undefined {
  const [best] = [...names].sort((a, b) => far(name, a) - far(name, b));
  return best !== undefined && far(name, best) <= Math.max(1, name.length / 3) ? best : undefined;
}

function far(a: string, b: string): number {
  return distance(a.toLowerCase(), b.toLowerCase());
}

const CONTEXT: ReadonlySet<string> = new Set(['row', 'source', 'parent', 'index']);
