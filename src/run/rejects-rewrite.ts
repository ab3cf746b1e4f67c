/**
 * Rejects files made anew with some of their rows. All new files are written before the first takes the place of an old one, and the old
 * ones are put aside: whatever the database holds when a crash comes, the files for it are there.
 */
import type { Range, RejectPlace, RejectsFile } from './rejects-file.js';

export interface Rewritten {
  /** The files that still hold rows, and those of which an old version lies aside. */
  readonly files: RejectsFile[];
  readonly aside: readonly RejectsFile[];
  /** Where a row lies now; undefined for one that was not kept. */
  readonly moved: (place: RejectPlace) => RejectPlace | undefined;
}

/** Throws AppError `disk-full` or `rejects-unwritable`; then nothing has changed. */
export function rewriteFiles(files: readonly RejectsFile[], keep: readonly RejectPlace[]): Rewritten {
  const wanted = files.map(() => new Map<number, Range>());
  for (const { file, offset, length } of keep) wanted[file]?.set(offset, { offset, length });
  let number = 0;
  const plans = files.map((file, index) => planOf(file, [...(wanted[index]?.values() ?? [])], () => number++));
  const changed = plans.filter((plan) => plan.changes);
  try {
    for (const { file, rows } of changed) if (rows.length > 0) file.writeNext(rows);
  } catch (error) {
    for (const { file } of changed) file.forgetNext();
    throw error;
  }
  for (const { file, bytes } of changed) file.replace(bytes);
  return {
    files: plans.filter((plan) => plan.bytes > 0).map((plan) => plan.file),
    aside: changed.map((plan) => plan.file),
    moved: ({ file, offset, length }) => {
      const to = plans[file]?.offsets.get(offset);
      return to === undefined ? undefined : { file: plans[file]?.number ?? 0, offset: to, length };
    },
  };
}

interface Plan {
  readonly file: RejectsFile;
  readonly rows: readonly Range[];
  /** Its number among the files that still hold rows. */
  readonly number: number;
  /** New offsets by old ones. */
  readonly offsets: ReadonlyMap<number, number>;
  /** Its new length, 0 without rows. */
  readonly bytes: number;
  readonly changes: boolean;
}

/** A file that loses no row stays as it is: rows do not overlap, so that its length tells. */
function planOf(file: RejectsFile, rows: readonly Range[], nextNumber: () => number): Plan {
  const places = file.placesOf(rows);
  const isWhole = places.at(-1) === file.state.bytes;
  const offsets = new Map(rows.map(({ offset }, index) => [offset, isWhole ? offset : (places[index] ?? 0)]));
  const isEmpty = rows.length === 0;
  return {
    file,
    rows,
    number: isEmpty ? -1 : nextNumber(),
    offsets,
    bytes: isEmpty ? 0 : (places.at(-1) ?? 0),
    changes: !isWhole,
  };
}
