/**
 * Random rows for an import and what must come of them: which graph gets which contents in which order, which rows are rejected. Rows know
 * nothing of files: a round puts them into one, several, or a pipe.
 */
import type { Dice } from './dice.js';
import type { Expected } from './truth.js';

export type RowFormat = 'jsonl' | 'csv';

export interface RoundRow {
  /** As it stands in the file, without the newline. */
  readonly line: string;
  /** What it becomes, when all goes well. */
  readonly items: readonly { readonly key: string; readonly text: string }[];
  /** rejected: by the mapping; refused: by the service when it is added; failing: accepted, and then not processed. */
  readonly fate: 'taken' | 'rejected' | 'refused' | 'failing';
  /** Its time, as far as it has one. */
  readonly at: string;
}

export const REFUSED = '#refused';
export const FAILING = '#failing';

/** The server's part in what rows are. */
export const ROW_FAULTS: readonly string[] = [
  `add:*=refuse-item,pattern=${REFUSED}`,
  `process:*=fail-item,pattern=${FAILING},message=no`,
];

export const COLUMNS = 'id,kind,to,owner,text,at';

/** The mapping of the rows. `keyed`: an item's identity is its row's id; `dated`: items carry the time of their row. */
export function mappingText({
  keyed,
  dated,
  sorted,
}: {
  readonly keyed: boolean;
  readonly dated: boolean;
  readonly sorted: boolean;
}): string {
  const at = !dated ? '# undated' : sorted ? 'created_at: { from: at, required: false }' : "created_at: '{{ at }}'";
  return `version: 1
${keyed ? "key: '{{ id }}'" : '# no key'}
items:
  - { when: 'kind == "episode"', type: graph_episode, graph_id: '{{ to }}', data: '{{ text }}', ${at} }
  - { when: 'kind == "user"', type: graph_episode, user_id: '{{ to }}', data: '{{ text }}', ${at} }
  - { when: 'kind == "message"', type: thread_message, thread_id: '{{ to }}', user_id: '{{ owner }}', role: user, content: '{{ text }}', ${at} }
  - { when: 'kind == "pair"', type: graph_episode, graph_id: '{{ to }}', data: '{{ text }} (1)', ${at} }
  - { when: 'kind == "pair"', type: graph_episode, user_id: '{{ owner }}', data: '{{ text }} (2)', ${at} }
`.replaceAll(', # undated', '');
}

interface Habits {
  readonly graphs: number;
  readonly users: number;
  readonly threads: number;
  readonly messages: number;
  readonly rejects: number;
  readonly refusals: number;
  readonly failures: number;
  readonly strangers: number;
}

/** Makes rows without end; the same dice make the same rows. */
export class RowMaker {
  readonly #dice: Dice;
  readonly #format: RowFormat;
  readonly #habits: Habits;
  readonly #named = new Set<string>();
  readonly #timeOf: (id: number) => string;
  #made = 0;

