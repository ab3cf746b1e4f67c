/**
 * Imports that are killed at random moments under random faults, and started again until they are done. ZI_KILL_SEED=n,m plays those rounds,
 * ZI_KILL_ROUNDS=n the rounds of the seeds 1 to n, ZI_KILL_PARALLEL=n so many at once [2].
 */
import { describe, expect, it } from 'vitest';
import { gate } from '../support/gate.js';
import { planRound, playRound } from '../support/kill-rounds.js';

const only = process.env['ZI_KILL_SEED'];
const seeds =
  only !== undefined
    ? only.split(',').map(Number)
    : Array.from({ length: Number(process.env['ZI_KILL_ROUNDS'] ?? 30) }, (_, i) => i + 1);
const turn = gate(Number(process.env['ZI_KILL_PARALLEL'] ?? 2));
/** A round takes seconds; the others wait in line. */
const PATIENCE_MS = 60_000 + seeds.length * 20_000;

describe('whenever it is killed', () => {
  it.concurrent.each(seeds)(
    'every row is at the service once, in order, or is told as rejected or failed (ZI_KILL_SEED=%i)',
    async (seed) => {
      const { violations, story } = await turn(() => playRound(planRound(seed)));
      if (violations.length === 0) return;
      const again = `ZI_KILL_SEED=${seed} npx vitest run test/e2e/random-kills.test.ts`;
      expect.fail(`${violations.join('\n')}\n\n${again}\n${story}`);
    },
    PATIENCE_MS,
  );
});
