import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openerOf } from '../../src/cli/browser.js';
import { BIN, workplace, type Workplace } from '../support/cli.js';
import { dashboard } from '../support/dashboard.js';
import { service, type Service } from '../support/service.js';

let at: Workplace;
let remote: Service;
beforeAll(async () => {
  at = workplace();
  remote = await service();
});
afterAll(async () => {
  await at.close();
  await remote.close();
});

describe('the command dashboard', () => {
  it('prints its address as the first line, keeps the key to itself, opens nothing without a terminal, and ends with 0', async () => {
    const { url, process } = await dashboard(at, [...remote.flags, '--no-open']);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}$/);
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('/main.js');
    process.child.kill('SIGINT');
    const { code, stdout, stderr } = await process;
    expect([code, stdout]).toEqual([0, `${url}\n`]);
    expect(stderr).not.toContain('k_test-4711');
    await expect(fetch(url)).rejects.toThrow();
  });

  it('with -o json prints one object; SIGTERM ends it with 0 while a tab is open', async () => {
    const { url: line, process } = await dashboard(at, [...remote.flags, '-o', 'json']);
    const { type, url, port } = JSON.parse(line) as { type: string; url: string; port: number };
    expect([type, new URL(url).port]).toEqual(['dashboard', String(port)]);
    const token = new URL(url).searchParams.get('token') ?? '';
    const tab = await fetch(`http://127.0.0.1:${port}/api/events?view=overview`, {
      headers: { 'x-zep-import-token': token },
    });
    expect(tab.headers.get('content-type')).toMatch(/^text\/event-stream/);
    process.child.kill('SIGTERM');
    expect(await process).toMatchObject({ code: 0, stdout: `${line}\n`, stderr: '' });
  });

  it('refuses at the start what cannot become better: no key (3), a port in use (2)', async () => {
    expect((await at.start(['dashboard'])).code).toBe(3);
    const port = new URL(remote.url).port;
    const { code, stdout, stderr } = await at.start(['dashboard', ...remote.flags, '--port', port]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('[port-in-use]');
  });

  it('lets an import have the data of the local server while its page is open, and shows it', async () => {
    at.write(
      'rows.jsonl',
      Array.from(
        { length: 20 },
        (_, i) => `{"type":"graph_episode","graph_id":"g","data":"${i}","data_type":"text"}\n`,
      ).join(''),
    );
    const { url } = await dashboard(at, ['--local']);
    const { origin, searchParams } = new URL(url);
    const tab = await fetch(`${origin}/api/events?view=overview`, {
      headers: { 'x-zep-import-token': searchParams.get('token') ?? '' },
    });
    const reader = tab.body?.getReader();
    let seen = '';
    const shows = async (text: string): Promise<void> => {
      while (!seen.includes(text)) {
        const piece = await reader?.read();
        if (piece === undefined || piece.done) throw new Error(`the stream ended without ${text}`);
        seen += Buffer.from(piece.value as Uint8Array).toString();
      }
    };
    await shows('"isListed":true');
    // The page looks for some milliseconds every few seconds: an import that comes just then is told so, and comes again.
    let code: number | null;
    do ({ code } = await at.start(['run', 'rows.jsonl', '--local', '-q', '--progress', 'none']));
    while (code === 2);
    expect(code).toBe(0);
    await shows('"items":{"all":20,"succeeded":20');
    await reader?.cancel();
  });

  it('opens the browser in a terminal, with an address that works once', async () => {
    const opener = at.write('xdg-open', `#!/bin/sh\necho "$1" > ${at.path('opened')}\n`);
    chmodSync(opener, 0o755);
    const running = at.start(['-qec', `${process.execPath} ${BIN} dashboard --api-url ${remote.url}`, '/dev/null'], {
      command: ['script'],
      stdin: 'open',
      env: { ZEP_API_KEY: 'k', DISPLAY: ':0', PATH: `${at.folder}${delimiter}${process.env['PATH'] ?? ''}` },
    });
    while (!existsSync(at.path('opened')) || readFileSync(at.path('opened'), 'utf8') === '') {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const url = readFileSync(at.path('opened'), 'utf8').trim();
    expect(url).toMatch(/\/\?once=[\w-]{43}$/);
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(url)).status).toBe(403);
    running.child.kill('SIGTERM');
    await running;
  });

  it('knows the opener of each system, and none where there is no screen', () => {
    expect(openerOf('darwin', {})).toEqual(['open']);
    expect(openerOf('win32', {})?.[0]).toBe('rundll32');
    expect(openerOf('linux', { WAYLAND_DISPLAY: 'wayland-0' })).toEqual(['xdg-open']);
    expect(openerOf('linux', {})).toBeUndefined();
  });
});
