/** What the tests of rejects files share: sources whose rows are rejected, and what is read back. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ReadEntry, RecordBlock, Rejection, SourceFormat, SourceInfo } from '../../../src/model.js';
import type { RejectsFiles } from '../../../src/run/rejects-files.js';
import { type RejectPlace } from '../../../src/run/rejects-files.js';
import { discoverSources, type SourceOptions } from '../../../src/sources/index.js';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'zi-rejects-'));
  folders.push(folder);
  return folder;
}

export function tempFile(name: string, content: string | Uint8Array): string {
  const path = join(tempFolder(), name);
  writeFileSync(path, content);
  return path;
}

/** What a row is read as: its value, or the word `rejected`. */
export type Reading = { readonly value: unknown } | 'rejected';

export interface Rejected {
  readonly place: RejectPlace;
  readonly raw: string;
  readonly reading: Reading;
}

export function rejectionOf(entry: ReadEntry): Rejection {
  if (entry.kind === 'rejected') return entry;
  return { kind: 'rejected', stage: 'map', code: 'expression', message: 'no', position: entry.position };
}

export async function forEachEntry(
  paths: readonly string[],
  options: SourceOptions,
  see: (entry: ReadEntry, block: RecordBlock) => void,
): Promise<void> {
  for (const source of await discoverSources(paths, options)) {
    for await (const block of source.read(new AbortController().signal)) {
      for (const entry of block.entries) see(entry, block);
    }
  }
}

/** Rejects rows of the sources: those the reader cannot read, and of the others those that `isBad` says, by number. */
export async function rejectRows(
  files: RejectsFiles,
  paths: readonly string[],
  options: SourceOptions,
  isBad: (index: number) => boolean,
): Promise<Rejected[]> {
  const rejected: Rejected[] = [];
  let index = 0;
  await forEachEntry(paths, options, (entry, block) => {
    if (entry.kind === 'record' && !isBad(index++)) return;
    const raw = block.raw(entry.position);
    const place = files.add(rejectionOf(entry), raw, block.source, block.head);
    if (place !== undefined) rejected.push({ place, raw, reading: readingOf(entry) });
  });
  return rejected;
}

export function readingOf(entry: ReadEntry): Reading {
  return entry.kind === 'record' ? { value: entry.value } : 'rejected';
}

export async function readBack(paths: readonly string[], options: SourceOptions): Promise<Reading[][]> {
  const readings: Reading[][] = [];
  for (const path of paths) {
    const found: Reading[] = [];
    await forEachEntry([path], options, (entry) => found.push(readingOf(entry)));
    readings.push(found);
  }
  return readings;
}

/** The rejected rows by file, in order, each as it must be read again. */
export function expectedReadings(
  files: RejectsFiles,
  rejected: readonly Rejected[],
  again: (row: Rejected) => Reading = (row) => row.reading,
): Reading[][] {
  return files.paths.map((_, file) => rejected.filter(({ place }) => place.file === file).map(again));
}

/** The bytes of a row in its file, as text. */
export function rowAt(files: RejectsFiles, { file, offset, length }: RejectPlace): string {
  return readFileSync(files.paths[file] ?? '')
    .subarray(offset, offset + length)
    .toString('utf8');
}

export function sourceInfo(format: SourceFormat, index = 0): SourceInfo {
  return { id: `source-${index}.${format}`, index, format, bytes: undefined, compression: 'none' };
}

/** Adds a row that the mapping rejected. */
export function addRow(
  files: RejectsFiles,
  ordinal: number,
  raw: string,
  { format = 'jsonl', head, index = 0 }: { format?: SourceFormat; head?: string; index?: number } = {},
): RejectPlace | undefined {
  const source = sourceInfo(format, index);
  const position = { source, ordinal, line: ordinal + 1, byteStart: 0, byteEnd: raw.length };
  const rejection: Rejection = { kind: 'rejected', stage: 'map', code: 'expression', message: 'no', position };
  return files.add(rejection, raw, source, head);
}
