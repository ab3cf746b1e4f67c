/** A state folder whose ledger holds many marks, made with the ledger's own means, flush by flush, as imports would have left it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ledger } from '../src/ledger/ledger.js';
import { Marks } from '../src/ledger/marks.js';

const MARK_WORDS = 5;
/** So many marks are put on record by one entry of the log: those of a chunk. */
const CHUNK = 500;

/** Fills the ledger of `state` with random marks of a project. */
export async function fillMarks(state: string, project: string, count: number): Promise<void> {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const ledger = await Ledger.open(join(state, 'ledger.db'));
  try {
    let seed = 1;
    const next = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);
    const mix = (word: number): number => Math.imul(word ^ (word >>> 15), 0x85ebca6b) >>> 0;
    let marks = new Marks(ledger.db, project, ledger.folder);
    for (let at = 0; at < count; at += CHUNK) {
      const chunk = Uint32Array.from(
        { length: CHUNK * MARK_WORDS },
        (_, i) => mix(next()) >>> (i % MARK_WORDS === 4 ? 1 : 0),
      );
      marks.settle(chunk);
      if (!marks.isFull) continue;
      marks.flush([]);
      // Closing waits for the merge that this flush has begun.
      await marks.close();
      marks = new Marks(ledger.db, project, ledger.folder);
    }
    marks.flush([]);
    await marks.close();
  } finally {
    ledger.close();
  }
}
