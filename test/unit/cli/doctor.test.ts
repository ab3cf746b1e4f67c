import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fileSystemChecks, ledgerCheck, spaceCheck, stateChecks } from '../../../src/cli/doctor/machine.js';
import { factChecks, serviceChecks, type ServiceAsk } from '../../../src/cli/doctor/service.js';
import type { Check } from '../../../src/doctor-report.js';
import { Ledger } from '../../../src/ledger/ledger.js';
import { openDatabase } from '../../../src/sqlite.js';
import { mountedFolder } from '../../support/mounted-folder.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Answer = (path: string, response: ServerResponse) => void;

const KEY = 'z_doctor-4711';

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** All is well, unless `answer` says otherwise for a path. */
const well: Answer = (path, response) =>
  path.startsWith('/api/v2/projects/info')
    ? json(response, 200, { project: { uuid: 'p-1', name: 'Support' } })
    : json(response, 200, { batches: [] });

async function listen(server: Server, scheme = 'http'): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serving = (answer: Answer): Promise<string> =>
  listen(createServer((request, response) => answer(request.url ?? '', response)));

async function ask(url: string, more: Partial<ServiceAsk> = {}): Promise<readonly Check[]> {
  const checks = await serviceChecks({ url, key: KEY, env: {}, ...more });
  expect(JSON.stringify(checks)).not.toContain(KEY);
  return checks;
}

const of = (checks: readonly Check[], name: string): Check | undefined => checks.find((check) => check.name === name);
const problems = (checks: readonly Check[]): readonly (number | undefined)[] =>
  checks.filter(({ verdict }) => verdict === 'problem').map(({ exitCode }) => exitCode);

