/**
 * Imports of small files by the real program into a server of one test: what is typed again and again, and what the server holds afterwards, held
 * against the rows. Everything lies in one folder, with the state in `state`.
 */
import { appendFileSync } from 'node:fs';
import { afterEach, expect } from 'vitest';
import { attempt, wasKilled, type Attempt, type AttemptOptions } from './attempts.js';
import { workplace, type Workplace } from './cli.js';
import { service, type Service, type ServiceOptions } from './service.js';
import { compareGraph, type Strictness, type Violation } from './truth.js';

export interface TestRow {
  readonly id: string;
  readonly graph: string;
  readonly text: string;
  readonly at?: string | undefined;
}

export interface Imports {
  readonly at: Workplace;
  readonly remote: Service;
  /** `run` with the flags that all tests share. */
  run(words: readonly string[], options?: AttemptOptions, state?: string): Promise<Attempt>;
  /** Another command about the same state and server. */
  command(words: readonly string[], options?: AttemptOptions, state?: string): Promise<Attempt>;
  /** Items that the server took into batches so far, whatever became of those. */
  added(): number;
  /** Compares what the server holds with rows in their order. */
  compare(rows: readonly TestRow[], strictness?: Partial<Strictness>): Promise<readonly Violation[]>;
  close(): Promise<void>;
}

const GRAPHS = 4;
export const KEYED = '{{ id }}';

/** `n` rows over four graphs, `from` on, a second apart. */
export function testRows(n: number, from = 0, word = 'row'): TestRow[] {
  return Array.from({ length: n }, (_, i) => ({
    id: String(from + i),
    graph: `g${(from + i) % GRAPHS}`,
    text: `${word} ${from + i}`,
    at: new Date(1_714_600_000_000 + (from + i) * 1_000).toISOString(),
  }));
}

export function jsonLines(rows: readonly TestRow[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

export function csvLines(rows: readonly TestRow[]): string {
  return rows.map(({ id, graph, text, at }) => `${id},${graph},${text},${at ?? ''}\n`).join('');
}

export const CSV_HEADER = 'id,graph,text,at\n';

/** The mapping of such rows. `data` is what becomes of the text. */
export function mapping({ key, data = '{{ text }}' }: { readonly key?: string; readonly data?: string } = {}): string {
  return `version: 1
${key === undefined ? '' : `key: '${key}'\n`}item:
  type: graph_episode
  graph_id: '{{ graph }}'
  data: '${data}'
  created_at: { from: at, required: false }
`;
}

/** Writes the mapping as `map.yaml`. Everything is closed by `close`. */
export async function imports(options: ServiceOptions = {}): Promise<Imports> {
  const at = workplace();
  const remote = await service(options);
  at.write('map.yaml', mapping());
  const command: Imports['command'] = (words, how = {}, state = 'state') =>
    attempt(at, [...words, ...remote.flags, '--state-dir', state, '-o', 'json'], how);
  return {
    at,
    remote,
    command,
    run: (words, how, state) =>
      command(
        [
          ...['run', ...words, '--create-missing', 'users,graphs,threads', '--settle-window', '300ms'],
          ...['--progress', 'json'],
        ],
        how,
        state,
      ),
    added: () => remote.stats().items.added,
    async compare(rows, strictness = {}) {
      await remote.settled();
      const violations: Violation[] = [];
      for (const graph of new Set(rows.map((row) => row.graph))) {
        const expected = rows.filter((row) => row.graph === graph).map(({ text }) => text);
        const found = await remote.contents(`g:${graph}`);
        violations.push(...compareGraph(graph, expected, found, { complete: true, ordered: true, ...strictness }));
      }
      return violations;
    },
    async close() {
      await at.close();
      await remote.close();
    },
  };
}

/** Lanes of one, batches of 32, chunks of 8: the steps of an import come in a known order. */
export const SMALL = ['--concurrency', '1', '--chunk-size', '8', '--batch-size', '32'] as const;

export const MAP = ['-m', 'map.yaml'] as const;
/** The words of a small import of `rows.jsonl`. */
export const FILE = ['rows.jsonl', ...MAP, ...SMALL] as const;

/** Makes imports that are closed after each test of the file, and closes whatever else is given to it. */
export function closedAfterEach(): {
  readonly setUp: (options?: ServiceOptions) => Promise<Imports>;
  readonly alsoClose: (what: { close(): Promise<void> | void }) => void;
} {
  const opened: { close(): Promise<void> | void }[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close();
  });
  return {
    async setUp(options) {
      const made = await imports(options);
      opened.push(made);
      return made;
    },
    alsoClose: (what) => opened.push(what),
  };
}

export function expectCode(tried: Attempt, code: number): void {
  expect(tried.code, said(tried)).toBe(code);
  if (tried.report?.exit_code !== undefined) expect(tried.report.exit_code).toBe(code);
}

export async function expectKilled(running: Promise<Attempt>): Promise<void> {
  const tried = await running;
  expect(wasKilled(tried), said(tried)).toBe(true);
}

/** Resolves when the server was asked so often. */
export async function asked(here: Imports, operation: string, times: number): Promise<void> {
  while ((here.remote.stats().asked[operation] ?? 0) < times) await new Promise((resolve) => setTimeout(resolve, 5));
}

export function append(at: Workplace, name: string, text: string): void {
  appendFileSync(at.path(name), text);
}

/** Everything that a try said, in whatever form. */
export function said({ stdout, stderr }: Attempt): string {
  return `${stdout}\n${stderr}`;
}

/** The code of what stopped it. */
export function errorCode({ report }: Attempt): string | undefined {
  return report?.error?.code ?? report?.code;
}
