/**
 * The program is killed at every step of its protocol, for every kind of source, and started again: then every row is there once, in order,
 * and the books prove themselves. A step that no import passes any more fails its test, because nothing is known of it then.
 */
import { afterAll, describe, expect, it } from 'vitest';
import type { Step } from '../../src/steps.js';
import { crash, type CrashSource, type Way } from '../support/crash-case.js';
import { gate } from '../support/gate.js';

interface Place {
  /** At which passing it is killed, source by source: the first, one in the middle, a late one. */
  readonly passings: readonly [number, number, number];
  /** Ways to pass it; the first that does counts, but none may end wrongly. */
  readonly ways: readonly [Way, ...Way[]];
  /** Of these sources only; else of all. */
  readonly sources?: readonly CrashSource[];
  /** An import may never pass it; that is told. */
  readonly mayBeMissing?: boolean;
}

const STRAIGHT: readonly [Way] = [{}];
const ONCE: Place = { passings: [1, 1, 1], ways: STRAIGHT };
const CREATE: Place = { passings: [1, 2, 3], ways: STRAIGHT };
const ADD: Place = { passings: [1, 6, 12], ways: STRAIGHT };
const PROCESS: Place = { passings: [1, 2, 3], ways: STRAIGHT };
const REBUILD: Place = {
  passings: [1, 1, 1],
  ways: [
    { faults: ['add:3=twice'] },
    { faults: ['process:1=delete-draft'] },
    { faults: ['add:3=drop-after'] },
    { faults: ['process:1=invalid'] },
  ],
};
const DELETE: Place = {
  passings: [1, 1, 1],
  ways: [
    { faults: ['add:3=twice'] },
    { faults: ['create:1=twice'] },
    { faults: ['process:1=invalid'] },
    { discarded: true },
  ],
};
const SETTLE: Place = {
  passings: [1, 1, 1],
  ways: [{ after: ['add.answered:3'] }, { faults: ['add:3-9=drop-after'] }, { after: ['poll.asking:1'] }],
};
/** What is known of items moves to a file when there are many: it takes an import that is large. */
const MARKS: Place = { passings: [1, 1, 1], ways: [{ large: true }] };
const SORT: Place = { passings: [1, 1, 1], ways: [{ sorted: true }] };
const MIGRATE: Place = { passings: [1, 1, 1], ways: [{ oldLedger: true }, {}] };

const PLACES: Readonly<Record<Step, Place>> = {
  'run.begun': ONCE,
  'create.intending': CREATE,
  'create.intended': CREATE,
  'create.answered': CREATE,
  'create.recorded': CREATE,
  'add.intending': ADD,
  'add.intended': ADD,
  'add.answered': ADD,
  'add.recorded': ADD,
  'run.uploaded': ONCE,
  'process.intending': PROCESS,
  'process.intended': PROCESS,
  'process.answered': PROCESS,
  'process.recorded': PROCESS,
  'poll.asking': { passings: [1, 2, 3], ways: STRAIGHT },
  'poll.answered': { passings: [1, 2, 3], ways: STRAIGHT },
  'poll.recorded': { passings: [1, 2, 3], ways: STRAIGHT },
  'marks.written': { ...MARKS, sources: ['plain'] },
  'marks.recorded': { ...MARKS, sources: ['stdin'] },
  'run.delivered': ONCE,
  'delete.intended': DELETE,
  'delete.answered': DELETE,
  'rebuild.intending': REBUILD,
  'rebuild.intended': REBUILD,
  'rebuild.deleted': REBUILD,
  'rebuild.refilled': REBUILD,
  'rebuild.recorded': REBUILD,
  'settle.asking': SETTLE,
  'settle.recorded': SETTLE,
  'sort.written': { ...SORT, passings: [1, 4, 6] },
  'sort.merged': { ...SORT, sources: ['plain'] },
  'sort.done': { ...SORT, sources: ['stdin'] },
  'sort.removed': { ...SORT, sources: ['gz'] },
  'migrate.applied': MIGRATE,
  'migrate.recorded': MIGRATE,
};

const SOURCES: readonly CrashSource[] = ['plain', 'gz', 'stdin'];
const AT_ONCE = Number(process.env['ZI_CRASH_PARALLEL'] ?? 4);
const turn = gate(AT_ONCE);
const PATIENCE_MS = 300_000;
const missing: string[] = [];

afterAll(() => {
  if (missing.length > 0) process.stderr.write(`never passed: ${missing.join(', ')}\n`);
});

describe.concurrent('killed at a step and started again, an import holds every row once, in order', () => {
  const cases = Object.entries(PLACES).flatMap(([step, place]) =>
    SOURCES.flatMap((source, index) =>
      place.sources?.includes(source) === false ? [] : [{ step, place, source, passing: place.passings[index] ?? 1 }],
    ),
  );

  it.each(cases)(
    '$step of $source',
    async ({ step, place, source, passing }) => {
      const stories: string[] = [];
      for (const way of place.ways) {
        const { reached, violations, story } = await turn(() => crash(source, `${step}:${passing}`, way));
        stories.push(JSON.stringify(way), story);
        expect(violations, stories.join('\n')).toEqual([]);
        if (reached) return;
      }
      missing.push(`${step}:${passing} (${source})`);
      if (place.mayBeMissing !== true) expect.fail(`${step}:${passing} is never passed\n${stories.join('\n')}`);
    },
    PATIENCE_MS,
  );

  it.each<readonly [CrashSource, string, Way]>([
    ['plain', 'add.recorded:7', { after: ['add.answered:5', 'sort.merged:1'] }],
    ['stdin', 'add.intended:9', { after: ['sort.written:2', 'add.answered:2'] }],
    ['plain', 'rebuild.refilled:1', { faults: ['add:3=twice'] }],
    ['gz', 'rebuild.recorded:1', { faults: ['process:1=delete-draft'] }],
    ['plain', 'process.answered:2', { after: ['process.answered:1', 'sort.done:1'] }],
  ])(
    'and with --sort, of rows that stand anywhere in the file: %s, %s, %j',
    async (source, kill, way) => {
      const { reached, violations, story } = await turn(() => crash(source, kill, { ...way, sorted: true }));
      expect(violations, story).toEqual([]);
      expect(reached, story).toBe(true);
    },
    PATIENCE_MS,
  );

  it.each([
    [['add.answered:3', 'run.begun:1']],
    [['add.answered:3', 'settle.asking:1', 'settle.recorded:1']],
    [['add.intended:1', 'add.intended:1', 'add.intended:1']],
    [['create.answered:1', 'create.answered:1', 'create.answered:2']],
    [['add.answered:6', 'rebuild.intended:1', 'rebuild.deleted:1', 'add.intended:2']],
    [['add.answered:6', 'rebuild.refilled:1', 'process.answered:1']],
    [['process.intended:1', 'process.answered:1', 'process.answered:2']],
    [['process.answered:3', 'run.delivered:1', 'run.begun:1']],
    [['run.uploaded:1', 'poll.asking:1', 'poll.recorded:1', 'run.delivered:1']],
  ])(
    'and while it recovers from being killed: %j',
    async (kills) => {
      const { violations, story } = await turn(() => crash('plain', kills.at(-1) ?? '', { after: kills.slice(0, -1) }));
      expect(violations, story).toEqual([]);
    },
    PATIENCE_MS,
  );
});