describe('a service', () => {
  it('that is well is said to be, with project, limits, clock and latency', async () => {
    const limits = { 'x-ratelimit-limit': '600', 'x-ratelimit-remaining': '599', 'x-ratelimit-reset': '30' };
    const url = await serving((path, response) => {
      for (const [name, value] of Object.entries(limits)) response.setHeader(name, value);
      well(path, response);
    });
    const checks = await ask(url);
    expect(checks.map(({ verdict }) => verdict)).not.toContain('problem');
    expect(of(checks, 'key')?.message).toContain('Support');
    expect(of(checks, 'rate')).toMatchObject({ verdict: 'ok', message: '600 calls a minute, 599 left in this one' });
    expect(of(checks, 'clock')?.verdict).toBe('ok');
    expect(checks.every(({ hint }) => hint === undefined)).toBe(true);
  });

  it('is only read', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url?.split('?')[0]}`);
      well(request.url ?? '', response);
    });
    await ask(await listen(server));
    expect(asked).toEqual(['GET /api/v2/projects/info', 'GET /api/v2/batches']);
  });

  it.each([
    [401, 3, 'key', 'does not accept the API key', 'check ZEP_API_KEY'],
    [403, 3, 'key', 'not permitted', 'permission'],
    [404, 4, 'batch-api', 'no Zep API', '--api-url'],
    [429, 5, 'key', 'limiting the rate', 'try later'],
    [503, 6, 'key', 'not available', 'status.getzep.com'],
    [302, 6, 'key', 'redirects', '--api-url'],
  ])(
    'that answers the first question with %i is a problem of its own, exit code %i',
    async (status, code, name, said, hint) => {
      const url = await serving((_path, response) => response.writeHead(status).end('unauthorized\n'));
      const checks = await ask(url);
      expect(problems(checks)).toEqual([code]);
      expect(of(checks, name)?.message).toContain(said);
      expect(of(checks, name)?.hint).toContain(hint);
      expect(of(checks, 'connection')?.verdict).toBe('ok');
    },
  );

  it.each([
    [404, 4, 'there is no Batch API', 'not in the plan'],
    [403, 3, 'not permitted', 'permission'],
    [402, 3, 'plan or quota', 'plan and usage'],
  ])(
    'whose project is there and whose Batch API answers %i is told as such, exit code %i',
    async (status, code, said, hint) => {
      const url = await serving((path, response) =>
        path.includes('/batches') ? json(response, status, { message: 'no' }) : well(path, response),
      );
      const checks = await ask(url);
      expect(problems(checks)).toEqual([code]);
      expect(of(checks, 'key')?.verdict).toBe('ok');
      expect(of(checks, 'batch-api')).toMatchObject({ verdict: 'problem' });
      expect(of(checks, 'batch-api')?.message).toContain(said);
      expect(of(checks, 'batch-api')?.hint).toContain(hint);
    },
  );

  it('at a port where nobody listens, or a name that nobody has, is not reached: 6', async () => {
    const server = createServer();
    const url = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    const dead = await ask(url);
    expect(problems(dead)).toEqual([6]);
    expect(of(dead, 'connection')?.message).toContain('refused the connection');
    const unknown = await ask('https://no-such-host.invalid');
    expect(problems(unknown)).toEqual([6]);
    expect(of(unknown, 'name')).toMatchObject({
      verdict: 'problem',
      hint: expect.stringContaining('name servers') as string,
    });
  });

  it('that says nothing is given up in time: 7', async () => {
    const url = await serving(() => undefined);
    const checks = await ask(url, { timeouts: { connectMs: 500, headersMs: 300, bodyMs: 300 } });
    expect(problems(checks)).toEqual([7]);
  });

  it('that is slow, or whose clock is another, is a warning', async () => {
    const late = new Date(Date.now() - 3_600_000).toUTCString();
    const url = await serving((path, response) => {
      response.setHeader('date', late);
      if (path.includes('/batches')) setTimeout(() => well(path, response), 250);
      else well(path, response);
    });
    const checks = await ask(url, { slowMs: 200 });
    expect(problems(checks)).toEqual([]);
    expect(of(checks, 'latency')?.verdict).toBe('warning');
    expect(of(checks, 'clock')).toMatchObject({ verdict: 'warning', hint: expect.stringContaining('NTP') as string });
    expect(of(checks, 'clock')?.message).toContain('1 h ahead');
    expect(factChecks({ clockSkewMs: 120_000, budget: undefined })[0]?.message).toContain('2 min behind');
  });

  it('whose limit is that of an account over its quota, or used up, is a warning', () => {
    const rate = (limit: number, remaining: number): Check | undefined =>
      factChecks({ clockSkewMs: 0, budget: { limit, remaining } })[1];
    expect(rate(5, 4)).toMatchObject({ verdict: 'warning', hint: expect.stringContaining('quota') as string });
    expect(rate(600, -3)).toMatchObject({ verdict: 'warning', message: '600 calls a minute, 0 left in this one' });
  });

  it('behind a certificate that is not trusted, or that speaks no TLS at all, says so: 6', async (test) => {
    const plain = (await serving(well)).replace('http:', 'https:');
    const noTls = await ask(plain);
    expect(problems(noTls)).toEqual([6]);
    expect(of(noTls, 'connection')?.message).toContain('no secure connection');
    const folder = mkdtempSync(join(tmpdir(), 'zi-doctor-'));
    closers.push(() => rmSync(folder, { recursive: true, force: true }));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    try {
      const made = [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        key,
        '-out',
        cert,
        '-subj',
        '/CN=x',
        '-days',
        '2',
      ];
      execFileSync('openssl', made, { stdio: 'ignore' });
    } catch {
      test.skip('openssl is not installed');
    }
    const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) =>
      well(request.url ?? '', response),
    );
    const checks = await ask(await listen(server, 'https'));
    expect(problems(checks)).toEqual([6]);
    expect(of(checks, 'connection')).toMatchObject({ hint: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string });
  });

  it('behind a proxy names it without its password; one that is not there is a problem', async () => {
    const checks = await ask('http://service.example', { env: { HTTP_PROXY: 'http://me:geheim@127.0.0.1:1' } });
    expect(of(checks, 'proxy')?.message).toContain('http://127.0.0.1:1');
    expect(JSON.stringify(checks)).not.toContain('geheim');
    expect(of(checks, 'address')).toMatchObject({
      verdict: 'warning',
      message: expect.stringContaining('unencrypted') as string,
    });
    expect(problems(checks)).toEqual([6]);
  });

  it.each(['ftp://x', 'https://u:p@x', 'https://x/api/v4'])(
    'at an address that cannot be one is a mistake: %s',
    async (url) => {
      expect(problems(await ask(url))).toEqual([2]);
    },
  );

  it('is not asked without a key, and not with one that cannot be', async () => {
    const url = await serving(() => expect.unreachable());
    expect((await serviceChecks({ url, key: undefined, env: {} })).at(-1)?.verdict).toBe('skipped');
    expect(problems(await serviceChecks({ url, key: 'a b', env: {} }))).toEqual([2]);
  });
});

describe('the state folder', () => {
  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'zi-state-'));
    closers.push(() => rmSync(made, { recursive: true, force: true }));
    return made;
  };

  it('that is private and can be written is well, and stays as it is', () => {
    const state = folder();
    expect(stateChecks(state).map(({ verdict }) => verdict)).not.toContain('problem');
    expect(readdirSync(state)).toEqual([]);
  });

  it('that is not there yet is well where it can be made, and is not made', () => {
    const above = folder();
    expect(stateChecks(join(above, 'a', 'b'))[0]).toMatchObject({
      verdict: 'ok',
      message: expect.stringContaining('not there yet') as string,
    });
    expect(readdirSync(above)).toEqual([]);
  });

  it('that others can look into is a warning', () => {
    const state = folder();
    chmodSync(state, 0o755);
    expect(stateChecks(state)).toContainEqual(
      expect.objectContaining({ verdict: 'warning', hint: `chmod 700 ${state}` }),
    );
  });

  it('that is a file, lies below one, or is read-only cannot be used: 2', () => {
    const above = folder();
    writeFileSync(join(above, 'file'), '');
    for (const path of [join(above, 'file'), join(above, 'file', 'x')])
      expect(problems(stateChecks(path))).toEqual([2]);
    const disk = mountedFolder(join(above, 'ro'), { readOnly: true });
    if (typeof disk === 'string') {
      console.warn(`not tested: ${disk}`);
      return;
    }
    closers.push(() => disk.close());
    const [first] = stateChecks(join(above, 'ro'));
    expect(first).toMatchObject({
      verdict: 'problem',
      exitCode: 2,
      message: expect.stringContaining('read-only') as string,
    });
    expect(problems(stateChecks(join(above, 'ro', 'x')))).toEqual([2]);
  });

  it('on a full disk, a network file system or in memory is told', () => {
    expect(spaceCheck('/s', 5e9).verdict).toBe('ok');
    expect(spaceCheck('/s', 5e8).verdict).toBe('warning');
    expect(spaceCheck('/s', 1e6)).toMatchObject({ verdict: 'problem', exitCode: 20 });
    expect(fileSystemChecks('/s', 0x6969, 'linux')[0]?.message).toContain('NFS');
    // Some numbers come with their sign.
    expect(fileSystemChecks('/s', 0xff534d42 | 0, 'linux')[0]?.message).toContain('CIFS');
    expect(fileSystemChecks('/s', 0x01021994, 'linux')[0]?.message).toContain('in memory');
    expect(fileSystemChecks('/s', 0xef53, 'linux')).toEqual([]);
    expect(fileSystemChecks('/s', 0x6969, 'darwin')).toEqual([]);
  });
});

describe('the ledger', () => {
  const state = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'zi-ledger-'));
    closers.push(() => rmSync(made, { recursive: true, force: true }));
    mkdirSync(made, { recursive: true });
    return made;
  };

  it('that is not there, or is whole, is well', async () => {
    const folder = state();
    expect((await ledgerCheck(folder)).verdict).toBe('ok');
    expect(readdirSync(folder)).toEqual([]);
    (await Ledger.open(join(folder, 'ledger.db'))).close();
    expect(await ledgerCheck(folder)).toMatchObject({
      verdict: 'ok',
      message: expect.stringContaining('whole: 0 runs') as string,
    });
  });

  it('that is damaged, foreign or newer is a problem: 20', async () => {
    const folder = state();
    const path = join(folder, 'ledger.db');
    writeFileSync(path, 'no database at all, but long enough to be read as the header of one '.repeat(20));
    expect(await ledgerCheck(folder)).toMatchObject({ verdict: 'problem', exitCode: 20 });
    rmSync(path);
    const ledger = await Ledger.open(path);
    ledger.db.sql.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
    ledger.close();
    const content = readFileSync(path);
    // The pages behind the first, which tells of the others.
    content.fill(0x5a, 4096 * 2, 4096 * 6);
    writeFileSync(path, content);
    expect(await ledgerCheck(folder)).toMatchObject({
      verdict: 'problem',
      exitCode: 20,
      message: expect.stringContaining('damaged') as string,
    });
    rmSync(path);
    for (const [sql, words] of [
      ['PRAGMA user_version = 999; PRAGMA application_id = 1514753095; CREATE TABLE a(b)', 'newer'],
      ['PRAGMA application_id = 5; CREATE TABLE a(b)', 'another program'],
    ] as const) {
      const db = await openDatabase(path);
      db.exec(sql);
      db.close();
      expect(await ledgerCheck(folder)).toMatchObject({
        verdict: 'problem',
        exitCode: 20,
        message: expect.stringContaining(words) as string,
      });
      rmSync(path);
    }
  });

  it('of an older version stays as it is', async () => {
    const folder = state();
    const path = join(folder, 'ledger.db');
    const db = await openDatabase(path);
    db.exec('PRAGMA user_version = 1; PRAGMA application_id = 1514753095; CREATE TABLE runs(id TEXT)');
    db.close();
    expect(await ledgerCheck(folder)).toMatchObject({
      verdict: 'ok',
      message: expect.stringContaining('older version') as string,
    });
    const again = await openDatabase(path);
    expect(again.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 });
    again.close();
  });
});
