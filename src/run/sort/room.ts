/** Whether a sort has room on disk: what does not fit into memory is written down once, and takes about as much as the sources. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RunEvent } from '../../events.js';
import type { Source } from '../../model.js';
import type { SortSettings } from './time-order.js';

/** What to tell when it may not have; undefined when it has, or nobody knows. */
export function roomNotice(
  { folder, memoryBytes }: SortSettings,
  sources: readonly (Source | undefined)[],
): RunEvent | undefined {
  const needed = sources.reduce((sum, source) => sum + (source?.info.bytes ?? 0), 0);
  const free = freeBytes(dirname(folder));
  if (free === undefined || needed <= memoryBytes || needed <= free) return undefined;
  return {
    type: 'notice',
    level: 'warning',
    code: 'sort-room',
    message: `sorting may need more room than there is: the sources are ${megabytes(needed)} MB long, and ${megabytes(free)} MB are free in ${dirname(folder)}`,
    hint: 'name another folder with --state-dir; a disk that is full stops the import, and nothing is lost',
  };
}

function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

export function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1_000_000);
}
