/**
 * Random imports under random faults, against a model of what must come of them. ZI_SEED=n,m runs those rounds, ZI_ROUNDS=n the rounds of the
 * seeds 1 to n. A failing round prints its seed and everything that it was made of.
 */
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.js';
import type { Source } from '../../../src/model.js';
import type { ImportOptions } from '../../../src/run/import-run.js';
import { Dice } from '../../support/dice.js';
import { episode, message, scene, sourceOf, type Imported, type Row, type Scene } from '../../support/import.js';
import { faultMakers } from '../../support/random-faults.js';

const SEEDS = [1, 2, 3, 5, 8, 12, 16, 18, 23, 29, 30, 33, 34, 38, 39, 40, 43, 44, 51, 65, 67, 72, 73, 76, 85, 632, 639];
const rounds = process.env['ZI_ROUNDS'];
const only = process.env['ZI_SEED'];
const seeds =
  only !== undefined
    ? only.split(',').map(Number)
    : rounds !== undefined
      ? Array.from({ length: Number(rounds) }, (_, i) => i + 1)
      : SEEDS;

/** How long an unanswered add is waited for; every fault of a round is over sooner. */
const SETTLE_MS = 150;
const LATE_S = 0.04;

interface Plan {
  readonly seed: number;
  readonly sources: readonly Source[];
  /** Graph by graph (`g:…`, `u:…`), the texts that must be processed, in input order. */
  readonly expected: ReadonlyMap<string, readonly string[]>;
  readonly produced: number;
  readonly rejected: number;
  readonly failing: number;
  readonly faults: readonly string[];
  readonly server: Parameters<typeof scene>[0];
  readonly options: Partial<ImportOptions>;
  /** Somebody else processes drafts: then batches may be processed out of turn, and a run may have to give up. */
  readonly meddled: boolean;
  /** So many events after the start the first Ctrl-C comes. */
  readonly stopAfter: number | undefined;
}

const REFUSED = '#refused';
const FAILING = '#failing';

function rowsOf(dice: Dice): {
  sources: Source[];
  expected: Map<string, string[]>;
  produced: number;
  rejected: number;
  failing: number;
} {
  const graphs = dice.between(1, 12);
  const users = dice.between(1, 6);
  const threads = dice.between(1, 15);
  const shareOfMessages = dice.of([0, 0.3, 0.7, 1]);
  const refusals = dice.chance(0.3) ? 0.02 : 0;
  const failures = dice.chance(0.25) ? 0.03 : 0;
  const strangers = dice.chance(0.2) ? 0.02 : 0;
  const expected = new Map<string, string[]>();
  const named = new Set<number>();
  let produced = 0;
  let rejected = 0;
  let failing = 0;
  const row = (): Row => {
    const mark = dice.chance(refusals) ? REFUSED : dice.chance(failures) ? FAILING : '';
    const text = `row ${produced++} ${'x'.repeat(dice.below(dice.chance(0.05) ? 2_000 : 60))}${mark}`;
    const thread = dice.below(threads);
    const user = thread % users;
    const inThread = dice.chance(shareOfMessages);
    const byUser = !inThread && dice.chance(0.3);
    const graph = dice.below(graphs);
    const made = inThread
      ? message(`t${thread}`, `u${user}`, text)
      : byUser
        ? episodeOfUser(`u${user}`, text)
        : episode(`g${graph}`, text);
    if (inThread && named.has(thread) && dice.chance(strangers)) {
      rejected += 1;
      return { ...made, owner: 'stranger' };
    }
    if (inThread) named.add(thread);
    if (mark === REFUSED) rejected += 1;
    else if (mark === FAILING) failing += 1;
    else {
      const key = inThread || byUser ? `u:u${user}` : `g:g${graph}`;
      expected.set(key, [...(expected.get(key) ?? []), text]);
    }
    return made;
  };
  const several = dice.chance(0.3);
  const sources = Array.from({ length: dice.chance(0.3) ? 3 : 1 }, (_, index) =>
    sourceOf(
      Array.from({ length: dice.between(0, 500) }, () =>
        several && dice.chance(0.3) ? Array.from({ length: dice.below(5) }, row) : row(),
      ),
      dice.of([1, 7, 40, 100, 1_000]),
      index,
    ),
  );
  return { sources, expected, produced, rejected, failing };
}

function episodeOfUser(user: string, data: string): Row {
  return {
    wire: { type: 'graph_episode', data, data_type: 'text', user_id: user, created_at: '2024-05-01T00:00:00Z' },
  };
}

const FAULTS = faultMakers(LATE_S);

