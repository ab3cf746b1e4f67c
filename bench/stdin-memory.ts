/**
 * Peak resident memory of an import from standard input: N rows and ten times as many, each in a process of its own, against the local server
 * in another. Constant memory means that the ratio stays near 1. `npm run bench:memory -- 500000` sets N.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EPISODE_MAPPING, mib, rowOf, runImporter, seconds, startServer, temporaryFolder } from './support.js';

const small = Number(process.argv[2] ?? 500_000);

async function feedRows({ stdin }: ChildProcess, rows: number): Promise<void> {
  if (stdin === null) return;
  for (let at = 0; at < rows; at += 1_000) {
    let block = '';
    for (let i = at; i < Math.min(rows, at + 1_000); i++) block += `${JSON.stringify(rowOf(i))}\n`;
    if (!stdin.write(block)) await once(stdin, 'drain');
  }
  stdin.end();
}

async function measure(rows: number): Promise<number> {
  const folder = temporaryFolder();
  const server = await startServer(folder.path);
  try {
    const mapping = join(folder.path, 'map.yaml');
    writeFileSync(mapping, EPISODE_MAPPING);
    const finished = await runImporter(
      [
        'run',
        '-',
        '--format',
        'jsonl',
        '-m',
        mapping,
        '--api-url',
        server.url,
        '--create-missing',
        'graphs',
        '--progress',
        'none',
        '-o',
        'json',
      ],
      { ZEP_API_KEY: 'bench', XDG_STATE_HOME: folder.path },
      { feed: (child) => feedRows(child, rows) },
    );
    const summary = JSON.parse(finished.stdout) as { exit_code: number; accepted: number };
    if (finished.code !== 0 || summary.accepted !== rows)
      throw new Error(`exit ${finished.code}, accepted ${summary.accepted}`);
    console.log(
      `${rows.toLocaleString('en')} rows from standard input: peak ${mib(finished.peakBytes)}, ${seconds(finished.wallMs)}, CPU ${seconds(finished.cpuMs)}, exit ${finished.code}`,
    );
    return finished.peakBytes;
  } finally {
    await server.stop();
    folder.remove();
  }
}

const first = await measure(small);
const second = await measure(small * 10);
console.log(`peak memory, ten times the rows ÷ once: ${(second / first).toFixed(2)}`);
