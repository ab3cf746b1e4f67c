/** Ledgers in files for tests, each in a folder of its own below one that is removed at the end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ledger } from '../../src/ledger/ledger.js';

export interface Ledgers {
  readonly folder: string;
  /** The path of a ledger that is not there yet. */
  fresh(): string;
  /** Opens a ledger, to be closed by `closeAll` at the latest. */
  open(path?: string): Promise<Ledger>;
  /** Call it after each test. */
  closeAll(): void;
  /** Call it after all tests. */
  remove(): void;
}

export function ledgers(): Ledgers {
  const folder = mkdtempSync(join(tmpdir(), 'zi-ledger-'));
  const opened = new Set<Ledger>();
  let count = 0;
  const fresh = (): string => join(folder, `state-${count++}`, 'ledger.db');
  return {
    folder,
    fresh,
    async open(path = fresh()) {
      const ledger = await Ledger.open(path);
      opened.add(ledger);
      return ledger;
    },
    closeAll() {
      for (const ledger of opened) ledger.close();
      opened.clear();
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A new batch of a run that the service has opened: its row. */
export function openBatch(ledger: Ledger, run: string, batchId: string, lane = 0, number = 1): number {
  const row = ledger.batches.intend({ run, lane, number, attempt: `attempt of ${batchId}` });
  ledger.batches.opened(row, batchId);
  return row;
}

export const uuid = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
