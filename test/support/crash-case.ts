/**
 * One import that is killed at a named step, started again until it ends by itself, and held against what must be there. Always the same two: a
 * small one of three graphs, three batches of four chunks, and a large one for what only a large one does.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { attempt, readingCommand, story, wasKilled, type Attempt } from './attempts.js';
import { ROOT, workplace, type Workplace } from './cli.js';
import { service, type Service } from './service.js';
import { compareBooks, compareGraph, compareRejects, type Violation } from './truth.js';

export const OLD_LEDGER = join(ROOT, 'fixtures', 'ledgers', 'version-1.db');

export type CrashSource = 'plain' | 'gz' | 'stdin';

/** How an import is brought to pass a step. */
export interface Way {
  readonly faults?: readonly string[];
  /** Where earlier tries are killed. */
  readonly after?: readonly string[];
  /** It begins with the ledger of an earlier version. */
  readonly oldLedger?: boolean;
  /** It is made with --stage-only and then discarded: the kill meets the discarding. */
  readonly discarded?: boolean;
  /** So many rows that the program does not keep all of them in mind. */
  readonly large?: boolean;
  /** Its rows are out of order, and it sorts them, in so little memory that they are merged more than once. */
  readonly sorted?: boolean;
}

interface Size {
  readonly rows: number;
  readonly graphs: number;
  /** So many rows of one graph in a row: reading back one whose rows lie in every chunk takes the server long. */
  readonly stretch: number;
  readonly flags: readonly string[];
  /** Which row stands at a place of the file; else they stand in their order. */
  readonly places?: (place: number) => number;
}

export interface Crashed {
  /** Whether the process died at the step. */
  readonly reached: boolean;
  readonly violations: readonly Violation[];
  readonly story: string;
}

const SMALL: Size = {
  rows: 96,
  graphs: 3,
  stretch: 1,
  flags: ['--chunk-size', '8', '--batch-size', '32'],
};
/** Fewer than 1,000 rows a graph: the server shows no more of it. */
const LARGE: Size = { rows: 140_000, graphs: 200, stretch: 700, flags: ['--chunk-size', '500'] };
/** The same rows, of which each seventh follows the one before: far apart in the file, close to each other in time. */
const SORTED: Size = {
  ...SMALL,
  flags: [...SMALL.flags, '--sort', 'created_at', '--sort-memory', '4KiB'],
  places: (row) => (row * 55) % SMALL.rows,
};
const BROKEN = ['nonsense', '{"type":"graph_episode","graph_id":"g0","data":"","data_type":"text"}'];
const MOST_TRIES = 6;

export async function crash(source: CrashSource, kill: string, way: Way): Promise<Crashed> {
  const at = workplace();
  const remote = await service({ faults: way.faults ?? [] });
  const told: Attempt[] = [];
  const violations: Violation[] = [];
  try {
    const size = way.large === true ? LARGE : way.sorted === true ? SORTED : SMALL;
    const reached = await new Case(source, size, at, remote, told, violations).play(kill, way);
    return { reached, violations, story: told.map(story).join('\n') };
  } finally {
    await at.close();
    await remote.close();
  }
}

class Case {
  readonly #source: CrashSource;
  readonly #size: Size;
  readonly #at: Workplace;
  readonly #remote: Service;
  readonly #told: Attempt[];
  readonly #violations: Violation[];
  readonly #rejected: readonly string[];

