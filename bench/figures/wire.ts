/** F4, F5, F6, F12: whether the wire is ever idle, and how close to a rate limit an import goes. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  argumentsOf,
  ENV,
  fresh,
  ratios,
  spreadOf,
  spreadText,
  type Bench,
  type Figure,
  type Measure,
} from '../bench.js';
import { startSink, type Sink, type SinkSettings } from '../sink.js';
import { startImporter } from '../support.js';
import { floor } from './throughput.js';

async function withSink<T>(settings: SinkSettings, work: (sink: Sink) => Promise<T>): Promise<T> {
  const sink = await startSink(settings);
  try {
    return await work(sink);
  } finally {
    sink.stop();
  }
}

export async function oneLane(bench: Bench): Promise<readonly Figure[]> {
  const rows = bench.size(500_000);
  const file = await bench.inputs.rows(rows);
  const flags = ['-m', bench.inputs.mapping('episodes'), '--no-dedupe', '--create-missing', 'none'];
  const wall = await withSink({ latencyMs: 20 }, async (sink) => {
    const posting: Measure<{ wallMs: number; cpuMs: number }> = async () => {
      const { postedMs, cpuMs } = await floor(sink, file, ['--bodies'])();
      return { wallMs: postedMs, cpuMs };
    };
    return (await ratios(bench, fresh(bench, rows, { sources: [file], flags, sink }), posting)).wall;
  });
  return [
    {
      id: 'F4',
      what: `20 ms a call, one lane, ${rows.toLocaleString('en')} rows: the whole import ÷ posting ready-made bodies`,
      reach: '≤ 1.05',
      measured: spreadText(wall),
      isReached: wall.median <= 1.05,
    },
  ];
}

export async function manyLanes(bench: Bench): Promise<readonly Figure[]> {
  // So many that the calls before the first add and behind the last one, which lanes cannot share, do not count.
  const rows = bench.size(400_000);
  const figures: Figure[] = [];
  for (const isEven of [true, false]) {
    const file = await bench.inputs.rows(rows, 'jsonl', isEven ? { isEven } : { destinations: 64 });
    const lanes = (n: number, sink: Sink): Measure =>
      fresh(bench, rows, {
        sources: [file],
        sink,
        flags: [
          ...['-m', bench.inputs.mapping('episodes'), '--no-dedupe', '--create-missing', 'none'],
          ...['--concurrency', String(n), '--batch-size', String(Math.max(500, rows / 16))],
        ],
      });
    const wall = await withSink({ latencyMs: 200 }, async (sink) => {
      return (await ratios({ rounds: 1 }, lanes(1, sink), lanes(8, sink))).wall;
    });
    const how = isEven ? 'spread evenly over graphs' : 'of 64 graphs, as their names fall';
    figures.push({
      id: isEven ? 'F5' : '',
      what: `200 ms a call, ${rows.toLocaleString('en')} rows ${how}, batches of ${(rows / 16).toLocaleString('en')}: one lane ÷ eight`,
      reach: isEven ? '≥ 7' : '',
      measured: wall.median.toFixed(2),
      isReached: isEven ? wall.median >= 7 : undefined,
    });
  }
  return figures;
}

const PER_MINUTE = 600;

/** Both ways at once: an import that waits for its limit leaves the machine alone. */
export async function rateLimit(bench: Bench): Promise<readonly Figure[]> {
  const minutes = bench.isQuick ? 0.05 : 5;
  const rows = Math.ceil(PER_MINUTE * (minutes + 2)) * 50;
  const file = await bench.inputs.rows(rows);
  const measured = await Promise.all(
    [true, false].map(async (rateHeaders) => ({
      rateHeaders,
      ...(await withSink({ rateLimit: PER_MINUTE, rateHeaders }, (sink) => limited(bench, sink, file, minutes))),
    })),
  );
  return measured.flatMap(({ rateHeaders, used, refused }): Figure[] => [
    {
      id: rateHeaders ? 'F6' : '',
      what: `${PER_MINUTE} calls a minute ${rateHeaders ? 'told by' : 'without'} headers, ${minutes} minutes: share that is used`,
      reach: rateHeaders ? '≥ 97 %' : '≥ 80 %',
      measured: `${(used * 100).toFixed(1)} %; ${(refused * 100).toFixed(2)} % of the calls refused`,
      isReached: used >= (rateHeaders ? 0.97 : 0.8) && (!rateHeaders || refused < 0.01),
    },
  ]);
}

/** From one whole minute on, since the service counts by these. */
async function limited(
  bench: Bench,
  sink: Sink,
  file: string,
  minutes: number,
): Promise<{ readonly used: number; readonly refused: number }> {
  const state = join(bench.folder, `limited-${sink.url.replace(/\W/g, '-')}`);
  const flags = ['-m', bench.inputs.mapping('episodes'), '--create-missing', 'none', '--chunk-size', '50'];
  if (!bench.isQuick) await sleep(60_000 - (Date.now() % 60_000));
  const { child, finished } = startImporter(
    argumentsOf(bench, { sources: [file], state, sink, flags: [...flags, '--concurrency', 'auto'] }),
    ENV,
  );
  await sleep(minutes * 60_000);
  const { calls, refused } = await sink.facts();
  child.kill('SIGKILL');
  await finished;
  rmSync(state, { recursive: true, force: true });
  return { used: (calls - refused) / (PER_MINUTE * minutes), refused: refused / calls };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function newThreads(bench: Bench): Promise<readonly Figure[]> {
  const rows = 500;
  const latencyMs = 50;
  const file = await bench.inputs.rows(rows, 'jsonl', { destinations: rows });
  const flags = ['-m', bench.inputs.mapping('messages'), '--create-missing', 'users,threads'];
  const took = await withSink({ latencyMs }, async (sink) => {
    const values: number[] = [];
    for (let round = 0; round < bench.rounds; round++) {
      const first = await msToFirstAdd(bench, { sources: [file], sink, flags });
      values.push(first / latencyMs);
    }
    return spreadOf(values);
  });
  return [
    {
      id: 'F12',
      what: '500 rows for 500 new threads at 50 ms a call: from the start to the first add ÷ 50 ms',
      reach: '≤ 80',
      measured: spreadText(took, 0),
      isReached: took.median <= 80,
    },
  ];
}

/** From the start of an importer with an empty state folder to its first add, after which it is killed. */
async function msToFirstAdd(
  bench: Bench,
  what: { readonly sources: readonly string[]; readonly sink: Sink; readonly flags: readonly string[] },
): Promise<number> {
  const state = join(bench.folder, 'first-add');
  await what.sink.reset(true);
  const added = what.sink.firstAdd();
  const startedAt = Date.now();
  const { child, finished } = startImporter(argumentsOf(bench, { ...what, state }), ENV);
  await Promise.race([added, finished]);
  child.kill('SIGKILL');
  await finished;
  rmSync(state, { recursive: true, force: true });
  const { firstAddAt } = await what.sink.facts();
  if (firstAddAt === undefined) throw new Error('the importer ended without an add');
  return firstAddAt - startedAt;
}
