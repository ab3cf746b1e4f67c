import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.js';
import { Ledger } from '../../../src/ledger/ledger.js';
import type { RunState, StoredRun } from '../../../src/ledger/runs.js';
import type { Source, SourceInfo } from '../../../src/model.js';
import { decideRun, matchSources, runKey, storedSource, type RunRequest } from '../../../src/run/open-run.js';
import { newRun } from '../../support/books.js';

let ledger: Ledger;
beforeAll(async () => {
  ledger = await Ledger.open(':memory:');
});
afterAll(() => ledger.close());

describe('the identity of an import', () => {
  const typed = { sources: ['/data/a.jsonl', '/data/*.csv'], mappingPath: '/maps/m.yaml' };

  it('is the same in every version, because runs are found by it', () => {
    expect(runKey('p', typed)).toBe('433f2775333b941b21fa2208c29f351a');
    expect(runKey('p', { name: 'nightly' })).toBe('cfed932d9fc842713e2fcf163bb0f2a0');
    expect(runKey('p', { sources: [], mappingPath: undefined })).toBe('c82f8048b4d10ce1486c74163d5d1531');
  });

  it('is another for another project, other sources, another order of them, another mapping file, another name', () => {
    const keys = [
      runKey('p', typed),
      runKey('q', typed),
      runKey('p', { ...typed, sources: ['/data/a.jsonl'] }),
      runKey('p', { ...typed, sources: [...typed.sources].reverse() }),
      runKey('p', { ...typed, mappingPath: undefined }),
      runKey('p', { sources: [...typed.sources, '/maps/m.yaml'], mappingPath: undefined }),
      runKey('p', { name: 'nightly' }),
      runKey('q', { name: 'nightly' }),
      runKey('p', { name: 'Nightly' }),
      runKey('p', { sources: ['name', 'nightly'], mappingPath: undefined }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});

let count = 0;
function stored(state: RunState, over: Partial<Parameters<typeof newRun>[1]> = {}): StoredRun {
  const id = `run-${count++}`;
  ledger.runs.begin(newRun(id, over), '2026-01-01T00:00:00Z');
  ledger.runs.setState(id, state);
  const run = ledger.runs.byId(id);
  if (run === undefined) throw new Error('not begun');
  return run;
}

function request(over: Partial<RunRequest> = {}): RunRequest {
  return { ...newRun('new'), restart: false, dedupe: true, onChangedGiven: false, ...over };
}

function decision(latest: StoredRun | undefined, over: Partial<RunRequest> = {}): string {
  try {
    return decideRun(latest, request(over)).kind;
  } catch (error) {
    return error instanceof AppError ? `${error.code}/${error.disposition}` : String(error);
  }
}

describe('the same command', () => {
  const NEW_MAPPING = { mapping: 'other' };
  it.each<[string, StoredRun | undefined | (() => StoredRun), Partial<RunRequest>, string]>([
    ['begins a run where there was none', undefined, {}, 'new'],
    ['goes on with its unfinished run', () => stored('open'), {}, 'resume'],
    ['begins a new run after one that was delivered', () => stored('delivered'), {}, 'new'],
    ['begins a new run after one that was given up', () => stored('closed'), {}, 'new'],
    ['begins anew with --restart', () => stored('open'), { restart: true }, 'restart'],
    ['has nothing to restart after a delivered run', () => stored('delivered'), { restart: true }, 'new'],
    [
      'is refused when the mapping of the unfinished run changed',
      () => stored('open'),
      NEW_MAPPING,
      'mapping-changed/usage',
    ],
    ['unless it is to begin anew', () => stored('open'), { ...NEW_MAPPING, restart: true }, 'restart'],
    [
      'is refused when the mapping changed since, and has no key',
      () => stored('delivered'),
      NEW_MAPPING,
      'mapping-changed-since/usage',
    ],
    ['not when it has one', () => stored('delivered'), { ...NEW_MAPPING, keyed: true }, 'new'],
    ['not when it says what to do', () => stored('delivered'), { ...NEW_MAPPING, onChangedGiven: true }, 'new'],
    ['not when everything is to be sent anyway', () => stored('delivered'), { ...NEW_MAPPING, dedupe: false }, 'new'],
    ['not when the run before was given up', () => stored('closed'), NEW_MAPPING, 'new'],
  ])('%s', (_name, latest, over, expected) => {
    expect(decision(typeof latest === 'function' ? latest() : latest, over)).toBe(expected);
  });

  it('is refused when what decides where items go changed, with what it was and is', () => {
    const run = stored('open', { target: { graph: 'g', skip: '3' } });
    expect(decision(run, { target: { graph: 'g', skip: '3' } })).toBe('resume');
    expect(() => decideRun(run, request({ target: { graph: 'h', format: 'csv' } }))).toThrow(
      /--graph was g, is h; --skip was 3, is not given; --format was not given, is csv/,
    );
    expect(decision(run, { target: {} })).toBe('target-changed/usage');
    expect(decision(run, { target: {}, restart: true })).toBe('restart');
    expect(decision(stored('delivered', { target: { graph: 'g' } }), { target: {} })).toBe('new');
  });

  it('is told how to go on when it is refused', () => {
    const run = stored('open', { mappingPath: '/m.yaml' });
    expect(() => decideRun(run, request({ mapping: 'other', mappingPath: '/m.yaml' }))).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(
          `/m.yaml is not the one that the unfinished run ${run.id} began with`,
        ) as string,
        hint: expect.stringMatching(/--restart .+ --name/) as string,
      }) as Error,
    );
  });
});

interface File {
  readonly path: string;
  readonly bytes?: number;
  readonly modifiedMs?: number;
  readonly inode?: number;
}

interface Movable extends Source {
  index: number;
}

function source(index: number, file: File | undefined): Movable {
  const made = {
    index,
    get info(): SourceInfo {
      return {
        id: file?.path ?? 'stdin',
        index: made.index,
        format: 'jsonl',
        bytes: file === undefined ? undefined : (file.bytes ?? 10),
        compression: 'none',
        ...(file === undefined
          ? {}
          : { file: { path: file.path, modifiedMs: file.modifiedMs ?? 1.5, inode: file.inode ?? 7 } }),
      };
    },
    read: () => {
      throw new Error('read');
    },
  };
  return made;
}

const renumber = (each: Source, index: number): void => {
  (each as Movable).index = index;
};

describe('the sources of a run that goes on', () => {
  function begun(files: readonly (File | undefined)[]): StoredRun {
    const run = stored('open');
    files.forEach((file, index) => ledger.runs.putSource(run.id, storedSource(source(index, file), index)));
    return run;
  }
  const at = (run: StoredRun, place: number): StoredRun => {
    ledger.runs.setStand(run.id, {
      frontier: { place: { source: place, ordinal: 0, line: 1, byteStart: 0 }, totals: {} },
      totals: {},
      spools: undefined,
    });
    return ledger.runs.byId(run.id) ?? run;
  };
  const [a, b, c] = [{ path: '/a' }, { path: '/b' }, { path: '/c' }];

  it('keep the indexes that positions on record carry, in whatever order they are found; new ones come behind', () => {
    const run = begun([a, b]);
    const found = [source(0, c), source(1, b), source(2, a)];
    const { sources, touched } = matchSources(ledger, run, found, renumber);
    expect(sources.map((each) => each?.info.id)).toEqual(['/a', '/b', '/c']);
    expect(sources.map((each) => each?.info.index)).toEqual([0, 1, 2]);
    expect(touched.size).toBe(0);
    expect(ledger.runs.sources(run.id).map(({ index, path }) => [index, path])).toEqual([
      [0, '/a'],
      [1, '/b'],
      [2, '/c'],
    ]);
  });

  it.each<[string, Partial<File>, boolean]>([
    ['untouched', {}, false],
    ['grown', { bytes: 11 }, true],
    ['written to', { modifiedMs: 1.75 }, true],
    ['replaced', { inode: 8 }, true],
  ])('are trusted where they are as they were: %s', (_name, change, isTouched) => {
    const { touched } = matchSources(ledger, begun([a, b]), [source(0, a), source(1, { ...b, ...change })], renumber);
    expect([...touched]).toEqual(isTouched ? [1] : []);
  });

  it('are never trusted when they are streams', () => {
    expect([...matchSources(ledger, begun([undefined]), [source(0, undefined)], renumber).touched]).toEqual([0]);
  });

  it('may be gone when they are settled, and stop the run when they are not', () => {
    const run = at(begun([a, b]), 1);
    const { sources } = matchSources(ledger, run, [source(0, b)], renumber);
    expect(sources.map((each) => each?.info.id)).toEqual([undefined, '/b']);
    expect(() => matchSources(ledger, run, [source(0, a)], renumber)).toThrow(
      expect.objectContaining({ code: 'source-changed', disposition: 'ledger' }) as Error,
    );
  });
});
