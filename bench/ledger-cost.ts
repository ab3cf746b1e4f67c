/**
 * What the books cost: an import with its ledger on disk against one in memory, telling new rows from known ones, running known rows again, going
 * on after a kill, starting with many marks, and how memory grows. Every ratio is of imports that take turns in one run; medians of several
 * rounds. The service is a process that answers at once and keeps only counts.
 *
 * `npm run bench:ledger` measures everything (some ten minutes, 5 GB in the temporary folder); `npm run bench:ledger -- 200000 3 ledger dedupe`
 * sets the rows, the rounds and what is measured: ledger, dedupe, rerun, start, resume, memory.
 */
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fillMarks } from './fill-marks.js';
import { startSink, type Sink } from './sink.js';
import { median, mib, runImporter, startImporter, temporaryFolder, type Finished } from './support.js';
import { KEYED_MAPPING, writeWireFiles } from './wire-file.js';

const LEDGER_OFF = fileURLToPath(new URL('./ledger-off.js', import.meta.url));
const MANY_ROWS = 5_000_000;
const RERUN_ROWS = 1_000_000;
const MARKS = 10_000_000;
/** Killed a little behind 90 %, so that the open draft holds enough to be counted rather than made anew. */
const KILLED_AT = MANY_ROWS * 0.9 + 20_000;

interface Bench {
  readonly sink: Sink;
  readonly folder: string;
  readonly rows: number;
  readonly rounds: number;
  /** A file with so many rows; written at the first call. */
  file(rows: number): Promise<string>;
}

interface Import {
  readonly file: string;
  readonly state: string;
  readonly flags?: readonly string[];
  readonly entry?: string;
  readonly env?: Readonly<Record<string, string>>;
}

function argumentsOf(bench: Bench, { file, state, flags = [] }: Import): readonly string[] {
  const fixed = [
    '--api-url',
    bench.sink.url,
    '--state-dir',
    state,
    '--concurrency',
    '1',
    '--order',
    'relaxed',
    '--no-wait',
  ];
  return ['run', file, ...fixed, '--settle-window', '0ms', '--progress', 'none', '-o', 'json', ...flags];
}

const ENV = { ZEP_API_KEY: 'bench' };

interface Measured extends Finished {
  readonly adds: number;
}

/** Whether the service still has what earlier imports sent. */
type Service = 'kept' | 'emptied';

/** A whole import, checked: `items` must have been sent. */
async function importAll(bench: Bench, what: Import, items: number, service: Service): Promise<Measured> {
  await bench.sink.reset(service === 'emptied');
  const settings = what.entry === undefined ? {} : { entry: what.entry };
  const finished = await runImporter(argumentsOf(bench, what), { ...ENV, ...what.env }, settings);
  const facts = await bench.sink.facts();
  if (finished.code !== 0 || facts.items !== items) {
    throw new Error(`exit ${finished.code}, ${facts.items} items arrived, ${items} expected: ${finished.stdout}`);
  }
  return { ...finished, adds: facts.adds };
}

// --- comparing -------------------------------------------------------------------------------------------------------------------

type Measure = () => Promise<Measured>;

/** Measures both by turns and prints the medians of the ratios of each round. */
async function compare(title: string, rounds: number, over: Measure, under: Measure): Promise<void> {
  const pairs: (readonly [Measured, Measured])[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      const first = await over();
      pairs.push([first, await under()]);
    } else {
      const second = await under();
      pairs.push([await over(), second]);
    }
  }
  const ratio = (of: (one: Measured) => number): string => {
    const ratios = pairs.map(([a, b]) => of(a) / of(b));
    return `${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`;
  };
  const times = (of: (one: Measured) => number): string =>
    [0, 1].map((side) => (median(pairs.map((pair) => of(pair[side === 0 ? 0 : 1]))) / 1000).toFixed(2)).join(' ÷ ');
  console.log(
    `${title}: CPU ${ratio((one) => one.cpuMs)} [${times((one) => one.cpuMs)} s], wall ${ratio((one) => one.wallMs)} [${times((one) => one.wallMs)} s]`,
  );
}

