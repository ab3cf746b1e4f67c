import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wireLines, workplace, type Workplace } from '../support/cli.js';

let at: Workplace;
beforeAll(() => {
  at = workplace();
});
afterAll(() => at.close());

describe('a stop before anything was sent ends at once, with one JSON object', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s while standard input says nothing: %i', async (signal, expected) => {
    for (const args of [
      ['check', '-'],
      ['run', '-', '--local'],
    ]) {
      const run = at.start([...args, '-o', 'json', '--progress', 'plain'], { stdin: 'open' });
      await run.saw('waiting for the first bytes');
      run.child.kill(signal);
      const { code, stdout, stderr } = await run;
      expect(code).toBe(expected);
      expect(stderr).toContain('before anything was sent');
      expect(JSON.parse(stdout)).toMatchObject({ type: 'error', code: 'interrupted', exit_code: expected });
    }
  });

  it('while a named pipe has no writer, which nothing inside the process can close', async () => {
    execFileSync('mkfifo', [at.path('pipe')]);
    const run = at.start(['check', 'pipe', '-o', 'json', '--progress', 'plain']);
    await run.saw('waiting for the first bytes');
    run.child.kill('SIGINT');
    const { code, signal, stdout } = await run;
    expect(JSON.parse(stdout)).toMatchObject({ exit_code: 130 });
    // A shell calls both 130.
    expect([code, signal]).toEqual([null, 'SIGINT']);
  });

  it('while the service takes the connection and does not answer', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const file = at.write('rows.jsonl', wireLines(1));
    const run = at.start([file, '--api-url', url, '-k', 'k', '-o', 'json', '--progress', 'plain']);
    await new Promise((connected) => silent.once('connection', connected));
    run.child.kill('SIGTERM');
    const { code, stdout } = await run;
    silent.close();
    expect(JSON.parse(stdout)).toMatchObject({ code: 'interrupted', exit_code: 143 });
    expect(code).toBe(143);
  });
});
