import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RunLock } from '../../../src/ledger/run-lock.js';
import type { BatchId } from '../../../src/model.js';
import { pastChunk, place, position, reject, totals, type Place } from '../../support/books.js';

const open: Place[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
async function scene(...of: Parameters<typeof place>): Promise<Place> {
  const at = await place(...of);
  open.push(at);
  return at;
}

interface Told {
  readonly code: unknown;
  readonly holds: boolean;
  readonly listed: number;
  readonly gone: readonly string[];
  /** Verdicts by code. */
  readonly checks: Readonly<Record<string, string>>;
  readonly details: Readonly<Record<string, string | null>>;
  readonly numbers: Readonly<Record<string, readonly [number, number]>>;
}

async function audit(at: Place, ...args: string[]): Promise<Told> {
  const { stdout, code } = await at.zep(['audit', '-o', 'json', ...args]);
  const told = JSON.parse(stdout) as {
    holds: boolean;
    listed: number;
    gone: string[];
    checks: { code: string; verdict: string; left: number; right: number; detail: string | null }[];
  };
  return {
    code,
    ...told,
    checks: Object.fromEntries(told.checks.map((each) => [each.code, each.verdict])),
    details: Object.fromEntries(told.checks.map((each) => [each.code, each.detail])),
    numbers: Object.fromEntries(told.checks.map(({ code: name, left, right }) => [name, [left, right] as const])),
  };
}

const wrong = ({ checks }: Told): string[] => Object.keys(checks).filter((name) => checks[name] === 'wrong');

describe('the books of a run hold', () => {
  it('when every row and item is accounted for, by the service as well, uuid for uuid', async () => {
    const at = await scene({ faults: ['process:*=fail-item,pattern=/row 3/'] });
    await at.past('run-a', { batches: [7, 5], chunk: 3, rejects: [reject(20)] });
    const { code, stdout } = await at.zep(['audit', '--deep']);
    expect(code).toBe(0);
    expect(stdout).toContain('ok     13 records read = 13 mapped + skipped + rejected\n');
    expect(stdout).toContain('ok     12 items accepted = 12 succeeded + failed + skipped + canceled + open\n');
    expect(stdout).toContain('ok     12 episode uuids in the ledger = 12 the same at the service\n');
    expect(stdout).not.toContain('WRONG');
  });

  it('of drafts and batches at work too: what is open is counted', async () => {
    const at = await scene({ processingRate: 0 });
    await at.past('run-a', { batches: [4], until: 'started' });
    await at.past('run-b', { batches: [4], until: 'draft', state: 'open' });
    for (const run of ['run-a', 'run-b'])
      expect(await audit(at, run)).toMatchObject({ code: 0, holds: true, listed: 0 });
  });
});

describe('a check is wrong, and exit 10', () => {
  it('when a record was neither mapped, skipped nor rejected', async () => {
    const at = await scene();
    await at.past('run-a', { batches: [4], totals: totals({ read: 5, mapped: 4, produced: 4 }) });
    const told = await audit(at);
    expect(told).toMatchObject({ code: 10, holds: false, numbers: { records: [5, 4] } });
    expect(wrong(told)).toEqual(['records']);
  });

  it('when an item was produced and went nowhere', async () => {
    const at = await scene();
    await at.past('run-a', { batches: [4], totals: totals({ read: 5, mapped: 5, produced: 5 }) });
    expect(wrong(await audit(at))).toEqual(['items']);
  });

  it('when a row was rejected and is on no list', async () => {
    const at = await scene();
    const counted = totals({ read: 5, mapped: 4, rejectedRecords: 1, produced: 4 });
    await at.past('run-a', { batches: [4], totals: counted });
    expect(wrong(await audit(at))).toEqual(['rejects']);
  });

  it('when the service holds more items than were accepted: a doubled chunk', async () => {
    const at = await scene();
    const [batch = ''] = await at.past('run-a', { batches: [4], until: 'draft', state: 'open' });
    await at.api.addItems(
      batch as BatchId,
      Buffer.from('{"items":[{"type":"graph_episode","graph_id":"g","data":"again","data_type":"text"}]}'),
    );
    const told = await audit(at);
    expect(told.numbers['item-count']).toEqual([4, 5]);
    expect(told.details['item-count']).toBe(`${batch} holds 5, not 4`);
    expect(told.code).toBe(10);
  });

  it('when a batch is gone from the service, which is named', async () => {
    const at = await scene();
    const [first = ''] = await at.past('run-a', { batches: [4, 3], until: 'draft', state: 'open' });
    await at.api.deleteBatch(first as BatchId);
    const told = await audit(at);
    expect(told).toMatchObject({ code: 10, gone: [first], numbers: { 'item-count': [7, 3] } });
    expect(told.details['item-count']).toBe(`${first} is gone (4 items)`);
    expect((await at.zep(['audit'])).stdout).toContain(`gone   ${first}`);
  });

  it('when two batches differ in opposite ways, so that the sums are equal', async () => {
    const at = await scene();
    const [first = '', second = ''] = await at.past('run-a', { batches: [4, 4] });
    at.ledger.db.sql.exec(`UPDATE batches SET items = items + 1 WHERE batch_id = '${first}'`);
    at.ledger.db.sql.exec(`UPDATE batches SET items = items - 1 WHERE batch_id = '${second}'`);
    const told = await audit(at);
    expect(told.numbers['item-count']).toEqual([8, 8]);
    expect(wrong(told)).toEqual(['accepted', 'item-count', 'rows']);
  });

  it('when a row was sent twice', async () => {
    const at = await scene();
    const [batch = ''] = await at.past('run-a', { batches: [4], until: 'draft', state: 'open' });
    const row = at.ledger.batches.of('run-a')[0]?.row ?? 0;
    await pastChunk(at.ledger, at.api, { batch: row, batchId: batch as BatchId, index: 4, from: 2, n: 1 });
    const told = await audit(at);
    expect(told.numbers['positions']).toEqual([5, 4]);
    expect(told.details['positions']).toBe('twice: rows.jsonl:3, item 1');
  });

  it('when the service lists another episode than it promised, with --deep', async () => {
    const at = await scene();
    const [batch = ''] = await at.past('run-a', { batches: [4] });
    at.ledger.db.sql.exec(
      'UPDATE chunks SET uuids = CAST(substr(uuids, 1, 17) || zeroblob(16) || substr(uuids, 34) AS BLOB)',
    );
    expect((await audit(at)).code).toBe(0);
    const told = await audit(at, '--deep');
    expect(told).toMatchObject({ code: 10, numbers: { uuids: [4, 3] } });
    expect(told.details['uuids']).toBe(`${batch}[1]`);
  });
});

describe('what cannot be judged yet is called so, and is not wrong', () => {
  it('sums over an input that is not read to its end', async () => {
    const at = await scene();
    await at.past('run-a', { batches: [4], state: 'open', totals: totals({ read: 2, mapped: 2, produced: 2 }) });
    expect(await audit(at)).toMatchObject({ code: 0, checks: { records: 'ok', items: 'later', rejects: 'later' } });
  });

  it('a batch with an add in doubt, or one that another process fills', async () => {
    const at = await scene();
    const [batch = ''] = await at.past('run-a', { batches: [4], until: 'draft', state: 'open' });
    const row = at.ledger.batches.of('run-a')[0]?.row ?? 0;
    await at.api.addItems(
      batch as BatchId,
      Buffer.from('{"items":[{"type":"graph_episode","graph_id":"g","data":"x","data_type":"text"}]}'),
    );
    const lock = await RunLock.acquire(join(at.state, 'locks'), 'key-of-run-a', { pid: 1, host: 'h', since: '' });
    expect(await audit(at)).toMatchObject({ code: 0, checks: { unsettled: 'later' } });
    lock.release();
    expect((await audit(at)).code).toBe(10);
    const last = { source: 0, ordinal: 9 };
    const positions = [position(9)];
    at.ledger.batches.intendChunk({ batch: row, first: 4, items: 1, digest: 'd', positions, last, marks: undefined });
    expect(await audit(at)).toMatchObject({ code: 0, checks: { unsettled: 'later' } });
  });

  it('a run that was given up, whose drafts were deleted', async () => {
    const at = await scene();
    await at.past('run-a', { state: 'closed', totals: totals({ read: 4, mapped: 4, produced: 4 }) });
    expect(await audit(at)).toMatchObject({ code: 0, checks: { items: 'later' } });
  });
});

it('is no proof without the service: 3 without a key, one JSON object all the same', async () => {
  const at = await scene();
  await at.past('run-a', { batches: [4] });
  const { code, stdout } = await at.offline(['audit', '-o', 'json']);
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({ type: 'error', exit_code: 3 });
});

it('writes nothing', async () => {
  const at = await scene();
  await at.past('run-a', { batches: [4] });
  const before = at.ledger.batches.of('run-a');
  await at.zep(['audit', '--deep']);
  expect(at.ledger.batches.of('run-a')).toEqual(before);
});
