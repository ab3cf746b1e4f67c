/** Whether items are sent in the order of their time, and where a sort keeps what does not fit into memory. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { usageError } from '../errors.js';
import type { Ledger } from '../ledger/ledger.js';
import { RunLock } from '../ledger/run-lock.js';
import type { Mapping } from '../mapping/index.js';
import type { SortSettings } from '../run/sort/time-order.js';
import type { Io } from './io.js';
import type { Values } from './options.js';
import { makeFolder, stateDir } from './state-dir.js';

/** The flag wins over the mapping file, and that over a config file. */
export function isSorted(values: Values, mapping: Pick<Mapping, 'sort'> | undefined): boolean {
  const isFromFile = values.origins.get('sort')?.kind === 'file';
  const said = isFromFile ? (mapping?.sort ?? values.sort) : (values.sort ?? mapping?.sort);
  return (said ?? 'none') === 'created_at';
}

/** Throws usageError: a sort by a time that no item has would leave everything as it is. */
export function refuseIdleSort(values: Values, mapping: Mapping | undefined): void {
  if (!isSorted(values, mapping) || mapping?.hasCreatedAt !== 'none') return;
  throw usageError(
    'nothing-to-sort-by',
    `there is nothing to sort by: ${values.mapping ?? 'the mapping'} gives no item a created_at`,
    'add created_at to the mapping, or leave --sort out',
  );
}

const NAME = 'sorting';

/** Settings of a run's sort: in its own folder, whose lock is held, so that what lies there is left over and goes. */
export function sortOfRun(values: Values, mapping: Mapping | undefined, runFolder: string): SortSettings | undefined {
  if (!isSorted(values, mapping)) return undefined;
  return { folder: join(runFolder, NAME), memoryBytes: values.sortMemory };
}

/** Removes what killed processes left over of sorts of this ledger's runs: all but those that somebody works on. `own` is a run whose lock is held here. */
export async function removeLeftSorts(state: string, ledger: Ledger, own: string): Promise<void> {
  const runs = join(state, 'runs');
  const ownKey = ledger.runs.byId(own)?.key;
  for (const id of namesIn(runs)) {
    const folder = join(runs, id, NAME);
    if (!existsSync(folder)) continue;
    const key = ledger.runs.byId(id)?.key;
    const isInUse =
      key !== undefined && key !== '' && key !== ownKey && (await RunLock.isHeld(join(state, 'locks'), key));
    if (!isInUse) rmSync(folder, { recursive: true, force: true });
  }
}

export function sortOfCheck(values: Values, mapping: Mapping | undefined, io: Io): SortSettings | undefined {
  if (!isSorted(values, mapping)) return undefined;
  return { ...sortOfProcess(makeFolder(stateDir(values.stateDir, io.env)), io), memoryBytes: values.sortMemory };
}

const MEMORY_BYTES = 48 * 1024 * 1024;

/** Settings of a sort that belongs to no run. */
export function sortOfProcess(state: string, io: Io): SortSettings {
  return { folder: scratchOfProcess(state, io), memoryBytes: MEMORY_BYTES };
}

/** Names a folder of this process's own, which is not made. Those of processes that are gone are removed. */
export function scratchOfProcess(state: string, io: Io): string {
  const folder = join(state, NAME);
  const host = hostname().replace(/[^\w-]/g, '_');
  for (const name of namesIn(folder)) {
    const [pid = '', ...rest] = name.split('.').reverse();
    if (rest.at(-1) === host && !isAlive(Number(pid))) rmSync(join(folder, name), { recursive: true, force: true });
  }
  const own = `${host}.${randomBytes(4).toString('hex')}.${io.pid ?? 0}`;
  return join(folder, own);
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // there is none
  }
}
