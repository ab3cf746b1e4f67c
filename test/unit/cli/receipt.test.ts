import { parse } from 'csv-parse/sync';
import { afterEach, describe, expect, it } from 'vitest';
import type { BatchId } from '../../../src/model.js';
import { place, reject, type Place } from '../../support/books.js';

const open: Place[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
async function scene(...of: Parameters<typeof place>): Promise<Place> {
  const at = await place(...of);
  open.push(at);
  return at;
}

async function rows(at: Place, ...args: string[]): Promise<Record<string, string>[]> {
  const { stdout, code } = await at.zep(['receipt', ...args]);
  expect(code).toBe(0);
  return parse(stdout, { columns: true });
}

const states = (of: readonly Record<string, string>[]): string[] => of.map((row) => row['status'] ?? '');

describe('a receipt', () => {
  it('has a line for every accepted item in the order of its batch, then one for every rejected row', async () => {
    const at = await scene({ faults: ['process:*=fail-item,pattern=/row 3/'] });
    const [first = '', second = ''] = await at.past('run-a', {
      batches: [5, 2],
      chunk: 2,
      rejects: [
        reject(8, { message: 'a, "b"\nc' }),
        reject(8, { no: 1, message: 'a further fault of the same row' }),
        reject(9, { item: 2, part: 1 }),
      ],
    });
    await at.zep(['status']);
    const told = await rows(at);
    expect(told.map((row) => [row['batch_id'], row['index'], row['line'], row['item']])).toEqual([
      ...[0, 1, 2, 3, 4].map((n) => [first, String(n), String(n + 1), '0']),
      ...[0, 1].map((n) => [second, String(n), String(n + 6), '0']),
      ['', '', '9', ''],
      ['', '', '10', '2'],
    ]);
    expect(states(told)).toEqual([
      ...['succeeded', 'succeeded', 'succeeded', 'failed', 'succeeded'],
      ...['succeeded', 'succeeded', 'rejected', 'rejected'],
    ]);
    expect(told[7]?.['error']).toBe('a, "b"\nc');
    const items = new Map<string, string | undefined>();
    for (const batch of [first, second]) {
      for await (const item of at.api.listItems(batch as BatchId, {}))
        items.set(`${batch} ${item.index}`, item.episodeUuid);
    }
    for (const row of told.slice(0, 7)) {
      expect(row['episode_uuid']).toBe(items.get(`${row['batch_id']} ${row['index']}`));
      expect(row['source']).toBe('rows.jsonl');
    }
  });

  it('calls nothing succeeded that might not have', async () => {
    const at = await scene({ processingRate: 0 });
    await at.past('run-a', { batches: [3], until: 'started' });
    expect(states(await rows(at))).toEqual(['accepted', 'accepted', 'accepted']);
    const row = at.ledger.batches.of('run-a')[0]?.row ?? 0;
    const told = async (counts: object, status = 'succeeded'): Promise<string> => {
      at.ledger.batches.seen(row, status, { total: 3, succeeded: 0, failed: 0, skipped: 0, canceled: 0, ...counts });
      at.ledger.batches.setState(row, 'terminal');
      return [...new Set(states(await rows(at)))].join();
    };
    expect(await told({ succeeded: 3 })).toBe('succeeded');
    expect(await told({ succeeded: 2, skipped: 1 })).toBe('succeeded or skipped');
    expect(await told({ succeeded: 2, failed: 1 }, 'partial')).toBe('unknown');
    expect(await told({ succeeded: 2 })).toBe('unknown');
    expect(await told({}, 'invalid')).toBe('invalid');
    at.ledger.batches.setState(row, 'lost');
    expect(states(await rows(at))).toEqual(['gone', 'gone', 'gone']);
  });

  it('with --fresh has the states of this moment, whatever the ledger knows', async () => {
    const at = await scene({ faults: ['process:*=fail-item,pattern=/row 1/,message=too odd'] });
    const [, second = ''] = await at.past('run-a', { batches: [3], until: 'done' });
    expect(second).toBe('');
    const told = await rows(at, '--fresh');
    expect(states(told)).toEqual(['succeeded', 'failed', 'succeeded']);
    expect(told[1]?.['error']).toBe('too odd');
    const [draft = ''] = await at.past('run-b', { batches: [2], until: 'draft', state: 'open' });
    await at.api.deleteBatch(draft as BatchId);
    expect(states(await rows(at, 'run-b', '--fresh'))).toEqual(['gone', 'gone']);
  });

  it('as JSON is an object a line, and one object on failure', async () => {
    const at = await scene();
    await at.past('run-a', { batches: [2], rejects: [reject(4)] });
    const { stdout } = await at.zep(['receipt', '-o', 'json']);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { type: 'receipt', index: 0, error: null },
      { type: 'receipt', index: 1 },
      { type: 'receipt', batch_id: null, index: null, status: 'rejected' },
    ]);
    const bad = await at.zep(['receipt', 'nobody', '-o', 'json']);
    expect(JSON.parse(bad.stdout)).toMatchObject({ type: 'error', exit_code: 4 });
    expect((await at.zep(['receipt', '-o', 'table'])).code).toBe(2);
  });

  it('needs no service, and no rows to be a table', async () => {
    const at = await scene();
    await at.past('run-a');
    expect(await at.offline(['receipt', '-q'])).toEqual({
      code: 0,
      stdout: 'source,line,ordinal,item,part,batch_id,index,episode_uuid,status,error\n',
      stderr: '',
    });
  });
});

describe('a reader of the receipt that goes away', () => {
  it('ends it quietly', async () => {
    const at = await scene();
    await at.past('run-a', { batches: [400], chunk: 50 });
    const running = at.zep(['receipt']);
    running.stdout.destroy();
    const { code, stderr } = await running;
    expect(code).toBe(0);
    expect(stderr).not.toContain('error');
  });
});
