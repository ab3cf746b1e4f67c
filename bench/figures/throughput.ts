/** F1, F2, F10: how fast rows go through, against a bare script, between formats and between mappings. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fresh, ratios, spreadText, type Bench, type Figure, type Measure } from '../bench.js';
import { cpuOfEndedChildren, median, runImporter, seconds, type Finished } from '../support.js';
import type { Sink } from '../sink.js';

const FLOOR = fileURLToPath(new URL('../floor.js', import.meta.url));
const run = promisify(execFile);

export interface Floor {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** What the script itself took for posting. */
  readonly postedMs: number;
}

/** The bare script as a process, timed as a whole. `flags`: see floor.ts. */
export function floor(sink: Sink, file: string, flags: readonly string[] = []): Measure<Floor> {
  return async () => {
    await sink.reset(true);
    const cpuBefore = cpuOfEndedChildren();
    const startedAt = performance.now();
    const { stdout } = await run(process.execPath, [FLOOR, ...flags, file, sink.url]);
    return {
      wallMs: performance.now() - startedAt,
      cpuMs: cpuOfEndedChildren() - cpuBefore,
      postedMs: Number(stdout),
    };
  };
}

function checking(bench: Bench, file: string): Measure<Finished> {
  const mapping = bench.inputs.mapping('episodes');
  const words = ['check', file, '-m', mapping, '--no-dedupe', '--state-dir', bench.folder, '--progress', 'none'];
  return async () => {
    const finished = await runImporter([...words, '-o', 'json'], {});
    if (finished.code !== 0) throw new Error(`check ended with ${finished.code}: ${finished.stdout}`);
    return finished;
  };
}

export async function againstFloor(bench: Bench): Promise<readonly Figure[]> {
  const rows = bench.size(500_000);
  const file = await bench.inputs.rows(rows);
  const flags = ['-m', bench.inputs.mapping('episodes'), '--no-dedupe', '--create-missing', 'none'];
  const { wall, cpu, over } = await ratios(
    bench,
    fresh(bench, rows, { sources: [file], flags }),
    floor(bench.sink, file),
  );
  // What is left when sending, books and answers cost nothing.
  const reading = await ratios(bench, checking(bench, file), floor(bench.sink, file));
  const rate = Math.round(rows / (median(over.map(({ wallMs }) => wallMs)) / 1000));
  return [
    {
      id: 'F1',
      what: `${rows.toLocaleString('en')} JSONL rows, ledger on, dedupe off, one lane: wall ÷ a bare script's`,
      reach: '≤ 1.0',
      measured: `${spreadText(wall)}; ${rate.toLocaleString('en')} rows/s`,
      isReached: wall.median <= 1,
    },
    { id: '', what: 'the same: CPU ÷ CPU', reach: '≤ 1.6', measured: spreadText(cpu), isReached: cpu.median <= 1.6 },
    {
      id: '',
      what: 'reading and mapping alone (`check`): CPU ÷ the whole bare script',
      reach: '',
      measured: spreadText(reading.cpu),
      isReached: undefined,
    },
  ];
}

export async function betweenFormats(bench: Bench): Promise<readonly Figure[]> {
  const rows = bench.size(500_000);
  const flags = ['-m', bench.inputs.mapping('episodes'), '--no-dedupe', '--create-missing', 'none'];
  const jsonl = fresh(bench, rows, { sources: [await bench.inputs.rows(rows)], flags });
  const figures: Figure[] = [];
  for (const format of ['csv', 'json'] as const) {
    const other = fresh(bench, rows, { sources: [await bench.inputs.rows(rows, format)], flags });
    const { wall } = await ratios(bench, other, jsonl);
    figures.push({
      id: format === 'csv' ? 'F2' : '',
      what: `the same rows as ${format === 'csv' ? 'CSV' : 'one JSON array'}: wall ÷ JSONL`,
      reach: '≤ 1.25',
      measured: spreadText(wall),
      isReached: wall.median <= 1.25,
    });
  }
  return figures;
}

export async function betweenMappings(bench: Bench): Promise<readonly Figure[]> {
  const rows = bench.size(200_000);
  const file = await bench.inputs.rows(rows);
  const mapped = (name: 'expressions' | 'plain'): Measure =>
    fresh(bench, rows, {
      sources: [file],
      flags: ['-m', bench.inputs.mapping(name), '--no-dedupe', '--create-missing', 'none'],
    });
  const { wall } = await ratios(bench, mapped('expressions'), mapped('plain'));
  return [
    {
      id: 'F10',
      what: 'a mapping of eight CEL expressions ÷ one of plain paths, whole import',
      reach: '≤ 1.5',
      measured: spreadText(wall),
      isReached: wall.median <= 1.5,
    },
  ];
}

/** Nothing to reach: how fast documents become episodes. */
export async function documents(bench: Bench): Promise<readonly Figure[]> {
  const count = bench.size(5_000);
  const folder = bench.inputs.documents(count);
  const flags = ['--graph', 'documents', '--no-dedupe', '--create-missing', 'none'];
  const walls: number[] = [];
  let items = 0;
  for (let round = 0; round < bench.rounds; round++) {
    const measured = await fresh(bench, Number.NaN, { sources: [folder], flags })();
    walls.push(measured.wallMs);
    items = measured.items;
  }
  const wall = median(walls);
  return [
    {
      id: '',
      what: `${count.toLocaleString('en')} Markdown documents, split into ${items.toLocaleString('en')} episodes`,
      reach: '',
      measured: `${seconds(wall)}; ${Math.round(count / (wall / 1000)).toLocaleString('en')} documents/s`,
      isReached: undefined,
    },
  ];
}