/** An import into an empty state folder, which is removed behind it. */
function fresh(bench: Bench, rows: number, what: Omit<Import, 'state'>): Measure {
  return async () => {
    const state = join(bench.folder, 'state');
    try {
      return await importAll(bench, { ...what, state }, rows, 'emptied');
    } finally {
      rmSync(state, { recursive: true, force: true });
    }
  };
}

// --- what is measured --------------------------------------------------------------------------------------------------------------

async function ledger(bench: Bench): Promise<void> {
  const { rows, rounds } = bench;
  const file = await bench.file(rows);
  const flags = ['--no-dedupe'];
  const off = (kind: string): Measure =>
    fresh(bench, rows, { file, flags, entry: LEDGER_OFF, env: { ZI_BENCH_LEDGER: kind } });
  await compare('ledger on disk ÷ in memory', rounds, fresh(bench, rows, { file, flags }), off('memory'));
  await compare('ledger on disk ÷ no row a chunk', rounds, fresh(bench, rows, { file, flags }), off('none'));
}

async function dedupe(bench: Bench): Promise<void> {
  const { rows, rounds } = bench;
  const file = await bench.file(rows);
  await compare(
    'dedupe on ÷ off, new rows',
    rounds,
    fresh(bench, rows, { file }),
    fresh(bench, rows, { file, flags: ['--no-dedupe'] }),
  );
  const mapped = ['-m', keyedMapping(bench)];
  await compare(
    'dedupe on ÷ off, new rows with a key',
    rounds,
    fresh(bench, rows, { file, flags: mapped }),
    fresh(bench, rows, { file, flags: [...mapped, '--no-dedupe'] }),
  );
}

function keyedMapping({ folder }: Bench): string {
  const path = join(folder, 'keyed.yaml');
  writeFileSync(path, KEYED_MAPPING);
  return path;
}

/** The first import and the second of the same rows, which sends nothing. */
async function rerun(bench: Bench): Promise<void> {
  for (const [title, flags] of [
    ['dated rows', []],
    ['rows with a key', ['-m', keyedMapping(bench)]],
  ] as const) {
    const file = await bench.file(RERUN_ROWS);
    const state = join(bench.folder, 'state');
    const pairs: { readonly first: Measured; readonly second: Measured }[] = [];
    for (let round = 0; round < Math.min(3, bench.rounds); round++) {
      const first = await importAll(bench, { file, state, flags }, RERUN_ROWS, 'emptied');
      pairs.push({ first, second: await importAll(bench, { file, state, flags }, 0, 'kept') });
      rmSync(state, { recursive: true, force: true });
    }
    const ratio = (of: (one: Measured) => number): string =>
      median(pairs.map(({ first, second }) => of(second) / of(first))).toFixed(3);
    const wall = (side: 'first' | 'second'): string =>
      (median(pairs.map((pair) => pair[side].wallMs)) / 1000).toFixed(2);
    console.log(
      `rerun of ${RERUN_ROWS.toLocaleString('en')} known ${title} ÷ first import: CPU ${ratio((one) => one.cpuMs)}, wall ${ratio((one) => one.wallMs)} [${wall('second')} ÷ ${wall('first')} s], adds of the rerun: ${pairs.map(({ second }) => second.adds).join(', ')}`,
    );
  }
}

/** Seconds from the start of an importer to its first add, after which it is killed. */
async function secondsToFirstAdd(bench: Bench, what: Import, service: Service): Promise<number> {
  await bench.sink.reset(service === 'emptied');
  const added = bench.sink.firstAdd();
  const startedAt = Date.now();
  const { child, finished } = startImporter(argumentsOf(bench, what), { ...ENV, ...what.env });
  await Promise.race([added, finished]);
  child.kill('SIGKILL');
  await finished;
  const { firstAddAt } = await bench.sink.facts();
  if (firstAddAt === undefined) throw new Error('the importer ended without an add');
  return (firstAddAt - startedAt) / 1000;
}