function planOf(seed: number): Plan {
  const dice = new Dice(seed);
  const rows = rowsOf(dice);
  // What somebody else processes does not fail as planned.
  const random = Array.from({ length: dice.between(0, 5) }, () => dice.of(FAULTS)(dice)).filter(
    (fault) => rows.failing === 0 || !fault.includes('process-draft'),
  );
  const faults = [
    `add:*=refuse-item,pattern=${REFUSED}`,
    `process:*=fail-item,pattern=${FAILING},message=no`,
    ...random,
  ];
  const limits = {
    ...(dice.chance(0.15) ? { maxItemsPerAdd: dice.between(3, 30) } : {}),
    ...(dice.chance(0.15) ? { maxBodyBytes: dice.between(4_000, 20_000) } : {}),
  };
  return {
    ...rows,
    seed,
    faults,
    meddled: faults.some((fault) => fault.includes('process-draft')),
    server: {
      seed,
      faults,
      limits,
      invalidMode: dice.of(['at-once', 'late', 'refuse']),
      processingRate: dice.of([Infinity, 20_000, 2_000]),
    },
    options: {
      chunkSize: dice.of([1 + dice.below(5), dice.between(5, 40), dice.between(40, 200)]),
      batchSize: dice.of([dice.between(20, 100), dice.between(100, 400), 50_000]),
      maxChunkBytes: dice.of([4_000_000, dice.between(500, 8_000)]),
      lanes: dice.of<number | 'auto'>([1, 'auto', dice.between(2, 8), 'auto']),
      order: dice.of(['strict', 'strict', 'relaxed']),
      maxErrors: { kind: 'unlimited' },
      settleWindowMs: SETTLE_MS,
      pollMs: 5,
    },
    stopAfter: dice.chance(0.15) ? dice.between(1, 400) : undefined,
  };
}

async function processed(at: Scene, key: string): Promise<string[]> {
  const kind = key.startsWith('u:') ? 'user' : 'graph';
  const { body } = await at.call('GET', `/graph/episodes/${kind}/${key.slice(2)}?lastn=1000`);
  return ((body as { episodes?: { content: string }[] }).episodes ?? []).map((each) => each.content);
}

const sorted = (texts: readonly string[]): string[] => [...texts].sort();

function isInOrder(found: readonly string[], expected: readonly string[]): boolean {
  let at = 0;
  for (const text of found) {
    while (at < expected.length && expected[at] !== text) at += 1;
    if (at++ >= expected.length) return false;
  }
  return true;
}

function expectBooksToAddUp({ records, items }: Imported['summary'], status: string): void {
  expect(records.read).toBe(records.mapped + records.skipped + records.rejected);
  expect(items.accepted).toBe(items.succeeded + items.failed + items.skipped + items.canceled + items.open);
  if (status.startsWith('completed')) expect(items.produced).toBe(items.accepted + items.known + items.rejected);
  expect(items.open).toBeGreaterThanOrEqual(0);
}

async function expectExactlyOnce(at: Scene, plan: Plan, complete: boolean): Promise<void> {
  const ordered = plan.options.order === 'strict' && !plan.meddled;
  for (const [key, expected] of plan.expected) {
    const found = await processed(at, key);
    if (found.length >= 1_000) continue; // the server shows no more of a graph than this
    expect(new Set(found).size, `${key} holds a row twice`).toBe(found.length);
    if (complete) expect(sorted(found), key).toEqual(sorted(expected));
    if (ordered) expect(isInOrder(found, expected), `${key} is out of order`).toBe(true);
  }
}

async function expectTruth(at: Scene, plan: Plan, outcome: Imported): Promise<void> {
  const { status, summary, error, rejections } = outcome;
  expectBooksToAddUp(summary, status);
  const complete = error === undefined && status !== 'interrupted';
  await expectExactlyOnce(at, plan, complete);
  if (!complete) {
    expect(['failed', 'interrupted']).toContain(status);
    if (error !== undefined) expect(error).toBeInstanceOf(AppError);
    const said = summary.notes.join().includes('may be left');
    if (!said) expect(outcome.draftsLeft).toEqual(expect.arrayContaining(await at.drafts()));
    return;
  }
  const wrong = plan.rejected + plan.failing > 0;
  expect(rejections.length).toBe(plan.rejected);
  expect(summary.items).toMatchObject({
    produced: plan.produced,
    rejected: plan.rejected,
    failed: plan.failing,
    open: 0,
  });
  expect(status).toBe(wrong ? 'completed-with-errors' : 'completed');
  expect(await at.drafts()).toEqual([]);
}

describe('whatever goes wrong on the way', () => {
  it.each(seeds)(
    'every row is at the service once, in order, or the run says that it failed (seed %i)',
    async (seed) => {
      const plan = planOf(seed);
      const at = await scene(plan.server);
      let outcome: Imported | undefined;
      try {
        const stop = new AbortController();
        let events = 0;
        outcome = await at.run(plan.sources, plan.options, { soft: stop.signal }, () => {
          if (++events === plan.stopAfter) stop.abort('interrupt');
        });
        await expectTruth(at, plan, outcome);
      } catch (error) {
        const { faults, options, produced, server } = plan;
        const ended = outcome && { status: outcome.status, error: String(outcome.error), items: outcome.summary.items };
        throw new Error(
          `ZI_SEED=${seed}: ${JSON.stringify({ faults, options, produced, limits: server?.limits, ended }, null, 1)}`,
          { cause: error },
        );
      } finally {
        await at.close();
      }
    },
    60_000,
  );
});
