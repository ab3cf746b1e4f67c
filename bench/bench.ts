/** What every figure is measured with: imports that are checked, taken in turns, and the table that they end in. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Inputs } from './inputs.js';
import type { Sink } from './sink.js';
import { median, runImporter, type Finished } from './support.js';

export interface Bench {
  /** A service that answers at once and keeps counts only, in a process of its own. */
  readonly sink: Sink;
  readonly inputs: Inputs;
  readonly folder: string;
  readonly rounds: number;
  /** Sizes are those of a try: what comes out says that it runs, not how fast. */
  readonly isQuick: boolean;
  /** So many, or in a try a two hundredth. */
  readonly size: (full: number) => number;
}

/** A line of the table. */
export interface Figure {
  readonly id: string;
  readonly what: string;
  readonly reach: string;
  readonly measured: string;
  /** Undefined: there is nothing to reach. */
  readonly isReached: boolean | undefined;
}

export interface Import {
  readonly sources: readonly string[];
  readonly state: string;
  readonly flags?: readonly string[];
  readonly entry?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Another service than the bench's. */
  readonly sink?: Sink;
  /** Read as standard input. */
  readonly stdin?: string;
  /** Flags of Node itself. */
  readonly nodeFlags?: readonly string[];
}

const FIXED = ['--order', 'relaxed', '--no-wait', '--settle-window', '0ms', '--progress', 'none', '-o', 'json'];
export const ENV = { ZEP_API_KEY: 'bench' } as const;

/** One lane, unless flags say otherwise; nothing is waited for that the service does alone. */
export function argumentsOf(
  bench: Bench,
  { sources, state, flags = [], sink = bench.sink }: Import,
): readonly string[] {
  const lanes = flags.includes('--concurrency') ? [] : ['--concurrency', '1'];
  return ['run', ...sources, '--api-url', sink.url, '--state-dir', state, ...lanes, ...FIXED, ...flags];
}

export interface Measured extends Finished {
  readonly items: number;
  readonly adds: number;
  readonly calls: number;
  readonly refused: number;
}

/** Whether the service still has what earlier imports sent. */
export type Service = 'kept' | 'emptied';

/** A whole import, checked: `items` must have arrived (NaN: any number of them). */
export async function importAll(bench: Bench, what: Import, items: number, service: Service): Promise<Measured> {
  const sink = what.sink ?? bench.sink;
  await sink.reset(service === 'emptied');
  const finished = await runImporter(
    argumentsOf(bench, what),
    { ...ENV, ...what.env },
    {
      ...(what.entry === undefined ? {} : { entry: what.entry }),
      ...(what.stdin === undefined ? {} : { stdin: what.stdin }),
      ...(what.nodeFlags === undefined ? {} : { nodeFlags: what.nodeFlags }),
    },
  );
  const facts = await sink.facts();
  if (finished.code !== 0 || (facts.items !== items && !Number.isNaN(items))) {
    throw new Error(`exit ${finished.code}, ${facts.items} items arrived, ${items} expected: ${finished.stdout}`);
  }
  return { ...finished, ...facts };
}

export type Measure<T = Measured> = () => Promise<T>;

/** An import into an empty state folder, which is removed behind it. */
export function fresh(bench: Bench, items: number, what: Omit<Import, 'state'>): Measure {
  return async () => {
    const state = join(bench.folder, 'state');
    try {
      return await importAll(bench, { ...what, state }, items, 'emptied');
    } finally {
      rmSync(state, { recursive: true, force: true });
    }
  };
}

// --- comparing -------------------------------------------------------------------------------------------------------------------

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

export function spreadText({ median: middle, least, most }: Spread, digits = 2): string {
  return `${middle.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

interface Timed {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Measures both by turns, so often as there are rounds: the ratios of what is measured together. */
export async function ratios<T extends Timed, U extends Timed>(
  { rounds }: Pick<Bench, 'rounds'>,
  over: Measure<T>,
  under: Measure<U>,
): Promise<{ readonly wall: Spread; readonly cpu: Spread; readonly over: readonly T[]; readonly under: readonly U[] }> {
  const overs: T[] = [];
  const unders: U[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) overs.push(await over());
    unders.push(await under());
    if (round % 2 === 1) overs.push(await over());
  }
  const of = (value: (one: Timed) => number): Spread =>
    spreadOf(overs.map((one, i) => value(one) / value(unders[i] ?? one)));
  return { wall: of(({ wallMs }) => wallMs), cpu: of(({ cpuMs }) => cpuMs), over: overs, under: unders };
}
