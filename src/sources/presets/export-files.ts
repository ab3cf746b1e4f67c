/** The files of an export, whether they lie in a folder or in an archive. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { usageError } from '../../errors.js';
import type { SourceFile } from '../../model.js';
import { FileInput, type ByteInput } from '../byte-input.js';

export interface ExportFile {
  /** Path inside the export, with `/`. */
  readonly name: string;
  /** As it is shown. */
  readonly id: string;
  readonly bytes: number;
  readonly file: SourceFile;
  open(): ByteInput;
}

export interface ExportFiles {
  readonly files: readonly ExportFile[];
}

/** The JSON files below a folder. */
export async function openFolder(path: string, cwd: string): Promise<ExportFiles> {
  const root = resolve(cwd, path);
  const files: ExportFile[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.json')) continue;
    const absolute = join(entry.parentPath, entry.name);
    const name = absolute
      .slice(root.length + 1)
      .split(sep)
      .join('/');
    const facts = await stat(absolute);
    files.push({
      name,
      id: join(path, name),
      bytes: facts.size,
      file: { path: absolute, modifiedMs: facts.mtimeMs, inode: facts.ino },
      open: () => new FileInput(absolute, facts.size),
    });
  }
  return { files };
}

const MOST_CONTEXT_BYTES = 256 * 1024 * 1024;

/** A whole JSON file that says what others mean; undefined when it is not there. Throws a usage error when it cannot be read. */
export async function readContext(file: ExportFile | undefined): Promise<unknown> {
  if (file === undefined) return undefined;
  if (file.bytes > MOST_CONTEXT_BYTES) throw usageError('unreadable-source', `${file.id} is larger than 256 MiB`);
  const input = file.open();
  const bytes = Buffer.allocUnsafe(file.bytes);
  let end = 0;
  try {
    while (end < bytes.length) {
      const count = await input.read(bytes, end, bytes.length - end, new AbortController().signal);
      if (count === 0) break;
      end += count;
    }
    return JSON.parse(bytes.toString('utf8', 0, end)) as unknown;
  } catch (error) {
    throw usageError(
      'unreadable-source',
      `${file.id} cannot be read: ${(error as Error).message}`,
      'download or export it again',
    );
  } finally {
    await input.close();
  }
}
