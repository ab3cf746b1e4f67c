/** F9: how long one waits for a word. */
import { spawnSync } from 'node:child_process';
import { spreadOf, spreadText, type Bench, type Figure } from '../bench.js';
import { BIN } from '../support.js';

export function startUp(bench: Bench): Promise<readonly Figure[]> {
  const times = bench.isQuick ? 2 : 20;
  const values = { version: [] as number[], help: [] as number[] };
  for (let i = 0; i < times; i++) {
    const node = wall(['-e', '0']);
    values.version.push(wall([BIN, '--version']) / node);
    values.help.push(wall([BIN, '--help']) / node);
  }
  const version = spreadOf(values.version);
  const help = spreadOf(values.help);
  return Promise.resolve([
    {
      id: 'F9',
      what: '`--version` ÷ `node -e 0`',
      reach: '≤ 2',
      measured: spreadText(version),
      isReached: version.median <= 2,
    },
    { id: '', what: '`--help` ÷ `node -e 0`', reach: '≤ 3', measured: spreadText(help), isReached: help.median <= 3 },
  ]);
}

function wall(args: readonly string[]): number {
  const startedAt = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`);
  return performance.now() - startedAt;
}
