/** How cost grows with rows, lanes, length of records and destinations; the charts of docs/performance.md are drawn from it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fresh, type Bench, type Figure, type Measured } from './bench.js';
import { lineChart, type Point } from './chart.js';
import type { Shape } from './inputs.js';
import { startSink, type Sink } from './sink.js';
import { mib } from './support.js';

const IMAGES = 'docs/images';

interface Step {
  readonly x: number;
  readonly rows: number;
  readonly shape?: Shape;
  readonly lanes?: number;
}

export async function growth(bench: Bench): Promise<readonly Figure[]> {
  const { size } = bench;
  const slow = await startSink({ latencyMs: 100 });
  try {
    const rows = await measure(
      bench,
      [25_000, 50_000, 100_000, 200_000, 400_000].map((x) => ({ x, rows: size(x) })),
    );
    const lanes = await measure(
      bench,
      [1, 2, 4, 8, 16].map((x) => ({ x, rows: size(80_000), lanes: x, shape: { isEven: true } })),
      slow,
    );
    const scales = await measure(
      bench,
      [1, 2, 4, 8, 16].map((x) => ({ x, rows: size(50_000), shape: { scale: x } })),
    );
    const spread = await measure(
      bench,
      [1, 100, 10_000, 100_000].map((x) => ({ x, rows: size(100_000), shape: { destinations: Math.ceil(size(x)) } })),
    );
    const charts = {
      rows: { of: rows, title: 'Seconds by rows', unit: 's', value: (one: Measured) => one.wallMs / 1000 },
      memory: {
        of: rows,
        title: 'Peak memory by rows',
        unit: 'MiB',
        value: (one: Measured) => one.peakBytes / 2 ** 20,
      },
      lanes: {
        of: lanes,
        title: 'Seconds by lanes, 100 ms a call',
        unit: 's',
        value: (one: Measured) => one.wallMs / 1000,
      },
      length: {
        of: scales,
        title: 'Microseconds of CPU a row, by length of the text (× 300 characters)',
        unit: 'µs',
        value: (one: Measured) => (one.cpuMs * 1000) / one.items,
      },
      destinations: {
        of: spread,
        title: 'Microseconds of CPU a row, by graphs',
        unit: 'µs',
        value: (one: Measured) => (one.cpuMs * 1000) / one.items,
      },
    };
    const figures: Figure[] = [];
    for (const [name, { of, title, unit, value }] of Object.entries(charts)) {
      const points = of.map(({ x, measured }): Point => ({ x, y: value(measured) }));
      if (!bench.isQuick) {
        mkdirSync(IMAGES, { recursive: true });
        writeFileSync(`${IMAGES}/performance-${name}.svg`, lineChart(title, unit, points));
      }
      figures.push({
        id: 'growth',
        what: title,
        reach: '',
        measured: points.map(({ x, y }) => `${x.toLocaleString('en')}: ${y.toFixed(1)} ${unit}`).join('; '),
        isReached: undefined,
      });
    }
    const most = Math.max(...rows.map(({ measured }) => measured.peakBytes));
    figures.push({ id: '', what: 'most of these', reach: '', measured: mib(most), isReached: undefined });
    return figures;
  } finally {
    slow.stop();
  }
}

async function measure(
  bench: Bench,
  steps: readonly Step[],
  sink: Sink = bench.sink,
): Promise<readonly { readonly x: number; readonly measured: Measured }[]> {
  const mapping = ['-m', bench.inputs.mapping('episodes'), '--create-missing', 'none', '--no-dedupe'];
  // Long texts become several items.
  const done: { x: number; measured: Measured }[] = [];
  for (const { x, rows, shape, lanes = 1 } of steps) {
    const sources = [await bench.inputs.rows(rows, 'jsonl', shape)];
    const batch = lanes === 1 ? [] : ['--batch-size', String(Math.max(500, Math.ceil(rows / 32)))];
    const flags = [...mapping, '--concurrency', String(lanes), ...batch];
    done.push({ x, measured: await fresh(bench, Number.NaN, { sources, flags, sink })() });
  }
  return done;
}
