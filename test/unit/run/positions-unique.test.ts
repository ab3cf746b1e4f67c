import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Ledger, type StoredPosition } from '../../../src/ledger/ledger.js';
import { checkPositions } from '../../../src/run/positions-unique.js';
import { newRun } from '../../support/books.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'zi-positions-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Each entry is a batch, each of its entries a chunk. */
async function ledgerOf(batches: readonly (readonly (readonly StoredPosition[])[])[]): Promise<Ledger> {
  const ledger = await Ledger.open(':memory:');
  ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z');
  for (const [number, chunks] of batches.entries()) {
    const batch = ledger.batches.intend({ run: 'run-1', lane: 0, number, attempt: `a${number}` });
    ledger.batches.opened(batch, `B${number}`);
    let first = 0;
    for (const positions of chunks) {
      const items = positions.length;
      const last = { source: 0, ordinal: 0 };
      const chunk = ledger.batches.intendChunk({ batch, first, items, digest: 'd', positions, last, marks: undefined });
      ledger.batches.chunkAccepted(chunk, { uuids: positions.map(() => undefined), slots: '' });
      first += items;
    }
  }
  return ledger;
}

const at = (ordinal: number, item = 0, part = 0): StoredPosition => ({
  source: 0,
  ordinal,
  line: ordinal + 1,
  byteStart: ordinal * 10,
  byteEnd: ordinal * 10 + 9,
  item,
  part,
});

const positions = fc.record({
  source: fc.nat(2),
  ordinal: fc.nat(40),
  item: fc.nat(2),
  part: fc.nat(1),
});

it('finds as many repeated positions as a set of all of them would, whatever the order of lanes, batches and chunks', async () => {
  const chunk = fc.array(positions, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(chunk, { maxLength: 6 }), { maxLength: 5 }),
      fc.boolean(),
      async (drawn, sorted) => {
        const batches = drawn.map((chunks) =>
          chunks.map((list) => {
            const whole = list.map((each) => ({ ...at(each.ordinal, each.item, each.part), source: each.source }));
            return sorted ? whole.sort((a, b) => a.source - b.source || a.ordinal - b.ordinal) : whole;
          }),
        );
        const ledger = await ledgerOf(batches);
        const all = batches.flat(2).map(({ source, ordinal, item, part }) => `${source}/${ordinal}/${item}/${part}`);
        const ofRun = ledger.batches.of('run-1');
        const facts = await checkPositions(ledger, ofRun);
        const onDisk = await checkPositions(ledger, ofRun, { folder: join(folder, 'x'), memoryBytes: 600, above: -1 });
        ledger.close();
        expect({ ...onDisk, firstTwice: onDisk.firstTwice?.ordinal }).toEqual({
          ...facts,
          firstTwice: facts.firstTwice?.ordinal,
        });
        expect(readdirSync(folder)).toEqual([]);
        expect(facts.positions).toBe(all.length);
        expect(facts.distinct).toBe(new Set(all).size);
        expect(facts.firstTwice === undefined).toBe(new Set(all).size === all.length);
        expect(facts.uneven).toEqual([]);
      },
    ),
    { numRuns: 60 },
  );
});

it('tells parts of one item and items of one record apart', async () => {
  const ledger = await ledgerOf([[[at(0, 0, 0), at(0, 0, 1), at(0, 1, 0)]]]);
  expect(await checkPositions(ledger, ledger.batches.of('run-1'))).toMatchObject({ positions: 3, distinct: 3 });
  ledger.close();
});

it('names a row that two lanes sent', async () => {
  const ledger = await ledgerOf([[[at(0), at(2)]], [[at(1)], [at(2), at(3)]]]);
  expect(await checkPositions(ledger, ledger.batches.of('run-1'))).toMatchObject({
    distinct: 4,
    firstTwice: { ordinal: 2 },
  });
  ledger.close();
});

it('names a batch whose chunks do not make up its items', async () => {
  const ledger = await ledgerOf([[[at(0)]], [[at(1)], [at(2)]]]);
  ledger.db.sql.exec('DELETE FROM chunks WHERE batch = 2 AND first = 0');
  const { uneven } = await checkPositions(ledger, ledger.batches.of('run-1'));
  expect(uneven.map((batch) => batch.batchId)).toEqual(['B1']);
  ledger.close();
});
