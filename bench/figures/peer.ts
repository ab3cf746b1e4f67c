/** `--peer 'command'`: any other tool on the same file and service, by turns with this one. {file} and {url} are put in. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fresh, ratios, spreadText, type Bench, type Figure, type Measure } from '../bench.js';
import { cpuOfEndedChildren, startServer } from '../support.js';
import type { Sink } from '../sink.js';

/** The service is the local server: unlike the sink it answers whatever the other tool may ask. */
export async function peer(bench: Bench, command: string): Promise<readonly Figure[]> {
  const rows = bench.size(500_000);
  const file = await bench.inputs.rows(rows);
  const flags = ['-m', bench.inputs.mapping('episodes'), '--create-missing', 'graphs'];
  const server = await startServer(bench.folder);
  // Counts are the other tool's own matter; this importer's come from the sink, which is asked nothing here.
  const own: Measure = fresh({ ...bench, sink: answering(server.url, rows) }, rows, { sources: [file], flags });
  const other: Measure<{ wallMs: number; cpuMs: number }> = async () => {
    const cpuBefore = cpuOfEndedChildren();
    const startedAt = performance.now();
    const child = spawn(command.replaceAll('{file}', file).replaceAll('{url}', server.url), {
      shell: true,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ZEP_API_KEY: 'bench', ZEP_API_URL: server.url },
    });
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`the other tool ended with ${code}`);
    return { wallMs: performance.now() - startedAt, cpuMs: cpuOfEndedChildren() - cpuBefore };
  };
  try {
    const { wall, cpu } = await ratios(bench, other, own);
    const what = `${rows.toLocaleString('en')} JSONL rows: the other tool ÷ this one`;
    return [
      { id: 'peer', what: `${what}, wall`, reach: '', measured: spreadText(wall), isReached: undefined },
      { id: '', what: `${what}, CPU`, reach: '', measured: spreadText(cpu), isReached: undefined },
    ];
  } finally {
    await server.stop();
  }
}

/** The local server in the place of the sink: what arrived is what the importer's own summary says. */
function answering(url: string, items: number): Sink {
  const facts = { calls: 0, refused: 0, adds: 0, items, firstAddAt: undefined };
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    url,
    facts: () => Promise.resolve(facts),
    reset: nothing,
    firstAdd: nothing,
    reached: nothing,
    stop: () => undefined,
  };
}
