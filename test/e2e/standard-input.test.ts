import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wireLines, workplace, type Workplace } from '../support/cli.js';

let at: Workplace;
beforeEach(() => {
  at = workplace();
});
afterEach(() => at.close());

const COMMON = ['--create-missing', 'graphs', '--progress', 'none', '-o', 'json'];

describe('an import from standard input', () => {
  it.each([
    ['as it is', wireLines(1_500)],
    ['packed', gzipSync(wireLines(1_500))],
  ])('(%s) can make a draft anew that somebody deleted, although the input cannot be read twice', async (_, stdin) => {
    const url = await at.serve(['--fault', 'process:1=delete-draft']);
    const { stdout, code } = await at.start(['run', '-', '--api-url', url, ...COMMON], {
      env: { ZEP_API_KEY: 'k' },
      stdin,
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ accepted: 1_500, items: { succeeded: 1_500, open: 0 } });
    const stats = (await (await fetch(new URL('/__local/stats', url))).json()) as { asked: Record<string, number> };
    expect(stats.asked['create']).toBe(2);
  });

  it('keeps its copy of the input only as long as the run', async () => {
    const { code } = await at.start(['run', '-', '--local', ...COMMON], { stdin: wireLines(20) });
    expect(code).toBe(0);
    const runs = join(at.folder, 'state', 'zep-import', 'runs');
    const names = readdirSync(runs).flatMap((run) => readdirSync(join(runs, run)));
    expect(names.sort()).toEqual(['run.log', 'summary.json']);
  });

  it('that never ends does not keep a run alive that cannot start, nor a preview that has seen enough', async () => {
    const started = at.start(['run', '-', '--format', 'jsonl', '-m', 'missing.yaml', '--local'], { stdin: 'open' });
    expect((await started).code).toBe(2);
    const preview = at.start(['preview', '-', '--format', 'jsonl', '-n', '2'], { stdin: 'open' });
    preview.child.stdin?.write(wireLines(5_000));
    expect((await preview).code).toBe(0);
  });

  it('tells the line of a bad row, and that nothing came', async () => {
    const bad = await at.start(['run', '-', '--format', 'jsonl', '--local', ...COMMON], {
      stdin: `${wireLines(2)}oops\n`,
    });
    expect(bad.code).toBe(10);
    expect(JSON.parse(bad.stdout)).toMatchObject({
      accepted: 2,
      errors: [{ first: expect.stringMatching(/:3$/) as string }],
    });
    const empty = await at.start(['run', '-', '--format', 'jsonl', '--local', ...COMMON], { stdin: '' });
    expect(empty.code).toBe(0);
    expect(JSON.parse(empty.stdout)).toMatchObject({ read: 0, accepted: 0, batches: [] });
  });
});
