import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../src/', import.meta.url));

/** A stage may import the floor (files directly in src) and what is listed here; `run` conducts, `cli` starts, nobody imports `cli`. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  '(floor)': [],
  sources: [],
  mapping: [],
  guess: ['mapping'],
  lanes: [],
  remote: [],
  ledger: [],
  progress: [],
  emulator: [],
  run: ['sources', 'mapping', 'lanes', 'remote', 'ledger', 'progress'],
  dashboard: ['remote', 'ledger', 'progress', 'run'],
  cli: ['sources', 'mapping', 'lanes', 'remote', 'ledger', 'progress', 'run', 'emulator', 'guess', 'dashboard'],
};

interface Import {
  readonly file: string;
  readonly specifier: string;
}

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

function stageOf(path: string): string {
  const [first = '', ...rest] = relative(root, path).split(sep);
  return rest.length === 0 ? '(floor)' : first;
}

const imports: Import[] = files(root).flatMap((file) =>
  [
    ...readFileSync(file, 'utf8').matchAll(
      /(?:^|\s)(?:import|export)\s[^'";]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)|^import\s+'([^']+)'/gm,
    ),
  ].map((match) => ({ file, specifier: match[1] ?? match[2] ?? match[3] ?? '' })),
);

describe('dependency direction', () => {
  it('reads the imports of all stages', () => {
    expect(new Set(files(root).map(stageOf))).toEqual(new Set(Object.keys(ALLOWED)));
    expect(imports.length).toBeGreaterThan(100);
  });

  it('no stage imports another stage; only run and cli put stages together, and nobody imports cli', () => {
    const wrong = imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ file, specifier }) => ({ file, from: stageOf(file), to: stageOf(join(file, '..', specifier)) }))
      .filter(({ from, to }) => to !== from && to !== '(floor)' && !(ALLOWED[from] ?? []).includes(to))
      .map(({ file, to }) => `${relative(root, file)} imports ${to}`);
    expect(wrong).toEqual([]);
  });

  it('only remote/http-client.ts knows undici', () => {
    const users = imports.filter(({ specifier }) => specifier === 'undici').map(({ file }) => relative(root, file));
    expect([...new Set(users)]).toEqual([join('remote', 'http-client.ts')]);
  });

  it('only cli uses the process: its arguments, environment, streams and exit code', () => {
    const users = files(root)
      .filter((file) => stageOf(file) !== 'cli')
      .filter((file) =>
        /\bprocess\.(argv|env|exit|exitCode|stdout|stderr|stdin|cwd)\b/.test(readFileSync(file, 'utf8')),
      )
      .map((file) => relative(root, file));
    expect(users).toEqual([]);
  });

  it('the importer and the local server share nothing but the floor', () => {
    const shared = imports
      .filter(({ file }) => stageOf(file) === 'emulator')
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ file, specifier }) => stageOf(join(file, '..', specifier)));
    expect(new Set(shared)).toEqual(new Set(['emulator', '(floor)']));
  });
});
