/** The files of the page, read once from the package: what is not among them does not exist, so that no path leads anywhere else. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { AppError } from '../errors.js';

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** By path: `/` is index.html. Throws AppError `page-missing` where the package was not built. */
export function readPage(folder: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  try {
    for (const name of readdirSync(folder)) {
      const type = TYPES[extname(name)];
      if (type === undefined) continue;
      files.set(name === 'index.html' ? '/' : `/${name}`, { type, body: readFileSync(join(folder, name)) });
    }
  } catch (error) {
    throw pageMissing(folder, error);
  }
  if (!files.has('/') || !files.has('/main.js')) throw pageMissing(folder, undefined);
  return files;
}

function pageMissing(folder: string, cause: unknown): AppError {
  return new AppError(`the page of the dashboard is not in ${folder}`, {
    code: 'page-missing',
    disposition: 'bug',
    hint: 'install the package again, or npm run build',
    cause,
  });
}
