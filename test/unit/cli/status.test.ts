import { afterEach, describe, expect, it } from 'vitest';
import { RunLock } from '../../../src/ledger/run-lock.js';
import { place, reject, type Place } from '../../support/books.js';
import { join } from 'node:path';

const open: Place[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
async function scene(...of: Parameters<typeof place>): Promise<Place> {
  const at = await place(...of);
  open.push(at);
  return at;
}

async function json(at: Place, ...args: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await at.zep(['status', '-o', 'json', ...args]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const SLOW = { processingRate: 0 };

describe('the exit code of status', () => {
  it('0: delivered, and everything succeeded', async () => {
    const at = await scene();
    await at.past('run-a', { batches: [5, 4] });
    const { code, stdout, stderr } = await at.zep(['status']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Done: 9 items accepted and processed\./);
    expect(stderr).toMatch(/^next: zep-import audit run-a /m);
    expect(await json(at)).toMatchObject({ type: 'status', status: 'completed', fresh: true, exit_code: 0 });
  });

  it('10: something failed or was rejected, until it was dealt with', async () => {
    const at = await scene({ faults: ['process:*=fail-item,pattern=/row 3/'] });
    await at.past('run-a', { batches: [5], rejects: [reject(7), reject(8)] });
    expect(await json(at)).toMatchObject({
      exit_code: 10,
      status: 'completed-with-errors',
      failed: 1,
      open_failures: 1,
      open_rejects: 2,
      errors: [
        { count: 2, code: 'missing-field', first: 'rows.jsonl:8' },
        { count: 1, first: 'rows.jsonl:4' },
      ],
    });
    at.ledger.rejects.setState('run-a', 'open', 'retried');
    expect((await at.zep(['status'])).code).toBe(10);
    const [batch] = at.ledger.batches.of('run-a');
    at.ledger.rejects.setFailureState(batch?.row ?? 0, 3, 'forgotten');
    const { code, stdout } = await at.zep(['status']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Done: 5 items .*1 failed or canceled, which was dealt with/);
  });

  it('12: the service still works', async () => {
    const at = await scene(SLOW);
    await at.past('run-a', { batches: [5], until: 'started' });
    const { code, stderr } = await at.zep(['status']);
    expect(code).toBe(12);
    expect(stderr).toMatch(/^next: zep-import status run-a --watch /m);
  });

  it('14: drafts wait', async () => {
    const at = await scene();
    await at.past('run-a', { batches: [5], until: 'draft', state: 'open', staged: true });
    const { code, stdout, stderr } = await at.zep(['status']);
    expect(code).toBe(14);
    expect(stdout).toContain('5 items in drafts');
    expect(stderr).toMatch(/^next: zep-import commit run-a /m);
  });

  it('0 with the state in words: stopped before anything was accepted', async () => {
    const at = await scene();
    await at.past('run-a', { state: 'open' });
    const { code, stdout } = await at.zep(['status']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Not finished: 0 items accepted, input is left/);
  });

  it('4: no such run, and the list of runs is named', async () => {
    const at = await scene();
    await at.past('run-a');
    const { code, stderr } = await at.zep(['status', 'run-b']);
    expect(code).toBe(4);
    expect(stderr).toContain('zep-import runs');
  });

  it('4: the key belongs to another project than the run, and nothing is recorded', async () => {
    const at = await scene(SLOW);
    await at.past('run-a', { batches: [5], until: 'started', project: 'another-project' });
    const before = at.ledger.batches.of('run-a');
    const { code, stderr } = await at.zep(['status']);
    expect(code).toBe(4);
    expect(stderr).toContain('another-project');
    expect(stderr).toContain('[other-project]');
    expect(at.ledger.batches.of('run-a')).toEqual(before);
  });
});

describe('what status learns', () => {
  it('is recorded: the end of a batch, its counts, the items that failed', async () => {
    const at = await scene({ faults: ['process:*=fail-item,pattern=/row 3/'] });
    await at.past('run-a', { batches: [5] });
    await at.zep(['status']);
    const [batch] = at.ledger.batches.of('run-a');
    expect(batch).toMatchObject({ state: 'terminal', status: 'partial', counts: { succeeded: 4, failed: 1 } });
    expect(at.ledger.rejects.failuresOf('run-a')).toMatchObject([{ index: 3, status: 'failed', state: 'open' }]);
  });

  it('is not asked for again: a finished run needs no service', async () => {
    const at = await scene();
    await at.past('run-a', { batches: [5] });
    await at.zep(['status']);
    const { code, stdout } = await at.offline(['status', '-o', 'json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ fresh: true, status: 'completed' });
  });

  it('a batch that the service does not know is told, and left to the import', async () => {
    const at = await scene();
    const [batch = ''] = await at.past('run-a', { batches: [5], until: 'draft', state: 'open' });
    await at.api.deleteBatch(batch as never);
    expect(await json(at)).toMatchObject({ batches: [{ batch, status: 'gone' }] });
    expect(at.ledger.batches.of('run-a')[0]).toMatchObject({ state: 'closed', status: 'draft' });
  });
});

describe('without a service', () => {
  it('what the ledger knows is told, and that it is not fresh', async () => {
    const at = await scene(SLOW);
    await at.past('run-a', { batches: [5], until: 'started' });
    const { code, stdout } = await at.offline(['status']);
    expect(code).toBe(12);
    expect(stdout).toContain('not fresh');
    expect(stdout).toContain('no API key');
    await at.server.close();
    expect(await json(at)).toMatchObject({ fresh: false, status: 'processing', exit_code: 12 });
  });

  it('a key that is refused is no such case', async () => {
    const at = await scene({ ...SLOW, faults: ['project:3+=401'] });
    await at.past('run-a', { batches: [5], until: 'started' });
    await at.zep(['status']);
    expect((await at.zep(['status'])).code).toBe(3);
  });

  it('following without a key is refused, since nothing would ever be learned', async () => {
    const at = await scene(SLOW);
    await at.past('run-a', { batches: [5], until: 'started' });
    expect((await at.offline(['status', '--watch'])).code).toBe(3);
  });
});

describe('the way to the service', () => {
  it('is the one that the run took, unless another is given', async () => {
    const at = await scene(SLOW);
    const flags = [{ name: 'apiUrl', words: ['--api-url', at.server.url] }];
    await at.past('run-a', { batches: [5], until: 'started', command: { cwd: '/', sources: [], flags } });
    const { stdout, code } = await at.offline(['status', '-o', 'json', '-k', 'test']);
    expect(code).toBe(12);
    expect(JSON.parse(stdout)).toMatchObject({ fresh: true });
  });
});

describe('a run that another process works on', () => {
  it('is called running, and its drafts are not asked about', async () => {
    const at = await scene();
    await at.past('run-a', { batches: [5], until: 'draft', state: 'open' });
    const lock = await RunLock.acquire(join(at.state, 'locks'), 'key-of-run-a', { pid: 1, host: 'h', since: '' });
    const { stdout, code } = await at.offline(['status', '-o', 'json']);
    expect(code).toBe(12);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'running', fresh: true });
    lock.release();
    expect(await json(at)).toMatchObject({ status: 'staged' });
  });
});

describe('status --watch', () => {
  it('tells each change in a line where there is no terminal, and ends when nothing moves any more', async () => {
    const at = await scene({ processingRate: 8 });
    const [batch = ''] = await at.past('run-a', { batches: [5], until: 'started' });
    const { code, stdout, stderr } = await at.zep(['status', '--watch', '-o', 'json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', exit_code: 0 });
    expect(stderr).toContain('Handed over');
    expect(stderr).toContain(`batch ${batch}: succeeded, 5 of 5 items done\n`);
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('draws in a terminal in one place', async () => {
    const at = await scene({ processingRate: 8 });
    await at.past('run-a', { batches: [5], until: 'started' });
    const env = { TERM: 'xterm' };
    const { code, stdout, stderr } = await at.zep(['status', '--watch'], { isTTY: true, columns: 90, env });
    expect(code).toBe(0);
    expect(stderr).toMatch(/\u001b\[\d+A\r\u001b\[J/);
    expect(stdout).toContain('Done: 5 items');
  });

  it('ends with 130 at Ctrl-C, 143 at SIGTERM, with one result, and says that the service goes on', async () => {
    const at = await scene(SLOW);
    await at.past('run-a', { batches: [5], until: 'started' });
    for (const [name, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const running = at.zep(['status', '--watch', '-o', 'json']);
      await running.saw('Handed over');
      running.signal(name);
      const ended = await running;
      expect(ended.code).toBe(code);
      expect(ended.stderr).toContain('the service goes on');
      expect(JSON.parse(ended.stdout)).toMatchObject({ type: 'status', exit_code: code });
    }
  });

  it('goes on when the service is away for a while', async () => {
    const at = await scene({ processingRate: 8, faults: ['get:1-3=html'] });
    await at.past('run-a', { batches: [5], until: 'started' });
    const { code, stderr } = await at.zep(['status', '--watch']);
    expect(code).toBe(0);
    expect(stderr).toContain('not fresh: ');
    expect(stderr).toContain('fresh again');
  });
});

it('quiet says nothing but the result', async () => {
  const at = await scene();
  await at.past('run-a', { batches: [1] });
  expect((await at.zep(['status', '-q'])).stderr).toBe('');
  expect((await at.zep(['status', '-q', '--watch'])).stderr).toBe('');
});
