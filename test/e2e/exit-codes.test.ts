import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wireLines, workplace, type Workplace } from '../support/cli.js';

let at: Workplace;
beforeEach(() => {
  at = workplace();
});
afterEach(() => at.close());

const KEY = { ZEP_API_KEY: 'z_secret-key-4711' };
const QUICK = ['--progress', 'plain', '--create-missing', 'users,graphs,threads'];

async function answering(
  status: number,
  body: string,
  type = 'application/json',
): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

describe('the exit code tells scripts', () => {
  it('0: everything was accepted and processed', async () => {
    const file = at.write('rows.jsonl', wireLines(20));
    const { code, stdout, stderr } = await at.start([file, '--local', '--progress', 'plain']);
    expect(stderr).not.toContain('Error');
    expect(stdout).toMatch(/20 (items )?accepted|accepted\s+20/i);
    expect(code).toBe(0);
  });

  it('2: a mistyped command, with the nearest one', async () => {
    const { code, stderr } = await at.start(['preveiw']);
    expect(stderr).toContain('preview');
    expect(code).toBe(2);
  });

  it('2: an unknown flag, a flag without sense, a variable without sense', async () => {
    const file = at.write('rows.jsonl', wireLines(1));
    expect((await at.start([file, '--chunksize', '3'])).code).toBe(2);
    expect((await at.start([file, '--chunk-size', 'many'])).code).toBe(2);
    const byVariable = await at.start([file], { env: { ...KEY, ZEP_IMPORT_CHUNK_SIZE: '-1' } });
    expect(byVariable.stderr).toContain('ZEP_IMPORT_CHUNK_SIZE');
    expect(byVariable.code).toBe(2);
  });

  it('2: a source that is not there, before anything is sent', async () => {
    const { code, stderr } = await at.start(['missing.jsonl'], { env: KEY });
    expect(stderr).toContain('missing.jsonl');
    expect(code).toBe(2);
  });

  it('2: rows that are no items, without a mapping: the missing fields are named', async () => {
    const file = at.write('rows.jsonl', '{"question":"?"}\n');
    const { code, stderr } = await at.start([file, '--local', '--progress', 'plain']);
    expect(stderr).toContain('mapping');
    expect(code).toBe(2);
  });

  it('2: deleting a batch without --yes', async () => {
    const { code, stderr } = await at.start(['batches', 'delete', 'x', '--local']);
    expect(stderr).toContain('--yes');
    expect(code).toBe(2);
  });

  it('3: no key, naming the variable, where to get one, and --local', async () => {
    const file = at.write('rows.jsonl', wireLines(1));
    const { code, stderr } = await at.start([file, '--progress', 'plain']);
    expect(stderr).toContain('ZEP_API_KEY');
    expect(stderr).toContain('getzep.com');
    expect(stderr).toContain('--local');
    expect(code).toBe(3);
  });

  it('3: a refused key, in plain text, without showing it', async () => {
    const server = await answering(401, `unauthorized: ${KEY.ZEP_API_KEY}\n`, 'text/plain');
    const file = at.write('rows.jsonl', wireLines(1));
    const { code, stdout, stderr } = await at.start(
      [file, '--api-url', server.url, '--progress', 'plain', '-o', 'json'],
      { env: KEY },
    );
    server.close();
    expect(code).toBe(3);
    expect(stdout + stderr).not.toContain(KEY.ZEP_API_KEY);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'error', exit_code: 3 });
  });

  it('3: a named profile whose key cannot be read never falls back to another key', async () => {
    const file = at.write('rows.jsonl', wireLines(1));
    const { code, stderr } = await at.start([file, '--profile', 'work', '--progress', 'plain'], { env: KEY });
    expect(stderr).toContain('work');
    expect(code).toBe(3);
  });

  it('4: no Batch API at this address', async () => {
    const server = await answering(404, '{"detail":"Not Found"}');
    const file = at.write('rows.jsonl', wireLines(1));
    const { code } = await at.start([file, '--api-url', server.url, '--progress', 'plain'], { env: KEY });
    server.close();
    expect(code).toBe(4);
  });

  it('4: nothing that the first rows point at exists, naming it and the flag', async () => {
    const url = await at.serve();
    const file = at.write('rows.jsonl', wireLines(600, 'nowhere'));
    const { code, stderr } = await at.start([file, '--api-url', url, '--progress', 'plain'], { env: KEY });
    expect(stderr).toContain('nowhere');
    expect(stderr).toContain('--create-missing');
    expect(code).toBe(4);
  });

  it('4: a batch that is not there', async () => {
    const { code, stderr } = await at.start(['batches', 'show', '00000000-0000-4000-8000-000000000000', '--local']);
    expect(stderr).toContain('batches list');
    expect(code).toBe(4);
  });

  it('6: nobody answers at this address', async () => {
    const server = await answering(200, '{}');
    server.close();
    const file = at.write('rows.jsonl', wireLines(1));
    const { code, stderr } = await at.start([file, '--api-url', server.url, '--progress', 'plain'], { env: KEY });
    expect(stderr).toContain('127.0.0.1');
    expect(code).toBe(6);
  });

  it('10: rows were rejected; each is told with file and line, and listed in a file', async () => {
    const file = at.write('rows.jsonl', `${wireLines(3)}{"broken": \n${wireLines(2)}`);
    const { code, stdout, stderr } = await at.start([file, '--local', '--progress', 'plain', '-o', 'json']);
    expect(stderr).toContain('rows.jsonl:4');
    const summary = JSON.parse(stdout) as { accepted: number; rejected: number; exit_code: number };
    expect(summary).toMatchObject({
      type: 'summary',
      accepted: 5,
      rejected: 1,
      exit_code: 10,
      status: 'completed-with-errors',
    });
    expect(code).toBe(10);
  });

  it('10: items failed at the service; each is told by its row', async () => {
    const url = await at.serve(['--fault', 'process:*=fail-item,pattern=/row 3$/,message=cannot be understood']);
    const file = at.write('rows.jsonl', wireLines(10));
    const { code, stderr, stdout } = await at.start([file, '--api-url', url, ...QUICK], { env: KEY });
    expect(stderr).toContain('rows.jsonl:4');
    expect(stdout).toContain('cannot be understood');
    expect(stdout).toMatch(/^Next: zep-import retry /m);
    expect(code).toBe(10);
  });

  it('11: stopped by --max-errors', async () => {
    const file = at.write('rows.jsonl', `${wireLines(10)}${'nonsense\n'.repeat(20)}${wireLines(10)}`);
    const { code } = await at.start([file, '--local', '--progress', 'plain', '--max-errors', '5']);
    expect(code).toBe(11);
  });

  it('12: --wait-timeout ran out, and 14: a draft waits its turn', async () => {
    const url = await at.serve(['--processing-rate', '20']);
    const file = at.write('rows.jsonl', wireLines(200));
    const timeout = await at.start([file, '--api-url', url, ...QUICK, '--wait-timeout', '500ms'], { env: KEY });
    expect(timeout.code).toBe(12);
    const other = at.write('others.jsonl', wireLines(200, 'other'));
    const staged = await at.start([other, '--api-url', url, ...QUICK, '--no-wait', '--batch-size', '100'], {
      env: KEY,
    });
    expect(staged.stdout).toMatch(/^Next: zep-import resume /m);
    expect(staged.code).toBe(14);
  });

  it('13: --max-duration reached', async () => {
    const url = await at.serve(['--latency', '150']);
    const file = at.write('rows.jsonl', wireLines(2_000));
    const { code } = await at.start([file, '--api-url', url, ...QUICK, '--max-duration', '1s', '--chunk-size', '20'], {
      env: KEY,
    });
    expect(code).toBe(13);
  });

  it('13 too when somebody ends the wait for what is in flight then, and no failure is told', async () => {
    const url = await at.serve(['--fault', 'add:1-999=429,retry-after=20']);
    const file = at.write('rows.jsonl', wireLines(20));
    const run = at.start([file, '--api-url', url, ...QUICK, '--max-duration', '1s'], { env: KEY });
    await run.saw('uploading');
    await new Promise((over) => setTimeout(over, 1_100)); // the second began before that
    run.child.kill('SIGINT');
    const { code, stderr } = await run;
    expect(stderr).not.toContain('[bug]');
    expect(code).toBe(13);
  });

  it('20: a damaged ledger is never guessed at', async () => {
    const file = at.write('rows.jsonl', wireLines(3));
    await at.start([file, '--local', '--progress', 'none', '--state-dir', at.folder]);
    at.write('ledger.db', 'this is no ledger. '.repeat(500));
    const { code, stderr } = await at.start([file, '--local', '--progress', 'plain', '--state-dir', at.folder]);
    expect(stderr).toContain('ledger.db');
    expect(code).toBe(20);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s: %i, with the drafts it leaves and the command that goes on', async (signal, expected) => {
    const url = await at.serve(['--latency', '100']);
    const file = at.write('rows.jsonl', wireLines(4_000));
    const run = at.start([file, '--api-url', url, ...QUICK, '--chunk-size', '50', '-v'], { env: KEY });
    await run.saw('items accepted, batch');
    run.child.kill(signal);
    const { code, stdout } = await run;
    expect(code).toBe(expected);
    expect(stdout).toContain('draft');
    expect(stdout).toMatch(/^Next: zep-import resume /m);
  });
});
