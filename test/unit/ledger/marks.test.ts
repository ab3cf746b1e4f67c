import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeSegment } from '../../../src/ledger/hash-store/segment-writer.js';
import type { Ledger } from '../../../src/ledger/ledger.js';
import { bytesOf, Marks } from '../../../src/ledger/marks.js';
import { newRun, position } from '../../support/books.js';
import { hashWords, tableOf, thrownBy } from '../../support/hash-store.js';
import { ledgers, openBatch, uuid } from '../../support/ledgers.js';

const files = ledgers();
let opened: Marks[] = [];
afterEach(async () => {
  for (const marks of opened) await marks.close();
  opened = [];
  files.closeAll();
});
afterAll(() => files.remove());

let ledger: Ledger;
beforeEach(async () => {
  ledger = await files.open();
  ledger.runs.begin(newRun('run-1'), '2026-01-01T00:00:00Z');
});

function marksOf(project = 'p', of = ledger): Marks {
  const marks = new Marks(of.db, project, of.folder);
  opened.push(marks);
  return marks;
}

/** The marks of a project as a process that starts now finds them. */
async function reopened(project = 'p'): Promise<Marks> {
  for (const marks of opened) await marks.close();
  opened = [];
  const { path } = ledger.db.sql;
  ledger.close();
  ledger = await files.open(path);
  return marksOf(project);
}

/** The mark of item n: four words of identity, one of content. */
function mark(n: number, content = 5): Uint32Array {
  return Uint32Array.of(...hashWords(n, 4), content);
}

function all(numbers: readonly number[], content?: number): Uint32Array {
  return Uint32Array.from(numbers.flatMap((n) => [...mark(n, content)]));
}

/** Reserves items and has them accepted as one chunk. */
function send(marks: Marks, batch: number, numbers: readonly number[], content?: number): number {
  for (const n of numbers) marks.reserve(mark(n, content));
  const chunk = ledger.batches.intendChunk({
    batch,
    first: ledger.batches.byRow(batch)?.items ?? 0,
    items: numbers.length,
    digest: 'd',
    positions: numbers.map(position),
    last: { source: 0, ordinal: numbers.at(-1) ?? 0 },
    marks: bytesOf(all(numbers, content)),
  });
  ledger.batches.chunkAccepted(chunk, { uuids: numbers.map(uuid), slots: '' });
  return chunk;
}

const known = (marks: Marks, numbers: readonly number[]): string[] => numbers.map((n) => marks.find(mark(n)));

const folderOf = (project: string): string =>
  join(ledger.folder ?? '', createHash('sha256').update(project).digest('hex').slice(0, 32));

const segmentFiles = (project = 'p'): string[] =>
  existsSync(folderOf(project)) ? readdirSync(folderOf(project)).filter((name) => name.includes('.segment')) : [];

const logged = (): number => Number(ledger.db.sql.prepare('SELECT count(*) AS n FROM mark_log').get()?.['n']);