  constructor(
    source: CrashSource,
    size: Size,
    at: Workplace,
    remote: Service,
    told: Attempt[],
    violations: Violation[],
  ) {
    this.#source = source;
    this.#size = size;
    this.#at = at;
    this.#remote = remote;
    this.#told = told;
    this.#violations = violations;
    this.#rejected = source === 'plain' ? [] : BROKEN;
    const text = rowsText(size, this.#rejected);
    at.write('rows.jsonl', text);
    if (source === 'gz') at.write('rows.jsonl.gz', gzipSync(text));
  }

  async play(kill: string, { after = [], oldLedger = false, discarded = false }: Way): Promise<boolean> {
    if (oldLedger) {
      mkdirSync(this.#at.path('state'), { mode: 0o700 });
      copyFileSync(OLD_LEDGER, this.#at.path('state/ledger.db'));
    }
    for (const earlier of after) await this.#import({ kill: earlier });
    let reached: boolean;
    if (discarded) {
      await this.#import({}, ['--stage-only']);
      reached = wasKilled(await this.#command(['discard', '--yes'], kill));
      const done = await this.#untilDone(() => this.#command(['discard', '--yes']));
      if (done?.code !== 0) this.#violations.push(`discard ends with ${done?.code}`);
      const left = await this.#remote.leftovers();
      if (left.length > 0) this.#violations.push(`${left.length} drafts are left after discard`);
    } else {
      reached = wasKilled(await this.#import({ kill }));
    }
    const done = await this.#untilDone(() => this.#import({}));
    if (done === undefined) this.#violations.push('it does not come to its end');
    else await this.#judge(done);
    return reached;
  }

  #import(options: { readonly kill?: string }, flags: readonly string[] = []): Promise<Attempt> {
    const sources = {
      plain: ['rows.jsonl'],
      gz: ['rows.jsonl.gz'],
      stdin: ['-', '--format', 'jsonl'],
    }[this.#source];
    const args = [
      ...['run', ...sources, ...this.#remote.flags, '--state-dir', 'state', '--create-missing', 'graphs'],
      ...['--concurrency', '1', ...this.#size.flags, '--settle-window', '300ms'],
      ...['--progress', 'json', '-o', 'json', ...flags],
    ];
    const stdin = this.#source === 'stdin' ? { stdin: readFileSync(this.#at.path('rows.jsonl')) } : {};
    return this.#keep(attempt(this.#at, args, { ...options, ...stdin }));
  }

  #command(words: readonly string[], kill?: string): Promise<Attempt> {
    const args = [...words, ...this.#remote.flags, '--state-dir', 'state', '-o', 'json'];
    return this.#keep(attempt(this.#at, args, kill === undefined ? {} : { kill }));
  }

  async #keep(running: Promise<Attempt>): Promise<Attempt> {
    const tried = await running;
    this.#told.push(tried);
    return tried;
  }

  /** The first try that ends by itself and for good. */
  async #untilDone(again: () => Promise<Attempt>): Promise<Attempt | undefined> {
    for (let tries = 1; tries <= MOST_TRIES; tries++) {
      const tried = await again();
      if (tried.code === 0 || tried.code === 10) return tried;
      // A process that was killed a moment ago may still hold its lock.
      if (tried.code !== 21) return undefined;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return undefined;
  }

  async #judge({ code, report }: Attempt): Promise<void> {
    await this.#remote.settled();
    const { rows, graphs } = this.#size;
    for (let graph = 0; graph < graphs; graph++) {
      const expected = Array.from({ length: rows }, (_, i) => i).flatMap((i) =>
        graphOf(i, this.#size) === graph ? [`row ${i}`] : [],
      );
      const found = await this.#remote.contents(`g:g${graph}`);
      this.#violations.push(...compareGraph(`g${graph}`, expected, found, { complete: true, ordered: true }));
    }
    const handedOver = await this.#remote.handedOver();
    if (handedOver !== rows) this.#violations.push(`${handedOver} items were handed over, not ${rows}`);
    const left = await this.#remote.leftovers();
    if (left.length > 0) this.#violations.push(`${left.length} drafts or invalid batches are left`);
    const truth = this.#rejected.length > 0 ? 10 : 0;
    if (code !== truth || report?.exit_code !== truth) this.#violations.push(`exit code ${code} is not the truth`);
    this.#violations.push(...compareBooks(report?.records ?? {}, report?.items ?? {}, true));
    this.#violations.push(...compareRejects(this.#rejected, this.#rejectsTold(report?.run)));
    const audited = await this.#keep(
      readingCommand(['audit', ...this.#remote.flags, '--state-dir', this.#at.path('state'), '-o', 'json']),
    );
    if (audited.code !== 0) this.#violations.push(`audit ends with ${audited.code}`);
  }

  #rejectsTold(run: string | undefined): readonly string[] {
    const folder = join(this.#at.path('state'), 'runs', run ?? '');
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('rejects.')) : [];
    return names.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean));
  }
}

function graphOf(row: number, { graphs, stretch }: Size): number {
  return Math.floor(row / stretch) % graphs;
}

/** The rows, with the broken ones among them. */
function rowsText(size: Size, broken: readonly string[]): string {
  const lines = Array.from({ length: size.rows }, (_, place) => size.places?.(place) ?? place).map((i) =>
    JSON.stringify({
      type: 'graph_episode',
      graph_id: `g${graphOf(i, size)}`,
      data: `row ${i}`,
      data_type: 'text',
      created_at: new Date(1_714_600_000_000 + i * 1_000).toISOString(),
    }),
  );
  for (const [index, line] of broken.entries()) lines.splice(20 + index * 40, 0, line);
  return lines.map((line) => `${line}\n`).join('');
}
