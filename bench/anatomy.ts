/** Where the time of a row goes: a profile of an import, its own time summed by the folder of the source, which is the stage of the pipeline. */
import { copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fresh, type Bench, type Figure } from './bench.js';

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const TITLES: Readonly<Record<string, string>> = {
  sources: 'reading: bytes, records, positions',
  mapping: 'mapping: row to item',
  lanes: 'lanes: item to bytes, identity, chunks',
  remote: 'calls: bodies, answers, pace',
  ledger: 'ledger: intents, answers, marks',
  run: 'run: books, order, look-ahead',
};

/** The program module by module, as it was compiled with the benchmarks: in the few files that are installed, stages cannot be told apart. */
const ENTRY = fileURLToPath(new URL('./by-module.js', import.meta.url));

export async function anatomy(bench: Bench): Promise<readonly Figure[]> {
  const rows = bench.size(300_000);
  const sources = [await bench.inputs.rows(rows)];
  const figures: Figure[] = [];
  // The program looks for its version above its sources.
  copyFileSync('package.json', fileURLToPath(new URL('../package.json', import.meta.url)));
  for (const [title, more] of [
    ['dedupe off', ['--no-dedupe']],
    ['dedupe on', []],
  ] as const) {
    const folder = join(bench.folder, 'profile');
    const flags = ['-m', bench.inputs.mapping('episodes'), '--create-missing', 'none', ...more];
    const nodeFlags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500'];
    const { cpuMs } = await fresh(bench, rows, { sources, flags, nodeFlags, entry: ENTRY })();
    const shares = sharesOf(folder);
    rmSync(folder, { recursive: true, force: true });
    const all = [...shares.values()].reduce((sum, value) => sum + value, 0);
    const lines = [...shares]
      .sort(([, a], [, b]) => b - a)
      .filter(([, value]) => value / all >= 0.01)
      .map(([stage, value]) => `${TITLES[stage] ?? stage} ${((100 * value) / all).toFixed(0)} %`);
    figures.push({
      id: 'row',
      what: `${((cpuMs * 1000) / rows).toFixed(1)} µs of CPU a row (under a profile), ${title}: where the main thread spends them`,
      reach: '',
      measured: lines.join('; '),
      isReached: undefined,
    });
  }
  return figures;
}

/** Microseconds by stage; idle time is left out, and what the runtime does (garbage, strings, sockets) has names of its own. */
function sharesOf(folder: string): Map<string, number> {
  const shares = new Map<string, number>();
  for (const name of readdirSync(folder)) {
    const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Profile;
    const stageOf = new Map(nodes.map(({ id, callFrame }) => [id, stage(callFrame)]));
    samples.forEach((id, i) => {
      const at = stageOf.get(id) ?? 'other';
      if (at !== 'idle') shares.set(at, (shares.get(at) ?? 0) + (timeDeltas[i] ?? 0));
    });
  }
  return shares;
}

function stage({ functionName, url }: Profile['nodes'][number]['callFrame']): string {
  if (functionName === '(idle)') return 'idle';
  if (functionName === '(garbage collector)') return 'garbage';
  const own = /\/zep-import-bench\/src\/([\w-]+)\//.exec(url)?.[1];
  if (own !== undefined) return own;
  const library = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (library !== undefined) return library;
  return url.startsWith('node:') || url === '' ? 'runtime' : 'other';
}
