/** What the tests of crashes stand on: a process dies exactly where it is told to, and a model that finds what is wrong. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../support/cli.js';
import { planRound } from '../support/kill-rounds.js';
import { expectationOf } from '../support/round-rows.js';
import { service } from '../support/service.js';
import { compareBooks, compareGraph, compareRejects } from '../support/truth.js';

const KILL_AT = pathToFileURL(join(ROOT, 'test', 'support', 'kill-at.mjs')).href;
const HURRY = pathToFileURL(join(ROOT, 'test', 'support', 'hurry.mjs')).href;

describe('a process under observation', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'zi-harness-'));
    // Five steps, then as much work as it is told, without ever looking up.
    writeFileSync(
      join(folder, 'steps.mjs'),
      `import { channel } from 'node:diagnostics_channel';
       const steps = channel('zep-import:step');
       const end = performance.now() + Number(process.argv[2] ?? 0);
       for (let n = 1; n <= 5; n++) { steps.publish('add.intended'); process.stdout.write(n + '\\n'); }
       while (performance.now() < end);
       process.stdout.write('end\\n');`,
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function observed(
    kill: string | undefined,
    busyMs: number,
  ): { signal: string | null; steps: number; ended: boolean } {
    const trace = join(folder, 'trace.txt');
    writeFileSync(trace, '');
    const env = {
      PATH: process.env['PATH'],
      ZI_TEST_TRACE: trace,
      ...(kill === undefined ? {} : { ZI_TEST_KILL: kill }),
    };
    const words = ['--import', KILL_AT, join(folder, 'steps.mjs'), String(busyMs)];
    const { signal, stdout } = spawnSync(process.execPath, words, { env, encoding: 'utf8' });
    return {
      signal,
      steps: readFileSync(trace, 'utf8').split('\n').filter(Boolean).length,
      ended: stdout.includes('end'),
    };
  }

  it('dies in the step, not after it', () => {
    expect(observed('add.intended:3', 0)).toEqual({ signal: 'SIGKILL', steps: 3, ended: false });
    expect(observed('add.intended', 0)).toEqual({ signal: 'SIGKILL', steps: 1, ended: false });
  });

  it('dies a while after the step or the start, also while it is busy', () => {
    expect(observed('add.intended:3+30ms', 3_000)).toEqual({ signal: 'SIGKILL', steps: 5, ended: false });
    expect(observed('after:60ms', 3_000)).toMatchObject({ signal: 'SIGKILL', ended: false });
  });

  it('that never comes to its end ends by itself', () => {
    for (const never of ['add.intended:6', 'process.intended', 'after:60000ms', undefined]) {
      expect(observed(never, 0)).toEqual({ signal: null, steps: 5, ended: true });
    }
  });

  it('is not started with an end that nobody understands', () => {
    expect(observed('sometime', 0)).toMatchObject({ signal: null, steps: 0, ended: false });
  });

  it('in a hurry waits a tenth of what is long, and all of what is short', () => {
    const code = `
      const startedAt = performance.now();
      const waited = (ms) => new Promise((done) => setTimeout((word) => done([word, performance.now() - startedAt]), ms, 'done'));
      Promise.all([waited(500), waited(3_000)]).then((all) => process.stdout.write(JSON.stringify(all)));`;
    const { stdout } = spawnSync(process.execPath, ['--import', HURRY, '-e', code], { encoding: 'utf8' });
    const [[short, shortMs], [long, longMs]] = JSON.parse(stdout) as [[string, number], [string, number]];
    expect([short, long]).toEqual(['done', 'done']);
    expect(shortMs).toBeGreaterThanOrEqual(490);
    expect(longMs).toBeLessThan(2_500);
  });
});

describe('the model finds', () => {
  const strict = { complete: true, ordered: true };
  const compare = (found: readonly string[], options = strict): string =>
    compareGraph('g', ['a', 'ok', 'b', 'ok', 'c'], found, options).join('; ');

  it('nothing wrong with what is right', () => {
    expect(compare(['a', 'ok', 'b', 'ok', 'c'])).toBe('');
    expect(compare(['a', 'b', 'ok'], { complete: false, ordered: true })).toBe('');
    expect(compare(['c', 'ok', 'ok', 'b', 'a'], { complete: true, ordered: false })).toBe('');
  });

  it.each([
    ['a row that is lost', ['a', 'ok', 'b', 'ok'], 'lost'],
    ['one of two equal rows that is lost', ['a', 'ok', 'b', 'c'], 'lost'],
    ['a row that is there twice', ['a', 'ok', 'b', 'ok', 'c', 'c'], 'more than once'],
    ['a third equal row', ['a', 'ok', 'b', 'ok', 'ok', 'c'], 'more than once'],
    ['a row that nobody sent', ['a', 'ok', 'b', 'ok', 'c', 'd'], 'nobody sent'],
    ['rows out of order', ['b', 'ok', 'a', 'ok', 'c'], 'out of order'],
  ])('%s', (_, found, words) => {
    expect(compare(found)).toContain(words);
  });

  it('rows out of order among those that are there so far', () => {
    expect(compare(['b', 'a'], { complete: false, ordered: true })).toContain('out of order');
  });

  it('books that do not add up, and those that are not there', () => {
    const records = { read: 3, mapped: 2, skipped: 0, rejected: 1 };
    const items = {
      produced: 2,
      accepted: 2,
      known: 0,
      rejected: 0,
      succeeded: 1,
      failed: 0,
      skipped: 0,
      canceled: 0,
      open: 1,
    };
    expect(compareBooks(records, items, true)).toEqual([]);
    expect(compareBooks({ ...records, read: 4 }, items, true)).toHaveLength(1);
    expect(compareBooks(records, { ...items, known: 1 }, true)).toHaveLength(1);
    expect(compareBooks(records, { ...items, open: 0 }, true)).toHaveLength(1);
    expect(compareBooks({}, {}, true)).toHaveLength(3);
  });

  it('rejected rows that are not told, and told ones that were not rejected', () => {
    expect(compareRejects(['a', 'b'], ['b', 'a'])).toEqual([]);
    expect(compareRejects(['a', 'b'], ['a'])).toHaveLength(1);
    expect(compareRejects(['a'], ['a', 'b'])).toHaveLength(1);
  });
});

describe('a round', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planRound(7)).toEqual(planRound(7));
    expect(planRound(7)).not.toEqual(planRound(8));
  });

  it('has, over many seeds, every kind of source, ending and row', () => {
    const plans = Array.from({ length: 200 }, (_, seed) => planRound(seed));
    expect(new Set(plans.map(({ kind }) => kind)).size).toBe(6);
    const tries = plans.flatMap((plan) => plan.tries);
    for (const [, is] of Object.entries({
      step: tries.filter(({ kill }) => kill?.includes('.')),
      time: tries.filter(({ kill }) => kill?.startsWith('after')),
      signal: tries.filter(({ signal }) => signal !== undefined),
      growth: tries.filter(({ grows }) => grows),
    })) {
      expect(is.length).toBeGreaterThan(20);
    }
    const truths = plans.map((plan) => expectationOf(plan.stages.flat()));
    expect(truths.filter(({ rejected }) => rejected.length > 0).length).toBeGreaterThan(30);
    expect(truths.filter(({ failing }) => failing > 0).length).toBeGreaterThan(20);
    expect(Math.max(...truths.flatMap(({ graphs }) => [...graphs.values()].map((texts) => texts.length)))).toBeLessThan(
      999,
    );
  });
});

describe('the server of a test', () => {
  it('fails until there is peace, and lasting faults go on', async () => {
    const remote = await service({ faults: ['create:*=500'], lasting: ['project:*=503'] });
    try {
      expect((await remote.call('POST', '/batches', {})).status).toBe(500);
      remote.peace();
      expect((await remote.call('POST', '/batches', {})).status).toBe(200);
      expect((await remote.call('GET', '/projects/info')).status).toBe(503);
      expect(await remote.leftovers()).toHaveLength(1);
    } finally {
      await remote.close();
    }
  });
});