describe('an item', () => {
  it('is known from when it is on its way, by this process alone; by all when it was accepted', async () => {
    const marks = marksOf();
    marks.reserve(mark(1));
    expect(known(marks, [1, 2])).toEqual(['same', 'unknown']);
    expect(known(await reopened(), [1])).toEqual(['unknown']);
    send(marksOf(), openBatch(ledger, 'run-1', 'B'), [1]);
    expect(known(await reopened(), [1, 2])).toEqual(['same', 'unknown']);
  });

  it('of an add that was never answered is unknown to the next process', async () => {
    const batch = openBatch(ledger, 'run-1', 'B');
    ledger.batches.intendChunk({
      ...{ batch, first: 0, items: 1, digest: 'd', positions: [position(0)], marks: bytesOf(all([1])) },
      last: { source: 0, ordinal: 0 },
    });
    expect(known(await reopened(), [1])).toEqual(['unknown']);
  });

  it('is known with other content as changed, and with that content once it was sent again', async () => {
    const marks = marksOf();
    const batch = openBatch(ledger, 'run-1', 'B');
    send(marks, batch, [1], 5);
    expect(marks.find(mark(1, 6))).toBe('changed');
    send(marks, batch, [1], 6);
    expect([marks.find(mark(1, 6)), marks.find(mark(1, 5))]).toEqual(['same', 'changed']);
    const again = await reopened();
    expect([again.find(mark(1, 6)), again.find(mark(1, 5))]).toEqual(['same', 'changed']);
  });

  it.each([false, true])('that did not get in is unknown again (moved to a file before: %s)', async (isMoved) => {
    const marks = marksOf();
    send(marks, openBatch(ledger, 'run-1', 'B'), [1, 2, 3]);
    if (isMoved) marks.flush([]);
    marks.withdraw(all([1, 3]));
    expect(known(marks, [1, 2, 3])).toEqual(['unknown', 'same', 'unknown']);
    expect(known(await reopened(), [1, 2, 3])).toEqual(['unknown', 'same', 'unknown']);
    marksOf().flush([]);
    expect(known(await reopened(), [1, 2, 3])).toEqual(['unknown', 'same', 'unknown']);
  });

  it.each([false, true])(
    'that failed is told apart until it is settled (moved to a file before: %s)',
    async (isMoved) => {
      const marks = marksOf();
      send(marks, openBatch(ledger, 'run-1', 'B'), [1, 2], 0x7ffffffe);
      if (isMoved) marks.flush([]);
      marks.fail(all([1], 0x7ffffffe));
      expect(known(await reopened(), [1, 2])).toEqual(['failed-changed', 'changed']);
      expect((await reopened()).find(mark(1, 0x7ffffffe))).toBe('failed');
      marksOf().settle(all([1], 0x7ffffffe));
      const again = await reopened();
      expect([again.find(mark(1, 0x7ffffffe)), again.find(mark(1, 1))]).toEqual(['same', 'changed']);
    },
  );

  it.each(['fail', 'settle', 'withdraw'] as const)(
    'whose key has other content by now is left as it is by what became of the old one (%s)',
    async (become) => {
      const marks = marksOf();
      const batch = openBatch(ledger, 'run-1', 'B');
      send(marks, batch, [1, 2], 5);
      send(marks, batch, [1], 6);
      marks[become](all([1, 2], 5));
      const then = { fail: 'failed', settle: 'same', withdraw: 'unknown' }[become];
      for (const each of [marks, await reopened()]) {
        expect([each.find(mark(1, 6)), each.find(mark(2, 5))]).toEqual(['same', then]);
      }
    },
  );

  it('that cannot be known again leaves no trace', async () => {
    const marks = marksOf();
    const none = new Uint32Array(5);
    const batch = openBatch(ledger, 'run-1', 'B');
    const chunk = ledger.batches.intendChunk({
      ...{ batch, first: 0, items: 1, digest: 'd', positions: [position(0)], marks: bytesOf(none) },
      last: { source: 0, ordinal: 0 },
    });
    ledger.batches.chunkAccepted(chunk, { uuids: [uuid(1)], slots: '' });
    marks.withdraw(none);
    marks.fail(none);
    expect((await reopened()).find(none)).toBe('unknown');
  });

  it('is known in its project alone', async () => {
    send(marksOf(), openBatch(ledger, 'run-1', 'B'), [1]);
    expect(known(await reopened('q'), [1])).toEqual(['unknown']);
    marksOf('p').flush([]);
    expect(known(marksOf('q'), [1])).toEqual(['unknown']);
    expect(known(await reopened('p'), [1])).toEqual(['same']);
  });
});

describe('a draft that is made anew', () => {
  it('leaves its items known, and those that were dropped on the way unknown, for whoever reads the log later', async () => {
    const marks = marksOf();
    const plan = openBatch(ledger, 'run-1', 'old');
    send(marks, plan, [1, 2, 3]);
    ledger.batches.intendRebuild(plan);
    const row = ledger.batches.intend({ run: 'run-1', lane: 0, number: 1, attempt: 'again', plan });
    ledger.batches.opened(row, 'new');
    send(marks, row, [1, 3]);
    ledger.db.durable(() => {
      ledger.batches.rebuilt(plan, row);
      marks.withdraw(all([2]));
    });
    expect(known(marks, [1, 2, 3])).toEqual(['same', 'unknown', 'same']);
    expect(known(await reopened(), [1, 2, 3])).toEqual(['same', 'unknown', 'same']);
    marksOf().flush([]);
    expect(known(await reopened(), [1, 2, 3])).toEqual(['same', 'unknown', 'same']);
  });

  it('is begun again after a crash with its items still known', async () => {
    const marks = marksOf();
    const plan = openBatch(ledger, 'run-1', 'old');
    send(marks, plan, [1, 2]);
    ledger.batches.intendRebuild(plan);
    const row = ledger.batches.intend({ run: 'run-1', lane: 0, number: 1, attempt: 'again', plan });
    ledger.batches.opened(row, 'new');
    send(marks, row, [1]);
    await reopened();
    ledger.batches.forget(row);
    expect(known(await reopened(), [1, 2])).toEqual(['same', 'same']);
  });
});

