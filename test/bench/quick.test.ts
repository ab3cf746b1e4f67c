/** The bench runs: every figure comes out. How fast anything is, is measured by `npm run bench` and asserted nowhere. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ROOT } from '../support/cli.js';

const run = promisify(execFile);

it('npm run bench -- --quick measures every figure', { timeout: 300_000 }, async () => {
  // Without building the program once more, which other tests are using.
  await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.bench.json'], {
    cwd: ROOT,
  });
  const main = join(ROOT, 'node_modules/.cache/zep-import-bench/bench/main.js');
  const { stdout } = await run(process.execPath, [main, '--quick'], { cwd: ROOT });
  const ids = [...stdout.matchAll(/^\| ([\w-]+) \|/gm)].map(([, id]) => id);
  for (let n = 1; n <= 12; n++) expect(ids).toContain(`F${n}`);
  expect(ids).toContain('growth');
  expect(ids).toContain('row');
  expect(stdout).not.toMatch(/NaN|undefined|Infinity/);
});
