import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wireLines, workplace, type Workplace } from '../support/cli.js';

let at: Workplace;
let state: readonly string[];
let url: string;
beforeAll(async () => {
  at = workplace();
  url = await at.serve(['--fault', 'process:*=fail-item,pattern=/row 7$/']);
  const file = at.write('rows.jsonl', `${wireLines(40)}nonsense\n`);
  state = ['--api-url', url, '-k', 'k', '--state-dir', at.path('own-state')];
  const flags = ['--create-missing', 'graphs', '--chunk-size', '6', '--batch-size', '15', '--progress', 'none'];
  const { code } = await at.start(['run', file, ...flags, ...state]);
  expect(code).toBe(10);
});
afterAll(() => at.close());

async function json(...args: string[]): Promise<Record<string, unknown> & { code: number | null }> {
  const { stdout, code } = await at.start([...args, '-o', 'json', ...state]);
  return { ...(JSON.parse(stdout) as Record<string, unknown>), code };
}

describe('after an import', () => {
  it('status tells how it ended, and what nobody has dealt with', async () => {
    expect(await json('status')).toMatchObject({
      code: 10,
      status: 'completed-with-errors',
      state: 'delivered',
      final: true,
      accepted: 40,
      open_rejects: 1,
      open_failures: 1,
      items: { produced: 40, accepted: 40, succeeded: 39, failed: 1, open: 0, lost: 0 },
      records: { read: 41, mapped: 40, rejected: 1 },
    });
  });

  it('the books hold, uuid for uuid', async () => {
    const { code, stdout } = await at.start(['audit', '--deep', ...state]);
    expect(stdout).not.toMatch(/WRONG|later/);
    expect(code).toBe(0);
  });

  it('the receipt has a line for every row', async () => {
    const { stdout } = await at.start(['receipt', ...state]);
    const rows: Record<string, string>[] = parse(stdout, { columns: true });
    const lines = rows.map((row) => Number(row['line'])).sort((a, b) => a - b);
    expect(lines).toEqual(Array.from({ length: 41 }, (_, n) => n + 1));
    const by = (status: string): (string | undefined)[] =>
      rows.filter((row) => row['status'] === status).map((row) => row['line']);
    expect(by('succeeded')).toHaveLength(39);
    expect(by('failed')).toEqual(['8']);
    expect(by('rejected')).toEqual(['41']);
    const fresh = await at.start(['receipt', '--fresh', ...state]);
    expect(fresh.stdout).toBe(stdout);
  });

  it('runs lists it, and prune keeps it while something could still be sent', async () => {
    expect(await json('runs')).toMatchObject({ code: 0, runs: [{ accepted: 40, rejected: 1, failed: 1, open: 0 }] });
    expect(await json('runs', 'prune', '--keep', '0')).toMatchObject({ pruned: [], kept: [{ code: 'not-retried' }] });
  });
});