async function start(bench: Bench): Promise<void> {
  const file = await bench.file(bench.rows);
  const kept = join(bench.folder, 'marks');
  await fillMarks(kept, '00000000-0000-4000-8000-000000000001', MARKS);
  const empty: number[] = [];
  const full: number[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    const state = join(bench.folder, 'state');
    empty.push(await secondsToFirstAdd(bench, { file, state }, 'emptied'));
    rmSync(state, { recursive: true, force: true });
    cpSync(kept, state, { recursive: true });
    full.push(await secondsToFirstAdd(bench, { file, state }, 'emptied'));
    rmSync(state, { recursive: true, force: true });
  }
  rmSync(kept, { recursive: true, force: true });
  console.log(
    `start to a full first chunk sent: empty ledger ${median(empty).toFixed(2)} s, ${MARKS.toLocaleString('en')} marks ${median(full).toFixed(2)} s`,
  );
}

async function resume(bench: Bench): Promise<void> {
  const file = await bench.file(MANY_ROWS);
  for (const [title, flags] of [
    ['on', []],
    ['off', ['--no-dedupe']],
  ] as const) {
    const killed = join(bench.folder, 'killed');
    await bench.sink.reset(true);
    const reached = bench.sink.reached(KILLED_AT);
    const { child, finished } = startImporter(argumentsOf(bench, { file, state: killed, flags }), ENV);
    await Promise.race([reached, finished]);
    child.kill('SIGKILL');
    await finished;
    if (child.signalCode !== 'SIGKILL') throw new Error(`the importer ended by itself with ${child.exitCode}`);
    const took: number[] = [];
    for (let round = 0; round < bench.rounds; round++) {
      // Each round goes on from what the one before left, since the service does too.
      took.push(await secondsToFirstAdd(bench, { file, state: killed, flags }, 'kept'));
    }
    rmSync(killed, { recursive: true, force: true });
    console.log(
      `resume of ${MANY_ROWS.toLocaleString('en')} rows killed at 90 %, dedupe ${title}: ${median(took).toFixed(2)} s to the next add (${took.map((each) => each.toFixed(2)).join(', ')})`,
    );
  }
}

async function memory(bench: Bench): Promise<void> {
  const small = await fresh(bench, 500_000, { file: await bench.file(500_000) })();
  const large = await fresh(bench, MANY_ROWS, { file: await bench.file(MANY_ROWS) })();
  console.log(
    `peak memory, file, dedupe on: ${mib(small.peakBytes)} for 500,000 rows, ${mib(large.peakBytes)} for ${MANY_ROWS.toLocaleString('en')}: ratio ${(large.peakBytes / small.peakBytes).toFixed(2)} (${(MANY_ROWS / large.wallMs).toFixed(1)} rows a ms)`,
  );
}

const SECTIONS = { ledger, dedupe, rerun, start, resume, memory } as const;

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const [rows = 500_000, rounds = 5] = args.filter((arg) => /^\d+$/.test(arg)).map(Number);
  const named = args.filter((arg) => arg in SECTIONS);
  const folder = temporaryFolder();
  const sink = await startSink();
  const bench: Bench = {
    sink,
    folder: folder.path,
    rows,
    rounds,
    async file(count) {
      const path = join(folder.path, `${count}.jsonl`);
      if (!existsSync(path)) await writeWireFiles({ [path]: count });
      return path;
    },
  };
  try {
    for (const [name, measure] of Object.entries(SECTIONS)) {
      if (named.length === 0 || named.includes(name)) await measure(bench);
    }
  } finally {
    sink.stop();
    folder.remove();
  }
}

await main();
