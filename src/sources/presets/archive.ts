/** Files inside of a zip archive as inputs: read as streams out of it, never unpacked to disk. One archive is opened once. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Entry, ZipFile } from 'yauzl';
import { AppError } from '../../errors.js';
import type { SourceFile } from '../../model.js';
import { StreamInput, type ByteInput } from '../byte-input.js';
import type { ExportFile, ExportFiles } from './export-files.js';

/** What stands between the name of an archive and that of a file in it. */
export const INSIDE = '!/';

export async function openArchive(path: string, cwd: string): Promise<ExportFiles> {
  const absolute = resolve(cwd, path);
  const { default: yauzl } = await import('yauzl');
  try {
    const archive = await yauzl.openPromise(absolute, {
      lazyEntries: true,
      autoClose: false,
      validateEntrySizes: true,
    });
    const facts = await stat(absolute);
    const files: ExportFile[] = [];
    for await (const entry of archive.eachEntry()) {
      const { fileName } = entry;
      if (fileName.endsWith('/') || !fileName.endsWith('.json')) continue;
      files.push({
        name: fileName,
        id: `${path}${INSIDE}${fileName}`,
        bytes: entry.uncompressedSize,
        file: {
          path: `${absolute}${INSIDE}${fileName}`,
          container: absolute,
          modifiedMs: facts.mtimeMs,
          inode: facts.ino,
        } satisfies SourceFile,
        open: () => inputOf(archive, entry, path),
      });
    }
    return { files };
  } catch (error) {
    throw unreadable(path, error);
  }
}

function inputOf(archive: ZipFile, entry: Entry, path: string): ByteInput {
  return new StreamInput(contentOf(archive, entry, path));
}

async function* contentOf(archive: ZipFile, entry: Entry, path: string): AsyncGenerator<Uint8Array> {
  if (entry.isEncrypted()) throw unreadable(path, new Error(`${entry.fileName} is protected by a password`));
  try {
    yield* (await archive.openReadStreamPromise(entry)) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw unreadable(`${path}${INSIDE}${entry.fileName}`, error);
  }
}

function unreadable(path: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError(`cannot read ${path}: ${(error as Error).message}`, {
    code: 'unreadable-source',
    disposition: 'usage',
    hint: 'download or export the archive again',
    cause: error,
  });
}
