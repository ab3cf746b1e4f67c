import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, expect, it } from 'vitest';
import { RunLock } from '../../../src/ledger/run-lock.js';
import { PARTS } from '../../support/cli.js';
import { rejectedBy } from '../../support/hash-store.js';

const folder = mkdtempSync(join(tmpdir(), 'zi-lock-'));
const held: RunLock[] = [];
afterEach(() => {
  for (const lock of held.splice(0)) lock.release();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function acquire(key: string): Promise<RunLock> {
  const lock = await RunLock.acquire(folder, key, { pid: 4711, host: hostname(), since: '2026-01-01T00:00:00Z' });
  held.push(lock);
  return lock;
}

it('one at a time has the lock of an import, and who comes second is told who that is', async () => {
  const first = await acquire('a');
  expect(await RunLock.isHeld(folder, 'a')).toBe(true);
  await expect(acquire('a')).rejects.toMatchObject({
    ...{ code: 'locked', disposition: 'locked' },
    message: expect.stringMatching(/process 4711 on .+, since 2026-01-01/) as string,
  });
  first.release();
  first.release();
  expect(await RunLock.isHeld(folder, 'a')).toBe(false);
  await acquire('a');
  expect(await rejectedBy(acquire('a'))).toBe('locked/locked');
});

it('different imports do not hinder each other', async () => {
  await acquire('b');
  await acquire('c');
  expect(await RunLock.isHeld(folder, 'd')).toBe(false);
});

it('looking whether it is held takes it from nobody, also while somebody takes it', async () => {
  for (let round = 0; round < 10; round++) {
    const [lock] = await Promise.all([acquire('e'), RunLock.isHeld(folder, 'e'), RunLock.isHeld(folder, 'e')]);
    expect(await RunLock.isHeld(folder, 'e')).toBe(true);
    lock.release();
  }
});

it('a message that nobody can read does not matter: the lock is the lock', async () => {
  await acquire('f');
  writeFileSync(join(folder, 'f.json'), '{half');
  expect(await rejectedBy(acquire('f'))).toBe('locked/locked');
  expect(statSync(join(folder, 'f.json')).mode & 0o777).toBe(0o600);
});

/** A process that has the lock, as an import does, until it is killed. */
const HOLDER = `
  const [folder, module] = process.argv.slice(1);
  const { RunLock } = await import(module);
  await RunLock.acquire(folder, 'g', { pid: process.pid, host: 'here', since: 'now' });
  console.log('held');
  setInterval(() => undefined, 1000);
`;

it('is free when the process that had it was killed', async () => {
  const built = pathToFileURL(join(PARTS, 'run-lock.js')).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, folder, built], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  expect(await RunLock.isHeld(folder, 'g')).toBe(true);
  expect(await rejectedBy(acquire('g'))).toBe('locked/locked');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await RunLock.isHeld(folder, 'g')).toBe(false);
  await acquire('g');
});