  /** `isPlain`: rows that nobody rejects, refuses or fails. `timeOf`: when a row was; else each is a second after the one before. */
  constructor(dice: Dice, format: RowFormat, isPlain = false, timeOf = aSecondApart) {
    const often = (p: number, share: number): number => (dice.chance(p) && !isPlain ? share : 0);
    this.#dice = dice;
    this.#format = format;
    this.#timeOf = timeOf;
    this.#habits = {
      graphs: dice.between(1, 8),
      users: dice.between(1, 4),
      threads: dice.between(1, 10),
      messages: dice.of([0, 0.3, 0.7, 1]),
      rejects: often(0.35, 0.02),
      refusals: often(0.3, 0.015),
      failures: often(0.25, 0.02),
      strangers: often(0.15, 0.02),
    };
  }

  /** `place` tells equal contents of different files apart: identical rows of one file are different rows, of two files the same. */
  row(place: string): RoundRow {
    const dice = this.#dice;
    const id = this.#made++;
    if (dice.chance(this.#habits.rejects)) return this.#broken(id);
    const fate = dice.chance(this.#habits.refusals)
      ? 'refused'
      : dice.chance(this.#habits.failures)
        ? 'failing'
        : 'taken';
    const isRepeated = fate === 'taken' && dice.chance(0.04);
    const filler = dice.chance(0.05) ? 'x'.repeat(dice.below(1_500)) : dice.of(['', 'é ', '😀 ', '\u2028', 'a, "b" ']);
    const mark = { taken: '', rejected: '', refused: REFUSED, failing: FAILING }[fate];
    const text = isRepeated ? `ok ${place}` : `row ${id} ${filler}${mark}`;
    const at = isRepeated ? '2024-05-01T00:00:00Z' : this.#timeOf(id);
    return this.#placed({ id, text, at, fate });
  }

  #placed({ id, text, at, fate }: { id: number; text: string; at: string; fate: RoundRow['fate'] }): RoundRow {
    const dice = this.#dice;
    const { graphs, users, threads, messages, strangers } = this.#habits;
    if (dice.chance(messages)) {
      const thread = dice.below(threads);
      const to = `t${thread}`;
      const user = `u${thread % users}`;
      if (this.#named.has(to) && dice.chance(strangers)) {
        // Whatever the order, it is not the first of its thread.
        const late = '2034-05-01T00:00:00Z';
        return {
          line: this.#line({ id, kind: 'message', to, owner: 'stranger', text, at: late }),
          items: [],
          fate: 'rejected',
          at: late,
        };
      }
      // A thread belongs to the owner that the first row gives it that is not refused before that.
      this.#named.add(to);
      return {
        line: this.#line({ id, kind: 'message', to, owner: user, text, at }),
        items: [{ key: `u:${user}`, text }],
        fate,
        at,
      };
    }
    const to = `g${dice.below(graphs)}`;
    const owner = `u${dice.below(users)}`;
    if (fate === 'taken' && dice.chance(0.15)) {
      const items = [
        { key: `g:${to}`, text: `${text} (1)` },
        { key: `u:${owner}`, text: `${text} (2)` },
      ];
      return { line: this.#line({ id, kind: 'pair', to, owner, text, at }), items, fate, at };
    }
    return dice.chance(0.25)
      ? {
          line: this.#line({ id, kind: 'user', to: owner, owner: '', text, at }),
          items: [{ key: `u:${owner}`, text }],
          fate,
          at,
        }
      : {
          line: this.#line({ id, kind: 'episode', to, owner: '', text, at }),
          items: [{ key: `g:${to}`, text }],
          fate,
          at,
        };
  }

  /** A row that the source or the mapping rejects. */
  #broken(id: number): RoundRow {
    const line =
      this.#format === 'jsonl' && this.#dice.chance(0.5)
        ? `{"id": ${id}, "kind": `
        : this.#line({ id, kind: 'episode', to: 'g0', owner: '', text: '', at: '2024-05-01T00:00:00Z' });
    return { line, items: [], fate: 'rejected', at: '' };
  }

  #line(row: { id: number; kind: string; to: string; owner: string; text: string; at: string }): string {
    if (this.#format === 'jsonl') return JSON.stringify(row);
    return Object.values(row)
      .map((value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value)))
      .join(',');
  }
}

function aSecondApart(id: number): string {
  return new Date(1_714_600_000_000 + id * 1_000).toISOString();
}

/** Times that have nothing to do with the order of rows: many are equal, some to the millisecond only; with `gaps` some rows have none. */
export function anyTimes(dice: Dice, gaps: boolean): () => string {
  return () => {
    if (gaps && dice.chance(0.08)) return '';
    const text = new Date(1_714_600_000_000 + dice.below(120) * 1_000 + dice.below(2)).toISOString();
    return dice.chance(0.3) ? text.replace('Z', `${dice.below(10)}${dice.below(10)}Z`) : text;
  };
}

/** An item's time as a text that sorts like it. A row without one is where the row of its graph before it is. */
interface Timed {
  readonly key: string;
  readonly text: string;
  readonly time: string;
  readonly stage: number;
}

/** What each graph must hold in the order of time; `stage`: when its rows came to the source. */
export function inTimeOrder(stages: readonly (readonly RoundRow[])[]): ReadonlyMap<string, readonly Timed[]> {
  const graphs = new Map<string, Timed[]>();
  const latest = new Map<string, string>();
  for (const [stage, rows] of stages.entries()) {
    for (const { items, fate, at } of rows) {
      for (const { key, text } of items) {
        const time = at === '' ? (latest.get(key) ?? '') : at.replace('Z', '').padEnd(29, at.includes('.') ? '0' : '.');
        latest.set(key, time);
        if (fate === 'taken') graphs.set(key, [...(graphs.get(key) ?? []), { key, text, time, stage }]);
      }
    }
  }
  for (const list of graphs.values()) list.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  return graphs;
}

/**
 * Where the contents of a graph are not in the order of time. An item that came to the source later may stand behind one that was there before
 * it, because that may have been sent by then.
 */
export function outOfTime(expected: readonly Timed[], found: readonly string[]): readonly string[] {
  const left = new Map<string, number[]>();
  for (const [rank, { text }] of expected.entries()) left.set(text, [...(left.get(text) ?? []), rank]);
  const ranks = found.flatMap((text) => left.get(text)?.shift() ?? []);
  const violations: string[] = [];
  for (const [place, rank] of ranks.entries()) {
    const before = ranks
      .slice(0, place)
      .find((other) => other > rank && (expected[other]?.stage ?? 0) >= (expected[rank]?.stage ?? 0));
    if (before === undefined) continue;
    violations.push(
      `out of the order of time: ${JSON.stringify(expected[before])} stands before ${JSON.stringify(expected[rank])}`,
    );
  }
  return violations.slice(0, 3);
}

/** What must come of rows, in this order. */
export function expectationOf(rows: readonly RoundRow[]): {
  readonly graphs: Expected;
  readonly items: number;
  /** Lines that rejects files must hold. */
  readonly rejected: readonly string[];
  readonly failing: number;
} {
  const graphs = new Map<string, string[]>();
  let items = 0;
  for (const row of rows) {
    if (row.fate !== 'taken') continue;
    for (const { key, text } of row.items) {
      graphs.set(key, [...(graphs.get(key) ?? []), text]);
      items += 1;
    }
  }
  return {
    graphs,
    items,
    rejected: rows.flatMap(({ fate, line }) => (fate === 'rejected' || fate === 'refused' ? [line] : [])),
    failing: rows.filter(({ fate }) => fate === 'failing').length,
  };
}
