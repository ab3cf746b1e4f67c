/** What the tests of the sources share: files in a folder of their own, and everything a source gives in one object. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll } from 'vitest';
import type { ContentTap, ReadEntry, ReadFrom, Rejection, Source, SourceRecord } from '../../../src/model.js';
import { discoverSources, type SourceOptions } from '../../../src/sources/index.js';

export const DATA = process.env['ZEP_IMPORT_TEST_DATA'] ?? resolve(process.cwd(), '../shared/data');
export const hasData = existsSync(DATA);

export interface Outcome {
  readonly entries: readonly ReadEntry[];
  readonly records: readonly SourceRecord[];
  readonly rejections: readonly Rejection[];
  readonly values: readonly unknown[];
  readonly raws: readonly string[];
  readonly inexact: number;
  readonly bytesRead: number;
  readonly blocks: number;
  readonly error: unknown;
}

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'zep-sources-'));
  folders.push(folder);
  return folder;
}

export async function tempFile(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(await tempFolder(), name);
  await writeFile(path, content);
  return path;
}

/** Reads a source to its end; an error it throws is part of the outcome. */
export async function drain(source: Source, from?: ReadFrom, tap?: ContentTap): Promise<Outcome> {
  const entries: ReadEntry[] = [];
  const raws: string[] = [];
  let inexact = 0;
  let bytesRead = 0;
  let blocks = 0;
  let error: unknown;
  try {
    for await (const block of source.read(new AbortController().signal, from, tap)) {
      for (const entry of block.entries) {
        entries.push(entry);
        raws.push(block.raw(entry.position));
      }
      inexact += block.inexactNumbers;
      bytesRead = block.bytesRead;
      blocks++;
    }
  } catch (caught) {
    error = caught;
  }
  const records = entries.filter((entry) => entry.kind === 'record');
  const rejections = entries.filter((entry) => entry.kind === 'rejected');
  return { entries, records, rejections, values: records.map((r) => r.value), raws, inexact, bytesRead, blocks, error };
}

export async function readFileSource(path: string, options: SourceOptions = {}): Promise<Outcome> {
  const [source] = await discoverSources([path], options);
  if (source === undefined) throw new Error('no source');
  return await drain(source);
}

export async function readText(
  name: string,
  content: string | Uint8Array,
  options: SourceOptions = {},
): Promise<Outcome> {
  return await readFileSource(await tempFile(name, content), options);
}

/** Reads bytes as a pipe that delivers them in the given pieces. */
export async function readPieces(pieces: readonly Uint8Array[], options: SourceOptions): Promise<Outcome> {
  const [source] = await discoverSources(['-'], { ...options, stdin: Readable.from(pieces, { objectMode: true }) });
  if (source === undefined) throw new Error('no source');
  return await drain(source);
}

/** What must not depend on how the input was cut: values, positions, reasons and texts. */
export function essence(outcome: Outcome): unknown {
  return {
    error: outcome.error instanceof Error ? outcome.error.message : outcome.error,
    inexact: outcome.inexact,
    entries: outcome.entries.map((entry, index) => ({
      kind: entry.kind,
      value: entry.kind === 'record' ? entry.value : undefined,
      code: entry.kind === 'rejected' ? entry.code : undefined,
      message: entry.kind === 'rejected' ? entry.message : undefined,
      ordinal: entry.position.ordinal,
      line: entry.position.line,
      byteStart: entry.position.byteStart,
      byteEnd: entry.position.byteEnd,
      raw: outcome.raws[index],
    })),
  };
}

/** A zstd frame of raw and run-length blocks, written by hand. */
export function zstdFrame(parts: readonly (Buffer | { readonly byte: number; readonly times: number })[]): Buffer {
  const blocks = parts.map((part, index) => {
    const last = index === parts.length - 1 ? 1 : 0;
    const raw = !('byte' in part);
    const size = 'byte' in part ? part.times : part.length;
    const head = Buffer.alloc(3);
    head.writeUIntLE((size << 3) | (raw ? 0 : 2) | last, 0, 3);
    return Buffer.concat([head, 'byte' in part ? Buffer.from([part.byte]) : part]);
  });
  // No checksum, no content size; a window of 1 MiB.
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50]), ...blocks]);
}

/** Cuts bytes at the given places. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const borders = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const border of [...borders, bytes.length]) {
    if (border > from) pieces.push(bytes.subarray(from, border));
    from = border;
  }
  return pieces;
}
