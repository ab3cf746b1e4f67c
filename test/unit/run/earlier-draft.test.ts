/** A draft of another run that holds the same graphs and comes first. */
import { afterEach, describe, expect, it } from 'vitest';
import { SlotSet } from '../../../src/lanes/destination.js';
import type { Ledger } from '../../../src/ledger/ledger.js';
import { episodes, scene, type Imported, type Scene } from '../../support/import.js';

let at: Scene;
afterEach(() => at.close());

/** Returns the row of a complete draft of another run, which the ledger has. */
function draftOfAnotherRun(ledger: Ledger): number {
  const mine = ledger.runs.byId('run-1');
  if (mine === undefined) throw new Error('no run');
  ledger.runs.begin({ ...mine, id: 'run-0', key: 'other', staged: false }, '2024-05-01T00:00:00Z');
  const row = ledger.batches.intend({ run: 'run-0', lane: 0, number: 1, attempt: '1' });
  ledger.batches.opened(row, 'batch-of-another-run');
  const all = new SlotSet();
  for (let slot = 0; slot < 64; slot++) all.add(slot);
  ledger.db.sql.prepare('UPDATE batches SET items = 1 WHERE id = ?').run(row);
  ledger.batches.setState(row, 'closed', all.toString());
  return row;
}

async function importBehind(whenAsked: (ledger: Ledger, row: number) => void): Promise<Imported> {
  at = await scene();
  return at.run(episodes(10), {}, {}, undefined, (deps) => {
    const row = draftOfAnotherRun(deps.ledger);
    return {
      ...deps,
      isAlive: () => {
        whenAsked(deps.ledger, row);
        return Promise.resolve(false);
      },
    };
  });
}

describe('an import behind the draft of another run', () => {
  it('is staged, and names that run, when nobody works on it', async () => {
    const { status, waitsFor } = await importBehind(() => undefined);
    expect(status).toBe('staged');
    expect(waitsFor).toBe('run-0');
  });

  it('goes on when that run handed its draft over while it was looked whether anybody works on it', async () => {
    const { status, waitsFor } = await importBehind((ledger, row) => ledger.batches.setState(row, 'terminal'));
    expect(waitsFor).toBeUndefined();
    expect(status).toBe('completed');
    expect(await at.graph('g0')).toHaveLength(10);
  });
});
