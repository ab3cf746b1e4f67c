import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compileCacheFolder } from '../../../src/cli/compile-cache.js';
import { BIN } from '../../support/cli.js';

/** A newer Node, where one is named: the one that runs the tests may be too old to keep compiled code. */
const NODE = process.env['ZEP_IMPORT_TEST_NODE'] ?? process.execPath;
const [major = 0, minor = 0] = execFileSync(NODE, ['-p', 'process.versions.node'], { encoding: 'utf8' })
  .split('.')
  .map(Number);
const canKeep = major > 22 || (major === 22 && minor >= 8);

describe('the folder of compiled code', () => {
  it.each([
    ['linux', { XDG_CACHE_HOME: '/caches' }, '/caches/zep-import/compiled'],
    ['linux', { XDG_CACHE_HOME: 'relative' }, join(homedir(), '.cache', 'zep-import', 'compiled')],
    ['linux', {}, join(homedir(), '.cache', 'zep-import', 'compiled')],
    ['darwin', {}, join(homedir(), 'Library', 'Caches', 'zep-import', 'compiled')],
    ['win32', { LOCALAPPDATA: '/local' }, join('/local', 'zep-import', 'compiled')],
  ] as const)('follows the conventions of %s with %j', (platform, env, folder) => {
    expect(compileCacheFolder(env, platform)).toBe(folder);
  });
});

describe.skipIf(!canKeep)('compiled code', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'zi-compiled-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const start = (
    env: Readonly<Record<string, string>> = {},
  ): { code: number | null; stdout: string; stderr: string } => {
    const { PATH = '' } = process.env;
    const { status, stdout, stderr } = spawnSync(NODE, [BIN, '--version'], {
      env: { PATH, XDG_CACHE_HOME: folder, ...env },
      encoding: 'utf8',
      timeout: 30_000,
    });
    return { code: status, stdout, stderr };
  };
  const kept = join('zep-import', 'compiled');

  it('is kept for the next start', () => {
    expect(start()).toMatchObject({ code: 0, stderr: '' });
    const files = readdirSync(join(folder, kept), { recursive: true });
    expect(files.length).toBeGreaterThan(1);
    expect(start()).toMatchObject({ code: 0, stderr: '' });
  });

  it('is not kept where Node is told to keep none, or elsewhere', () => {
    start({ NODE_DISABLE_COMPILE_CACHE: '1' });
    start({ NODE_COMPILE_CACHE: join(folder, 'elsewhere') });
    expect(existsSync(join(folder, kept))).toBe(false);
  });

  it('is not looked for in a folder that others may write to', () => {
    mkdirSync(join(folder, kept), { recursive: true });
    chmodSync(join(folder, kept), 0o777);
    start();
    expect(readdirSync(join(folder, kept))).toEqual([]);
  });

  it('is not looked for below a folder in which others may put another in its place', () => {
    mkdirSync(join(folder, 'zep-import'));
    chmodSync(join(folder, 'zep-import'), 0o777);
    start();
    expect(readdirSync(join(folder, kept))).toEqual([]);
  });

  it.skipIf(process.getuid?.() !== 0)('leaves nothing of root in a folder of somebody else', () => {
    chownSync(folder, 1000, 1000);
    expect(start()).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is done without where its folder cannot be made', () => {
    for (const unusable of ['/proc/nowhere', '/dev/null/nowhere']) {
      expect(start({ XDG_CACHE_HOME: unusable })).toMatchObject({ code: 0, stderr: '' });
    }
  });
});
