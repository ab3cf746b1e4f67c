/**
 * `npm run bench`: every figure of the importer as a ratio of what was measured in turns in this run. Some forty minutes and 8 GB in the
 * temporary folder; less with names of figures (`npm run bench -- F1 F4`).
 *
 *   --quick            a two hundredth of the sizes, one round: says that it runs, not how fast
 *   --rounds N         measures everything so often [3]
 *   --record           puts the table into bench/RESULTS.md, with commit and machine
 *   --peer 'COMMAND'   times another tool on the same file and service as well; {file} and {url} are put in
 *   --growth           how cost grows with rows, lanes, record size and destinations; draws the charts of docs/performance.md
 *   --anatomy          where the time of a row goes, by a profile
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { anatomy } from './anatomy.js';
import type { Bench, Figure } from './bench.js';
import { cost, resume, start } from './figures/books.js';
import { memory } from './figures/memory.js';
import { peer } from './figures/peer.js';
import { startUp } from './figures/start-up.js';
import { againstFloor, betweenFormats, betweenMappings, documents } from './figures/throughput.js';
import { manyLanes, newThreads, oneLane, rateLimit } from './figures/wire.js';
import { growth } from './growth.js';
import { Inputs } from './inputs.js';
import { startSink } from './sink.js';
import { temporaryFolder } from './support.js';

type Measuring = (bench: Bench) => Promise<readonly Figure[]>;

const FIGURES: Readonly<Record<string, Measuring>> = {
  F1: againstFloor,
  F2: betweenFormats,
  F3: memory,
  F4: oneLane,
  F5: manyLanes,
  F6: rateLimit,
  F7: cost,
  F8: start,
  F9: startUp,
  F10: betweenMappings,
  F11: resume,
  F12: newThreads,
  documents,
};
const RESULTS = 'bench/RESULTS.md';
const QUICK = 200;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    growth: { type: 'boolean', default: false },
    anatomy: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    peer: { type: 'string' },
  },
});
const unknown = positionals.filter((name) => !(name in FIGURES));
if (unknown.length > 0) {
  throw new Error(`there is no figure ${unknown.join(', ')}; there are ${Object.keys(FIGURES).join(', ')}`);
}

function chosen(): readonly Measuring[] {
  const { peer: command } = values;
  const other: readonly Measuring[] = [
    ...(command === undefined ? [] : [(bench: Bench) => peer(bench, command)]),
    ...(values.growth ? [growth] : []),
    ...(values.anatomy ? [anatomy] : []),
  ];
  const named = positionals.flatMap((name) => FIGURES[name] ?? []);
  if (named.length > 0 || other.length > 0) return [...named, ...other];
  return values.quick ? [...Object.values(FIGURES), growth, anatomy] : Object.values(FIGURES);
}

function row({ id, what, reach, measured, isReached }: Figure): string {
  const verdict = isReached === undefined || values.quick ? '' : isReached ? 'yes' : '**no**';
  return `| ${id} | ${what} | ${reach} | ${measured} | ${verdict} |`;
}
const HEAD = '| # | what | reach | measured: median (least–most) | reached |\n| --- | --- | --- | --- | --- |';

/** Commit and machine, so that a table says what it is of. */
function circumstances(): string {
  const git = (...args: string[]): string => {
    try {
      return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      return ''; // not a clone
    }
  };
  const isChanged = git('status', '--porcelain', '--', 'src') !== '';
  const commit = `${git('rev-parse', '--short', 'HEAD') || 'unknown'}${isChanged ? ' and changes' : ''}`;
  const memoryGb = Math.round(totalmem() / 1e9);
  return `commit ${commit}, Node ${process.versions.node}, ${process.platform} ${process.arch}, ${availableParallelism()} processors, ${memoryGb} GB`;
}

function record(lines: readonly string[]): void {
  const text = readFileSync(RESULTS, 'utf8');
  const day = new Date().toISOString().slice(0, 10);
  const section = `## ${day}\n\n${circumstances()}\n\n${[HEAD, ...lines].join('\n')}\n`;
  const at = text.indexOf('\n## ');
  writeFileSync(RESULTS, at < 0 ? `${text}\n${section}` : `${text.slice(0, at + 1)}${section}${text.slice(at)}`);
}

const folder = temporaryFolder();
const sink = await startSink();
const bench: Bench = {
  sink,
  folder: folder.path,
  inputs: new Inputs(folder.path),
  rounds: Number(values.rounds ?? (values.quick ? 1 : 3)),
  isQuick: values.quick,
  size: (full) => (values.quick ? Math.max(500, full / QUICK) : full),
};
const lines: string[] = [];
try {
  console.log(`${circumstances()}\n\n${HEAD}`);
  for (const measure of chosen()) {
    try {
      for (const figure of await measure(bench)) {
        lines.push(row(figure));
        console.log(lines.at(-1));
      }
    } catch (error) {
      // The others are measured all the same; the exit code tells.
      process.exitCode = 1;
      console.error(error);
    }
  }
  if (values.record) record(lines);
} finally {
  sink.stop();
  folder.remove();
}
