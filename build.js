/**
 * Builds what is installed: a few files instead of some four hundred modules, because finding and loading them is most of what a start takes.
 * Libraries stay what they are. Names of parts carry a hash, so that a process that loads one late, after an update, finds its own or none.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

/** @satisfies {import('rolldown').BuildOptions} */
export const options = /** @type {const} */ ({
  input: {
    main: 'src/cli/main.ts',
    'compile-cache': 'src/cli/compile-cache.ts',
    'parse-worker': 'src/sources/documents/parse-worker.ts',
  },
  platform: 'node',
  tsconfig: 'tsconfig.json',
  external: (/** @type {string} */ id) => !/^[./]/.test(id),
  logLevel: 'warn',
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    comments: false,
  },
});

const file = fileURLToPath(import.meta.url);
if (resolve(process.argv[1] ?? '') === file) await build({ ...options, cwd: resolve(file, '..') });