describe('what a deleted draft held', () => {
  it('is not taken for what another project or run puts in its place in the ledger', async () => {
    ledger.runs.begin(newRun('elsewhere', { project: 'q' }), '2026-01-02T00:00:00Z');
    const marks = marksOf();
    const batch = openBatch(ledger, 'run-1', 'B');
    send(marks, batch, [1, 2]);
    ledger.db.durable(() => {
      marks.withdraw(all([1, 2]));
      ledger.batches.forget(batch);
    });
    send(marksOf('q'), openBatch(ledger, 'elsewhere', 'C'), [3, 4]);
    expect(known(await reopened('p'), [1, 2, 3, 4])).toEqual(['unknown', 'unknown', 'unknown', 'unknown']);
    expect(known(await reopened('q'), [1, 2, 3, 4])).toEqual(['unknown', 'unknown', 'same', 'same']);
  });
});

describe('moving marks to a file', () => {
  it('empties the log and the memory, and keeps those on their way reserved', async () => {
    const marks = marksOf();
    send(marks, openBatch(ledger, 'run-1', 'B'), [1, 2]);
    marks.reserve(mark(3));
    marks.flush([[...mark(3)]]);
    expect(segmentFiles()).toHaveLength(1);
    expect(logged()).toBe(0);
    expect(known(marks, [1, 2, 3, 4])).toEqual(['same', 'same', 'same', 'unknown']);
    expect(known(await reopened(), [1, 2, 3])).toEqual(['same', 'same', 'unknown']);
  });

  it('moves nothing that is not on record: an item on its way that nobody names is unknown again', () => {
    const marks = marksOf();
    send(marks, openBatch(ledger, 'run-1', 'B'), [1]);
    marks.reserve(mark(2));
    marks.flush([]);
    expect(known(marks, [1, 2])).toEqual(['same', 'unknown']);
  });

  it('writes no file when there is nothing to move', () => {
    marksOf().flush([]);
    expect(segmentFiles()).toEqual([]);
  });

  it('loses and doubles nothing over many files and their merging', async () => {
    let marks = marksOf();
    const batch = openBatch(ledger, 'run-1', 'B');
    for (let round = 0; round < 40; round++) {
      send(marks, batch, [round * 3, round * 3 + 1, round * 3 + 2]);
      if (round % 2 === 1) marks.withdraw(all([round * 3 - 3]));
      if (round === 20) marks = await reopened();
      marks.flush([]);
    }
    await expect.poll(() => segmentFiles().length).toBeLessThan(40);
    const expected = Array.from({ length: 120 }, (_, n) => (n % 6 === 0 ? 'unknown' : 'same'));
    expect(known(marks, [...expected.keys()])).toEqual(expected);
    expect(known(await reopened(), [...expected.keys()])).toEqual(expected);
  });

  it('is what the ledger says it was, whatever was done in which order and wherever the process ended', async () => {
    type Act = 'send' | 'withdraw' | 'fail' | 'settle' | 'flush' | 'reopen';
    const acts = fc.array(
      fc.record({
        act: fc.constantFrom<Act>('send', 'send', 'withdraw', 'fail', 'settle', 'flush', 'reopen'),
        items: fc.uniqueArray(fc.nat(11), { minLength: 1, maxLength: 4 }),
      }),
      { maxLength: 25 },
    );
    let project = 0;
    await fc.assert(
      fc.asyncProperty(acts, async (list) => {
        const name = `p${project++}`;
        ledger.runs.begin(newRun(`run of ${name}`, { project: name }), '2026-01-01T00:00:00Z');
        const batch = openBatch(ledger, `run of ${name}`, name);
        const model = new Map<number, string>();
        let marks = marksOf(name);
        for (const { act, items } of list) {
          if (act === 'send') send(marks, batch, items);
          else if (act === 'withdraw') marks.withdraw(all(items));
          else if (act === 'fail') marks.fail(all(items));
          else if (act === 'settle') marks.settle(all(items));
          else if (act === 'flush') marks.flush([]);
          else marks = await reopened(name);
          const becomes = { send: 'same', withdraw: 'unknown', fail: 'failed', settle: 'same' }[act as string];
          if (becomes !== undefined) for (const n of items) model.set(n, becomes);
          const numbers = Array.from({ length: 12 }, (_, n) => n);
          expect(known(marks, numbers)).toEqual(numbers.map((n) => model.get(n) ?? 'unknown'));
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('a crash while marks move to a file', () => {
  it('before the file is on record costs nothing: the log still has them, and the file is removed once it is old', async () => {
    send(marksOf(), openBatch(ledger, 'run-1', 'B'), [1]);
    marksOf().flush([]);
    send(marksOf(), openBatch(ledger, 'run-1', 'C', 0, 2), [2]);
    const young = join(folderOf('p'), 'aaaaaaaaaaaaaaaa.segment');
    const old = join(folderOf('p'), 'bbbbbbbbbbbbbbbb.segment');
    const torn = join(folderOf('p'), 'cccccccccccccccc.segment.tmp');
    writeSegment(young, tableOf(0, 10));
    writeSegment(old, tableOf(0, 10));
    writeFileSync(torn, 'half');
    const longAgo = new Date(Date.now() - 7_200_000);
    for (const path of [old, torn]) utimesSync(path, longAgo, longAgo);
    expect(known(await reopened(), [1, 2, 3])).toEqual(['same', 'same', 'unknown']);
    expect([young, old, torn].map((path) => existsSync(path))).toEqual([true, false, false]);
    expect(segmentFiles()).toHaveLength(2);
  });

  it('after it is on record costs nothing either: they are in the file, and not in the log', async () => {
    const marks = marksOf();
    send(marks, openBatch(ledger, 'run-1', 'B'), [1]);
    marks.flush([]);
    marks.withdraw(all([1]));
    const again = await reopened();
    again.flush([]);
    expect(known(await reopened(), [1])).toEqual(['unknown']);
  });

  it('never hides that a file is missing: the ledger is damaged, not guessed at', () => {
    const marks = marksOf();
    send(marks, openBatch(ledger, 'run-1', 'B'), [1]);
    marks.flush([]);
    rmSync(folderOf('p'), { recursive: true });
    expect(thrownBy(() => marksOf())).toBe('ledger-damaged/ledger');
  });
});

describe('two processes with marks of one project', () => {
  it('learn what the other has put on record when they look again', async () => {
    const mine = marksOf();
    const other = await files.open(ledger.db.sql.path);
    const theirs = marksOf('p', other);
    send(mine, openBatch(ledger, 'run-1', 'B'), [1, 2]);
    expect(known(theirs, [1, 2])).toEqual(['unknown', 'unknown']);
    theirs.refresh();
    expect(known(theirs, [1, 2])).toEqual(['same', 'same']);
    theirs.withdraw(all([1]));
    mine.refresh();
    expect(known(mine, [1, 2])).toEqual(['unknown', 'same']);
  });

  it('learn it too when it has moved to a file meanwhile, and what came after that', async () => {
    const mine = marksOf();
    const other = await files.open(ledger.db.sql.path);
    const theirs = marksOf('p', other);
    const batch = openBatch(ledger, 'run-1', 'B');
    send(mine, batch, [1]);
    send(mine, batch, [2]);
    theirs.refresh();
    mine.flush([]);
    send(mine, batch, [3]);
    theirs.refresh();
    expect(known(theirs, [1, 2, 3])).toEqual(['same', 'same', 'same']);
  });

  it('move the marks of both, once, whoever does it', async () => {
    const mine = marksOf();
    const other = await files.open(ledger.db.sql.path);
    const theirs = marksOf('p', other);
    const batch = openBatch(ledger, 'run-1', 'B');
    send(mine, batch, [1]);
    theirs.withdraw(all([9]));
    theirs.flush([]);
    send(mine, batch, [2]);
    mine.flush([]);
    expect(logged()).toBe(0);
    expect(known(mine, [1, 2])).toEqual(['same', 'same']);
    expect(known(await reopened(), [1, 2])).toEqual(['same', 'same']);
  });
});

it('without a folder marks are kept in memory and in the log alone, and never moved', () => {
  const marks = new Marks(ledger.db, 'p', undefined);
  send(marks, openBatch(ledger, 'run-1', 'B'), [1]);
  marks.flush([]);
  expect(marks.isFull).toBe(false);
  expect(logged()).toBe(1);
  expect(known(new Marks(ledger.db, 'p', undefined), [1])).toEqual(['same']);
});
