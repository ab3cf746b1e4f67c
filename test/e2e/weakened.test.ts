/**
 * A program that lacks one safeguard is found out: otherwise these tests would not know whether they test anything. For each switch of the
 * protocol, rounds that are bent to what it guards against, first with the whole program, which passes, then without the safeguard, which must
 * not. ZI_WEAK_SEARCH=countCheck:1-50 plays those seeds without it and prints which of them go red.
 */
import { describe, expect, it } from 'vitest';
import type { Protocol } from '../../src/run/protocol.js';
import { gate } from '../support/gate.js';
import { planRound, playRound, type Bias } from '../support/kill-rounds.js';

interface Weakness {
  readonly bias: Bias;
  /** Rounds that go red without the safeguard. */
  readonly seeds: readonly [number, ...number[]];
}

const SMALL = ['--concurrency', '1', '--chunk-size', '10', '--batch-size', '50000'];
const CALM: Bias = { faults: [], server: {}, settleMs: 600, flags: SMALL, rows: 100, kinds: ['file'], kills: [] };

const WEAKNESSES: Readonly<Record<keyof Protocol, Weakness>> = {
  // A late call lands after it was looked for, and before the batch is processed.
  settleWait: {
    bias: {
      ...CALM,
      settleMs: 900,
      faults: ['add:2-8=drop-after', 'add:9=late,seconds=0.6', 'process:*=latency,ms=900'],
    },
    seeds: [1, 2, 3],
  },
  // The last add lands twice, and its answer is right.
  countCheck: {
    bias: {
      ...CALM,
      faults: ['add:3=twice'],
      flags: ['--concurrency', '1', '--chunk-size', '10', '--batch-size', '30'],
    },
    seeds: [1, 2],
  },
  // Wrong answers that make up for each other in the count.
  answerCheck: {
    bias: {
      ...CALM,
      faults: ['add:2-3=partial,keep=5,answer=200', 'add:4=twice'],
    },
    seeds: [1, 2],
  },
  // A call later than any window: nobody can prevent it, and somebody must say so.
  postProcessCheck: {
    bias: {
      ...CALM,
      settleMs: 200,
      faults: ['add:2-8=drop-after', 'add:9=late,seconds=0.8', 'process:*=latency,ms=900'],
      mayRepeat: true,
    },
    seeds: [1, 2],
  },
  // What was in a draft that was given up is not in the project.
  markWithdrawal: {
    bias: {
      ...CALM,
      faults: [],
      kills: ['add.recorded:4'],
      last: [...CALM.flags, '--restart', '--yes'],
    },
    seeds: [1, 2],
  },
};

const search = /^(\w+):(\d+)-(\d+)$/.exec(process.env['ZI_WEAK_SEARCH'] ?? '');
const turn = gate(2);

async function violationsOf(seed: number, { bias }: Weakness, without?: string): Promise<string> {
  const round = await turn(() => playRound(planRound(seed, bias), without === undefined ? {} : { without }));
  return round.violations.length === 0 ? '' : `${round.violations.join('\n')}\n${round.story}`;
}

describe.skipIf(search !== null).concurrent('a program without', () => {
  it.each(Object.entries(WEAKNESSES))(
    '%s is found out',
    async (name, weakness) => {
      for (const seed of weakness.seeds) {
        if ((await violationsOf(seed, weakness, name)) !== '') return;
      }
      expect.fail(`nothing was noticed without ${name}`);
    },
    120_000,
  );

  it.each(Object.entries(WEAKNESSES))(
    'nothing passes the same rounds (%s)',
    async (_, weakness) => {
      expect(await violationsOf(weakness.seeds[0], weakness)).toBe('');
    },
    120_000,
  );
});

describe.skipIf(search === null).concurrent('seeds that go red without', () => {
  const [, name = '', from = '1', to = '0'] = search ?? [];
  const seeds = Array.from({ length: Math.max(0, Number(to) - Number(from) + 1) }, (_, i) => Number(from) + i);
  it.each(seeds)(
    `${name}: %i`,
    async (seed) => {
      const weakness = new Map(Object.entries(WEAKNESSES)).get(name);
      if (weakness === undefined) throw new Error(`there is no switch ${name}`);
      const startedAt = performance.now();
      const found = await violationsOf(seed, weakness, name);
      const ms = Math.round(performance.now() - startedAt);
      process.stdout.write(`${seed} ${found === '' ? 'green' : `red: ${found.split('\n')[0]}`} (${ms} ms)\n`);
    },
    600_000,
  );
});
