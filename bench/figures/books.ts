/** F7, F8, F11: what the books cost, when they are empty, full and gone on with. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  argumentsOf,
  ENV,
  fresh,
  importAll,
  ratios,
  spreadOf,
  spreadText,
  type Bench,
  type Figure,
  type Import,
  type Measure,
  type Measured,
  type Service,
} from '../bench.js';
import { fillMarks } from '../fill-marks.js';
import { startImporter } from '../support.js';

const LEDGER_OFF = fileURLToPath(new URL('../ledger-off.js', import.meta.url));
const PROJECT = '00000000-0000-4000-8000-000000000001';

export async function cost(bench: Bench): Promise<readonly Figure[]> {
  const rows = bench.size(500_000);
  const sources = [await bench.inputs.rows(rows)];
  const plain = ['-m', bench.inputs.mapping('episodes'), '--create-missing', 'none'];
  const keyed = ['-m', bench.inputs.mapping('keyed'), '--create-missing', 'none'];
  const without = (flags: readonly string[]): Measure =>
    fresh(bench, rows, { sources, flags: [...flags, '--no-dedupe'] });
  const ledger = await ratios(
    bench,
    without(plain),
    fresh(bench, rows, {
      sources,
      flags: [...plain, '--no-dedupe'],
      entry: LEDGER_OFF,
    }),
  );
  const figures: Figure[] = [
    {
      id: 'F7',
      what: 'ledger on disk ÷ in memory, wall',
      reach: '≤ 1.05',
      measured: spreadText(ledger.wall),
      isReached: ledger.wall.median <= 1.05,
    },
  ];
  for (const [what, flags] of [
    ['by content and time', plain],
    ['by key', keyed],
  ] as const) {
    const dedupe = await ratios(bench, fresh(bench, rows, { sources, flags }), without(flags));
    figures.push({
      id: '',
      what: `dedupe ${what} on ÷ off, new rows, wall`,
      reach: '≤ 1.15',
      measured: `${spreadText(dedupe.wall)}; CPU ${spreadText(dedupe.cpu)}`,
      isReached: dedupe.wall.median <= 1.15,
    });
  }
  for (const [what, flags] of [
    ['told by content and time', plain],
    ['told by key', keyed],
  ] as const) {
    const { first, again } = await rerun(bench, rows, { sources, flags });
    const share = spreadOf(again.map(({ wallMs }, i) => wallMs / (first[i]?.wallMs ?? wallMs)));
    figures.push({
      id: '',
      what: `known rows, ${what}: the second import ÷ the first, wall`,
      reach: '≤ 1',
      measured: `${spreadText(share)}; ${Math.max(...again.map(({ adds }) => adds))} adds`,
      isReached: share.median <= 1,
    });
  }
  return figures;
}

async function rerun(
  bench: Bench,
  rows: number,
  what: Omit<Import, 'state'>,
): Promise<{ readonly first: readonly Measured[]; readonly again: readonly Measured[] }> {
  const first: Measured[] = [];
  const again: Measured[] = [];
  const state = join(bench.folder, 'again');
  for (let round = 0; round < bench.rounds; round++) {
    first.push(await importAll(bench, { ...what, state }, rows, 'emptied'));
    again.push(await importAll(bench, { ...what, state }, 0, 'kept'));
    rmSync(state, { recursive: true, force: true });
  }
  return { first, again };
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

export async function start(bench: Bench): Promise<readonly Figure[]> {
  const marks = bench.size(10_000_000);
  const sources = [await bench.inputs.rows(bench.size(500_000))];
  const flags = ['-m', bench.inputs.mapping('episodes'), '--create-missing', 'none'];
  const kept = join(bench.folder, 'marks');
  await fillMarks(kept, PROJECT, marks);
  const empty: number[] = [];
  const full: number[] = [];
  const state = join(bench.folder, 'start');
  for (let round = 0; round < bench.rounds; round++) {
    empty.push(await secondsToFirstAdd(bench, { sources, state, flags }, 'emptied'));
    rmSync(state, { recursive: true, force: true });
    cpSync(kept, state, { recursive: true });
    full.push(await secondsToFirstAdd(bench, { sources, state, flags }, 'emptied'));
    rmSync(state, { recursive: true, force: true });
  }
  rmSync(kept, { recursive: true, force: true });
  return [
    {
      id: 'F8',
      what: 'start to a full first chunk sent, empty ledger, s',
      reach: '≤ 0.5',
      measured: spreadText(spreadOf(empty)),
      isReached: spreadOf(empty).median <= 0.5,
    },
    {
      id: '',
      what: `the same with ${marks.toLocaleString('en')} marks, s`,
      reach: '≤ 1.5',
      measured: spreadText(spreadOf(full)),
      isReached: spreadOf(full).median <= 1.5,
    },
  ];
}

export async function resume(bench: Bench): Promise<readonly Figure[]> {
  const rows = bench.size(5_000_000);
  // A little behind 90 %, so that the open draft holds enough to be counted rather than made anew.
  const killedAt = rows * 0.9 + Math.min(20_000, rows * 0.05);
  const sources = [await bench.inputs.rows(rows)];
  const figures: Figure[] = [];
  for (const [title, more] of [
    ['with dedupe', []],
    ['without', ['--no-dedupe']],
  ] as const) {
    const flags = ['-m', bench.inputs.mapping('episodes'), '--create-missing', 'none', ...more];
    const state = join(bench.folder, 'killed');
    await bench.sink.reset(true);
    const reached = bench.sink.reached(killedAt);
    const { child, finished } = startImporter(argumentsOf(bench, { sources, state, flags }), ENV);
    await Promise.race([reached, finished]);
    child.kill('SIGKILL');
    await finished;
    if (child.signalCode !== 'SIGKILL') throw new Error(`the importer ended by itself with ${child.exitCode}`);
    const took: number[] = [];
    for (let round = 0; round < bench.rounds; round++) {
      // Each round goes on from what the one before left, since the service does too.
      took.push(await secondsToFirstAdd(bench, { sources, state, flags }, 'kept'));
    }
    rmSync(state, { recursive: true, force: true });
    figures.push({
      id: title === 'with dedupe' ? 'F11' : '',
      what: `${rows.toLocaleString('en')} rows killed at 90 %, ${title}: to the next add, s`,
      reach: '≤ 2',
      measured: spreadText(spreadOf(took)),
      isReached: spreadOf(took).median <= 2,
    });
  }
  return figures;
}
